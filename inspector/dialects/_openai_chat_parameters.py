"""Parameters of Anthropic Messages and Responses, by the names that the Chat Completions API has for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from inspector.dialects._base import Json
from inspector.dialects._fields import dump, int_of, list_of, object_of, objects_of, present, text_of

_KEPT = frozenset(
    [
        "audio",
        "frequency_penalty",
        "logit_bias",
        "max_completion_tokens",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream_options",
        "temperature",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
        "function_call",
    ]
)
_RENAMED = {"max_tokens": "max_completion_tokens", "max_output_tokens": "max_completion_tokens"}
_RENAMED |= {"stop_sequences": "stop"}
_SERVER_STATE = frozenset({"previous_response_id", "conversation", "prompt", "container"})

Told = tuple[Json, list[str]]


def write_parameters(given: Mapping[str, Any]) -> Told:
    """The same parameters for this API, and, in words, those that it does not have."""
    written: Json = {}
    lost: list[str] = []
    for name, value in present(dict(given)).items():
        if name in _MAPPED:
            fields, words = _MAPPED[name](value)
        elif name in _SERVER_STATE:
            fields, words = {}, [f"{name}: what the provider keeps of it is not in the request"]
        elif name in _KEPT or name in _RENAMED:
            fields, words = {_RENAMED.get(name, name): value}, []
        else:
            fields, words = {}, [f"{name}: {_short(value)}"]
        written |= fields
        lost += words
    return written, lost


def _short(value: object) -> str:
    text = value if isinstance(value, str) else dump(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _thinking(value: object) -> Told:
    """Anthropic's thinking: a budget of tokens has no word here."""
    budget = int_of(object_of(value).get("budget_tokens"))
    if object_of(value).get("type") == "disabled":
        return {}, []
    return {}, [f"the thinking budget of {budget} tokens" if budget else f"thinking: {_short(value)}"]


def _effort(value: object) -> Told:
    """`reasoning` of Responses, `output_config` of Anthropic."""
    config = object_of(value)
    written = present({"reasoning_effort": config.get("effort")})
    if form := object_of(config.get("format")):
        written["response_format"] = _response_format(form)
    rest = {name: value for name, value in config.items() if name not in ("effort", "format") and value is not None}
    return written, [f"{name}: {_short(value)}" for name, value in rest.items()]


def _text(value: object) -> Told:
    """`text` of Responses: the form of the answer, and how wordy it is."""
    given = object_of(value)
    written = present({"verbosity": given.get("verbosity")})
    form = object_of(given.get("format"))
    if form and form.get("type") != "text":
        written["response_format"] = _response_format(form)
    return written, []


def _response_format(form: Json) -> Json:
    """Responses and Anthropic have the schema beside the type; here it is one level deeper, with a name."""
    if form.get("type") != "json_schema" or "json_schema" in form:
        return form
    schema = {"name": "answer", **{name: value for name, value in form.items() if name != "type"}}
    return {"type": "json_schema", "json_schema": schema}


def _tool_choice(value: object) -> Told:
    if isinstance(value, str):
        return {"tool_choice": value}, []
    choice = object_of(value)
    parallel = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") is True else {}
    kind, name = text_of(choice.get("type")), text_of(choice.get("name"))
    if kind in ("auto", "none"):
        return {"tool_choice": kind, **parallel}, []
    if kind == "any":
        return {"tool_choice": "required", **parallel}, []
    if kind == "tool":
        return {"tool_choice": {"type": "function", "function": {"name": name}}, **parallel}, []
    if kind in ("function", "custom"):
        return {"tool_choice": {"type": kind, kind: {"name": name}} if name else choice}, []
    if kind == "allowed_tools":
        return {"tool_choice": _allowed(choice)}, []
    return {}, [f"tool_choice: {_short(value)}"]


def _allowed(choice: Json) -> Json:
    if "allowed_tools" in choice:
        return choice
    tools = [{"type": "function", "function": {"name": tool.get("name")}} for tool in objects_of(choice.get("tools"))]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.get("mode", "auto"), "tools": tools}}


def _metadata(value: object) -> Told:
    """Anthropic's names a user; that of OpenAI is any pairs, which go with `store` only."""
    given = object_of(value)
    user = given.get("user_id")
    rest = {name: value for name, value in given.items() if name != "user_id"}
    return {**({"user": user} if user else {}), **({"metadata": rest} if rest else {})}, []


def _top_logprobs(value: object) -> Told:
    return {"logprobs": True, "top_logprobs": value}, []


def _logprobs(value: object) -> Told:
    """A number in Completions: that of the alternatives."""
    if isinstance(value, bool) or (count := int_of(value)) is None:
        return {"logprobs": value}, []
    return {"logprobs": True, **({"top_logprobs": count} if count else {})}, []


def _service_tier(value: object) -> Told:
    return {"service_tier": "default" if value == "standard_only" else value}, []


def _cache_control(_: object) -> Told:
    return {}, ["cache_control: what is cached is the provider's choice"]


def _include(value: object) -> Told:
    """What Responses adds to its answers on request."""
    asked = [text for entry in list_of(value) if (text := text_of(entry))]
    if "message.output_text.logprobs" in asked:
        return {"logprobs": True}, [f"include: {name}" for name in asked if name != "message.output_text.logprobs"]
    return {}, [f"include: {name}" for name in asked]


_MAPPED: dict[str, Callable[[object], Told]] = {
    "thinking": _thinking,
    "reasoning": _effort,
    "output_config": _effort,
    "text": _text,
    "tool_choice": _tool_choice,
    "metadata": _metadata,
    "logprobs": _logprobs,
    "top_logprobs": _top_logprobs,
    "service_tier": _service_tier,
    "cache_control": _cache_control,
    "include": _include,
}
