"""Bars in eighths of a cell."""

from __future__ import annotations

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(share: float, cells: int) -> str:
    """A bar for a share from 0 to 1 of so many cells; what is not nothing is at least seen."""
    eighths = max(1 if share > 0 else 0, round(min(share, 1.0) * cells * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
