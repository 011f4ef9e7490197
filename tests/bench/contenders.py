"""Who is compared: each stands between the load and its upstream as a process of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MITM = Path(__file__).parents[2] / ".bench" / "mitmproxy"
"""A virtual environment for mitmproxy, whose dependencies would quarrel with ours."""


@dataclass(frozen=True, slots=True)
class Running:
    """A contender at work."""

    port: int
    pid: int | None
    """None for the direct line."""

    def cpu(self) -> float:
        """Seconds of CPU that its threads have used, as the scheduler counts them, to the nanosecond.

        The ticks of `/proc/PID/stat` will not do: work that comes in short bursts by a timer falls on them or between.
        """
        if self.pid is None:
            return 0.0
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


Contender = Callable[[int], contextlib.AbstractContextManager[Running]]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_ready(port: int, seconds: float = 30) -> None:
    """Wait until somebody accepts on a port. Raises TimeoutError."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nobody listens on port {port}")


@contextlib.contextmanager
def direct(upstream: int) -> Iterator[Running]:
    """Nothing in between."""
    yield Running(upstream, None)


@contextlib.contextmanager
def headless(upstream: int, *more: str) -> Iterator[Running]:
    """`inspector serve`. Its session is thrown away."""
    port = free_port()
    command = [sys.executable, "-m", "inspector", "serve", "--port", str(port), "--upstream", _url(upstream), *more]
    with tempfile.TemporaryDirectory() as state, _process(command, XDG_STATE_HOME=state) as pid:
        wait_ready(port)
        yield Running(port, pid)


@contextlib.contextmanager
def with_screen(upstream: int, *more: str) -> Iterator[Running]:
    """`inspector` in a real terminal of 200 by 50, whose output is read and thrown away, as its session is."""
    port = free_port()
    command = [sys.executable, "-m", "inspector", "--port", str(port), "--upstream", _url(upstream), *more]
    with tempfile.TemporaryDirectory() as state:
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(COLUMNS="200", LINES="50", TERM="xterm-256color", COLORTERM="truecolor")
            os.execve(command[0], command, os.environ | {"XDG_STATE_HOME": state})
        drained = Terminal(terminal)
        try:
            wait_ready(port)
            yield Running(port, pid)
        finally:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
            drained.stop()


class Terminal:
    """Reads what a program draws, as a terminal would, and counts it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._stopped = threading.Event()
        self.bytes = 0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the terminal."""
        self._stopped.set()
        self._thread.join()
        os.close(self._fd)

    def _read(self) -> None:
        while not self._stopped.is_set():
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    self.bytes += len(os.read(self._fd, 1 << 16))
                except OSError:
                    return


@contextlib.contextmanager
def mitmdump(upstream: int) -> Iterator[Running]:
    """mitmdump from PyPI in reverse mode, streaming bodies."""
    port = free_port()
    command = [str(MITM / "bin" / "mitmdump"), "-q", "--mode", f"reverse:{_url(upstream)}", "--listen-port", str(port)]
    with _process([*command, "--set", "stream_large_bodies=1"]) as pid:
        wait_ready(port)
        yield Running(port, pid)


def install_mitmproxy() -> None:
    """Put mitmproxy into its environment, once."""
    if not (MITM / "bin" / "mitmdump").exists():
        print("installing mitmproxy …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(MITM)], check=True)
        subprocess.run([str(MITM / "bin" / "pip"), "install", "-q", "mitmproxy"], check=True)


@contextlib.contextmanager
def _process(command: list[str], **environment: str) -> Iterator[int]:
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | environment
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
