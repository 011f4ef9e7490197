"""A program in the foreground of our terminal, as if it had been started without us."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

NOT_FOUND = 127
NOT_RUNNABLE = 126
"""Exit statuses of a shell whose command cannot be started."""

_FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)
"""What a key sends to every process in the foreground: the child has it already, and we stay."""
_PASSED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


class CannotStart(Exception):
    """There is no such program, or it cannot be run; `status` is what a shell would end with."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went."""

    status: int
    """As a shell tells it: 128 and the signal's number where a signal ended it."""
    told: bool
    """Whether we were told to end meanwhile, and passed it on."""


def found(name: str) -> str:
    """The program's file. Raises CannotStart."""
    file = shutil.which(name)
    if file is not None:
        return file
    if os.sep in name and os.path.exists(name):
        raise CannotStart(f"{name}: cannot be executed", NOT_RUNNABLE)
    raise CannotStart(f"{name}: command not found", NOT_FOUND)


async def attend(command: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Run a program to its end, with our terminal and in our process group. Raises CannotStart.

    Keys that interrupt or stop are its own affair; when it stops itself, so do we, so that the shell takes over.
    Signals that tell us to end are passed on to it.
    """
    file, loop, told = found(command[0]), asyncio.get_running_loop(), False

    def pass_on(number: int) -> None:
        nonlocal told
        told = True
        os.kill(child, number)

    actions = {number: (lambda: None) for number in _FROM_TERMINAL}
    actions |= {number: partial(pass_on, number) for number in _PASSED_ON}
    heard = [number for number in actions if signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        loop.add_signal_handler(number, actions[number])
    try:
        child = os.posix_spawn(file, list(command), dict(environment), setsigdef=_IGNORED_BY_PYTHON)
        code = await asyncio.to_thread(_wait, child)
    except OSError as error:
        raise CannotStart(f"{command[0]}: {error.strerror}", NOT_RUNNABLE) from None
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
    return Ended(code if code >= 0 else 128 - code, told)


def _wait(child: int) -> int:
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.kill(child, signal.SIGCONT)
