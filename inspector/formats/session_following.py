"""Keeps a store up to date with a session that another process writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from inspector.formats.session_reader import Row, SessionReader
from inspector.formats.session_schema import SessionError, Side
from inspector.model.flow import Capture, End, Fetch, Flow, Reason, Request, Response
from inspector.store.flows import FlowStore

_HEAD = (
    *("agent", "dialect", "provider", "parent", "label", "mutations", "notes", "injected", "marked", "error"),
    *("comment", "timing", "end"),
)


class Follower:
    """A store's side of a session: `pull` brings what is there, in the order of arrival, and then what is new.

    Flows stay the same objects, and their bodies grow. It is the shelf on which the bodies of whole flows lie.
    """

    def __init__(self, reader: SessionReader, store: FlowStore) -> None:
        self.fetch: Fetch | None = None
        """What brings a body when somebody looks at it; where there is nothing, all bodies are read at once."""
        self._reader = reader
        self._store = store
        self._change = 0
        self._first: Iterator[Row] | None = None
        self._read = False
        self._whole: set[str] = set()
        self._live: dict[str, Flow] = {}

    def holds(self, flow: Flow) -> bool:
        """Whether a flow was read from the file, and is whole there."""
        return flow.id in self._whole

    def load(self, flow_id: str, side: Side) -> Capture:
        """One body, from any thread. SessionError where it cannot be read."""
        return self._reader.load(flow_id, side)

    def pull(self, limit: int = 100) -> bool:
        """Take over at most `limit` flows that changed; says whether there may be more. SessionError as the reader.

        Where nobody writes the session, what is still live in it ends as interrupted.
        """
        if not self._read:
            return self._pull_first(limit)
        written = self._reader.is_written
        rows = self._reader.changes(self._change, limit)
        for row in rows:
            self._take(row)
            self._change = row.change
        if not rows and not written:
            for flow in self._live.values():
                flow.end = End(Reason.INTERRUPTED, "file")
                self._store.touch(flow)
            self._live.clear()
        return bool(rows)

    def _pull_first(self, limit: int) -> bool:
        """Take over what was there at the beginning. What is damaged is left out: the reader remarks on it."""
        if self._first is None:
            with suppress(SessionError):  # then what is there is taken over twice
                self._change = self._reader.last_change()
            self._first = self._reader.rows()
        rows = list(islice(self._first, limit))
        for row in rows:
            self._take(row)
        self._read = len(rows) < limit
        return True

    def _take(self, row: Row) -> None:
        new, flow = row.flow, self._store.get(row.flow.id)
        if not row.whole:
            new.end = None
        if flow is None:
            if row.whole and self.fetch is not None:
                self._reader.lay(row, self.fetch)
            else:
                self._reader.fill(row)
            self._store.add(new)
            flow = new
        else:
            if flow.id in self._live:
                self._reader.fill(row, known=_closed(flow))
                _grow(flow, new)
            for name in _HEAD:
                setattr(flow, name, getattr(new, name))
            self._store.touch(flow)
        if row.whole:
            self._live.pop(flow.id, None)
            self._whole.add(flow.id)
        else:
            self._live[flow.id] = flow


def _closed(flow: Flow) -> tuple[Side, ...]:
    """Sides whose bodies are all there."""
    asked: tuple[Side, ...] = ("request",) if flow.timing.received is not None else ()
    return (*asked, "forwarded") if flow.forwarded is not None and flow.response is not None else asked


def _grow(flow: Flow, new: Flow) -> None:
    known = _closed(flow)
    if "request" not in known:
        _grow_body(flow.request, new.request)
    if "forwarded" not in known:
        flow.forwarded = new.forwarded
    flow.response = _grown(flow.response, new.response)
    flow.delivered = _grown(flow.delivered, new.delivered)


def _grown(old: Response | None, new: Response | None) -> Response | None:
    if old is None or new is None or (old.status, old.headers) != (new.status, new.headers):
        return new
    _grow_body(old, new)
    return old


def _grow_body(old: Request | Response, new: Request | Response) -> None:
    """Append what is new, so that whoever reads on in a body finds it where they left it."""
    body, count = old.body, old.body.chunks
    if new.body.ends[:count] != body.ends or not new.body.data.startswith(body.data):
        old.body = new.body
        return
    for index in range(count, new.body.chunks):
        body.append(new.body.times[index], new.body.chunk(index))
