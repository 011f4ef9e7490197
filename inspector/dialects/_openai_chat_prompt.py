"""A prompt of any API written as a request of the Chat Completions API."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, present
from inspector.dialects._openai_chat_parameters import write_parameters
from inspector.model.message import (
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)


class Losses:
    """What could not be said, in words for the person, each once."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, words: str) -> None:
        """One more of these."""
        self._counts[words] = self._counts.get(words, 0) + 1

    def told(self) -> list[str]:
        """The losses in the order in which they were met."""
        return [words if count == 1 else f"{words} ({count} times)" for words, count in self._counts.items()]


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """A request's body that says the same, and what could not be said."""
    losses = Losses()
    body: Json = {"model": prompt.model, "messages": []}
    for message in prompt.messages:
        body["messages"] += _messages(message, losses)
    if tools := [tool for declared in prompt.tools for tool in _tool(declared, losses)]:
        body["tools"] = tools
    parameters, lost = write_parameters(prompt.parameters)
    body |= parameters
    if prompt.stream:
        body["stream"] = True
        # The other APIs tell token counts in every stream.
        body.setdefault("stream_options", {"include_usage": True})
    for words in lost:
        losses.add(words)
    return body, losses.told()


def _messages(message: Message, losses: Losses) -> list[Json]:
    match message.role:
        case "assistant":
            return _assistant(message, losses)
        case "tool":
            results = [_result(part, losses) for part in message.parts if isinstance(part, ToolResult)]
            # A tool's message has room for words only: pictures follow as the user's.
            rest = _content([part for part in message.parts if not isinstance(part, ToolResult)], losses)
            return [*results, {"role": "user", "content": rest}] if rest else results
        case _:
            name = {"name": message.name} if message.name else {}
            return [{"role": message.role, **name, "content": _content(message.parts, losses)}]


def _assistant(message: Message, losses: Losses) -> list[Json]:
    words = [part for part in message.parts if isinstance(part, Text)]
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    for part in message.parts:
        if loss := _unsaid(part):
            losses.add(loss)
    said: Json = {"role": "assistant", "content": _joined(words)}
    if refusal := "".join(str(part.content) for part in message.parts if isinstance(part, Refusal)):
        said["refusal"] = refusal
    if own := [_call(call) for call in calls if not call.server_side]:
        said["tool_calls"] = own
    return [said] if said["content"] or len(said) > 2 else []


def _unsaid(part: Part) -> str:
    """What an assistant's part loses, in words; empty for nothing."""
    match part:
        case Text(citations=[_, *_]):
            return "citations of an earlier answer"
        case Reasoning(content=content, encrypted=encrypted) if encrypted and not content:
            return "sealed thoughts of an earlier answer"
        case Reasoning():
            return "thoughts of an earlier answer"
        case ToolCall(name=name) if part.server_side:
            return f"a call of the provider's own tool {name or part.kind}"
        case ToolResult(name=name):
            return f"the result of the provider's own tool {name}".rstrip()
        case Media():
            return f"{_described(part)} in an earlier answer"
        case Other(kind=kind):
            return f"a part of the kind {kind}"
        case _:
            return ""


def _call(call: ToolCall) -> Json:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": str(call.arguments)}}
    # An empty text is no JSON: a call without arguments has an empty object.
    function = {"name": call.name, "arguments": str(call.arguments) or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _result(result: ToolResult, losses: Losses) -> Json:
    if result.is_error:
        losses.add("the mark that a tool failed: only its words tell it now")
    return {"role": "tool", "tool_call_id": result.id, "content": result.content}


def _content(parts: Iterable[Part], losses: Losses) -> str | list[Json]:
    """What a user or the system says: one text where it is nothing else."""
    items: list[Json] = []
    for part in parts:
        match part:
            case Text() | Refusal():
                items.append({"type": "text", "text": str(part.content)})
            case Media() if part.modality == "image" and "://" in part.uri:
                items.append({"type": "image_url", "image_url": {"url": part.uri}})
            case Media():
                losses.add(_described(part))
            case _:
                losses.add(_unsaid(part) or "a tool call that is not an answer's")
    return items[0]["text"] if len(items) == 1 and items[0]["type"] == "text" else items or ""


def _joined(words: list[Text]) -> str | list[Json] | None:
    texts = [str(text.content) for text in words]
    return [{"type": "text", "text": text} for text in texts] if len(texts) > 1 else next(iter(texts), None)


def _described(part: Media) -> str:
    """Media that cannot be sent on, for the person."""
    if part.uri:
        return f"{part.modality} at {part.uri}, which only its own provider can read"
    return f"{part.modality} of {part.size} bytes: only its size is known here"


def _tool(tool: Tool, losses: Losses) -> list[Json]:
    match tool.kind:
        case "function":
            function = {"name": tool.name, "description": tool.description or None, "parameters": tool.schema}
            return [{"type": "function", "function": present(function)}]
        case "custom":
            custom = {"name": tool.name, "description": tool.description or None, "format": _format(tool.schema)}
            return [{"type": "custom", "custom": present(custom)}]
        case _:
            losses.add(f"the provider's own tool {tool.name}")
            return []


def _format(schema: object) -> Json | None:
    """A custom tool's grammar, which stands one level deeper here than in Responses."""
    given = object_of(schema)
    if given.get("type") == "grammar" and "grammar" not in given:
        return {"type": "grammar", "grammar": {name: value for name, value in given.items() if name != "type"}}
    return given or None
