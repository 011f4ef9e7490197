"""Results of the Model Context Protocol, made into parts. What they are, their members tell: each kind has its own.

https://modelcontextprotocol.io/specification/2025-11-25/schema
"""

from __future__ import annotations

import json

from inspector.dialects._base import Json
from inspector.dialects._fields import dump, list_of, object_of, objects_of, text_of, text_part
from inspector.dialects._mcp_messages import content_parts, resource_part, said, server_line, words_and_rest
from inspector.model.message import Other, Part, Tool, ToolResult

_LISTS = {
    "tools": ("tool", "name"),
    "resources": ("resource", "uri"),
    "resourceTemplates": ("template", "uriTemplate"),
    "prompts": ("prompt", "name"),
    "roots": ("root", "uri"),
}
"""What a list is of, and what its entries are called by, by its name."""
_FRAMING = frozenset({"_meta", "resultType", "ttlMs", "cacheScope"})


def result_parts(result: Json, call_id: str, tool: str) -> list[Part]:
    """A result; `tool` is what the request called, where it called one."""
    if tool or isinstance(result.get("content"), list):
        return _requests(result) or _tool_result(result, call_id, tool)
    if "capabilities" in result:
        return [text_part(words) for words in (server_line(result), text_of(result.get("instructions"))) if words]
    for name, (noun, key) in _LISTS.items():
        if isinstance(result.get(name), list):
            return [text_part(_listed(noun, [text_of(entry.get(key)) for entry in objects_of(result[name])]))]
    if isinstance(result.get("contents"), list):
        return [resource_part(resource) for resource in objects_of(result["contents"])]
    if isinstance(result.get("messages"), list):
        return [part for message in objects_of(result["messages"]) for part in _prompt_message(message)]
    if "completion" in result:
        values = [text_of(value) for value in list_of(object_of(result["completion"]).get("values"))]
        return [text_part(", ".join(values))] if values else []
    rest = {name: value for name, value in result.items() if name not in _FRAMING}
    return _requests(result) or ([Other("result", rest)] if rest else [])


def _listed(noun: str, names: list[str]) -> str:
    if not names:
        return f"no {noun}s"
    return f"{len(names)} {noun}{'s' if len(names) > 1 else ''}: {', '.join(names)}"


def declared(result: Json) -> list[Tool]:
    """The tools that a result lists."""
    return [
        Tool(text_of(tool.get("name")), text_of(tool.get("description")), tool.get("inputSchema"))
        for tool in objects_of(result.get("tools"))
    ]


def _tool_result(result: Json, call_id: str, tool: str) -> list[Part]:
    words, rest = words_and_rest(content_parts(list_of(result.get("content"))))
    structured = result.get("structuredContent")
    if structured is not None and not words:
        words = dump(structured)
    elif structured is not None and not _repeats(structured, words):
        rest.append(Other("structuredContent", structured))
    return [ToolResult(call_id, words, result.get("isError") is True, tool), *rest]


def _repeats(structured: object, words: str) -> bool:
    """Whether structured content says what the text does, as servers give it for older clients."""
    try:
        text = json.loads(words)
    except ValueError:
        text = words
    return structured in (text, {"result": text}, {"result": words})


def _prompt_message(message: Json) -> list[Part]:
    words, rest = words_and_rest(content_parts(message.get("content")))
    return [*([text_part(f"{text_of(message.get('role'))}: {words}")] if words else []), *rest]


def _requests(result: Json) -> list[Part]:
    """What a server wants to know before it goes on."""
    asked = [object_of(given) for given in object_of(result.get("inputRequests")).values()]
    return [part for given in asked for part in said(text_of(given.get("method")), object_of(given.get("params")))]
