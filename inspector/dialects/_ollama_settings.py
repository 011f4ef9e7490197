"""The settings of a request, from the names of other APIs to those of Ollama's.

https://docs.ollama.com/api/chat, https://docs.ollama.com/modelfile#valid-parameters-and-values
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, text_of

_SAME = frozenset({"format", "keep_alive", "think", "logprobs", "top_logprobs", "truncate", "shift"})
_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "seed": "seed",
    "stop": "stop",
    "stop_sequences": "stop",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "repetition_penalty": "repeat_penalty",
    "max_tokens": "num_predict",
    "max_completion_tokens": "num_predict",
    "max_output_tokens": "num_predict",
}
"""What stands in `options`, by its name elsewhere."""
_UNDERSTOOD = frozenset({"stream_options", "store", "anthropic_version", "parallel_tool_calls"})
"""What has no meaning there, and is missed by nobody."""


def write_settings(parameters: Json) -> tuple[Json, list[str]]:
    """The settings by their names here, and, in words, those that this API does not know."""
    written: Json = {}
    options: Json = {}
    lost: list[str] = []
    for name, value in parameters.items():
        if value is None or name in _UNDERSTOOD:
            continue
        if name in _OPTIONS:
            stops = name == "stop" and isinstance(value, str)
            options[_OPTIONS[name]] = [value] if stops else value
        elif name == "options":
            options |= object_of(value)
        elif name in _SAME:
            written[name] = value
        elif said := _translated(name, object_of(value), value):
            written |= said
        elif (name, value) != ("tool_choice", "auto"):
            lost.append(f"the setting {name}")
    return {**written, **({"options": options} if options else {})}, lost


def _translated(name: str, given: Json, value: object) -> Json:
    """What a setting says in this API; nothing where it says none of it."""
    match name:
        case "response_format" | "text" | "output_config":
            return _format(object_of(given.get("format")) or given)
        case "reasoning_effort" if text_of(value):
            return {"think": _effort(text_of(value))}
        case "reasoning" if effort := text_of(given.get("effort")):
            return {"think": _effort(effort)}
        case "thinking" if kind := text_of(given.get("type")):
            return {"think": kind != "disabled"}
        case _:
            return {}


def _format(form: Json) -> Json:
    """The form of the answer: a schema stands by itself here."""
    if form.get("type") == "json_object":
        return {"format": "json"}
    schema = object_of(form.get("json_schema")).get("schema") or form.get("schema")
    return {"format": schema} if form.get("type") == "json_schema" and schema else {}


def _effort(effort: str) -> str | bool:
    """Ollama knows three efforts, and none."""
    nearest = {"minimal": "low", "xhigh": "high", "max": "high"}
    return effort != "none" and nearest.get(effort, effort)
