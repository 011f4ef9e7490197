"""What filters and sorting can ask of a flow: one line a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from inspector.model.flow import Flow
from inspector.store.summary import url_host, url_path
from inspector.store.transcripts import Transcripts

Unit = Literal["count", "bytes", "ms", "share"]


class Cost(IntEnum):
    """What an answer costs: the cheap questions are asked first."""

    FLOW = 0
    """It stands on the flow."""
    SUMMARY = 1
    """The flow must have been read."""
    SEARCH = 2
    """The whole of the text must be looked through."""


@dataclass(frozen=True, slots=True)
class TextField:
    """A key whose values are words; a flow can have none, one or several."""

    key: str
    about: str
    values: Callable[[Flow, Transcripts], Iterable[str | None]]
    cost: Cost = Cost.FLOW


@dataclass(frozen=True, slots=True)
class NumberField:
    """A key whose value is a number, None where a flow has none (yet)."""

    key: str
    about: str
    unit: Unit
    value: Callable[[Flow, Transcripts], float | None]
    cost: Cost = Cost.FLOW


Field = TextField | NumberField


def _size(flow: Flow) -> int:
    return len(flow.request.body) + (len(flow.response.body) if flow.response is not None else 0)


def _states(flow: Flow) -> tuple[str, ...]:
    return (flow.state.value, "live") if flow.live else (flow.state.value,)


def _notes(flow: Flow, known: Transcripts) -> list[str]:
    return [*flow.notes, *known.of(flow).notes]


_TEXT = (
    TextField("agent", "the program that asks", lambda flow, known: (flow.agent,)),
    TextField("provider", "where it is sent", lambda flow, known: (flow.provider,)),
    TextField("dialect", "the API it speaks", lambda flow, known: (flow.dialect,)),
    TextField("state", "waiting, stream, done, failed, …; or live", lambda flow, known: _states(flow)),
    TextField("method", "GET, POST, …", lambda flow, known: (flow.request.method,)),
    TextField("url", "the whole address", lambda flow, known: (flow.request.url,)),
    TextField("host", "the upstream's host", lambda flow, known: (url_host(flow.request.url),)),
    TextField("path", "the address without host and query", lambda flow, known: (url_path(flow.request.url),)),
    TextField("id", "the flow's id", lambda flow, known: (flow.id,)),
    TextField("parent", "the id of the flow that it repeats", lambda flow, known: (flow.parent,)),
    TextField("source", "net, or file", lambda flow, known: (flow.source,)),
    TextField("end", "why it ended", lambda flow, known: (flow.end.reason.value if flow.end else None,)),
    TextField("model", "asked for or answering", lambda flow, known: _models(flow, known), Cost.SUMMARY),
    TextField("tool", "tools called", lambda flow, known: known.summary(flow).tools, Cost.SUMMARY),
    TextField("finish", "the finish reason", lambda flow, known: (known.summary(flow).finish,), Cost.SUMMARY),
    TextField("error", "what went wrong", lambda flow, known: (known.summary(flow).error,), Cost.SUMMARY),
    TextField("note", "remarks on the flow", _notes, Cost.SUMMARY),
)


def _models(flow: Flow, known: Transcripts) -> tuple[str, str]:
    summary = known.summary(flow)
    return summary.model, summary.response_model


_NUMBERS = (
    NumberField("seq", "its number in the list", "count", lambda flow, known: flow.seq),
    NumberField("status", "HTTP status", "count", lambda flow, known: flow.response.status if flow.response else None),
    NumberField("size", "bytes of both bodies", "bytes", lambda flow, known: _size(flow)),
    NumberField("dur", "from start to end", "ms", lambda flow, known: flow.timing.ended),
    NumberField("in", "input tokens", "count", lambda flow, known: known.summary(flow).input_tokens, Cost.SUMMARY),
    NumberField("out", "output tokens", "count", lambda flow, known: known.summary(flow).output_tokens, Cost.SUMMARY),
    NumberField("cache", "share of cached input", "share", lambda flow, known: known.summary(flow).cache, Cost.SUMMARY),
    NumberField("ttft", "time to first token", "ms", lambda flow, known: known.summary(flow).ttft, Cost.SUMMARY),
    NumberField(
        "tps", "tokens a second", "count", lambda flow, known: known.summary(flow).tokens_per_second, Cost.SUMMARY
    ),
)

FIELDS: dict[str, Field] = {field.key: field for field in (*_TEXT, *_NUMBERS)}
"""Every key, in the order in which completion offers them."""
