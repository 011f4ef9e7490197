"""A request of any provider, written for Cohere's Chat API, whose messages are those of Chat Completions."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import dump, list_of, object_of, objects_of, text_of
from inspector.dialects._openai_chat_prompt import Losses
from inspector.dialects._openai_chat_prompt import write_prompt as write_chat
from inspector.model.message import Prompt

_OWN = frozenset(
    [
        "citation_options",
        "documents",
        "k",
        "p",
        "priority",
        "safety_mode",
        "strict_tools",
    ]
)
"""Settings that no other API has by these names."""
_RENAMED = {"max_completion_tokens": "max_tokens", "top_p": "p"}
_SAME = frozenset({"temperature", "seed", "frequency_penalty", "presence_penalty", "logprobs"})
_NOTHING = frozenset({"stream_options", "store", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls"})
"""Settings of Chat Completions without which the answer is the same, or which say what this API does anyway."""
_CHOICES = {"required": "REQUIRED", "none": "NONE"}


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """The body, and in words for the person what could not be said."""
    own = {name: value for name, value in prompt.parameters.items() if name in _OWN}
    settings = {name: value for name, value in prompt.parameters.items() if name not in _OWN}
    if (k := settings.pop("top_k", None)) is not None:
        own["k"] = k
    thinking = object_of(settings.pop("thinking", None))
    chat, lost = write_chat(Prompt(prompt.model, prompt.messages, prompt.tools, prompt.stream, settings))
    losses = Losses()
    messages = [_message(message, losses) for message in objects_of(chat.pop("messages"))]
    body: Json = {"model": chat.pop("model"), "messages": messages}
    if tools := [tool for tool in objects_of(chat.pop("tools", None)) if _is_function(tool, losses)]:
        body["tools"] = tools
    body |= own | _thinking(thinking)
    for name, value in chat.items():
        body |= _parameter(name, value, losses)
    return body, [*lost, *losses.told()]


def _message(message: Json, losses: Losses) -> Json:
    written = {name: value for name, value in message.items() if name not in ("refusal", "name")}
    if not written.get("content") and (refusal := text_of(message.get("refusal"))):
        written["content"] = refusal
    if calls := [call for call in objects_of(message.get("tool_calls")) if _is_function(call, losses)]:
        written["tool_calls"] = calls
    else:
        written.pop("tool_calls", None)
    if written.get("content") is None:
        written.pop("content", None)
    return written


def _is_function(given: Json, losses: Losses) -> bool:
    """Whether a tool, or a call, is one of a function, as all are here; a function without parameters gets an empty
    schema.
    """
    if given.get("type") != "function":
        losses.add(f"the tool {text_of(object_of(given.get('custom')).get('name'))}, which takes free text")
        return False
    function = object_of(given.get("function"))
    if "arguments" not in function:
        function.setdefault("parameters", {"type": "object", "properties": {}})
    return True


def _thinking(given: Json) -> Json:
    """Anthropic's thinking, or Cohere's own."""
    if given.get("type") not in ("enabled", "disabled"):
        return {}
    budget = given.get("token_budget", given.get("budget_tokens"))
    return {"thinking": {"type": given["type"], **({} if budget is None else {"token_budget": budget})}}


def _parameter(name: str, value: object, losses: Losses) -> Json:
    match name:
        case "stream":
            return {name: value}
        case "stop":
            return {"stop_sequences": [value] if isinstance(value, str) else list_of(value)}
        case "response_format":
            return {name: _format(object_of(value))}
        case "tool_choice" if isinstance(value, str) and value.lower() in _CHOICES:
            return {name: _CHOICES[value.lower()]}
        case "tool_choice" if value == "auto":
            return {}
        case _ if name in _SAME or name in _RENAMED:
            return {_RENAMED.get(name, name): value}
        case _ if name not in _NOTHING:
            losses.add(f"{name}: {dump(value)[:60]}")
    return {}


def _format(form: Json) -> Json:
    """A schema stands in `json_schema` of Chat Completions one level deeper, with a name."""
    if form.get("type") != "json_schema":
        return form
    return {"type": "json_object", "json_schema": object_of(form.get("json_schema")).get("schema")}
