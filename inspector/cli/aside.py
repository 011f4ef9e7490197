"""Lines for a stream that nobody may be reading: a full pipe, or a terminal that is held, must not stop the relay."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from threading import Condition, Thread
from typing import TextIO

MOST = 5000
"""Lines that wait to be written; more are left out, and counted."""
_LAST = 1.0
"""Seconds that a stream which nobody reads is given at the end."""


class Aside:
    """Writes lines in a thread, in their order. Who does not read them loses them, and is told how many."""

    def __init__(self, file: TextIO, most: int = MOST) -> None:
        self._file = file
        self._most = most
        self._lines: deque[str] = deque()
        self._left_out = 0
        self._closed = False
        self._news = Condition()
        # A stream that is stuck for good must not keep the process from its end.
        self._thread = Thread(target=self._run, name="aside", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Have a line written. Never waits."""
        with self._news:
            if len(self._lines) < self._most:
                self._lines.append(line)
                self._news.notify()
            else:
                self._left_out += 1

    def close(self) -> None:
        """Write what waits, if anybody reads it."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(_LAST)

    def _run(self) -> None:
        with suppress(OSError, ValueError):  # whoever read it is gone
            while lines := self._next():
                self._write("".join(f"{line}\n" for line in lines))

    def _next(self) -> list[str]:
        with self._news:
            self._news.wait_for(lambda: self._lines or self._closed)
            lines = list(self._lines)
            self._lines.clear()
            if self._left_out:
                lines.append(f"… {self._left_out} lines are left out here: nobody read them in time")
                self._left_out = 0
        return lines

    def _write(self, text: str) -> None:
        try:
            number = self._file.fileno()
        except (OSError, ValueError):  # a stream in memory
            self._file.write(text)
            return
        # Not through the stream's own buffer: it has a lock, which a thread that is stuck would hold at the end.
        data = text.encode("utf-8", "replace")
        while data:
            data = data[os.write(number, data) :]
