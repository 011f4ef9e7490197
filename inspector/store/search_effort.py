"""How much of a text a regex may be tried on at a time.

The worst case is worked out from the regex itself: the ways in which it can match from one place are multiplied for
what stands side by side, and counted from every place of the window. A repeat of something that can itself match in
several ways has no such limit, and is refused.
"""

from __future__ import annotations

import importlib
import math
from typing import Any

WINDOWS = (1 << 16, 1 << 12, 1 << 9, 1 << 7)
"""Characters of a window, from what is wanted to what is still of use: for no open repeat, one, two and three."""
EFFORT = 3e7
"""Ways to match that may be tried in one window: a third of a second's worth, and far less with what really comes."""
_NESTED = "a repeat of what can match in several ways, as in (a+)+, may take for ever"
_TOO_MANY = "too many open repeats, as in .*.*.*.*, take for ever"

# The parsed form of a regex has no public name; the one it has is the same in all versions from 3.11 on.
_parser: Any = importlib.import_module("re._parser")


def window_of(regex: str, flags: int) -> int:
    """The largest window for a regex. ValueError, in words, where none is small enough."""
    tree = _parser.parse(regex, flags)
    for window in WINDOWS:
        ways, opened = _ways(tree, window)
        if ways * window / math.factorial(opened + 1) <= EFFORT:
            return window
    raise ValueError(_TOO_MANY)


def _ways(tree: Any, window: int) -> tuple[float, int]:
    """In how many ways a sequence may match from one place, and how many repeats without an end are in it."""
    ways, opened = 1.0, 0
    for kind, value in tree:
        more, open_too = _item(str(kind), value, window)
        ways, opened = min(ways * more, 1e30), opened + open_too
    return ways, opened


def _item(kind: str, value: Any, window: int) -> tuple[float, int]:
    match kind:
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = value
            return _repeat(kind, low, high, inner, window)
        case "BRANCH":
            return _branch(value[1], window)
        case "SUBPATTERN" | "ASSERT" | "ASSERT_NOT":
            return _ways(value[-1], window)
        case "ATOMIC_GROUP":
            return _ways(value, window)
        case "GROUPREF_EXISTS":
            return _branch([value[1], value[2] or []], window)
        case "GROUPREF" | "GROUPREF_IGNORE":
            return float(window), 1
        case _:
            return 1.0, 0


def _repeat(kind: str, low: int, high: int, inner: Any, window: int) -> tuple[float, int]:
    ways, opened = _ways(inner, window)
    if high > 1 and ways > 1 and kind != "POSSESSIVE_REPEAT":
        raise ValueError(_NESTED)
    choices = min(high, window) - min(low, window) + 1
    return ways * choices, opened + (choices > WINDOWS[-1])


def _branch(branches: list[Any], window: int) -> tuple[float, int]:
    """One way where the first character decides which branch it is."""
    each = [_ways(branch, window) for branch in branches]
    opened = max(number for _, number in each)
    if _differ(branches):
        return max(ways for ways, _ in each), opened
    return sum(ways for ways, _ in each), opened


def _differ(branches: list[Any]) -> bool:
    """Whether each branch begins with a character of its own, in either case."""
    begins = [branch[0] for branch in branches if len(branch)]
    if len(begins) < len(branches) or any(str(kind) != "LITERAL" for kind, _ in begins):
        return False
    return len({chr(code).lower() for _, code in begins}) == len(branches)
