"""The request of Ollama's API, read into a prompt."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import base64_size, list_of, object_of, objects_of, text_of, text_part
from inspector.dialects._openai_chat_parts import content_parts, whole_call
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Part,
    Prompt,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

_ROLES: dict[str, Role] = {"system": "system", "assistant": "assistant", "tool": "tool"}
_NOT_PARAMETERS = frozenset({"model", "messages", "prompt", "system", "images", "tools", "stream"})


def read_prompt(body: Json) -> Prompt:
    """Read a request's body, `/api/chat`'s or `/api/generate`'s; one without messages only loads the model.

    ValueError where the messages are no list, or the prompt is no text.
    """
    if not (isinstance(body.get("messages", []), list | None) and isinstance(body.get("prompt", ""), str | None)):
        raise ValueError("a request of Ollama's API has a list of messages, or a prompt")
    messages = _generate(body) + [_message(message) for message in objects_of(body.get("messages"))]
    _name_results(messages)
    return Prompt(
        model=text_of(body.get("model")),
        messages=messages,
        tools=[_tool(tool) for tool in objects_of(body.get("tools"))],
        stream=body.get("stream") is not False,
        parameters={name: value for name, value in body.items() if name not in _NOT_PARAMETERS},
    )


def _generate(body: Json) -> list[Message]:
    """What a request of `/api/generate` says."""
    messages: list[Message] = []
    if system := text_of(body.get("system")):
        messages.append(Message("system", [text_part(system)]))
    prompt = text_of(body.get("prompt"))
    if said := [*([text_part(prompt)] if prompt else []), *_images(body)]:
        messages.append(Message("user", said))
    return messages


def _message(message: Json) -> Message:
    role = _ROLES.get(text_of(message.get("role")), "user")
    parts = content_parts(message.get("content"))
    if role == "tool":
        words = "".join(str(part.content) for part in parts if isinstance(part, Text))
        name = text_of(message.get("tool_name")) or text_of(message.get("name"))
        return Message(role, [ToolResult(text_of(message.get("tool_call_id")), words, name=name), *_images(message)])
    if thoughts := text_of(message.get("thinking")):
        parts.insert(0, Reasoning(Growing(thoughts)))
    calls = [whole_call(call) for call in objects_of(message.get("tool_calls"))]
    return Message(role, [*parts, *_images(message), *calls])


def _images(holder: Json) -> list[Part]:
    """Images stand beside the words, as base64."""
    return [Media("image", size=base64_size(text_of(image))) for image in list_of(holder.get("images"))]


def _tool(tool: Json) -> Tool:
    spec = object_of(tool.get("function"))
    return Tool(text_of(spec.get("name")), text_of(spec.get("description")), spec.get("parameters"))


def _name_results(messages: list[Message]) -> None:
    """Give every nameless result the name of its call: the one of its id, or the first that has no result yet."""
    waiting: list[ToolCall] = []
    for message in messages:
        waiting += message.tool_calls()
        for result in (part for part in message.parts if isinstance(part, ToolResult)):
            mine = (call for call in waiting if (call.id == result.id if result.id else result.name in ("", call.name)))
            if (call := next(mine, None)) is not None:
                waiting.remove(call)
                result.name = result.name or call.name
