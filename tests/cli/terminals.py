"""A terminal to run programs in: a pseudo-terminal that they get as their own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence

_LEADER = (
    "import fcntl, os, signal, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " signal.signal(signal.SIGINT, signal.SIG_DFL);"  # what runs in a shell's background has it ignored
    " os.execvp(sys.argv[1], sys.argv[1:])"
)
PATIENCE = 60.0
"""Seconds."""


class Terminal:
    """What a program writes, and the keys that are pressed."""

    def __init__(self, process: subprocess.Popen[bytes], keyboard: int) -> None:
        self.process = process
        self.said = ""
        self.written = ""
        """All that it wrote since it began."""
        self._keyboard = keyboard

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._keyboard, keys.encode())

    def hang_up(self) -> None:
        """Close the window."""
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), self._keyboard)

    def hears(self, words: str) -> None:
        """Read until the words were written."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.said:
            assert time.monotonic() < deadline and self._read(0.5) is not None, self.said
        self.said = self.said.partition(words)[2]

    def ends(self) -> int:
        """Read to the end; the exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read(0.2) is not None and self.process.poll() is None:
            assert time.monotonic() < deadline, self.said
        return self.process.wait(PATIENCE)

    def _read(self, seconds: float) -> str | None:
        """More of what was written; None at the end."""
        if not select.select([self._keyboard], [], [], seconds)[0]:
            return ""
        try:
            more = os.read(self._keyboard, 65536).decode(errors="replace")
        except OSError:
            return None
        self.said += more
        self.written += more
        return more


@contextlib.contextmanager
def terminal(command: Sequence[str], environment: dict[str, str]) -> Iterator[Terminal]:
    """Run a command in a terminal of 120 by 40 cells."""
    keyboard, screen = pty.openpty()
    termios.tcsetwinsize(screen, (40, 120))
    leader = [sys.executable, "-c", _LEADER, *command]
    with subprocess.Popen(leader, stdin=screen, stdout=screen, stderr=screen, env=environment) as process:
        os.close(screen)
        try:
            yield Terminal(process, keyboard)
        finally:
            process.kill()
            os.close(keyboard)
