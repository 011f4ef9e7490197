"""What is written all the time, as whoever tells of it sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from inspector.formats.session import Stopped


class Recording(Protocol):
    """A file to which what passes is written while it passes."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def stopped(self) -> Stopped | None:
        """Since when the disk refuses, and why; None while all is well."""
