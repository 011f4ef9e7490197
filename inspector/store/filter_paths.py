"""Keys that end in a path or a name: `request.max_tokens`, `usage.cache_read_input_tokens`, `header.user-agent`.

Those who ask are rows of a list of ten thousand flows: what a path leads to is worked out once for a body, and no body
stays parsed for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import orjson

from inspector.dialects._fields import dump
from inspector.model.flow import Flow, Moment, Request
from inspector.model.headers import Headers, mask_value
from inspector.store.answer_fold import AnswerFold
from inspector.store.filter_field import Cost, Known, TextField
from inspector.store.kept import Kept, once_said
from inspector.wire.body import decoded
from inspector.wire.event import Event
from inspector.wire.json_path import Pattern, parse_pattern, values_at

REQUEST, RESPONSE, USAGE = "request.", "response.", "usage."
HEADER, RESPONSE_HEADER = "header.", "response-header."

EXAMPLES = {
    REQUEST: "request.max_tokens",
    RESPONSE: "response.usage.total_tokens",
    USAGE: "usage.output_tokens",
    HEADER: "header.user-agent",
    RESPONSE_HEADER: "response-header.retry-after",
}
"""What the keys begin with, each with one of them."""

BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of a decoded body beyond which nothing is looked up in it."""
_PARSED = 4 * 1024 * 1024
"""Bytes of the request bodies that stay parsed for the next key that is asked."""
_VALUES = 8 * 1024 * 1024
"""What the values of one key may weigh: about as many characters."""
_EMPTY = 128

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110, 5.6.2)."""
_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\b", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def path_field(key: str) -> TextField | None:
    """The field of a key that begins as one of `EXAMPLES`; None for others. ValueError, in words, for a bad path."""
    head, dot, rest = key.partition(".")
    prefix = head + dot
    if prefix not in EXAMPLES:
        return None
    if prefix in (HEADER, RESPONSE_HEADER):
        return _header_field(key, rest, prefix == HEADER)
    pattern = parse_pattern(rest)
    if prefix == REQUEST:
        return TextField(key, f"{rest} in the request's body", _OfRequest(pattern), Cost.SUMMARY, unit="count")
    values = _OfResponse(pattern) if prefix == RESPONSE else _of_usage(pattern)
    about = "the last in the response's body" if prefix == RESPONSE else "as the provider counts it"
    cost = Cost.SEARCH if prefix == RESPONSE else Cost.SUMMARY
    return TextField(key, f"{rest}, {about}", values, cost, Moment.EVENT, True, unit="count")


def texts(values: list[object]) -> tuple[str, ...]:
    """Values as they are compared and shown: strings as they are, all others as compact JSON."""
    return tuple(value if isinstance(value, str) else dump(value) for value in values)


class _OfRequest:
    """What a path leads to in the body of a request, as it was sent."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._kept: Kept[tuple[Request, int, tuple[str, ...]]] = Kept(_VALUES)

    def __call__(self, flow: Flow, known: Known) -> tuple[str, ...]:
        if flow.live and flow.timing.received is None and flow.response is None:
            return ()
        sent = flow.sent
        kept = self._kept.get(known, flow.id)
        if kept is not None and kept[0] is sent and kept[1] == len(sent.body):
            return kept[2]
        values = texts(values_at(_document(flow, known), self._pattern))
        self._kept.put(known, flow.id, (sent, len(sent.body), values), _EMPTY + sum(map(len, values)))
        return values


class _OfResponse:
    """What a path leads to in the body of a response: in a stream, in the last event that has it."""

    def __init__(self, pattern: Pattern) -> None:
        self._pattern = pattern
        self._kept: Kept[AnswerFold[tuple[str, ...]]] = Kept(_VALUES)
        names = [step.encode() for step in pattern if isinstance(step, str) and _PLAIN.fullmatch(step)]
        self._name = max((name for name in names if not name.isdigit() and name != b"length"), key=len, default=b"")
        """What an event that has the path must have in its bytes, unless it has escapes."""

    def __call__(self, flow: Flow, known: Known) -> tuple[str, ...]:
        fold = self._kept.get(known, flow.id)
        if fold is None or not fold.is_of(flow):
            fold = AnswerFold(flow, (), self._last)
        values = fold.read()
        self._kept.put(known, flow.id, fold, _EMPTY * 4 + sum(map(len, values)))
        return values or self._last((), _document_so_far(flow))

    def _last(self, values: tuple[str, ...], events: list[Event]) -> tuple[str, ...]:
        for event in reversed(events):
            if self._name in event.data or b"\\u" in event.data:
                found = values_at(_parsed(event.data), self._pattern)
                if found:
                    return texts(found)
        return values


def _of_usage(pattern: Pattern) -> Callable[[Flow, Known], tuple[str, ...]]:
    def values(flow: Flow, known: Known) -> tuple[str, ...]:
        usage = known.of(flow).answer.usage
        return texts(values_at(usage.raw, pattern)) if usage is not None else ()

    return once_said(values)


def _header_field(key: str, name: str, of_request: bool) -> TextField:
    """A header by its name, whatever the case; what is secret is masked, as everywhere."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name} is no header's name")

    def values(flow: Flow, known: Known) -> Iterator[str]:
        headers = flow.sent.headers if of_request else flow.response.headers if flow.response else Headers()
        return (mask_value(name, value) for value in headers.all(name))

    about = f"the {'request' if of_request else 'response'} header {name}"
    return TextField(key, about, values, first=Moment.REQUEST if of_request else Moment.HEAD, unit="count")


_documents: Kept[tuple[Request, int, object]] = Kept(_PARSED)


def _document(flow: Flow, known: Known) -> object:
    """The request's body, parsed; None where it is no JSON. Several keys asked of one flow read it once."""
    sent = flow.sent
    kept = _documents.get(known, flow.id)
    if kept is not None and kept[0] is sent and kept[1] == len(sent.body):
        return kept[2]
    data, _ = decoded(sent.headers, bytes(sent.body), BODY_LIMIT)
    document = _parsed(data)
    _documents.put(known, flow.id, (sent, len(sent.body), document), _EMPTY + len(data))
    return document


def _document_so_far(flow: Flow) -> list[Event]:
    """The document that a live answer is, where it is whole: a breakpoint asks before the upstream has ended it."""
    response = flow.answered
    if not flow.live or response is None or not _JSON.match(response.headers.get("content-type")):
        return []
    data, _ = decoded(response.headers, bytes(response.body), BODY_LIMIT)
    return [Event(data, "document")] if data.rstrip().endswith((b"}", b"]")) else []


def _parsed(data: bytes) -> object:
    """A JSON text as the dialects take it: orjson refuses what some send all the same. None for what is no JSON."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if data.lstrip()[:1] not in (b"{", b"["):
            return None
    try:
        return json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
