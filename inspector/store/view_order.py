"""In which order the flows of a list stand: their arrival, a key of the filter language, or lane by lane."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inspector.model.flow import Flow
from inspector.store.filter_field import number_of
from inspector.store.filter_fields import Known, NumberField, field_of
from inspector.store.summary import Summary

Key = tuple[Any, ...]
"""Where a row stands: different for any two rows, comparable within one order."""

Value = float | str | None

LONGEST = 400
"""Characters of a text."""

_SUMMED: dict[str, Callable[[Summary], float | None]] = {
    "cost": lambda summary: summary.cost,
    "p": lambda summary: summary.mean_probability,
    "perplexity": lambda summary: summary.perplexity,
}
"""Numbers that a summary holds, too: asked by their field, a flow that was dropped from memory is read anew."""


@dataclass(frozen=True, slots=True)
class Sort:
    """An order: by a key of the filter language. Flows without a value come last, equals by arrival."""

    key: str
    """KeyError in `View.sort` where no such key is."""
    descending: bool = False


def reader(key: str) -> Callable[[Flow, Known], Value]:
    """What gives a key's value, by which flows are shown, sorted and compared: a number where it is one, else the
    beginning of its values as one text; None where there are none. KeyError where there is no such key.
    """
    field = field_of(key)
    if field is None:
        raise KeyError(key)
    if summed := _SUMMED.get(key):
        return lambda flow, known: summed(known.summary(flow))
    if isinstance(field, NumberField):
        return field.value
    values, numeric = field.values, field.unit is not None

    def read(flow: Flow, known: Known) -> Value:
        found = [value for value in values(flow, known) if value]
        number = number_of(found[0]) if numeric and len(found) == 1 else None
        return number if number is not None else ", ".join(found)[:LONGEST] or None

    return read


def order(sort: Sort | None, known: Known) -> Callable[[Flow], Key]:
    """What gives a flow's place in a flat list. KeyError where there is no such key."""
    if sort is None:
        return lambda flow: (flow.seq, flow.id)
    read, descending = reader(sort.key), sort.descending

    def key(flow: Flow) -> Key:
        value = read(flow, known)
        if value is None or value != value:
            return 2, 0, flow.seq, flow.id
        if isinstance(value, str):
            return 1, _backwards(value) if descending else value, flow.seq, flow.id
        return 0, -value if descending else value, flow.seq, flow.id

    return key


class _Mirror(dict[int, int]):
    """For each code point the one that lies as far from the other end."""

    def __missing__(self, code: int) -> int:
        self[code] = sys.maxunicode - code
        return self[code]


_MIRROR = _Mirror()


def _backwards(text: str) -> str:
    """A text that sorts before those that `text` comes after."""
    return text.translate(_MIRROR) + chr(sys.maxunicode)
