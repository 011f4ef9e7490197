"""The event loop and the log: what every command that runs the proxy sets up first."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from inspector.cli.terminal import inert
from inspector.formats.redaction import Redaction
from inspector.model.headers import mask_url
from inspector.proxy.embedded import AddressInUse
from inspector.store.private_files import opened

T = TypeVar("T")

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_GC_THRESHOLDS = (10_000, 5, 2_000)
_SWITCH = 0.00005
"""Seconds after which Python's lock is handed on to a thread that waits for it. With the usual 5 ms the session's
thread, which wants it anew after each call into SQLite, falls behind a busy loop: memory grows by what is not written.
"""


class _Formatter(logging.Formatter):
    """Log lines that can be shown and kept: no keys, and nothing that a terminal would act on.

    What goes on in a second line is indented, so that nobody's words pass for a record of ours.
    """

    def format(self, record: logging.LogRecord) -> str:
        """A record's lines."""
        text = Redaction().hide(mask_url(super().format(record)).encode("utf-8", "replace")).decode()
        return inert(text.replace("\t", "    ").replace("\n", "\n    "))


class LogBuffer(logging.Handler):
    """The latest log lines, for the log pane: nothing may be written on a screen that is being drawn."""

    def __init__(self, size: int = 1000) -> None:
        super().__init__()
        self.setFormatter(_Formatter(_FORMAT, "%H:%M:%S"))
        self.lines: deque[str] = deque(maxlen=size)
        self.count = 0
        """Lines ever written."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's lines."""
        self.count += 1
        self.lines.extend(self.format(record).split("\n"))


def start_log(file: Path | None) -> LogBuffer:
    """Send what all libraries log, and Python's warnings, to a buffer and, if given, to a file."""
    buffer = LogBuffer()
    handlers: list[logging.Handler] = [buffer]
    if file is not None:
        try:
            opened(file, "ab").close()
            handlers.append(logging.FileHandler(file, encoding="utf-8"))
            handlers[-1].setFormatter(_Formatter(_FORMAT))
        except OSError as error:
            raise click.ClickException(f"cannot write the log: {error}") from None
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    logging.captureWarnings(True)
    return buffer


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine on the fastest loop there is. Errors of set-up become messages for the person."""
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(main)
    except AddressInUse as error:
        raise click.ClickException(error.strerror or str(error)) from None
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        # The process is about to end: walking through all flows once more would only make the person wait.
        gc.freeze()


def settle() -> None:
    """Call once everything is imported and started: what lives now lives on, and need not be walked by each GC run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    sys.setswitchinterval(_SWITCH)


def on_signal(action: Callable[[], object]) -> None:
    """Call `action` on SIGINT, SIGTERM and SIGHUP."""
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            loop.add_signal_handler(getattr(signal, name), action)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fastest kind of event loop there is; None for the usual one."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
