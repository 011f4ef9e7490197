"""`inspector serve` as a process of its own, with every line that it says."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cli.test_commands import INSPECTOR, LISTENS


@dataclass
class Serving:
    """A proxy that runs."""

    url: str
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    """Lines on stderr; all of them once it was stopped."""

    def hears(self, words: str) -> None:
        """Wait for a line on stderr with these words in it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))
            if words in line:
                return
        raise AssertionError("\n".join(self.said))

    def stop(self, sent: int = signal.SIGTERM) -> int:
        """Stop it, and give its exit status. TimeoutExpired where it does not leave."""
        self.process.send_signal(sent)
        _, rest = self.process.communicate(timeout=10)
        self.said += rest.splitlines()
        return self.process.returncode


@contextlib.contextmanager
def serving(*arguments: str | Path) -> Iterator[Serving]:
    """Run `inspector serve` on a free port; it must leave well."""
    command = [*INSPECTOR, "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            served = Serving("", process)
            served.hears("listens on")
            listens = LISTENS.search(served.said[-1])
            assert listens
            served.url = listens[1]
            yield served
            if process.poll() is None:
                assert served.stop() == 0
            assert "Traceback" not in "\n".join(served.said)
        finally:
            process.kill()


def lines(file: Path) -> list[Any]:
    """The flows of a recording, as JSON."""
    return [json.loads(line) for line in file.read_text().splitlines()]
