"""What a key of the filter language is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from math import isnan
from typing import Literal, Protocol

from inspector.model.flow import Flow, Moment
from inspector.model.message import Transcript
from inspector.store.lane import Place
from inspector.store.summary import Summary

Unit = Literal["count", "bytes", "ms", "share", "time"]
"""Of a number; `time` is the wall clock, in seconds since the epoch."""


class Known(Protocol):
    """What is known of flows: `Transcripts`, or one answer that is still being written."""

    def of(self, flow: Flow) -> Transcript:
        """The flow, understood."""

    def summary(self, flow: Flow) -> Summary:
        """The flow in one line."""

    def place(self, flow: Flow) -> Place | None:
        """The lane that it belongs to."""


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


def number_of(text: str) -> float | None:
    """The number that a text is; None where it is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if isnan(number) else number
