"""Keys that ask how much: bytes, milliseconds, tokens of each kind, and how many there are of a thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inspector.model.flow import Flow, Moment, Timing
from inspector.model.message import Media, Part, ToolResult, Transcript, Usage
from inspector.store.answer_fold import AnswerFold
from inspector.store.filter_field import Cost, Known, NumberField
from inspector.store.kept import Kept, once_counted
from inspector.wire.event import Event

_FOLDS = 65_536
"""Answers of which the number of events is remembered."""


def _time(key: str, about: str, value: Callable[[Timing], float | None], first: Moment, grows: bool) -> NumberField:
    return NumberField(key, about, "ms", lambda flow, known: value(flow.timing), first=first, grows=grows)


def _tokens(key: str, about: str, value: Callable[[Usage], int | None]) -> NumberField:
    def of(flow: Flow, known: Known) -> int | None:
        usage = known.of(flow).answer.usage
        return value(usage) if usage is not None else None

    return NumberField(key, about, "count", once_counted(of), Cost.SUMMARY, Moment.EVENT, grows=True)


def _asked(key: str, about: str, value: Callable[[Transcript], int]) -> NumberField:
    """A count of what stands in the prompt."""
    return NumberField(key, about, "count", once_counted(lambda flow, known: value(known.of(flow))), Cost.SUMMARY)


def _parts(transcript: Transcript) -> Iterator[Part]:
    return (part for message in transcript.prompt.messages for part in message.parts)


def _images(transcript: Transcript) -> int:
    return sum(isinstance(part, Media) and part.modality == "image" for part in _parts(transcript))


def _results(transcript: Transcript) -> int:
    return sum(isinstance(part, ToolResult) for part in _parts(transcript))


def _connect(timing: Timing) -> float | None:
    if timing.connected is None or timing.forwarded is None:
        return None
    return max(0.0, timing.connected - timing.forwarded)


def _calls(flow: Flow, known: Known) -> int:
    return sum(len(choice.tool_calls()) for choice in known.of(flow).answer.choices)


class _Events:
    """How many events an answer has so far, keep-alives among them."""

    def __init__(self) -> None:
        self._kept: Kept[AnswerFold[int]] = Kept(_FOLDS)

    def __call__(self, flow: Flow, known: Known) -> int | None:
        if flow.answered is None:
            return None
        fold = self._kept.get(known, flow.id)
        if fold is None or not fold.is_of(flow):
            fold = AnswerFold(flow, 0, _more)
            self._kept.put(known, flow.id, fold, 1)
        return fold.read()


def _more(count: int, events: list[Event]) -> int:
    return count + len(events)


FIGURE_FIELDS = (
    NumberField("started", "when: 14:30, 2026-01-31, or -10m from now", "time", lambda flow, known: flow.started),
    NumberField("size.request", "bytes of the request's body", "bytes", lambda flow, known: len(flow.request.body)),
    NumberField(
        "size.response",
        "bytes of the response's body",
        "bytes",
        lambda flow, known: len(flow.response.body) if flow.response is not None else None,
        first=Moment.HEAD,
        grows=True,
    ),
    _time("received", "until the request had come whole", lambda timing: timing.received, Moment.REQUEST, False),
    _time("connect", "for a new connection to the upstream", _connect, Moment.HEAD, False),
    _time("head", "until the response's head", lambda timing: timing.head, Moment.HEAD, False),
    _time("held", "how long it was held", lambda timing: timing.held or None, Moment.REQUEST, True),
    _time("added", "what relaying the response took", lambda timing: timing.added, Moment.EVENT, True),
    _tokens("in.cached", "input tokens from the provider's cache", lambda usage: usage.cache_read_input_tokens),
    _tokens("in.written", "input tokens put into it", lambda usage: usage.cache_creation_input_tokens),
    _tokens("out.reasoning", "output tokens of thoughts", lambda usage: usage.reasoning_output_tokens),
    _asked("count.messages", "messages asked with", lambda transcript: len(transcript.prompt.messages)),
    _asked("count.tools", "tools declared", lambda transcript: len(transcript.prompt.tools)),
    _asked("count.images", "images asked with", _images),
    _asked("count.results", "tool results given back", _results),
    NumberField("count.calls", "tools called", "count", once_counted(_calls), Cost.SUMMARY, Moment.EVENT, grows=True),
    NumberField("count.events", "events of the response", "count", _Events(), Cost.SUMMARY, Moment.EVENT, grows=True),
    NumberField(
        "count.chunks",
        "chunks of the response",
        "count",
        lambda flow, known: flow.response.body.chunks if flow.response is not None else None,
        first=Moment.HEAD,
        grows=True,
    ),
    NumberField(
        "count.mutations", "changes made on the way", "count", lambda flow, known: len(flow.mutations), grows=True
    ),
)
