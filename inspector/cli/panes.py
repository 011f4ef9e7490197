"""A tmux pane beside ours, with a program of its own in it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

WIDE = 160
"""Columns from which two panes fit side by side."""
PATIENCE = 30.0
"""Seconds that the program in the pane may take to listen, or to leave."""
_INTERVAL = 0.05
_PANES_OWN = ("TMUX", "TMUX_PANE", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLUMNS", "LINES", "SHLVL", "_")
_READ_ONLY = ("UID", "EUID", "PPID")
"""A shell gives up where one of these is to be set."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class NoPane(Exception):
    """tmux would not, or the program in the pane ended; the message is what it said."""


def inside() -> bool:
    """Whether this process runs in a tmux that can be asked for a pane."""
    return bool(os.environ.get("TMUX") and os.environ.get("TMUX_PANE") and shutil.which("tmux"))


@dataclass(frozen=True, slots=True)
class Pane:
    """One that was split off."""

    id: str
    pid: int
    """The program in it."""

    @classmethod
    def split(cls, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Self:
        """Start a program beside us, in this environment and where we are; we keep the keyboard. Raises NoPane.

        A new pane has the environment of tmux and not ours. Ours may hold secrets, and goes by way of a file in
        `folder`, which must be private: what stands on a command line can be read by everyone on the machine.
        """
        script = folder / "start.sh"
        script.write_bytes(os.fsencode(_script(command, environment, script)))
        beside = "-h" if shutil.get_terminal_size().columns >= WIDE else "-v"
        told = ("-P", "-F", "#{pane_id} #{pane_pid}", "-t", os.environ["TMUX_PANE"], "-c", os.getcwd())
        name, pid = _tmux("split-window", "-d", beside, *told, "sh", str(script)).split()
        return cls(name, int(pid))

    def await_file(self, file: Path) -> str:
        """What the program writes to a file when it has started. Raises NoPane where it ends before, or takes too long.

        The file must be there at once with all that is in it.
        """
        deadline = time.monotonic() + PATIENCE
        while not file.exists():
            if self.dead:
                raise NoPane(self._last_words())
            if time.monotonic() > deadline:
                raise NoPane(f"it has not started after {PATIENCE:g} seconds")
            time.sleep(_INTERVAL)
        _tmux("set-option", "-p", "-u", "-t", self.id, "remain-on-exit")
        return file.read_text(encoding="utf-8")

    @property
    def dead(self) -> bool:
        """Whether its program has ended."""
        try:
            return _tmux("display-message", "-p", "-t", self.id, "#{pane_dead}").strip() != "0"
        except NoPane:
            return True

    def _last_words(self) -> str:
        # From the beginning of its history: the line that says that it is dead scrolls the first one away.
        lines = _tmux("capture-pane", "-p", "-J", "-S", "-", "-t", self.id).split("\n")
        return "\n".join(line for line in lines if line.strip() and not line.startswith("Pane is dead"))

    def close(self) -> None:
        """Tell the program to end, and wait until it and its pane are gone; a pane that is left is taken away."""
        deadline = time.monotonic() + PATIENCE
        if not self.dead:
            os.kill(self.pid, signal.SIGTERM)
        while not self.dead and time.monotonic() < deadline:
            time.sleep(_INTERVAL)
        subprocess.run(["tmux", "kill-pane", "-t", self.id], capture_output=True, check=False)


def _script(command: Sequence[str], environment: Mapping[str, str], script: Path) -> str:
    """A pane that ends at once would take along why: it stays until we have seen that its program lives."""
    exports = [
        f"export {name}={shlex.quote(value)}"
        for name, value in environment.items()
        if _NAME.fullmatch(name) and name not in (*_PANES_OWN, *_READ_ONLY)
    ]
    keep = 'tmux set-option -p -t "$TMUX_PANE" remain-on-exit on'
    return "\n".join([keep, *exports, f"rm {shlex.quote(str(script))}", f"exec {shlex.join(command)}", ""])


def _tmux(*arguments: str) -> str:
    ran = subprocess.run(["tmux", *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise NoPane(ran.stderr.strip() or f"tmux {arguments[0]} failed")
    return ran.stdout
