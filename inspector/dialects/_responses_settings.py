"""The settings of a request, from the names of Chat Completions and Anthropic Messages to those of Responses.

What they mean: https://platform.openai.com/docs/guides/migrate-to-responses, and for Anthropic
https://docs.anthropic.com/en/api/messages
"""

from __future__ import annotations

from collections.abc import Callable

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, object_of, text_of

_SAME = frozenset(
    {
        "background",
        "conversation",
        "include",
        "max_output_tokens",
        "max_tool_calls",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "store",
        "temperature",
        "text",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
_UNDERSTOOD = frozenset({"stream_options", "anthropic_version"})
"""What has no meaning there, and is missed by nobody."""
_CHOICES = frozenset({"auto", "none", "required"})
_TIERS = frozenset({"auto", "default", "flex", "priority", "scale"})


def write_settings(parameters: Json) -> tuple[Json, list[str]]:
    """The settings by their names here, and which of them this API does not know."""
    written: Json = {}
    lost: list[str] = []
    for name, value in parameters.items():
        if value is None or name in _UNDERSTOOD:
            continue
        if name in _SAME:
            _add(written, {name: value})
        elif (said := _RULES.get(name, _nothing)(value)) is not None:
            _add(written, said)
        else:
            lost.append(f"the setting {name}")
    if object_of(parameters.get("thinking")).get("type") == "enabled":
        lost.append("how many tokens the model may think: an effort stands for them")
    return written, lost


def _add(written: Json, said: Json) -> None:
    """Take settings; objects that two of them share (`text`, `reasoning`) are put together."""
    for name, value in said.items():
        known = written.get(name)
        written[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value


def _nothing(_: object) -> Json | None:
    return None


def _limit(value: object) -> Json | None:
    return {"max_output_tokens": value}


def _choice(value: object) -> Json | None:
    """Which tool must be called, by its name in the three APIs."""
    if isinstance(value, str):
        return {"tool_choice": value} if value in _CHOICES else None
    given = object_of(value)
    kind = text_of(given.get("type"))
    serial = {"parallel_tool_calls": False} if given.get("disable_parallel_tool_use") is True else {}
    name = text_of(given.get("name")) or text_of(object_of(given.get(kind)).get("name"))
    if kind in ("auto", "none", "any"):
        return {"tool_choice": "required" if kind == "any" else kind, **serial}
    if kind in ("tool", "function", "custom") and name:
        return {"tool_choice": {"type": "custom" if kind == "custom" else "function", "name": name}, **serial}
    return {"tool_choice": value} if kind not in ("", "allowed_tools") else None


def _form(value: object) -> Json | None:
    """`response_format` of Chat Completions; Anthropic's `output_format` is its own schema."""
    given = object_of(value)
    if given.get("type") == "json_schema":
        spec = object_of(given.get("json_schema")) or {"schema": given.get("schema"), "strict": True}
        return {"text": {"format": {"type": "json_schema", "name": "answer", **spec}}}
    return {"text": {"format": {"type": given["type"]}}} if given.get("type") in ("text", "json_object") else None


def _thinking(value: object) -> Json | None:
    """Anthropic's budget of tokens to think, as an effort; `adaptive` leaves that to the model, as here."""
    given = object_of(value)
    budget = int_of(given.get("budget_tokens"))
    if given.get("type") != "enabled" or budget is None:
        return {}
    return {"reasoning": {"effort": "low" if budget < 4096 else "medium" if budget < 16384 else "high"}}


def _output_config(value: object) -> Json | None:
    """Anthropic's `output_config`: an effort, and the form of the answer."""
    given = object_of(value)
    said = (_form(given["format"]) or {}) if given.get("format") else {}
    if effort := text_of(given.get("effort")):
        said["reasoning"] = {"effort": effort if effort in ("low", "medium", "high") else "xhigh"}
    return said


def _logprobs(value: object) -> Json | None:
    return {"include": ["message.output_text.logprobs"]} if value is True else {}


def _metadata(value: object) -> Json | None:
    """Labels of the sender's own. Anthropic's hold a `user_id` that means something else."""
    given = object_of(value)
    return {"metadata": given} if "user_id" not in given else None


def _tier(value: object) -> Json | None:
    return {"service_tier": value} if value in _TIERS else None


def _one(value: object) -> Json | None:
    """`n`: there is one answer only."""
    return {} if value == 1 else None


_RULES: dict[str, Callable[[object], Json | None]] = {
    "max_tokens": _limit,
    "max_completion_tokens": _limit,
    "tool_choice": _choice,
    "response_format": _form,
    "output_format": _form,
    "output_config": _output_config,
    "reasoning_effort": lambda value: {"reasoning": {"effort": value}},
    "verbosity": lambda value: {"text": {"verbosity": value}},
    "thinking": _thinking,
    "logprobs": _logprobs,
    "metadata": _metadata,
    "service_tier": _tier,
    "n": _one,
}
"""How settings of other names, or of another shape, are said here; None where they cannot be."""
