"""Two numbers of a flow made one: `usage.cache_read_input_tokens/usage.input_tokens`, `in.cached + in.written`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache

from inspector.model.flow import Flow, Moment
from inspector.store.filter_field import Field, Known, NumberField, number_of

_TWO = re.compile(r"(.+?)(?:\s*([/+*])\s*|\s+(-)\s+)(.+)", re.DOTALL)
"""A minus may be part of a name, and so must stand free."""
_DOES: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_ORDER = tuple(Moment)


def computed(key: str, field_of: Callable[[str], Field | None]) -> NumberField | None:
    """The field of a key that joins two keys of numbers by `/`, `+`, `*` or ` - `; None where it is no such key."""
    match = _TWO.fullmatch(key)
    if match is None:
        return None
    left, right = field_of(match[1]), field_of(match[4])
    if left is None or right is None or left.unit is None or right.unit is None:
        return None
    return _joined(key, left, match[2] or match[3], right)


@lru_cache(maxsize=64)
def _joined(key: str, left: Field, sign: str, right: Field) -> NumberField:
    def value(flow: Flow, known: Known) -> float | None:
        one, other = _number(left, flow, known), _number(right, flow, known)
        if one is None or other is None or (sign == "/" and not other):
            return None
        return _DOES[sign](one, other)

    unit = left.unit if sign in "+-" and left.unit == right.unit and left.unit is not None else "count"
    first = max(left.first, right.first, key=_ORDER.index)
    return NumberField(key, key, unit, value, max(left.cost, right.cost), first, left.grows or right.grows)


def _number(field: Field, flow: Flow, known: Known) -> float | None:
    """The number that a flow has there, the first where there are several."""
    if isinstance(field, NumberField):
        return field.value(flow, known)
    numbers = (number_of(value) for value in field.values(flow, known) if value)
    return next((number for number in numbers if number is not None), None)
