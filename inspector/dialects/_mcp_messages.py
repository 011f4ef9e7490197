"""JSON-RPC messages of the Model Context Protocol, made into parts that a person understands.

https://modelcontextprotocol.io/specification/2025-11-25/basic and …/2026-07-28/basic
"""

from __future__ import annotations

import json
from collections.abc import Callable

import orjson

from inspector.dialects._base import Json
from inspector.dialects._fields import base64_size, dump, list_of, object_of, objects_of, text_of, text_part
from inspector.model.message import Growing, Media, Message, Other, Part, Text, ToolCall, ToolResult

CALL = "tools/call"


def messages_in(body: bytes) -> list[Json]:
    """The messages of a body, or of an event: one, or a batch. ValueError where there is no object in it."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = json.loads(body.decode("utf-8", "replace"))
    found = objects_of(value) if isinstance(value, list) else [value] if isinstance(value, dict) else []
    if not found:
        raise ValueError("a message of MCP is a JSON object")
    return found


def key_of(message: Json) -> str | None:
    """What an id is known by: `1` and `"1"` are different ids. None for a message that has none."""
    return None if message.get("id") is None else dump(message["id"])


def asked_message(message: Json) -> Message:
    """One message of a client: a request, a notification, or its answer to what the server asked."""
    method, params = text_of(message.get("method")), object_of(message.get("params"))
    if method == CALL:
        arguments = Growing(dump(params.get("arguments", {})))
        call = ToolCall(key_of(message) or "", text_of(params.get("name")), arguments, done=True)
        return Message("assistant", [call])
    if method:
        return Message("user", said(method, params))
    if error := error_of(message):
        return Message("user", [text_part(error)])
    result = object_of(message.get("result"))
    if "content" in result and "role" in result:
        return Message("assistant", content_parts(result["content"]))
    action = text_of(result.get("action"))
    return Message("user", [text_part(action)] if action and len(result) == 1 else [Other("result", result)])


def said(method: str, params: Json) -> list[Part]:
    """A request or a notification: a line that tells what it is about, and the rest of it."""
    line, told = _line(method, params)
    rest = {name: value for name, value in params.items() if name not in (*told, "_meta")}
    return [text_part(line), *([Other("params", rest)] if rest else [])]


def error_of(message: Json) -> str | None:
    """The error in a message, as `code: words`; None where there is none."""
    error = message.get("error")
    if not isinstance(error, dict):
        return None
    words = text_of(error.get("message")) or dump(error)
    code = error.get("code")
    return words if code is None else f"{code}: {words}"


def content_parts(content: object) -> list[Part]:
    """Blocks of content: text, pictures, sounds, resources."""
    blocks = content if isinstance(content, list) else [content]
    return [_block(block) if isinstance(block, dict) else text_part(text_of(block)) for block in blocks]


def _block(block: Json) -> Part:
    kind = text_of(block.get("type"))
    match kind:
        case "text":
            return text_part(text_of(block.get("text")))
        case "image" | "audio":
            return Media(kind, text_of(block.get("mimeType")), size=base64_size(text_of(block.get("data"))))
        case "resource":
            return resource_part(object_of(block.get("resource")))
        case "resource_link":
            return Media("file", text_of(block.get("mimeType")), uri=text_of(block.get("uri")))
        case "tool_use":
            arguments = Growing(dump(block.get("input", {})))
            return ToolCall(text_of(block.get("id")), text_of(block.get("name")), arguments, done=True)
        case "tool_result":
            words, _ = words_and_rest(content_parts(list_of(block.get("content"))))
            return ToolResult(text_of(block.get("toolUseId")), words, block.get("isError") is True)
        case _:
            return Other(kind or "content", block)


def resource_part(resource: Json) -> Part:
    """A resource that was read: its text, or what it is."""
    if isinstance(resource.get("text"), str):
        return text_part(resource["text"])
    size = base64_size(text_of(resource.get("blob")))
    return Media("file", text_of(resource.get("mimeType")), text_of(resource.get("uri")), size)


def words_and_rest(parts: list[Part]) -> tuple[str, list[Part]]:
    """The texts of these parts as one, and the other parts."""
    texts = [str(part.content) for part in parts if isinstance(part, Text)]
    return "\n".join(texts), [part for part in parts if not isinstance(part, Text)]


def _line(method: str, params: Json) -> tuple[str, tuple[str, ...]]:
    """What a message is about, on one line, and the names of the parameters that it tells."""
    names, write = _LINES.get(method, (("uri", "name", "message", "level", "taskId"), None))
    told = tuple(name for name in names if name in params)
    words = write(params) if write is not None else " ".join(text_of(params[name]) for name in told[:1])
    return " ".join(filter(None, (method, words))), told if write is not None else told[:1]


def _who(info: object) -> str:
    who = object_of(info)
    return " ".join(filter(None, (text_of(who.get("name")), text_of(who.get("version")))))


def _initialize(params: Json) -> str:
    return f"{_who(params.get('clientInfo'))}, protocol {text_of(params.get('protocolVersion'))}"


def _progress(params: Json) -> str:
    done, total = params.get("progress"), params.get("total")
    share = dump(done) if total is None else f"{dump(done)}/{dump(total)}"
    return " ".join(filter(None, (share, text_of(params.get("message")))))


def _log(params: Json) -> str:
    head = " ".join(filter(None, (text_of(params.get("level")), text_of(params.get("logger")))))
    data = params.get("data")
    words = object_of(data).get("msg", data)
    return f"{head}: {words if isinstance(words, str) else dump(words)}"


def _cancelled(params: Json) -> str:
    return " ".join(filter(None, (dump(params.get("requestId")), text_of(params.get("reason")))))


def _sampling(params: Json) -> str:
    last = objects_of(params.get("messages"))[-1:]
    return " ".join(words_and_rest(content_parts(message.get("content")))[0] for message in last)


_LINES: dict[str, tuple[tuple[str, ...], Callable[[Json], str]]] = {
    "initialize": (("clientInfo", "protocolVersion"), _initialize),
    "notifications/progress": (("progress", "total", "message", "progressToken"), _progress),
    "notifications/message": (("level", "logger", "data"), _log),
    "notifications/cancelled": (("requestId", "reason"), _cancelled),
    "sampling/createMessage": ((), _sampling),
}
"""Which parameters a line tells, and how, by method."""


def server_line(result: Json) -> str:
    """A server that introduces itself: its name, the protocol, and what it has."""
    versions = [text_of(version) for version in list_of(result.get("supportedVersions"))]
    version = text_of(result.get("protocolVersion")) or ", ".join(versions)
    has = ", ".join(object_of(result.get("capabilities")))
    return ": ".join(filter(None, (", protocol ".join(filter(None, (_who(server_of(result)), version))), has)))


def server_of(result: Json) -> Json:
    """What a result says of the server that gives it; empty where it says nothing."""
    meta = object_of(result.get("_meta"))
    return object_of(result.get("serverInfo")) or object_of(meta.get("io.modelcontextprotocol/serverInfo"))
