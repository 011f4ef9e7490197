"""A file for each session, where the path to write to has `{session}` in it: one proxy serves many sessions."""

from __future__ import annotations

from collections import OrderedDict
from io import RawIOBase
from pathlib import Path

from inspector.cli.line_file import LineFile
from inspector.model.flow import Flow
from inspector.model.sessions import session_name
from inspector.store.private_files import make_folder

PLACE = "{session}"
"""Stands in a path for the name of a session."""
NAMELESS = "_"
"""Stands for it where there is none: it is no name that could be."""
_OPEN = 32
"""Files that are kept open; the one not written longest is closed, and opened again where it must be."""


class SessionFiles:
    """Where the lines of flows go: to one file, or to that of their session.

    OSError where the one file, or the folder of the many, cannot be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._apart = is_apart(path)
        self._files: OrderedDict[str, LineFile] = OrderedDict()
        self._unsynced: set[LineFile] = set()
        if not self._apart:
            self._file("")
        elif not is_apart(path.parent):
            make_folder(path.parent)

    def of(self, flow: Flow) -> RawIOBase:
        """The file of a flow, to be written now. OSError where it cannot be opened."""
        if not self._apart:
            return self._file("")
        return self._file(session_name(flow) or NAMELESS)

    def sync(self) -> None:
        """Wait until the disk has what was written. OSError where it fails."""
        for file in list(self._unsynced):
            file.sync()
            self._unsynced.discard(file)

    def close(self) -> None:
        """Close all."""
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _file(self, name: str) -> LineFile:
        file = self._files.pop(name, None) or LineFile(Path(str(self.path).replace(PLACE, name)))
        self._files[name] = file
        self._unsynced.add(file)
        if len(self._files) > _OPEN:
            _, oldest = self._files.popitem(last=False)
            self._unsynced.discard(oldest)
            oldest.close()
        return file


def is_apart(path: Path) -> bool:
    """Whether a path names a file for each session."""
    return PLACE in str(path)
