"""Two states of one conversation, compared unit by unit: what became of everything that was there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from inspector.store.alignment import PAUSE_EVERY, Steps, gaps, matches, numbered
from inspector.store.history_units import Unit, same_json, title_of
from inspector.store.history_words import difference, is_shortened, quote

EFFORT = 250_000
"""Pairs of what came and what went in one place, beyond which nothing there is taken for the same thing, altered."""


class Kind(StrEnum):
    """What is odd."""

    ALTERED = "altered"
    SHORTENED = "shortened"
    DROPPED = "dropped"
    ORDER = "order"
    NO_RESULT = "no result"
    """A call without its result, or a result without its call."""
    THINKING_LOST = "thinking lost"
    DUPLICATE = "duplicate"
    INSERTED = "inserted"
    """Something new stands in the midst of what was there."""
    REPLACED = "replaced"
    """Hardly anything of the history is left: it was summed up, or it is another conversation."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was."""

    kind: Kind
    message: int
    """Index into the `prompt.messages` of the request that was looked at: where it stands, or where it is missing."""
    words: str
    """What happened, on one line. Holds text from the wire: a screen makes it printable."""
    part: int = 0
    """Index into the parts of that message."""


class Comparison:
    """Two lists of units: what was there, and what is sent now."""

    def __init__(self, expected: list[Unit], sent: list[Unit], messages: int, *, due: int | None) -> None:
        """`messages`: how many the later request has; `due`: how many units it must have, None for all."""
        self.expected, self.sent = expected, sent
        self.found: list[Finding] = []
        self.replaced = False
        self._messages = messages
        self._due = len(expected) if due is None else due
        self._gone: list[int] = []
        """Indices into `expected` of what is not there any more."""
        self._new: list[int] = []
        """Indices into `sent` of what was not there."""
        self._place: dict[int, int] = {}
        """Where in `sent` each thing of `expected` stands, or would stand."""

    def run(self) -> Steps[None]:
        """Compare."""
        numbers: dict[Hashable, int] = {}
        old = yield from numbered((unit.key for unit in self.expected), numbers)
        new = yield from numbered((unit.key for unit in self.sent), numbers)
        same = yield from matches(old, new)
        kept = 0
        for run in same:
            for index in range(run.size):
                self._pair(self.expected[run.before + index], self.sent[run.after + index])
                if index % PAUSE_EVERY == 0:
                    yield
            kept += run.size
        for gap in gaps(same, len(old), len(new)):
            self._place.update(dict.fromkeys(gap.before, gap.after.start))
            kept += self._gap(gap.before, gap.after, at_end=gap.before.stop == len(old))
            yield
        self._moved()
        self._settle(kept)

    def lost(self) -> tuple[tuple[str, int], ...]:
        """What is gone, the biggest first."""
        sizes: Counter[str] = Counter()
        for index in self._gone:
            sizes[title_of(self.expected[index])] += len(self.expected[index].text)
        return tuple(sizes.most_common())

    def _gap(self, old: range, new: range, *, at_end: bool) -> int:
        """Units between two that are the same: those of one sort belong together; the others came or went.

        Returns how many belong together.
        """
        pairs, left = 0, list(new)
        if len(old) * len(new) > EFFORT:
            self._gone += old
            self._new += [] if at_end else left
            return 0
        for index in old:
            unit = self.expected[index]
            twin = next((i for i in left if _alike(unit, self.sent[i])), None)
            # At the end of the history, a new word of the same speaker is the next turn and no altered one.
            if twin is None or (at_end and unit.sort == "text" and not _resembles(unit, self.sent[twin])):
                self._gone.append(index)
                continue
            pairs += 1
            self._pair(unit, self.sent[twin])
            self._new += [i for i in left if i < twin]
            left = [i for i in left if i > twin]
        if not at_end:
            self._new += left
        return pairs

    def _pair(self, old: Unit, new: Unit) -> None:
        """What became of one thing."""
        if old.text == new.text and old.name == new.name:
            return
        if old.sort == "thought" or old.own:
            return
        if old.sort == "call" and old.name and new.name and old.name != new.name:
            self._add(Kind.ALTERED, new, f"{title_of(old)}: the tool is {new.name} now")
        elif old.text != new.text and not (old.sort == "call" and same_json(old.text, new.text)):
            kind = Kind.SHORTENED if is_shortened(old.text, new.text) else Kind.ALTERED
            self._add(kind, new, f"{title_of(old)}: {difference(old.text, new.text)}")

    def _moved(self) -> None:
        """What is gone in one place and stands in another."""
        places: dict[tuple[object, ...], list[int]] = {}
        for index in self._new:
            places.setdefault(self.sent[index].key, []).append(index)
        still: list[int] = []
        taken: set[int] = set()
        for index in self._gone:
            unit = self.expected[index]
            elsewhere = places.get(unit.key)
            if not elsewhere:
                still.append(index)
                continue
            at = elsewhere.pop(0)
            taken.add(at)
            self._add(Kind.ORDER, self.sent[at], f"{title_of(unit)} stands elsewhere than it did: {quote(unit.text)}")
        self._gone = still
        self._new = [index for index in self._new if index not in taken]

    def _settle(self, kept: int) -> None:
        """Tell of what is gone for good and what is new in the midst."""
        loop = _loop_start(self.expected)
        substance = [index for index in self._gone if self.expected[index].sort != "thought"]
        self.replaced = len(substance) > 3 and kept * 3 < len(substance)
        for index in self._gone:
            unit = self.expected[index]
            if index >= self._due:
                continue
            if unit.sort == "thought":
                if unit.sealed and index >= loop:
                    self._missing(index, Kind.THINKING_LOST, "the seal of the model's thoughts is not sent back")
            elif not unit.own:
                self._missing(index, Kind.DROPPED, f"{title_of(unit)} is not sent back: {quote(unit.text)}")
        known = {unit.key for unit in self.expected}
        for index in self._new:
            unit = self.sent[index]
            if unit.sort == "thought" or unit.own:
                continue
            kind, words = (Kind.DUPLICATE, "again") if unit.key in known else (Kind.INSERTED, "in the midst of it")
            self._add(kind, unit, f"{title_of(unit)} {words}: {quote(unit.text)}")

    def _missing(self, index: int, kind: Kind, words: str) -> None:
        place = self._place.get(index, len(self.sent))
        if place < len(self.sent):
            self._add(kind, self.sent[place], words)
        else:
            self.found.append(Finding(kind, max(0, self._messages - 1), words))

    def _add(self, kind: Kind, unit: Unit, words: str) -> None:
        self.found.append(Finding(kind, unit.message, words, unit.part))


def _alike(unit: Unit, other: Unit) -> bool:
    """Whether one may have become the other."""
    if unit.sort != other.sort or unit.role != other.role or unit.sort == "thought":
        return False
    return unit.sort not in ("call", "result") or unit.key[1] == other.key[1]


def _resembles(unit: Unit, other: Unit) -> bool:
    """Whether a text is likely the same one, changed: it begins or ends alike."""
    size = max(1, min(len(unit.text), len(other.text), 48) // 3)
    return unit.text[:size] == other.text[:size] or unit.text[-size:] == other.text[-size:]


def _loop_start(units: Sequence[Unit]) -> int:
    """Where the present round of tool calls begins: at the last thing that the user said.

    What stands behind a tool's result belongs to it: agents put reminders there.
    """
    start, given = 0, False
    for index, unit in enumerate(units):
        if unit.role == "assistant":
            given = False
        elif unit.sort == "result":
            given = True
        elif unit.sort == "text" and not given:
            start = index
    return start
