"""The way of an answer's events to the client, as they came or as others, in one sound framing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum, auto

from inspector.model.flow import Flow
from inspector.model.headers import Headers
from inspector.proxy.intake import AROUND, Intake, events_of
from inspector.proxy.outlet import Outlet
from inspector.proxy.rewriting import Rewriting
from inspector.wire.event import Event
from inspector.wire.sse import SSE

_GLUE = b",\r\n"
_NOTHING = b"{}"
"""A member that says nothing, for a client that has a comma already."""


class Place(Enum):
    """Where an array stands that somebody has the beginning of."""

    START = auto()
    OPEN = auto()
    """Behind its bracket."""
    COMMA = auto()
    MEMBER = auto()
    """Behind one of its members."""


class Joints:
    """What joins the members of an array, so that the client has one whatever was taken out, changed or added."""

    def __init__(self, passed: bytes) -> None:
        self._came = self._had = _place(passed)
        """How far the upstream is, and how far the client."""

    def came(self, raw: bytes) -> bytes:
        """What goes for members that are not changed, each with what joined it to the one before."""
        came, self._came = self._came, Place.MEMBER
        if came is not self._had:
            raw = self._opening() + _bare(raw, came)
        self._had = Place.MEMBER
        return raw

    def instead(self, members: Sequence[bytes]) -> bytes:
        """What goes for these, in the place of a member that came."""
        self._came = Place.MEMBER
        return self._add(members)

    def end(self, members: Sequence[bytes], tail: bytes) -> bytes:
        """What goes at the end: some more members, and `tail`, which came behind the last. An array that the client has
        otherwise than it came is always closed.
        """
        if self._came is self._had and not members:
            return tail
        more = members or ([_NOTHING] if self._had is Place.COMMA else [])
        opening = b"[" if self._had is Place.START and not more else b""
        closing = tail[tail.rindex(b"]") :] if b"]" in tail else b"]"
        return opening + self._add(more) + closing

    def _add(self, members: Sequence[bytes]) -> bytes:
        if not members:
            return b""
        data = self._opening() + _GLUE.join(members)
        self._had = Place.MEMBER
        return data

    def _opening(self) -> bytes:
        return {Place.START: b"[", Place.MEMBER: _GLUE}.get(self._had, b"")


class WayOut:
    """Puts events and what goes in their place into the outlet. `passed` bytes went there before, as they came."""

    def __init__(
        self, flow: Flow, outlet: Outlet, intake: Intake, rewriting: Rewriting, readable: Headers, passed: int
    ) -> None:
        assert flow.response is not None
        self._outlet = outlet
        self._intake = intake
        self._rewriting = rewriting
        self._readable = readable
        self._joints = Joints(bytes(flow.response.body)[:passed])
        self.released = passed
        """Bytes of the upstream's answer, decoded, that the client has as they came, or got something else for."""
        if intake.encoded:
            self.part()

    async def put(self, raw: bytes) -> None:
        """Whole events go as they came."""
        self.released += len(raw)
        await self._outlet.put(self._joints.came(raw) if self._intake.in_array else raw)

    async def put_instead(self, pieces: Sequence[bytes]) -> None:
        """Something else goes in the place of an event."""
        self.part()
        await self._outlet.put(self._joints.instead(_members(pieces)) if self._intake.in_array else b"".join(pieces))

    def read(self, pieces: Sequence[bytes]) -> list[Event]:
        """What the client reads of that."""
        if self._intake.in_array:
            return [Event(member) for member in _members(pieces)]
        return events_of(self._readable, b"".join(pieces))

    async def end(self) -> None:
        """The answer is over: what the edits still owe, and what stands behind the last event."""
        owed = self._rewriting.close()
        if owed:
            self.part()
        if self._intake.in_array:
            await self._outlet.put(self._joints.end(_members(owed), self._intake.tail))
        else:
            await self._outlet.put(b"".join(owed))
        self.released += len(self._intake.tail)

    async def break_off(self) -> None:
        """The upstream's answer broke off: the client gets all that came."""
        await self._outlet.put(self._intake.tail)
        self.released += len(self._intake.tail)

    def part(self) -> None:
        """From here on the client gets something else than what came."""
        self._rewriting.part(self.released)


def _place(begun: bytes) -> Place:
    last = begun.rstrip(AROUND)[-1:]
    return {b"": Place.START, b"[": Place.OPEN, b",": Place.COMMA}.get(last, Place.MEMBER)


def _bare(raw: bytes, came: Place) -> bytes:
    """Members without what joined the first of them to what had come."""
    bare = raw.lstrip(AROUND)
    if came is Place.START:
        bare = bare.removeprefix(b"[")
    elif came is Place.MEMBER:
        bare = bare.removeprefix(b",")
    return bare.lstrip(AROUND)


def _members(pieces: Iterable[bytes]) -> list[bytes]:
    """The members that pieces stand for: each is one, or is framed as a server-sent event."""
    found: list[bytes] = []
    for piece in pieces:
        text = piece.strip(AROUND)
        framed = text.startswith((b"data:", b"event:"))
        found += [event.data for event in SSE().feed(piece)] if framed else [text.strip(AROUND + b",")]
    return [member for member in found if member]
