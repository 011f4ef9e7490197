"""Training traces: a `TurnRecord` for each turn of an agent with its model, one a line.

Only requests to a model are turns. Nothing of a request's head is in a trace: it has no secrets but those that a body
holds. Whatever is no ASCII is escaped, for readers that take U+2028 for the end of a line.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii
from typing import Any, ClassVar

import orjson

from inspector.dialects import by_name
from inspector.dialects._base import parse_object
from inspector.formats._exporter import Line
from inspector.formats.trace_answer import answer_of
from inspector.formats.trace_reader import TurnRecord, read, read_trace
from inspector.formats.trace_tokens import CHAT
from inspector.model.flow import Flow, Reason, Request
from inspector.model.sessions import session_name
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded

__all__ = ["LiveTrace", "Trace", "TurnRecord", "is_turn", "read", "read_trace", "turn_record"]

Json = dict[str, Any]

_NO_TURNS = frozenset({"raw", "mcp", "models", "openai-embeddings", "anthropic-count-tokens"})
"""Dialects in which no model answers."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class Trace:
    """See `Exporter`. A flow that is no turn is passed over."""

    name: ClassVar[str] = "trace"
    title: ClassVar[str] = "training trace"
    remark: ClassVar[str] = "Turns with a model only, without their heads."
    suffix: ClassVar[str] = ".jsonl"
    takes_tokens: ClassVar[bool] = False
    head: ClassVar[bytes] = b""
    foot: ClassVar[bytes] = b""

    def lines(self, flows: Iterable[Flow], transcripts: Transcripts, *, tokens: bool = False) -> Line:
        """Turns are numbered by their arrival among those of `flows`, which are gone through once. Tokens are always
        there.
        """
        arrivals = sorted((flow.started, flow.seq, flow.id) for flow in flows if is_turn(flow))
        numbers = {flow_id: number for number, (*_, flow_id) in enumerate(arrivals, 1)}

        def line(flow: Flow) -> bytes:
            if not is_turn(flow):
                return b""
            # One that came meanwhile is the next.
            return _line(flow, numbers.setdefault(flow.id, len(numbers) + 1), transcripts)

        return line


class LiveTrace:
    """Turns as they come and end, for as long as a proxy runs: of one that was written, nothing is kept."""

    def __init__(self, before: Iterable[Flow] = (), *, apart: bool = False) -> None:
        """The turns `before` are counted, too. With `apart`, each session has its own count."""
        self._apart = apart
        self._transcripts = Transcripts(limit=1)
        self._turns = Counter(self._session(flow) for flow in before if is_turn(flow))
        self._numbers: dict[str, int] = {}

    def came(self, flow: Flow) -> None:
        """Give a flow its number, if it is a turn. Called once for each flow, in the order of their arrival."""
        if is_turn(flow):
            session = self._session(flow)
            self._turns[session] += 1
            self._numbers[flow.id] = self._turns[session]

    def line(self, flow: Flow) -> bytes:
        """The line of a flow that came and ended, asked for once; see `Line`."""
        number = self._numbers.pop(flow.id, None)
        return _line(flow, number, self._transcripts) if number is not None else b""

    def _session(self, flow: Flow) -> str:
        return session_name(flow) if self._apart else ""


def is_turn(flow: Flow) -> bool:
    """Whether a flow is a request to a model, whatever became of it."""
    return by_name(flow.dialect).name not in _NO_TURNS


def turn_record(flow: Flow, turn: int, transcripts: Transcripts) -> TurnRecord:
    """A flow as a turn, as far as it has come. Where the numbers of its tokens do not fit their log-probabilities, that
    is noted on the flow, and nothing is made up.
    """
    answer = answer_of(flow, transcripts)
    entries, ids, logps = answer.tokens.entries, answer.tokens.ids, answer.tokens.logps
    if ids and logps and len(ids) != len(logps):
        flow.note(f"trace: {len(ids)} token ids for {len(logps)} log-probabilities")
    elif len(logps) != len(entries):
        flow.note(f"trace: {len(logps)} log-probabilities for {len(entries)} tokens")
    ended = _ended(flow)
    record: TurnRecord = {
        "turn": turn,
        "request": _asked(flow.sent),
        "response": answer.response,
        "logprobs": entries if entries or flow.dialect == CHAT else None,
        "completion_tokens": answer.tokens.texts,
        "completion_token_ids": ids,
        "per_token_logps": logps,
        "finish_reason": answer.finish_reason,
        "latency_s": max(ended - (flow.timing.forwarded or 0.0), 0.0) / 1000,
        "timestamp": flow.started + ended / 1000,
    }
    if answer.prompt_token_ids is not None:
        record["prompt_token_ids"] = answer.prompt_token_ids
    if answer.partial:
        record["partial"] = True
    return record


def _line(flow: Flow, turn: int, transcripts: Transcripts) -> bytes:
    record = turn_record(flow, turn, transcripts)
    try:
        return _dumps(record)
    except RecursionError:
        flow.note("trace: the request or the answer is nested too deeply to be written")
        bare: Json = {"choices": [], "usage": None, "upstream_status": None, "upstream_error": {"error": "too deep"}}
        return _dumps({**record, "request": {}, "response": bare, "logprobs": None})


def _dumps(record: TurnRecord) -> bytes:
    """JSON in ASCII, by the tolerant writer where orjson refuses: lone surrogates, huge integers, deep nesting."""
    try:
        line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"
    if line.isascii():
        return line
    return _NOT_ASCII.sub(lambda found: encode_basestring_ascii(found[0])[1:-1], line.decode()).encode()


def _asked(request: Request) -> Json:
    """The body as an object; an empty one where it is none."""
    data, _ = decoded(request.headers, bytes(request.body))
    try:
        return parse_object(data)
    except (ValueError, RecursionError):
        return {}


def _ended(flow: Flow) -> float:
    """When the upstream's part was over, in ms since the flow's start: a person may have held the answer after that."""
    last = flow.response.body.times[-1] if flow.response is not None and flow.response.body.chunks else None
    if flow.end is None or flow.end.reason in (Reason.DONE, Reason.CLIENT_GONE):
        ended = last if last is not None else flow.timing.ended
    else:
        ended = flow.timing.ended if flow.timing.ended is not None else last
    return ended or 0.0
