"""Keeps a store up to date with a session that another process writes."""

from __future__ import annotations

from inspector.formats.session_reader import Row, SessionReader
from inspector.formats.session_schema import Side
from inspector.model.flow import End, Flow, Reason, Request, Response
from inspector.store.flows import FlowStore

_HEAD = (
    *("agent", "dialect", "provider", "parent", "label", "mutations", "notes", "injected", "marked", "error"),
    *("timing", "end"),
)


class Follower:
    """A store's side of a session: `pull` brings what is new. Flows stay the same objects, and their bodies grow."""

    def __init__(self, reader: SessionReader, store: FlowStore) -> None:
        self._reader = reader
        self._store = store
        self._change = 0
        self._live: dict[str, Flow] = {}

    def pull(self, limit: int = 100) -> bool:
        """Take over at most `limit` flows that changed; says whether there may be more. SessionError as the reader.

        Where nobody writes the session, what is still live in it ends as interrupted.
        """
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

    def _take(self, row: Row) -> None:
        new, flow = row.flow, self._store.get(row.flow.id)
        if flow is None:
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
