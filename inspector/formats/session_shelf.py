"""The session file as the place where bodies lie that are not in memory."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from inspector.formats.session import SessionWriter
from inspector.formats.session_reader import SessionReader
from inspector.formats.session_schema import Side
from inspector.model.flow import Capture, Flow
from inspector.store.memory import brought_back


class BodyFile:
    """The bodies of a session. It is opened for them when the first is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: SessionReader | None = None
        self._opening = Lock()

    def load(self, flow_id: str, side: Side) -> Capture:
        """One body, from any thread. SessionError where it cannot be read."""
        with self._opening:
            if self._reader is None:
                self._reader = SessionReader(self._path)
        return self._reader.load(flow_id, side)

    def fetch(self, body: Capture, flow_id: str, side: str) -> Capture:
        """Bring a body back for which no budget cares: it stays. See `Fetch`."""
        found = brought_back(body, flow_id, side, self.load)
        body.put_back(found)
        return found

    def close(self) -> None:
        """Close the file; what is asked for later opens it again."""
        with self._opening:
            if self._reader is not None:
                self._reader.close()
                self._reader = None


class SessionShelf(BodyFile):
    """Reads back what a writer wrote."""

    def __init__(self, writer: SessionWriter) -> None:
        super().__init__(writer.path)
        self._writer = writer

    def holds(self, flow: Flow) -> bool:
        """Whether everything of a flow is in the file. While the disk refuses, nothing is taken to be."""
        return self._writer.stopped is None and self._writer.is_whole(flow)
