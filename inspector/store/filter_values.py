"""The values of a filter's terms: numbers with units, ranges, regular expressions."""

from __future__ import annotations

import re
import warnings

from inspector.store.filter_clock import clock
from inspector.store.filter_fields import Unit
from inspector.store.filter_terms import Between

_COUNT = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_UNITS: dict[Unit, dict[str, float]] = {
    "count": _COUNT,
    "bytes": {
        **_COUNT,
        "b": 1.0,
        "kb": 1e3,
        "mb": 1e6,
        "gb": 1e9,
        "kib": 2.0**10,
        "mib": 2.0**20,
        "gib": 2.0**30,
    },
    "ms": {"": 1e3, "ms": 1.0, "s": 1e3, "m": 6e4, "min": 6e4, "h": 3.6e6},
    "share": {"": 1.0, "%": 0.01},
    "time": {},
}
_NUMBER = re.compile(r"(-?)([0-9]{1,15})?(?:\.([0-9]{1,9}))?([A-Za-z%]*)")
_CLASS = re.compile(r"([1-9])xx", re.IGNORECASE)


def comparison(key: str, operator: str, text: str, unit: Unit) -> Between:
    """The meaning of `key` `operator` `text`, e.g. `in` `:>` `50k`. ValueError, in words, where it has none.

    A bare duration is in seconds, a bare share above 1 in percent. A plain number means what is shown as it: `0.9s`
    is 850 to 950 ms, `41k` is 40,500 to 41,500; `:=` means exactly it.
    """
    if unit == "time" and operator == ":" and ".." not in text:
        start, width = clock(text)
        return Between(key, start, start + width, includes_high=not width)
    if operator != ":":
        number, _ = _number(text, unit)
        return {
            ":=": Between(key, number, number),
            ":>": Between(key, low=number, includes_low=False),
            ":>=": Between(key, low=number),
            ":<": Between(key, high=number, includes_high=False),
            ":<=": Between(key, high=number),
        }[operator]
    if ".." in text:
        first, _, last = text.partition("..")
        if not first and not last:
            raise ValueError("a range needs a number, as in 1..5k")
        low = _number(first, unit)[0] if first else None
        high = _number(last, unit)[0] if last else None
        if low is not None and high is not None and low > high:
            raise ValueError(f"the range {text} is empty")
        whole = Between(key)
        return Between(key, whole.low if low is None else low, whole.high if high is None else high)
    if unit == "count" and (hundreds := _CLASS.fullmatch(text)):
        return Between(key, int(hundreds[1]) * 100, int(hundreds[1]) * 100 + 99)
    number, half = _number(text, unit)
    return Between(key, number - half, number + half, includes_high=False)


def regex(text: str) -> re.Pattern[str]:
    """A pattern that ignores case. ValueError, in words, where it is not a regular expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error


def _number(text: str, unit: Unit) -> tuple[float, float]:
    """A number in the unit's own measure, and half of what its last written digit stands for."""
    if unit == "time":
        return clock(text)[0], 0.0
    match = _NUMBER.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise ValueError(f"{text or 'nothing'} is not a number")
    scale = _UNITS[unit].get(match[4].lower())
    if scale is None:
        known = ", ".join(name for name in _UNITS[unit] if name)
        raise ValueError(f"unknown unit {match[4]}; there are {known}")
    value = float(f"{match[1]}{match[2] or 0}.{match[3] or 0}")
    if unit == "share" and not match[4] and value > 1:
        scale = 0.01
    return value * scale, 0.5 * 10.0 ** -len(match[3] or "") * scale
