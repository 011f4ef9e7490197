"""What breaks in the harness: rules, dialects and widgets that raise, and disks that refuse."""

from __future__ import annotations

import contextlib
import resource
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from inspector.dialects import by_name
from inspector.formats.session import SessionWriter
from inspector.model.message import Transcript
from inspector.tui.flow_list import FlowList
from inspector.tui.line_view import LineView
from inspector.tui.screen import MainScreen
from inspector.tui.tabs import TABS
from tests.harness.traffic import KINDS
from tests.test_faults import SEAMS, Fault

Seams = dict[str, tuple[Any, str]]

READERS: Seams = {f"reading {kind}": (type(by_name(kind).reader(Transcript())), "event") for kind in sorted(KINDS)}
"""What reads the answers of each dialect."""

WIDGETS: Seams = {
    "the list": (FlowList, "pull"),
    "its rows": (FlowList, "draw_some"),
    "what is held": (MainScreen, "pull_holds"),
    "the header": (MainScreen, "_pull_header"),
    "a line": (LineView, "render_line"),
    **{f"the tab {tab.tab_id}": (tab, "grow") for tab in TABS},
}

BEHIND: Seams = {**SEAMS, **READERS}
"""What may raise though nobody looks."""

ERRORS = (RuntimeError, MemoryError, RecursionError, OSError, ValueError)

DISK_FAULTS = ("locked", "full", "read-only", "deleted")

FULL = 1000
"""Bytes beyond which no file can be written where the disk is full."""


class Raising:
    """Has some of the program raise, until it is mended."""

    def __init__(self) -> None:
        self._patch = pytest.MonkeyPatch()

    def begin(self, where: tuple[Any, str], error: type[Exception], after: int) -> None:
        """Have one place raise, from its `after`th call on."""
        self._patch.undo()
        was = getattr(*where)
        fault = Fault(error("injected"), after)

        def fail(*args: Any, **named: Any) -> Any:
            fault()
            return was(*args, **named)

        self._patch.setattr(*where, fail)

    def mend(self) -> None:
        """All is as it was."""
        self._patch.undo()


class Disk:
    """Has a session's file refuse, until it is mended."""

    def __init__(self, path: Path, writer: SessionWriter) -> None:
        self._path = path
        self._writer = writer
        self._mending = contextlib.ExitStack()

    def fail(self, fault: str) -> None:
        """Break one thing for real."""
        self.mend()
        match fault:
            case "locked":
                other = self._mending.enter_context(contextlib.closing(sqlite3.connect(self._path, timeout=5)))
                other.execute("BEGIN IMMEDIATE")
                self._mending.callback(other.rollback)
            case "full":
                before = resource.getrlimit(resource.RLIMIT_FSIZE)
                handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                self._mending.callback(signal.signal, signal.SIGXFSZ, handler)
                self._mending.callback(resource.setrlimit, resource.RLIMIT_FSIZE, before)
                resource.setrlimit(resource.RLIMIT_FSIZE, (FULL, before[1]))
            case "read-only":
                self._writer._thread.submit(self._make_read_only).result()
            case _:
                self._path.unlink(missing_ok=True)

    def _make_read_only(self) -> None:
        if (database := self._writer._disk._database) is not None:
            database.execute("PRAGMA query_only = ON")

    def mend(self) -> None:
        """All works again, and is tried at once."""
        self._mending.close()
        self._writer._again = 0.0
