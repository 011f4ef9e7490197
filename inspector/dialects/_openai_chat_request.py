"""The request of the Chat Completions API, read into a prompt."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import name_results, object_of, objects_of, text_of
from inspector.dialects._openai_chat_parts import add_reasoning, content_parts, images, whole_call
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Part,
    Prompt,
    Refusal,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_NOT_PARAMETERS = frozenset({"model", "messages", "tools", "functions", "stream"})


def read_prompt(body: Json) -> Prompt:
    """Read a request's body. ValueError where it has no list of messages."""
    if not isinstance(body.get("messages"), list):
        raise ValueError("a Chat Completions request has a list of messages")
    messages = [_message(message) for message in objects_of(body["messages"])]
    name_results(messages)
    functions = [{"type": "function", "function": function} for function in objects_of(body.get("functions"))]
    return Prompt(
        model=text_of(body.get("model")),
        messages=messages,
        tools=[_tool(tool) for tool in [*objects_of(body.get("tools")), *functions]],
        stream=body.get("stream") is True,
        parameters={name: value for name, value in body.items() if name not in _NOT_PARAMETERS},
    )


def _message(message: Json) -> Message:
    role = _ROLES.get(text_of(message.get("role")), "user")
    name = text_of(message.get("name"))
    if role == "tool":
        return Message(role, _result(message), name=name)
    parts: list[Part] = []
    if role == "assistant":
        add_reasoning(parts, message)
    parts += content_parts(message.get("content"))
    if refusal := text_of(message.get("refusal")):
        parts.append(Refusal(Growing(refusal)))
    if audio := object_of(message.get("audio")):
        parts.append(Media("audio", uri=text_of(audio.get("id"))))
    parts += images(message)
    parts += [whole_call(call) for call in objects_of(message.get("tool_calls"))]
    if call := object_of(message.get("function_call")):
        parts.append(whole_call({"function": call}))
    return Message(role, parts, name=name)


def _result(message: Json) -> list[Part]:
    """What a tool gave back: its words as the result, anything else beside it."""
    parts = content_parts(message.get("content"))
    words = "".join(str(part.content) for part in parts if isinstance(part, Text))
    result = ToolResult(text_of(message.get("tool_call_id")), words, name=text_of(message.get("name")))
    return [result, *(part for part in parts if not isinstance(part, Text | ToolCall))]


def _tool(tool: Json) -> Tool:
    """A declared tool: a function, a custom tool with a grammar, or one that the server runs (`web_search`, …)."""
    kind = text_of(tool.get("type")) or "function"
    spec = object_of(tool.get(kind))
    if kind in ("function", "custom"):
        spec = spec or tool
        schema = spec.get("parameters") if kind == "function" else spec.get("format")
        return Tool(text_of(spec.get("name")), text_of(spec.get("description")), schema, kind)
    return Tool(text_of(spec.get("name")) or kind, text_of(spec.get("description")), spec or None, kind)
