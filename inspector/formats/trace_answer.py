"""A flow's answer as one whole chat completion, whatever API it came by: what a training trace has of it.

Its words are those of the upstream, with the log-probabilities that were asked for on the person's account: what a
client got may be less, or edited. Media and the calls of tools that the provider ran itself have no place in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from inspector.dialects._base import parse_object
from inspector.dialects._fields import int_of, objects_of
from inspector.dialects._openai_chat_reader import parse_completion
from inspector.formats.trace_tokens import CHAT, Tokens, tokens_of
from inspector.model.flow import Flow, Reason, Response
from inspector.model.message import Answer, Message, Reasoning, Refusal, Text, ToolCall, Usage
from inspector.store.transcripts import Transcripts
from inspector.wire.body import BodyReader, decoded
from inspector.wire.event import Event

Json = dict[str, Any]

ERROR_LIMIT = 4000
"""Characters kept of an error that is no JSON."""

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"), "content_filter"),
}
"""Finish reasons of other APIs in the words of Chat Completions; words that are not here stay as they are."""


@dataclass(frozen=True, slots=True)
class TurnAnswer:
    """What a turn came to."""

    response: Json
    """A `chat.completion`. Where the upstream failed: no choices, `upstream_status` (null where there was no answer at
    all) and `upstream_error`, which is always an object.
    """
    tokens: Tokens
    """Those of its first choice."""
    finish_reason: str | None
    prompt_token_ids: list[int] | None
    partial: bool
    """Something came, and the rest did not."""


def answer_of(flow: Flow, transcripts: Transcripts) -> TurnAnswer:
    """Read a flow's answer, as far as it has come."""
    response = flow.response
    if response is None or (flow.timing.head is None and flow.error is not None):
        return _failed(None, {"error": flow.error or "there was no answer"})
    events = list(_events(response))
    if response.status >= 400 or not events:
        return _failed(response.status, _error_of(response, flow.error))
    answer = _understood(flow, transcripts)
    partial = _is_partial(flow, answer, events[0])
    body = _document(events)
    if body is None and events[0].kind == "document" and not answer.choices:
        return _failed(response.status, _error_of(response, answer.error), partial)
    if body is not None and not _is_answer(body, flow, answer):
        return _failed(response.status, body, partial)
    if answer.error is not None and not answer.choices:
        return _failed(response.status, {"error": answer.error}, partial)
    choices, prompt_ids = tokens_of(flow.dialect, events)
    whole = body if body is not None and flow.dialect == CHAT else _assembled(answer, choices, flow.dialect)
    if answer.error is not None:
        whole = {**whole, "upstream_status": response.status, "upstream_error": {"error": answer.error}}
    return TurnAnswer(whole, choices.get(0, Tokens()), _first_finish(whole), prompt_ids, partial)


def _is_partial(flow: Flow, answer: Answer, first: Event) -> bool:
    reason = flow.end.reason if flow.end is not None else Reason.INTERRUPTED
    broken = reason is not Reason.DONE or first.kind != "document"
    return reason is Reason.INTERRUPTED or (broken and not answer.complete)


def _failed(status: int | None, error: Json, partial: bool = False) -> TurnAnswer:
    body: Json = {"choices": [], "usage": None, "upstream_status": status, "upstream_error": error}
    return TurnAnswer(body, Tokens(), None, None, partial)


def _error_of(response: Response, otherwise: str | None) -> Json:
    """The upstream's error: an object as it came, anything else as the text below `error`."""
    data, _ = decoded(response.headers, bytes(response.body))
    if not data:
        return {"error": otherwise} if otherwise else {}
    try:
        return parse_object(data)
    except (ValueError, RecursionError):
        return {"error": data.decode("utf-8", "replace")[:ERROR_LIMIT]}


def _events(response: Response) -> Iterator[Event]:
    body, reader = response.body, BodyReader(response.headers)
    for index in range(body.chunks):
        yield from (event for event in reader.feed(body.chunk(index), 0.0) if event.kind != "comment")
    yield from (event for event in reader.close(0.0) if event.kind != "comment")


def _understood(flow: Flow, transcripts: Transcripts) -> Answer:
    """The answer of the upstream, also where the client got another one."""
    if flow.delivered is None:
        return transcripts.of(flow).answer
    return Transcripts(limit=1).of(replace(flow, delivered=None, hold=None)).answer


def _document(events: list[Event]) -> Json | None:
    """The object that is the whole answer; None for a stream, and for one that cannot be read."""
    if events[0].kind != "document":
        return None
    try:
        return parse_completion(events[0].data.strip())
    except (ValueError, RecursionError):
        return None


def _is_answer(body: Json, flow: Flow, answer: Answer) -> bool:
    return isinstance(body.get("choices"), list) if flow.dialect == CHAT else bool(answer.choices)


def _assembled(answer: Answer, tokens: dict[int, Tokens], dialect: str) -> Json:
    """A stream, or the answer of another API, as one document. There is always a choice 0."""
    known = dict(enumerate(answer.choices))
    told = {index for index, message in known.items() if message.parts or message.finish_reason}
    choices: list[Json] = []
    for index in sorted(told | tokens.keys() | {0}):
        message = known.get(index) or Message("assistant")
        choice: Json = {"index": index, "message": _message(message), "finish_reason": _finish(message, dialect)}
        if index in tokens and tokens[index].lists:
            choice["logprobs"] = tokens[index].lists
        if index in tokens and tokens[index].choice_ids:
            choice["token_ids"] = tokens[index].choice_ids
        choices.append(choice)
    head = {"id": answer.id, "object": "chat.completion", "model": answer.model}
    return {**head, "choices": choices, "usage": _usage(answer.usage, dialect)}


def _message(message: Message) -> Json:
    whole: Json = {"role": "assistant"}
    for key, kind in (("content", Text), ("reasoning", Reasoning), ("refusal", Refusal)):
        words = "".join(str(part.content) for part in message.parts if isinstance(part, kind))
        if words:
            whole[key] = words
    if calls := [_call(call) for call in message.tool_calls() if not call.server_side]:
        whole["tool_calls"] = calls
    return whole


def _call(call: ToolCall) -> Json:
    words = {"name": call.name, "input" if call.kind == "custom" else "arguments": str(call.arguments)}
    return {"id": call.id or None, "type": call.kind, call.kind: words}


def _finish(message: Message, dialect: str) -> str | None:
    reason = message.finish_reason
    if reason is None or dialect == CHAT:
        return reason
    if reason == "completed" and any(not call.server_side for call in message.tool_calls()):
        return "tool_calls"
    return _FINISH.get(reason, reason)


def _usage(usage: Usage | None, dialect: str) -> Json | None:
    if usage is None:
        return None
    if dialect == CHAT:
        return usage.raw
    counts: Json = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
    if usage.input_tokens is not None and usage.output_tokens is not None:
        counts["total_tokens"] = usage.input_tokens + usage.output_tokens
    if usage.cache_read_input_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cache_read_input_tokens}
    if usage.reasoning_output_tokens is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_output_tokens}
    return counts


def _first_finish(whole: Json) -> str | None:
    choices = objects_of(whole.get("choices"))
    first = next((choice for choice in choices if not int_of(choice.get("index"))), {})
    reason = first.get("finish_reason")
    return reason if isinstance(reason, str) else None
