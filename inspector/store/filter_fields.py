"""What filters and sorting can ask of a flow: one line a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from inspector.model.flow import Flow, Moment
from inspector.model.message import Part, Reasoning, ToolCall, ToolResult
from inspector.model.token import Certainty
from inspector.store.cost import cost_of
from inspector.store.filter_computed import computed
from inspector.store.filter_field import Cost, Field, Known, NumberField, TextField, Unit, number_of
from inspector.store.filter_figure_fields import FIGURE_FIELDS
from inspector.store.filter_lane_fields import LANE_FIELDS
from inspector.store.filter_paths import EXAMPLES, path_field
from inspector.store.kept import once_said
from inspector.store.summary import Summary, url_host, url_path
from inspector.wire.json_partial import PartialJson

__all__ = ["ARGUMENT", "FIELDS", "OPEN_KEYS", "Cost", "Field", "Known", "NumberField", "TextField", "Unit"]
__all__ += ["argument", "field_of", "named_field", "number_of", "plain_key"]

ARGUMENT = "arg."
"""What the keys begin with that ask for one argument of a tool call: the rest is its path, as in `arg.edits.0.old`."""


def _size(flow: Flow) -> int:
    return len(flow.request.body) + (len(flow.response.body) if flow.response is not None else 0)


def _states(flow: Flow) -> tuple[str, ...]:
    also = {"live": flow.live, "marked": flow.marked, "edited": flow.edited}
    return (flow.state.value, *(word for word, holds in also.items() if holds))


def _notes(flow: Flow, known: Known) -> list[str]:
    return [*flow.notes, *known.of(flow).notes]


def _asked(flow: Flow, known: Known) -> tuple[str]:
    """The model that the client asked for, where another was asked in its place."""
    changed = (mutation.before for mutation in flow.mutations if mutation.name == "model")
    return (next(changed, "") or known.of(flow).prompt.model,)


def _held(flow: Flow, known: Known) -> tuple[str, ...]:
    return (flow.hold.by, flow.hold.moment.value) if flow.hold is not None else ()


def _system(flow: Flow, known: Known) -> Iterator[str]:
    return (message.text() for message in known.of(flow).prompt.messages if message.role == "system")


def _results(flow: Flow, known: Known) -> Iterator[str]:
    parts = (part for message in known.of(flow).prompt.messages for part in message.parts)
    return (part.content for part in parts if isinstance(part, ToolResult))


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
    TextField(
        "state", "waiting, stream, held, done, …; live, marked, edited", lambda flow, known: _states(flow), grows=True
    ),
    TextField("method", "GET, POST, …", lambda flow, known: (flow.request.method,)),
    TextField("url", "the whole address", lambda flow, known: (flow.request.url,)),
    TextField("host", "the upstream's host", lambda flow, known: (url_host(flow.request.url),)),
    TextField("path", "the address without host and query", lambda flow, known: (url_path(flow.request.url),)),
    TextField("number", "its number as the list has it: 42, 42.1", lambda flow, known: (flow.number,)),
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
    TextField("injected", "what was asked for on the way", lambda flow, known: flow.injected, grows=True),
    TextField("hold", "who holds it, and at which moment", _held, grows=True),
    TextField("by", "who changed it", lambda flow, known: (mutation.by for mutation in flow.mutations), grows=True),
    TextField(
        "model",
        "asked for or answering",
        _models,
        Cost.SUMMARY,
        grows=True,
        asked=lambda flow, known: (known.of(flow).prompt.model,),
    ),
    TextField("asked", "the model that the client asked for", once_said(_asked), Cost.SUMMARY),
    TextField(
        "tool", "tools called", lambda flow, known: known.summary(flow).tools, Cost.SUMMARY, Moment.EVENT, grows=True
    ),
    TextField("arg", "a call's arguments; arg.command: one of them", _arguments, Cost.SEARCH, Moment.EVENT, grows=True),
    TextField("text", "words of the answer", _answers, Cost.SEARCH, Moment.EVENT, grows=True),
    TextField("reasoning", "thoughts of the answer", _thoughts, Cost.SEARCH, Moment.EVENT, grows=True),
    TextField("said", "what the user said last", _said, Cost.SEARCH),
    TextField("system", "the system's instructions", _system, Cost.SEARCH),
    TextField("result", "what tools gave back", _results, Cost.SEARCH),
    TextField(
        "declared",
        "tools declared",
        once_said(lambda flow, known: tuple(tool.name for tool in known.of(flow).prompt.tools)),
        Cost.SUMMARY,
    ),
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
    TextField("comment", "what you wrote on it", lambda flow, known: (flow.comment,), grows=True),
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

FIELDS: dict[str, Field] = {field.key: field for field in (*_TEXT, *_NUMBERS, *LANE_FIELDS, *FIGURE_FIELDS)}
"""Every key but those that end in a path or a name, in the order in which completion offers them."""

OPEN_KEYS = {ARGUMENT: "arg.command", **EXAMPLES}
"""What the keys begin with that end in a path or a name, each with one of them."""


def field_of(key: str) -> Field | None:
    """The field of a key, also of `arg.…`, `request.…` and the like; None where there is none."""
    try:
        return named_field(key)
    except ValueError:
        return None


def named_field(key: str) -> Field:
    """The field of a key. ValueError, in words, where there is none."""
    return FIELDS.get(key) or _open_field(key)


def plain_key(text: str) -> str:
    """A key as `named_field` knows it: the case counts in a path or a name, and nowhere else."""
    head, dot, rest = text.partition(".")
    return f"{head.lower()}.{rest}" if head.lower() + dot in OPEN_KEYS else text.lower()


@lru_cache(maxsize=256)
def _open_field(key: str) -> Field:
    if key in OPEN_KEYS:
        raise ValueError(f"which one? as in {OPEN_KEYS[key]}")
    field = _argument_field(key) if key.startswith(ARGUMENT) else computed(key, field_of) or path_field(key)
    if field is None:
        raise ValueError(f"there is no key {key}")
    return field


def _argument_field(key: str) -> TextField:
    path = key.removeprefix(ARGUMENT)

    def values(flow: Flow, known: Known) -> Iterator[str | None]:
        return (argument(arguments, path) for arguments in _arguments(flow, known))

    return TextField(key, f"the argument {path} of a tool call", values, Cost.SEARCH, Moment.EVENT, True, unit="count")
