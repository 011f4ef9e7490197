"""The first version of Cohere's Chat API, `/v1/chat`: one new message, the earlier ones as history; answers in lines
of JSON that end with the whole answer.

https://docs.cohere.com/v1/reference/chat
"""

from __future__ import annotations

from collections.abc import Iterator

from inspector.dialects._anthropic_events import arguments_of
from inspector.dialects._base import Json
from inspector.dialects._cohere_blocks import usage_of
from inspector.dialects._fields import dump, error_text, int_of, object_of, objects_of, present, text_of, text_part
from inspector.dialects._pieces import json_bytes, pieces
from inspector.model.message import (
    Answer,
    Growing,
    Message,
    Part,
    Prompt,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Transcript,
)

_ROLES: dict[str, Role] = {"system": "system", "chatbot": "assistant", "tool": "tool"}
_NOT_PARAMETERS = frozenset({"model", "message", "chat_history", "preamble", "tools", "tool_results", "stream"})
_SILENT = frozenset({"search-queries-generation", "search-results", "debug"})


def is_v1(answer: Json) -> bool:
    """Whether a document is an answer of this version."""
    return "message" not in answer and ("text" in answer or "generation_id" in answer)


def prompt_of(data: Json) -> Prompt:
    """A request of this version."""
    messages = [_message(given) for given in objects_of(data.get("chat_history"))]
    if preamble := text_of(data.get("preamble")):
        messages.insert(0, Message("system", [text_part(preamble)]))
    if words := text_of(data.get("message")):
        messages.append(Message("user", [text_part(words)]))
    if results := _results(data.get("tool_results")):
        messages.append(Message("tool", results))
    return Prompt(
        model=text_of(data.get("model")),
        messages=messages,
        tools=[_tool(tool) for tool in objects_of(data.get("tools"))],
        stream=data.get("stream") is True,
        parameters={name: value for name, value in data.items() if name not in _NOT_PARAMETERS},
    )


def _message(given: Json) -> Message:
    role = _ROLES.get(text_of(given.get("role")).lower(), "user")
    words = text_of(given.get("message"))
    parts: list[Part] = [text_part(words)] if words else []
    return Message(role, [*parts, *_calls(given), *_results(given.get("tool_results"))])


def _results(given: object) -> list[Part]:
    """Results with the calls that they answer, which have no ids."""
    return [
        ToolResult(name=text_of(object_of(result.get("call")).get("name")), content=dump(result.get("outputs")))
        for result in objects_of(given)
    ]


def _calls(given: Json) -> list[Part]:
    return [
        ToolCall(name=text_of(call.get("name")), arguments=Growing(dump(call.get("parameters", {}))), done=True)
        for call in objects_of(given.get("tool_calls"))
    ]


def _tool(tool: Json) -> Tool:
    return Tool(text_of(tool.get("name")), text_of(tool.get("description")), tool.get("parameter_definitions"))


class V1Reader:
    """Takes the events of one answer of this version."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._answer = transcript.answer
        self._calls: dict[int, ToolCall] = {}

    def event(self, data: Json) -> None:
        """Take one event, known by its `event_type`."""
        match text_of(data.get("event_type")):
            case "stream-start":
                self._answer.id = text_of(data.get("generation_id"))
                self._message()
            case "text-generation":
                self._text().content.append(text_of(data.get("text")))
            case "citation-generation":
                self._text().citations.extend(objects_of(data.get("citations")))
            case "tool-calls-chunk":
                self._chunk(data)
            case "tool-calls-generation":
                self._whole_calls(data)
            case "stream-end":
                self._end(data)
            case kind if kind not in _SILENT:
                self._transcript.note(f"unknown event: {kind}")

    def document(self, data: Json) -> None:
        """Take a whole answer."""
        self._answer.id = text_of(data.get("generation_id") or data.get("response_id"))
        self._answer.complete = True
        if words := text_of(data.get("text")):
            self._text().content.replace(words)
        if citations := objects_of(data.get("citations")):
            self._text().citations[:] = citations
        self._whole_calls(data)
        self._ending(data)

    def _message(self) -> Message:
        return self._answer.choice(0)

    def _part(self, kind: type[Text] | type[Reasoning]) -> Text | Reasoning:
        message = self._message()
        part = next((part for part in message.parts if isinstance(part, kind)), None)
        if part is None:
            part = kind()
            message.parts.append(part)
        return part

    def _text(self) -> Text:
        part = self._part(Text)
        assert isinstance(part, Text)
        return part

    def _chunk(self, data: Json) -> None:
        """A piece of a call, or of the plan for the calls."""
        piece = object_of(data.get("tool_call_delta"))
        if words := text_of(piece.get("text")) or text_of(data.get("text")):
            self._part(Reasoning).content.append(words)
        if not (piece.get("name") or piece.get("parameters")):
            return
        index = int_of(piece.get("index")) or 0
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = ToolCall()
            self._message().parts.append(call)
        call.name = call.name or text_of(piece.get("name"))
        call.arguments.append(text_of(piece.get("parameters")))

    def _whole_calls(self, data: Json) -> None:
        """The calls, told whole: they replace what came in pieces."""
        if calls := _calls(data):
            message = self._message()
            message.parts = [*(part for part in message.parts if not isinstance(part, ToolCall)), *calls]

    def _end(self, data: Json) -> None:
        if response := object_of(data.get("response")):
            self.document(response)
        self._answer.complete = True
        self._ending(data)

    def _ending(self, data: Json) -> None:
        if reason := text_of(data.get("finish_reason")):
            self._message().finish_reason = reason
        if meta := present(object_of(data.get("meta"))):
            self._answer.usage = usage_of(meta)
        if error := data.get("error"):
            self._answer.error = text_of(error) or error_text({"error": error})


def stream(answer: Answer) -> list[bytes]:
    """A whole answer as the lines of a stream."""
    whole = document(answer)
    return [json_bytes(event) + b"\n" for event in _events(whole)]


def document(answer: Answer) -> Json:
    """A whole answer."""
    message = answer.message or Message("assistant")
    usage = answer.usage
    counts = {"input_tokens": usage.input_tokens or 0, "output_tokens": usage.output_tokens or 0} if usage else {}
    calls = [{"name": call.name, "parameters": object_of(arguments_of(call))} for call in message.tool_calls()]
    return {
        "response_id": answer.id,
        "generation_id": answer.id,
        "text": message.text(),
        **({"tool_calls": calls} if calls else {}),
        "finish_reason": message.finish_reason or "COMPLETE",
        "meta": {"api_version": {"version": "1"}, "billed_units": counts, "tokens": counts},
    }


def _events(whole: Json) -> Iterator[Json]:
    yield {"event_type": "stream-start", "is_finished": False, "generation_id": whole["generation_id"]}
    for piece in pieces(whole["text"]):
        yield {"event_type": "text-generation", "is_finished": False, "text": piece}
    if calls := whole.get("tool_calls"):
        yield {"event_type": "tool-calls-generation", "is_finished": False, "text": whole["text"], "tool_calls": calls}
    end = {"event_type": "stream-end", "is_finished": True, "finish_reason": whole["finish_reason"]}
    yield {**end, "response": whole}
