"""Bars in eighths of a cell."""

from __future__ import annotations

import pytest

from inspector.tui.bar import bar


@pytest.mark.parametrize(
    ("share", "cells", "drawn"),
    [(1.0, 3, "███"), (0.5, 3, "█▌"), (0.0, 9, ""), (1e-9, 9, "▏"), (1.5, 2, "██"), (0.25, 1, "▎"), (1 / 3, 3, "█")],
)
def test_a_share_is_drawn_in_eighths(share: float, cells: int, drawn: str) -> None:
    assert bar(share, cells) == drawn
