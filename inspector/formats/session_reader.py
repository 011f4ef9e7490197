"""Reads a session, also while another process writes it. What is damaged is named, and the rest is read."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from inspector.formats.jsonl_reader import BrokenLine, read
from inspector.formats.session_bodies import MOST_STEPS, Packed, count_chunks, unpack, unpack_chunks
from inspector.formats.session_lock import is_written
from inspector.formats.session_pieces import body_of, joined, pieces_of
from inspector.formats.session_recent import RecentBodies
from inspector.formats.session_schema import FORMAT, SIDES, SessionError, Side, for_reading, has_log
from inspector.model.flow import Capture, Fetch, Flow

_AT_ONCE = 20
"""Rows that are read together."""
_GAP = 1000
"""Rows that may be lost in a row before the rest of a damaged table is given up."""


@dataclass(frozen=True, slots=True)
class Row:
    """A flow as it stands in the file."""

    number: int
    change: int
    """Grows over the whole file with each change of a flow."""
    whole: bool
    flow: Flow
    """Without bodies; it has not ended where somebody still writes it."""


class SessionReader:
    """One session, open to be looked at. May be used in any thread; calls wait for each other."""

    def __init__(self, path: Path) -> None:
        """SessionError where the file is no session or cannot be read."""
        self.path = path
        self.remarks: list[str] = []
        """What could not be read so far, and what should be known of the file, once each."""
        self._turn = Lock()
        self._recent = RecentBodies()
        self._place = self._found()
        self._database, found = for_reading(path)
        if found > FORMAT:
            self._remark(
                f"written by a later version (format {found}, known is {FORMAT}): it may show less than there is"
            )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def is_written(self) -> bool:
        """Whether a process writes it now."""
        return is_written(self.path)

    @property
    def facts(self) -> dict[str, str]:
        """When it was begun (`started`, RFC 3339) and by which version (`program`)."""
        with self._reading() as database:
            return {str(name): str(value) for name, value in database.execute("SELECT name, value FROM session")}

    def count(self) -> int:
        """How many flows it has; 0 where it is too damaged to be asked."""
        try:
            with self._reading() as database:
                return int(database.execute("SELECT count(*) FROM flow").fetchone()[0])
        except SessionError:
            return 0

    def agents(self) -> list[str]:
        """Which agents it has flows of, by name."""
        query = "SELECT DISTINCT json_extract(head, '$.agent') FROM flow"
        try:
            with self._reading() as database:
                return sorted(str(row[0]) for row in database.execute(query) if row[0])
        except SessionError:
            return []

    def flows(self, *, bodies: bool = True) -> Iterator[Flow]:
        """All flows in the order of arrival, one in memory at a time; without bodies, what `load` gives is left out.

        A flow that had not ended ends as interrupted, by `file`, unless a process is still writing. What is damaged is
        left out, and named in `remarks`.
        """
        for row in self.rows():
            if bodies:
                self.fill(row)
            yield row.flow

    def rows(self) -> Iterator[Row]:
        """The same without bodies, and how they stand in the file."""
        written, number, lost, limit = self.is_written, 0, 0, _AT_ONCE
        while lost < _GAP:
            query = f"{_ROWS} WHERE number > ? ORDER BY number LIMIT ?"
            try:
                with self._reading() as database:
                    rows = database.execute(query, (number, limit)).fetchall()
            except SessionError:
                # One by one over what is damaged.
                number, lost, limit = (number, lost, 1) if limit > 1 else (number + 1, lost + 1, 1)
                continue
            if not rows:
                break
            if not isinstance(rows[-1][0], int):
                self._remark("its table of flows is none of ours")
                break
            number, lost, limit = rows[-1][0], 0, _AT_ONCE
            yield from (row for row in (self._row(row, written) for row in rows) if row is not None)
        self._tell_lost()

    def changes(self, since: int, limit: int = 100) -> list[Row]:
        """The flows that changed after a change, in the order of their changes: at most `limit` at once."""
        written = self.is_written
        with self._reading() as database:
            rows = database.execute(f"{_ROWS} WHERE change > ? ORDER BY change LIMIT ?", (since, limit)).fetchall()
        return [row for row in (self._row(row, written) for row in rows) if row is not None]

    def fill(self, row: Row, known: Sequence[Side] = ()) -> None:
        """Give a flow its bodies, but for those that are known. A damaged one stays empty, with a note on the flow."""
        sides = (row.flow.request, row.flow.forwarded, row.flow.response, row.flow.delivered)
        for name, side in zip(SIDES, sides, strict=True):
            if side is None or name in known:
                continue
            try:
                side.body = self._load(row.number, name)
            except SessionError as error:
                row.flow.note(f"the {name}'s body is lost: {error}")
                self._remark(f"flow {row.flow.number}: the {name}'s body is lost: {error}")

    def lay(self, row: Row, fetch: Fetch) -> None:
        """Give a whole flow its bodies without reading them: `fetch` brings each when somebody looks at it."""
        flow = row.flow
        sides = (flow.request, flow.forwarded, flow.response, flow.delivered)
        try:
            with self._reading() as database:
                found = database.execute(_SIZES, (row.number,)).fetchall()
            for side, size, chunks in found:
                if (one := sides[side]) is not None:
                    one.body = Capture.elsewhere(fetch, flow.id, SIDES[side], size, count_chunks(chunks))
        except (SessionError, ValueError, TypeError, IndexError):
            self.fill(row)  # which tells what is damaged

    def last_change(self) -> int:
        """The number of the last change. SessionError where it cannot be told."""
        with self._reading() as database:
            return int(database.execute("SELECT coalesce(max(change), 0) FROM flow").fetchone()[0])

    def load(self, flow_id: str, side: Side) -> Capture:
        """A body with the times of its chunks; empty where the flow has none. SessionError where it is damaged."""
        with self._reading() as database:
            row = database.execute("SELECT number FROM flow WHERE id = ?", (flow_id,)).fetchone()
        return self._load(row[0], side) if row is not None else Capture()

    def body(self, flow_id: str, side: Side) -> bytes:
        """The bytes of a body."""
        return bytes(self.load(flow_id, side))

    def _load(self, flow: int, name: Side) -> Capture:
        side = SIDES.index(name)
        try:
            with self._reading() as database:
                found = database.execute(
                    "SELECT body, chunks FROM side WHERE flow = ? AND side = ?", (flow, side)
                ).fetchone()
                if found is None:
                    return body_of(joined(pieces_of(database, flow, side)))
                data, chain = self._chain(database, found[0])
            for number, packed in chain:
                data = unpack(packed, data)
                self._recent.put(number, data)
            times, ends = unpack_chunks(found[1])
            body = body_of((data, array("d", times), array("Q", ends)))
        except (ValueError, TypeError, OverflowError) as error:
            raise SessionError(str(error)) from None
        if (ends[-1] if ends else 0) != len(data) or ends != sorted(ends):
            raise SessionError("its chunks do not fit it")
        return body

    def _chain(self, database: sqlite3.Connection, last: int) -> tuple[bytes, list[tuple[int, Packed]]]:
        """What must be unpacked for a body, in that order, and what the first of it is packed against."""
        chain: list[tuple[int, Packed]] = []
        number: int | None = last
        while number is not None:
            if (known := self._recent.get(number)) is not None:
                return known, chain[::-1]
            row = database.execute("SELECT base, size, crc, data FROM body WHERE number = ?", (number,)).fetchone()
            if row is None or len(chain) > MOST_STEPS:
                raise ValueError("what it is made of is not there")
            chain.append((number, Packed(*row)))
            number = row[0]
        return b"", chain[::-1]

    def _row(self, row: tuple[int, int, int, str], written: bool) -> Row | None:
        number, change, whole, head = row
        for flow in read([str(head).encode("utf-8", "surrogatepass")]):
            if isinstance(flow, BrokenLine):
                self._remark(f"flow {number} is lost: {flow.message}")
                return None
            if written and not whole:
                flow.end = None
            return Row(number, change, bool(whole), flow)
        return None

    def _tell_lost(self) -> None:
        """Say so where a damaged index or table has more flows than were found."""
        try:
            with self._reading() as database:
                database.execute("SELECT count(*) FROM flow NOT INDEXED").fetchone()
        except SessionError as error:
            self._remark(f"some flows may be lost: {error}")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """One view of the file. SessionError where it is damaged, or locked for too long."""
        with self._turn:
            if (place := self._found()) not in (None, self._place):
                # Somebody began to write it, or ended, or another file stands in its place.
                fresh, _ = for_reading(self.path)
                self._database.close()
                self._database, self._place = fresh, place
                self._recent.clear()
            try:
                self._database.execute("BEGIN")
                yield self._database
            except sqlite3.Error as error:
                raise SessionError(str(error)) from None
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")

    def _found(self) -> tuple[int, int, bool] | None:
        """Which file is at the path, and whether all is in it; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, has_log(self.path)

    def _remark(self, text: str) -> None:
        if text not in self.remarks:
            self.remarks.append(text)


_ROWS = "SELECT number, change, whole, head FROM flow"
_SIZES = "SELECT side.side, body.size, side.chunks FROM side JOIN body ON body.number = side.body WHERE side.flow = ?"
