"""Only one process writes a session: it holds a lock on a file beside it, which the system frees however it dies.

The lock is not on the session itself: closing any handle of that file would drop SQLite's own locks on it.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
"""Somebody else's link to another file is not followed."""
_PATIENCE = 0.2
"""Seconds to try again: somebody who only looks whether a session is written holds the lock for a moment."""


class SessionLock:
    """The right to write one session, until `release`."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    def release(self) -> None:
        """Give it back, and take the file away."""
        if _is_at(self._descriptor, self._path):
            with suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)

    @classmethod
    def take(cls, session: Path) -> SessionLock | None:
        """The lock of a session; None where another process has it. OSError where its file cannot be made."""
        path, until = lock_path(session), time.monotonic() + _PATIENCE
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o600)
            if _locked(descriptor) and _is_at(descriptor, path):
                return cls(descriptor, path)
            os.close(descriptor)
            if time.monotonic() > until:
                return None
            time.sleep(0.01)


def lock_path(session: Path) -> Path:
    """The file that is locked while a session is written."""
    return session.with_name(session.name + "-lock")


def is_written(session: Path) -> bool:
    """Whether some process writes a session now."""
    try:
        descriptor = os.open(lock_path(session), os.O_RDWR | _NO_LINK)
    except OSError:
        return False
    try:
        return not _locked(descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the file still has its name: whoever released the lock before us took it away."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False
