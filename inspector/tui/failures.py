"""What becomes of an exception while something is drawn: one traceback in the log, one line for the person."""

from __future__ import annotations

import logging

from inspector.tui.text import one_line

logger = logging.getLogger("inspector.screen")

MOST_TOLD = 100
"""Different failures that one place tells of."""


class Failures:
    """What has failed in one place so far."""

    def __init__(self) -> None:
        self._told: set[tuple[str, type[Exception], int]] = set()

    def tell(self, what: str, error: Exception) -> str:
        """Log a traceback, once for each kind and line of code; gives what to show, printable."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        kind = (what, type(error), place.tb_lineno if place is not None else 0)
        if kind not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(kind)
            logger.error("%s could not be drawn", what, exc_info=error)
        return one_line(f"{what} could not be drawn: {type(error).__name__}: {error}")
