"""Settings and tools of any API, as those of the Gemini API.

https://ai.google.dev/api/generate-content#generationconfig and https://ai.google.dev/api/caching#Tool
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from inspector.dialects._base import Json
from inspector.dialects._fields import dump, int_of, object_of, present, text_of
from inspector.model.message import Tool

_RENAMED = {
    "max_tokens": "maxOutputTokens",
    "max_completion_tokens": "maxOutputTokens",
    "n": "candidateCount",
    "stop": "stopSequences",
}
_GENERATION = frozenset(
    [
        "temperature",
        "topP",
        "topK",
        "candidateCount",
        "maxOutputTokens",
        "stopSequences",
        "responseMimeType",
        "responseSchema",
        "responseJsonSchema",
        "responseLogprobs",
        "logprobs",
        "thinkingConfig",
        "responseModalities",
        "seed",
        "speechConfig",
        "presencePenalty",
        "frequencyPenalty",
        "mediaResolution",
        "audioTimestamp",
        "routingConfig",
        "imageConfig",
        "enableEnhancedCivicAnswers",
    ]
)
"""What stands in `generationConfig`."""
_OWN = frozenset({"safetySettings", "toolConfig", "cachedContent", "labels"})
"""What stands beside it."""
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "any": "ANY"}
_FRAMING = frozenset({"stream_options"})
_TOOLS = frozenset(
    ["google_search", "google_search_retrieval", "code_execution", "url_context", "google_maps", "file_search"]
)
"""What Google runs itself."""

Told = tuple[Json, list[str]]


def write_parameters(given: Mapping[str, Any], *, declared: bool) -> Told:
    """The same settings as members of a request, and, in words, those that it does not have. `declared` says whether
    there are tools to choose from.
    """
    generation: Json = {}
    body: Json = {}
    lost: list[str] = []
    for name, value in present(dict(given)).items():
        camel = _RENAMED.get(name) or _camel(name)
        if name == "tool_choice":
            body |= _choice(value) if declared else {}
        elif name in _SHAPED and not _is_own(name, value):
            shaped = _SHAPED[name](value)
            generation |= shaped or {}
            lost += [_told(name, value)] if shaped is None else []
        elif camel in _GENERATION:
            generation[camel] = [value] if camel == "stopSequences" and isinstance(value, str) else value
        elif camel in _OWN:
            body[camel] = value
        elif name not in _FRAMING:
            lost.append(_told(name, value))
    return ({**body, "generationConfig": generation} if generation else body), lost


def _told(name: str, value: object) -> str:
    return f"{name}: {dump(value)[:60]}"


def _is_own(name: str, value: object) -> bool:
    """Whether a setting is Gemini's in spite of its name: `logprobs` is a number here."""
    return name == "logprobs" and int_of(value) is not None


def _logprobs(value: object) -> Json:
    return {"responseLogprobs": True} if value is True else {}


def _top_logprobs(value: object) -> Json:
    return {"responseLogprobs": True, "logprobs": value}


def _thinking(value: object) -> Json | None:
    """Anthropic's thinking."""
    given = object_of(value)
    budget = 0 if given.get("type") == "disabled" else int_of(given.get("budget_tokens"))
    return None if budget is None else {"thinkingConfig": {"thinkingBudget": budget}}


def _response_format(value: object) -> Json | None:
    """The form of the answer. Chat Completions has the schema one level deeper than the others."""
    form = object_of(value)
    schema = object_of(form.get("json_schema") or form).get("schema")
    match form.get("type"):
        case None | "text":
            return {}
        case "json_object":
            return {"responseMimeType": "application/json"}
        case "json_schema" if schema:
            return {"responseMimeType": "application/json", "responseJsonSchema": schema}
        case _:
            return None


def _formatted(value: object) -> Json | None:
    """`text` of Responses, `output_config` of Anthropic: the form stands within, beside what has no counterpart."""
    given = object_of(value)
    return _response_format(given.get("format")) if set(given) <= {"format"} else None


def _store(value: object) -> Json | None:
    return None if value else {}


_SHAPED: dict[str, Callable[[object], Json | None]] = {
    "logprobs": _logprobs,
    "top_logprobs": _top_logprobs,
    "thinking": _thinking,
    "response_format": _response_format,
    "text": _formatted,
    "output_config": _formatted,
    "store": _store,
}
"""Settings that have another shape here: None for what has no counterpart, an empty object for what happens anyway."""


def _choice(value: object) -> Json:
    form = object_of(value)
    kind = value if isinstance(value, str) else text_of(form.get("type"))
    name = text_of(form.get("name")) or text_of(object_of(form.get("function")).get("name"))
    config = {"mode": "ANY", "allowedFunctionNames": [name]} if name else present({"mode": _MODES.get(kind)})
    return {"toolConfig": {"functionCallingConfig": config}} if config else {}


def write_tools(tools: list[Tool]) -> tuple[list[Json], list[str]]:
    """The tools that the client runs, in one list, and Google's own; and, in words, those that it does not know."""
    functions: list[Json] = []
    own: list[Json] = []
    lost: list[str] = []
    for tool in tools:
        if tool.kind == "function":
            schema = {"parametersJsonSchema": tool.schema} if tool.schema else {}
            functions.append({"name": tool.name, "description": tool.description, **schema})
        elif tool.kind in _TOOLS:
            own.append({_camel(tool.kind): tool.schema or {}})
        elif tool.kind == "custom":
            lost.append(f"the tool {tool.name}, which takes free text")
        else:
            lost.append(f"the tool {tool.name}, which its provider runs itself")
    return ([{"functionDeclarations": functions}] if functions else []) + own, lost


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
