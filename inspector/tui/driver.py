"""A terminal that may go away, or take nothing for a while: a window is closed, a connection stalls or breaks. The
program goes on all the same, for agents hang on it, and can end.
"""

from __future__ import annotations

import contextlib
import os
from queue import Full
from typing import IO, Any

from textual.driver import Driver
from textual.drivers._writer_thread import WriterThread

_LAST = 1.0
"""Seconds that a terminal which takes nothing is given at the end."""


class PatientFile:
    """A terminal's file. What can no longer be written is thrown away: a writer that dies of it blocks the program."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write, if there is still somebody to read."""
        with contextlib.suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """The same for what waits."""
        with contextlib.suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        """The file's descriptor."""
        return self._file.fileno()


class PatientWriter(WriterThread):
    """Textual's thread that writes to the terminal; its own keeps the event loop waiting as soon as 30 writes wait."""

    lost = False
    """Something was thrown away, because the terminal took nothing: what it shows is not what was drawn."""

    def write(self, text: str) -> None:
        """Have something written, where the terminal keeps up."""
        try:
            self._queue.put_nowait(text)
        except Full:
            self.lost = True

    @property
    def caught_up(self) -> bool:
        """Whether all is written."""
        return self._queue.empty()

    def stop(self) -> None:
        """Write what waits, if the terminal takes it."""
        with contextlib.suppress(Full):
            self._queue.put(None, timeout=_LAST)
        self.join(_LAST)


def patient(driver: type[Driver]) -> type[Driver]:
    """A driver that outlives its terminal, where Textual would use its own for Unix."""
    try:
        from textual.drivers.linux_driver import LinuxDriver
    except ImportError:  # Windows has no termios
        return driver
    if driver is not LinuxDriver:
        return driver

    class PatientDriver(LinuxDriver):
        """Textual's own, but for what it does when the terminal is gone."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if self._file is not None:
                self._file = PatientFile(self._file)  # type: ignore[assignment]

        def start_application_mode(self) -> None:
            """Take the terminal."""
            super().start_application_mode()  # type: ignore[no-untyped-call]
            # Textual makes its thread in the middle of this; changing its class is the one seam that it leaves.
            if self._writer_thread is not None:
                self._writer_thread.__class__ = PatientWriter

        def write(self, data: str) -> None:
            """Write, and draw everything once more as soon as a terminal that took nothing does so again."""
            writer = self._writer_thread
            if isinstance(writer, PatientWriter) and writer.lost and writer.caught_up:
                writer.lost = False
                self._app.call_later(self._app.refresh)
            super().write(data)

        def _sigcont_application(self, *_: object) -> None:
            """Take the terminal again after a stop. A hangup comes with this signal, too: then there is none."""
            if os.isatty(self.fileno):
                super()._sigcont_application()

    return PatientDriver
