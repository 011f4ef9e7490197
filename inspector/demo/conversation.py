"""A conversation as the demo's agent keeps it, and how each API wants it sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from inspector.dialects._base import Json, parse_object
from inspector.model.message import Growing, Message, Part, Reasoning, Text, Tool, ToolCall, ToolResult

SENT_BACK = (Text, Reasoning, ToolCall)
"""The parts of an answer that the next request holds."""


@dataclass(slots=True)
class Conversation:
    """What is sent with every turn; the messages grow."""

    dialect: str
    """`anthropic-messages`, `openai-chat` or `openai-responses`."""
    model: str
    system: str
    tools: tuple[Tool, ...] = ()
    messages: list[Message] = field(default_factory=list)
    max_tokens: int = 300
    reasons: bool = False
    top_logprobs: int | None = None
    tool_choice: str = "auto"
    """`auto` or `none`."""
    stops: tuple[str, ...] = ()
    """Texts that end an answer."""
    stream: bool = True

    def say(self, text: str) -> None:
        """Add words of the user."""
        self.messages.append(Message("user", [Text(Growing(text))]))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request, ready to be sent."""

    path: str
    headers: dict[str, str]
    body: Json


def outgoing(conversation: Conversation) -> Outgoing:
    """The next request of a conversation."""
    return _WRITERS[conversation.dialect](conversation)


def anthropic_request(conversation: Conversation) -> Outgoing:
    """Anthropic Messages, with cache breakpoints on the system prompt and on the last block, as agents set them."""
    turns: list[Json] = []
    for message in conversation.messages:
        blocks = [_anthropic_block(part) for part in message.parts]
        role = "assistant" if message.role == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    cached = {"cache_control": {"type": "ephemeral"}}
    turns[-1]["content"][-1].update(cached)
    body: Json = {
        "model": conversation.model,
        "max_tokens": conversation.max_tokens,
        "system": [{"type": "text", "text": conversation.system, **cached}],
        "messages": turns,
        "stream": conversation.stream,
    }
    if conversation.tools:
        body["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": tool.schema}
            for tool in conversation.tools
        ]
        body["tool_choice"] = {"type": conversation.tool_choice}
    if conversation.reasons:
        body["thinking"] = {"type": "enabled", "budget_tokens": 1024}
    if conversation.stops:
        body["stop_sequences"] = list(conversation.stops)
    headers = {"anthropic-version": "2023-06-01", "x-api-key": "demo-key-without-a-lock"}
    return Outgoing("/v1/messages", headers, body)


def _anthropic_block(part: Part) -> Json:
    match part:
        case Text():
            return {"type": "text", "text": str(part.content)}
        case Reasoning():
            return {"type": "thinking", "thinking": str(part.content), "signature": part.signature}
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": _arguments(part)}
        case ToolResult():
            return {"type": "tool_result", "tool_use_id": part.id, "content": part.content, "is_error": part.is_error}
    raise TypeError(f"the demo agent sends no {type(part).__name__}")


def _arguments(call: ToolCall) -> Json:
    """The arguments of a call as an object; empty where they broke off."""
    try:
        return parse_object(str(call.arguments).encode())
    except ValueError:
        return {}


def chat_request(conversation: Conversation) -> Outgoing:
    """Chat Completions; thoughts are not sent back."""
    messages: list[Json] = [{"role": "system", "content": conversation.system}]
    for message in conversation.messages:
        messages += _chat_messages(message)
    body: Json = {
        "model": conversation.model,
        "messages": messages,
        "max_completion_tokens": conversation.max_tokens,
        "stream": conversation.stream,
    }
    if conversation.stream:
        body["stream_options"] = {"include_usage": True}
    if conversation.top_logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": conversation.top_logprobs}
    if conversation.tools:
        body["tools"] = [{"type": "function", "function": _function(tool)} for tool in conversation.tools]
        body["tool_choice"] = conversation.tool_choice
    if conversation.reasons:
        body["reasoning_effort"] = "low"
    if conversation.stops:
        body["stop"] = list(conversation.stops)
    return Outgoing("/v1/chat/completions", _OPENAI_HEADERS, body)


_OPENAI_HEADERS = {"authorization": "Bearer demo-key-without-a-lock"}


def _function(tool: Tool) -> Json:
    return {"name": tool.name, "description": tool.description, "parameters": tool.schema}


def _chat_messages(message: Message) -> list[Json]:
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    if results:
        return [{"role": "tool", "tool_call_id": part.id, "content": part.content} for part in results]
    sent: Json = {"role": message.role, "content": message.text() or None}
    if calls := message.tool_calls():
        sent["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": str(call.arguments)}}
            for call in calls
        ]
    return [sent]


def responses_request(conversation: Conversation) -> Outgoing:
    """Responses, with the whole history as input."""
    items = [_responses_item(message, part) for message in conversation.messages for part in message.parts]
    body: Json = {
        "model": conversation.model,
        "instructions": conversation.system,
        "input": items,
        "max_output_tokens": conversation.max_tokens,
        "stream": conversation.stream,
        "store": False,
    }
    if conversation.top_logprobs is not None:
        body |= {"include": ["message.output_text.logprobs"], "top_logprobs": conversation.top_logprobs}
    if conversation.tools:
        body["tools"] = [{"type": "function", **_function(tool), "strict": False} for tool in conversation.tools]
        body["tool_choice"] = conversation.tool_choice
    if conversation.reasons:
        body["reasoning"] = {"effort": "low", "summary": "auto"}
    return Outgoing("/v1/responses", _OPENAI_HEADERS, body)


def _responses_item(message: Message, part: Part) -> Json:
    match part:
        case Text():
            kind = "output_text" if message.role == "assistant" else "input_text"
            return {"type": "message", "role": message.role, "content": [{"type": kind, "text": str(part.content)}]}
        case Reasoning():
            return {"type": "reasoning", "summary": [{"type": "summary_text", "text": str(part.content)}]}
        case ToolCall():
            return {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": str(part.arguments)}
        case ToolResult():
            return {"type": "function_call_output", "call_id": part.id, "output": part.content}
    raise TypeError(f"the demo agent sends no {type(part).__name__}")


_WRITERS: dict[str, Callable[[Conversation], Outgoing]] = {
    "anthropic-messages": anthropic_request,
    "openai-chat": chat_request,
    "openai-responses": responses_request,
}
