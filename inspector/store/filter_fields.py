"""What filters and sorting can ask of a flow: one line a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Literal, Protocol

from inspector.model.flow import Flow, Moment
from inspector.model.message import Part, Reasoning, ToolCall, Transcript
from inspector.model.token import Certainty
from inspector.store.cost import cost_of
from inspector.store.summary import Summary, url_host, url_path
from inspector.wire.json_partial import PartialJson

Unit = Literal["count", "bytes", "ms", "share"]

ARGUMENT = "arg."
"""What the keys begin with that ask for one argument of a tool call: the rest is its path, as in `arg.edits.0.old`."""


class Known(Protocol):
    """What is known of flows: `Transcripts`, or one answer that is still being written."""

    def of(self, flow: Flow) -> Transcript:
        """The flow, understood."""

    def summary(self, flow: Flow) -> Summary:
        """The flow in one line."""


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
    values: Callable[[Flow, Known], Iterable[str | None]]
    cost: Cost = Cost.FLOW
    first: Moment = Moment.REQUEST
    """The moment from which on it can have an answer."""
    grows: bool = False
    """Whether its answer can still change while the model's answer is being written."""
    asked: Callable[[Flow, Known], Iterable[str | None]] | None = None
    """Those of the values that the request alone gives, and that stay; None where there are none."""
    unit: Unit | None = None
    """The unit in which `>` and `<` compare the values that are numbers; None where they compare none."""


@dataclass(frozen=True, slots=True)
class NumberField:
    """A key whose value is a number, None where a flow has none (yet)."""

    key: str
    about: str
    unit: Unit
    value: Callable[[Flow, Known], float | None]
    cost: Cost = Cost.FLOW
    first: Moment = Moment.REQUEST
    grows: bool = False


Field = TextField | NumberField


def _size(flow: Flow) -> int:
    return len(flow.request.body) + (len(flow.response.body) if flow.response is not None else 0)


def _states(flow: Flow) -> tuple[str, ...]:
    words = (flow.state.value, *(("live",) if flow.live else ()))
    return (*words, "marked") if flow.marked else words


def _notes(flow: Flow, known: Known) -> list[str]:
    return [*flow.notes, *known.of(flow).notes]


def _said(flow: Flow, known: Known) -> tuple[str, ...]:
    users = (message for message in reversed(known.of(flow).prompt.messages) if message.role == "user")
    return tuple(text for message in users if (text := message.text()))[:1]


def _models(flow: Flow, known: Known) -> tuple[str, str]:
    summary = known.summary(flow)
    return summary.model, summary.response_model


def _answers(flow: Flow, known: Known) -> Iterator[str]:
    return (choice.text() for choice in known.of(flow).answer.choices)


def _parts(flow: Flow, known: Known) -> Iterator[Part]:
    return (part for choice in known.of(flow).answer.choices for part in choice.parts)


def _thoughts(flow: Flow, known: Known) -> Iterator[str]:
    return (str(part.content) for part in _parts(flow, known) if isinstance(part, Reasoning))


def _arguments(flow: Flow, known: Known) -> Iterator[str]:
    return (str(part.arguments) for part in _parts(flow, known) if isinstance(part, ToolCall))


def argument(arguments: str, path: str) -> str | None:
    """What stands at a dotted path in a call's arguments, as far as they have come; None where nothing does."""
    reading = PartialJson()
    reading.feed(arguments)
    return reading.get(path)


_TEXT = (
    TextField("agent", "the program that asks", lambda flow, known: (flow.agent,)),
    TextField("provider", "where it is sent", lambda flow, known: (flow.provider,)),
    TextField("dialect", "the API it speaks", lambda flow, known: (flow.dialect,)),
    TextField("state", "waiting, stream, held, done, …; live, marked", lambda flow, known: _states(flow), grows=True),
    TextField("method", "GET, POST, …", lambda flow, known: (flow.request.method,)),
    TextField("url", "the whole address", lambda flow, known: (flow.request.url,)),
    TextField("host", "the upstream's host", lambda flow, known: (url_host(flow.request.url),)),
    TextField("path", "the address without host and query", lambda flow, known: (url_path(flow.request.url),)),
    TextField("id", "the flow's id", lambda flow, known: (flow.id,)),
    TextField("parent", "the id of the flow that it repeats", lambda flow, known: (flow.parent,)),
    TextField("source", "net, or file", lambda flow, known: (flow.source,)),
    TextField(
        "end",
        "why it ended",
        lambda flow, known: (flow.end.reason.value if flow.end else None,),
        first=Moment.END,
        grows=True,
    ),
    TextField(
        "mutated",
        "what was changed: body, credential, …",
        lambda flow, known: (mutation.name for mutation in flow.mutations),
        grows=True,
    ),
    TextField("by", "who changed it", lambda flow, known: (mutation.by for mutation in flow.mutations), grows=True),
    TextField(
        "model",
        "asked for or answering",
        _models,
        Cost.SUMMARY,
        grows=True,
        asked=lambda flow, known: (known.of(flow).prompt.model,),
    ),
    TextField(
        "tool", "tools called", lambda flow, known: known.summary(flow).tools, Cost.SUMMARY, Moment.EVENT, grows=True
    ),
    TextField("arg", "a call's arguments; arg.command: one of them", _arguments, Cost.SEARCH, Moment.EVENT, grows=True),
    TextField("text", "words of the answer", _answers, Cost.SEARCH, Moment.EVENT, grows=True),
    TextField("reasoning", "thoughts of the answer", _thoughts, Cost.SEARCH, Moment.EVENT, grows=True),
    TextField("said", "what the user said last", _said, Cost.SEARCH),
    TextField(
        "finish",
        "the finish reason",
        lambda flow, known: (known.summary(flow).finish,),
        Cost.SUMMARY,
        Moment.EVENT,
        grows=True,
    ),
    TextField(
        "error",
        "what went wrong",
        lambda flow, known: (known.summary(flow).error,),
        Cost.SUMMARY,
        Moment.EVENT,
        grows=True,
    ),
    TextField("note", "remarks on the flow", _notes, Cost.SUMMARY, grows=True),
)


def _count(key: str, about: str, unit: Unit, value: Callable[[Summary], float | None]) -> NumberField:
    """A number of the answer's, as its summary has it."""
    return NumberField(
        key, about, unit, lambda flow, known: value(known.summary(flow)), Cost.SUMMARY, Moment.EVENT, grows=True
    )


def _sure(key: str, about: str, unit: Unit, value: Callable[[Certainty], float | None]) -> NumberField:
    """A number over the tokens that have come, where the provider tells their log-probabilities."""

    def of(flow: Flow, known: Known) -> float | None:
        return value(known.of(flow).answer.certainty)

    return NumberField(key, about, unit, of, Cost.SUMMARY, Moment.EVENT, grows=True)


def _cost(flow: Flow, known: Known) -> float | None:
    """Not from the summary: those of answers that are still being written leave it out."""
    cost = cost_of(flow, known.of(flow))
    return cost.usd if cost is not None else None


_NUMBERS = (
    NumberField("seq", "its number in the list", "count", lambda flow, known: flow.seq),
    NumberField(
        "status",
        "HTTP status",
        "count",
        lambda flow, known: flow.response.status if flow.response else None,
        first=Moment.HEAD,
    ),
    NumberField("size", "bytes of both bodies", "bytes", lambda flow, known: _size(flow), grows=True),
    NumberField("dur", "from start to end", "ms", lambda flow, known: flow.timing.ended, first=Moment.END, grows=True),
    _count("in", "input tokens", "count", lambda summary: summary.input_tokens),
    _count("out", "output tokens", "count", lambda summary: summary.output_tokens),
    _count("tokens", "output tokens so far, counted or estimated", "count", lambda summary: summary.output_tokens),
    _count("cache", "share of cached input", "share", lambda summary: summary.cache),
    NumberField("cost", "US dollars, where known", "count", _cost, Cost.SUMMARY, Moment.EVENT, grows=True),
    _count("ttft", "time to first token", "ms", lambda summary: summary.ttft),
    _count("tps", "tokens a second", "count", lambda summary: summary.tokens_per_second),
    _sure("logprob", "lowest log-probability of a token so far", "count", lambda certainty: certainty.lowest),
    _sure("entropy", "highest entropy so far, in bits", "count", lambda certainty: certainty.highest_entropy),
    _sure("p", "mean probability of the tokens", "share", lambda certainty: certainty.mean_probability),
    _sure("perplexity", "perplexity of the answer so far", "count", lambda certainty: certainty.perplexity),
)

FIELDS: dict[str, Field] = {field.key: field for field in (*_TEXT, *_NUMBERS)}
"""Every key but those of single arguments, in the order in which completion offers them."""


def field_of(key: str) -> Field | None:
    """The field of a key, also of `arg.…`; None where there is none."""
    if key.startswith(ARGUMENT) and len(key) > len(ARGUMENT):
        return _argument_field(key)
    return FIELDS.get(key)


@lru_cache(maxsize=256)
def _argument_field(key: str) -> TextField:
    path = key.removeprefix(ARGUMENT)

    def values(flow: Flow, known: Known) -> Iterator[str | None]:
        return (argument(arguments, path) for arguments in _arguments(flow, known))

    return TextField(key, f"the argument {path} of a tool call", values, Cost.SEARCH, Moment.EVENT, True, unit="count")
