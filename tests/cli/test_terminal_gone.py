"""The terminal's window is closed while the screen is open: the program ends, and lets go of its port."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.cli.terminals import PATIENCE, terminal


def test_a_screen_ends_with_its_terminal(tmp_path: Path) -> None:
    environment = {**os.environ, "INSPECTOR_CONFIG": str(tmp_path / "none.toml"), "TERM": "xterm-256color"}
    with terminal([sys.executable, "-m", "inspector", "--port", "0"], environment) as term:
        term.hears("127.0.0.1:")
        term.hears("quit")
        term.hang_up()
        term.process.send_signal(signal.SIGCONT)  # as the kernel does, but in time to be met
        term.process.wait(PATIENCE)
