"""How a text that was sent back differs from what it was, in words."""

from __future__ import annotations

import re

NEAR = 32
"""Characters of a text that are quoted from where it differs."""
_LONG = 1_000_000
"""Characters from which on nobody looks whether white space alone differs."""
_CUT = re.compile(r"truncat|omitted|elided|cleared|clipped|trimmed|snipped|removed|…|\.\.\.", re.IGNORECASE)
"""By which agents say that they left something out."""


def common_prefix(text: str, other: str) -> int:
    """How many characters two texts have in common at their beginning. By halving."""
    low, high = 0, min(len(text), len(other))
    if text[:high] == other[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        if text[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def is_shortened(before: str, after: str) -> bool:
    """Whether a text is the beginning of what it was, or says that something is left out of it."""
    if len(after) >= len(before):
        return False
    at = common_prefix(before, after)
    rest = after[at:]
    # What stands in the place of the middle or the end is short, and says so.
    return not rest.strip() or bool(_CUT.search(rest[:400]))


def difference(before: str, after: str) -> str:
    """Where two texts part, and what stands there: on one line, not made printable."""
    if max(len(before), len(after)) < _LONG and "".join(before.split()) == "".join(after.split()):
        return f"only white space differs ({len(before):,} → {len(after):,} characters)"
    if is_shortened(before, after):
        return f"{len(before):,} → {len(after):,} characters"
    at = common_prefix(before, after)
    old, new = quote(before, at), quote(after, at)
    return f"from character {at + 1:,}: {old} → {new}"


def quote(text: str, at: int = 0, size: int = NEAR) -> str:
    """A few characters of a text, as a quotation on one line; `…` says that it goes on, `nothing` that it ends."""
    piece = " ".join(text[at : at + size].split())
    if at >= len(text):
        return "nothing"
    return f"“{piece}{'…' if len(text) > at + size else ''}”"
