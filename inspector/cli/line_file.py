"""A file to which whole lines are appended for as long as we run, whatever others do with it meanwhile."""

from __future__ import annotations

import errno
import logging
import os
from io import SEEK_END, FileIO, RawIOBase
from pathlib import Path
from typing import Any

from inspector.store.private_files import make_folder, unbuffered

logger = logging.getLogger("inspector.recording")


class LineFile(RawIOBase):
    """Writes at the end of a file. One that somebody deleted or moved away is begun anew at its place.

    OSError where it cannot be opened, here or later, and where it cannot be written: then the next call tries again.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._file: FileIO | None = _opened(path)

    def write(self, data: Any) -> int:
        """Write as much as goes; says how many bytes."""
        if self._file is not None and not _is_at(self._file, self.path):
            logger.warning("%s was deleted or replaced while it was written: what comes now is in a new one", self.path)
            self._file.close()
            self._file = None
        if self._file is None:
            self._file = _opened(self.path)
        return self._file.write(data) or 0

    def sync(self) -> None:
        """Wait until the disk has what was written, whatever becomes of the machine. OSError where it fails."""
        if self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a pipe or a terminal has no disk
                raise

    def close(self) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()
        super().close()


def _opened(path: Path) -> FileIO:
    """One that was left in the middle of a line goes on with the next."""
    make_folder(path.parent)
    file = unbuffered(path, "ab")
    if path.is_file() and not _ends_well(path):
        file.write(b"\n")
    return file


def _is_at(file: FileIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _ends_well(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, SEEK_END)
        file.seek(max(size - 1, 0))
        return file.read(1) in (b"", b"\n")
