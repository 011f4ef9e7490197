"""The session file as the place where bodies lie that left memory."""

from __future__ import annotations

from threading import Lock

from inspector.formats.session import SessionWriter
from inspector.formats.session_reader import SessionReader
from inspector.formats.session_schema import Side
from inspector.model.flow import Capture, Flow


class SessionShelf:
    """Reads back what a writer wrote. The file is opened for that when the first body is asked for."""

    def __init__(self, writer: SessionWriter) -> None:
        self._writer = writer
        self._reader: SessionReader | None = None
        self._opening = Lock()

    def holds(self, flow: Flow) -> bool:
        """Whether everything of a flow is in the file. While the disk refuses, nothing is taken to be."""
        return self._writer.stopped is None and self._writer.is_whole(flow)

    def load(self, flow_id: str, side: Side) -> Capture:
        """One body, from any thread. SessionError where it cannot be read."""
        with self._opening:
            if self._reader is None:
                self._reader = SessionReader(self._writer.path)
        return self._reader.load(flow_id, side)

    def close(self) -> None:
        """Close the file; what is asked for later opens it again."""
        with self._opening:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
