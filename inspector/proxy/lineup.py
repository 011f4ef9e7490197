"""The events that wait for the client, in their order, and which of them may go."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

from inspector.dialects._base import parse_object
from inspector.model.flow import Flow, Moment, Mutation
from inspector.proxy.held import Waiting
from inspector.proxy.hooks import Decision, Halt, Instead, Verdict
from inspector.proxy.intake import EVENT_ENDS, IN_ARRAY, IN_FRAMES, LINE_ENDS
from inspector.wire.event import Event
from inspector.wire.eventstream import is_frame, payload_of, with_payload


@dataclass(slots=True, eq=False)
class Item:
    """An event on its way."""

    event: Event
    raw: bytes
    part: int = -1
    """Index of the part of the answer that it belongs to; -1 before the first and behind the last."""
    withheld: bool = False
    halt: str = ""
    """Who holds the answer before this event."""
    moment: Moment = Moment.EVENT
    pieces: tuple[bytes, ...] | None = None
    """What goes in its place."""

    @property
    def own(self) -> bytes:
        """Its bytes, without what joins it to the event before."""
        return self.raw[-(self.event.end - self.event.start) :]

    @property
    def given(self) -> bytes:
        """What the client gets."""
        return self.own if self.pieces is None else b"".join(self.pieces)


class Changes:
    """The events of one answer that others changed, by who changed them."""

    def __init__(self) -> None:
        self._items: dict[str, list[Item]] = {}

    def add(self, by: str, item: Item) -> None:
        """Another one."""
        self._items.setdefault(by, []).append(item)

    def tell(self, flow: Flow) -> None:
        """Say so on the flow, once for each of those who changed something."""
        for by, items in self._items.items():
            one = len(items) == 1
            told = (readable(items[0].own), readable(items[0].given)) if one else ("", f"{len(items)} events")
            flow.mutations.append(Mutation("event", by, *told))


class Lineup:
    """Withheld events always stand at the end: the first that passes takes them along."""

    def __init__(self, ends: tuple[bytes, ...] = EVENT_ENDS) -> None:
        self._ends = ends
        """What may stand behind an event."""
        self._items: deque[Item] = deque()
        self._withheld: list[Item] = []
        self._halted = False
        """The withheld events belong to something that a hold has stopped: they go when the hold lets go."""
        self.size = 0
        """Bytes of all of them."""

    def add(self, item: Item, decision: Decision) -> None:
        """Put an event at the end."""
        if isinstance(decision, Instead):
            item.pieces, decision = decision.pieces, decision.then
        self._items.append(item)
        self.size += len(item.raw)
        match decision:
            case Halt(by):
                self._withheld.append(item)
                self.halt(by, Moment.EVENT)
                self._halted = True
            case Verdict.WITHHOLD:
                if not self._halted:
                    item.withheld = True
                    self._withheld.append(item)
            case Verdict.PASS:
                self.release()

    def halt(self, by: str, moment: Moment) -> bool:
        """Hold the answer before everything that is withheld; False where nothing is."""
        if not self._withheld:
            return False
        self._withheld[0].halt, self._withheld[0].moment = by, moment
        self.release()
        return True

    def release(self) -> None:
        """Let go what is withheld."""
        for item in self._withheld:
            item.withheld = False
        self._withheld = []
        self._halted = False

    def until(self, part: int) -> list[Item]:
        """The first events, up to the one with which a part of the answer begins."""
        return list(takewhile(lambda item: item.part < part, self._items))

    def clear(self) -> None:
        """Forget all events: the client gets none of them."""
        self._items.clear()
        self._withheld = []
        self._halted = False
        self.size = 0

    def free(self) -> None:
        """Nothing that is here stops any more."""
        self.release()
        for item in self._items:
            item.halt = ""

    def front(self) -> Item | None:
        """The next event that may go (or halts)."""
        return self._items[0] if self._items and not self._items[0].withheld else None

    def take(self) -> Item:
        """The next event, whether it may go or not."""
        item = self._items.popleft()
        if item.withheld:
            self._withheld.remove(item)
        self.size -= len(item.raw)
        return item

    def change(self, index: int, raw: bytes) -> str:
        """Give one event other bytes, framing included; none take it out. Of a binary frame, the payload alone will do.
        Gives what was there, to be read.

        ValueError, in words for the person, where it is gone, or the bytes are no whole event.
        """
        if index >= len(self._items):
            raise ValueError("this event is with the client already")
        item = self._items[index]
        if raw and self._ends is IN_FRAMES:
            raw = _framed_like(item.raw, raw)
        elif raw and self._ends is IN_ARRAY:
            raw = _member(raw)
        elif raw and not raw.endswith(self._ends):
            raise ValueError(f"an event ends with {'a line feed' if self._ends is LINE_ENDS else 'an empty line'}")
        before, item.pieces = readable(item.given), (raw,) if raw else ()
        return before

    def waiting(self) -> list[Waiting]:
        """All of them as the person sees them."""
        return [Waiting(item.event, _seen(item.given), item.part, item.pieces is not None) for item in self._items]

    def __getitem__(self, index: int) -> Item:
        return self._items[index]

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    @property
    def withholds(self) -> bool:
        """Whether anything is kept back."""
        return bool(self._withheld)


def readable(raw: bytes) -> str:
    """An event's bytes for a person."""
    return _seen(raw).decode("utf-8", "replace").strip()


def _seen(raw: bytes) -> bytes:
    """What a person gets to see of an event: of a binary frame its payload."""
    return payload_of(raw) if is_frame(raw) else raw


def _member(given: bytes) -> bytes:
    """A member of an array as it is given, without blanks around it."""
    try:
        parse_object(given)
    except ValueError as error:
        raise ValueError(f"a piece of this answer is one JSON object: {error}") from None
    return given.strip()


def _framed_like(came: bytes, given: bytes) -> bytes:
    """A whole frame as it is given; or the frame that came, with what is given for its payload."""
    if is_frame(given):
        return given
    if not is_frame(came):
        raise ValueError("this event did not come as a sound frame: it can only be taken out")
    return with_payload(came, given.rstrip(b"\r\n"))
