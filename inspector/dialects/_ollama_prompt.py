"""A prompt of any API written as a request of Ollama's `/api/chat`."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.dialects._base import Json
from inspector.dialects._fields import present
from inspector.dialects._ollama_lines import arguments_of
from inspector.dialects._ollama_settings import write_settings
from inspector.dialects._openai_chat_prompt import Losses
from inspector.model.message import (
    Media,
    Message,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """A request's body that says the same, and what could not be said."""
    losses = Losses()
    messages = [said for message in prompt.messages for said in _messages(message, losses)]
    # A stream is what this API gives unless it is told otherwise.
    body: Json = {"model": prompt.model, "messages": messages, "stream": prompt.stream}
    if tools := [tool for declared in prompt.tools for tool in _tool(declared, losses)]:
        body["tools"] = tools
    settings, lost = write_settings(prompt.parameters)
    for words in lost:
        losses.add(words)
    return body | settings, losses.told()


def _messages(message: Message, losses: Losses) -> list[Json]:
    results = [_result(part, losses) for part in message.parts if isinstance(part, ToolResult)]
    rest = [part for part in message.parts if not isinstance(part, ToolResult)]
    if message.role == "tool":
        return [*results, *([{"role": "user", "content": _words(rest, losses)}] if rest else [])]
    said: Json = {"role": message.role, "content": _words(rest, losses)}
    if message.role == "assistant":
        if thoughts := "".join(str(part.content) for part in rest if isinstance(part, Reasoning)):
            said["thinking"] = thoughts
        if calls := [_call(part, losses) for part in rest if isinstance(part, ToolCall) and not part.server_side]:
            said["tool_calls"] = calls
    return [said, *results]


def _words(parts: Iterable[Part], losses: Losses) -> str:
    """The text of a message, which is one here; what is no text is told of where it has no other place."""
    words: list[str] = []
    for part in parts:
        match part:
            case Text() | Refusal():
                words.append(str(part.content))
            case Media():
                losses.add(f"{part.modality}: this API takes the bytes, and they are not known here")
            case Reasoning(content=content) if content or not part.encrypted:
                pass
            case Reasoning():
                losses.add("sealed thoughts of an earlier answer")
            case ToolCall() if part.server_side:
                losses.add(f"a call of the provider's own tool {part.name or part.kind}")
            case ToolCall():
                pass
            case _:
                losses.add("a part that this API has no place for")
    return "\n\n".join(words)


def _call(call: ToolCall, losses: Losses) -> Json:
    try:
        arguments = arguments_of(str(call.arguments))
    except ValueError:
        losses.add(f"the arguments of {call.name}, which are no JSON object: they stand as its `input`")
        arguments = {"input": str(call.arguments)}
    return {**({"id": call.id} if call.id else {}), "function": {"name": call.name, "arguments": arguments}}


def _result(result: ToolResult, losses: Losses) -> Json:
    if result.is_error:
        losses.add("the mark that a tool failed: only its words tell it now")
    named = {"tool_name": result.name, "tool_call_id": result.id}
    return {"role": "tool", "content": result.content, **{name: value for name, value in named.items() if value}}


def _tool(tool: Tool, losses: Losses) -> list[Json]:
    if tool.kind != "function":
        losses.add(f"the tool {tool.name}, which is no plain function")
        return []
    schema = tool.schema or {"type": "object", "properties": {}}
    function = {"name": tool.name, "description": tool.description or None, "parameters": schema}
    return [{"type": "function", "function": present(function)}]
