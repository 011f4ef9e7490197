"""Files that hold traffic are their owner's: nobody else may read what is made here."""

from __future__ import annotations

import os
import stat
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Literal

FILE = 0o600
FOLDER = 0o700
_OTHERS = stat.S_IRGRP | stat.S_IROTH


def opened(path: Path, mode: Literal["ab", "wb", "xb"]) -> BufferedWriter:
    """Open a file to write to it. One that is made is its owner's only; one that exists keeps its mode.

    Raises OSError.
    """
    return BufferedWriter(unbuffered(path, mode))


def unbuffered(path: Path, mode: Literal["ab", "wb", "xb"]) -> FileIO:
    """The same, where each write goes straight to the disk, which may take less than it is given."""
    return FileIO(path, mode, opener=_open)


def fresh(path: Path) -> BufferedWriter:
    """Open a file that is to be written anew under a name that anybody can guess: what lies there is taken away, so
    that no link of somebody else's is followed. Raises OSError.
    """
    path.unlink(missing_ok=True)
    return opened(path, "xb")


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing, for their owner only. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(FOLDER, exist_ok=True)


def take_place(written: Path, path: Path) -> None:
    """Give a file that is whole its name; one of that name leaves its mode to it. Raises OSError."""
    if path.exists():
        written.chmod(stat.S_IMODE(path.stat().st_mode))
    written.replace(path)


def exposed(path: Path) -> str:
    """A warning where others on this machine can read a file; nothing where they cannot, or where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    mode, owner = found.st_mode, found.st_uid
    if os.name == "nt" or not stat.S_ISREG(mode):
        return ""
    if owner not in (os.geteuid(), 0):
        return f"{path} is somebody else's, who can read it"
    if not mode & _OTHERS:
        return ""
    return f"others on this machine can read {path}: chmod 600 ends that"


def _open(path: str, flags: int) -> int:
    return os.open(path, flags, FILE)
