"""A terminal that may go away: the window is closed, the connection breaks, and the program must end all the same."""

from __future__ import annotations

import contextlib
import os
from typing import IO, Any

from textual.driver import Driver


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

        def _sigcont_application(self, *_: object) -> None:
            """Take the terminal again after a stop. A hangup comes with this signal, too: then there is none."""
            if os.isatty(self.fileno):
                super()._sigcont_application()

    return PatientDriver
