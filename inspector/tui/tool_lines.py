"""The lines of the Tools tab: the answer's calls, those before it, and the declared tools; each folded by itself."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from inspector.model.flow import Flow
from inspector.store.tool_book import ToolBook
from inspector.store.tool_calls import CallState, SeenCall
from inspector.store.tool_declared import Declared
from inspector.tui.format import count
from inspector.tui.json_progress import JsonProgress
from inspector.tui.spans import Line, cut, plain, width_of
from inspector.tui.tool_rows import (
    call_body,
    call_head,
    calls_summary,
    changes_line,
    declared_body,
    declared_head,
    declared_summary,
)

MARK_CELLS = 3
"""Kept free at the right end of a line for its fold mark."""
MOST_OPEN = 4
"""Calls of an answer that are unfolded to begin with: the first ones."""
SLICE = 0.006
"""Seconds that are spent at a time on laying out what is unfolded."""
_NAME_CELLS = 28


@dataclass(slots=True, eq=False)
class Item:
    """A heading, a call or a declared tool."""

    key: str
    stamp: tuple[object, ...]
    """Moves whenever it looks different."""
    head: Callable[[int], Line]
    body: Callable[[int], list[Line]] | None = None
    opened: bool = False
    """Whether it is unfolded as long as nobody folds it."""
    call: SeenCall | None = None
    heading: bool = False


class ToolLines:
    """The items of one flow at one width. Only heads that are seen, and bodies of what is unfolded, are laid out."""

    def __init__(self, width: int, turned: set[str] | None = None) -> None:
        self.width = width
        self.turned = set(turned or ())
        """Keys of the items that the person folded or unfolded."""
        self.items: list[Item] = []
        self.unfinished = False
        """Whether some of what is unfolded is still to be laid out."""
        self._ends: list[int] = []
        self._bodies: dict[str, tuple[tuple[object, ...], int, list[Line]]] = {}
        self._progress: dict[str, tuple[JsonProgress, str]] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def update(self, book: ToolBook) -> int | None:
        """Take what the book says now; the first line that changed, or None where none did."""
        before, ends = self.items, self._ends
        self.items = list(self._hidden_left_out(self._all(book)))
        self._sum_up()
        return self._changed(before, ends)

    def lay_more(self) -> int | None:
        """Lay out more of what is unfolded; the first line that changed."""
        ends = self._ends
        self._sum_up()
        return self._changed(self.items, ends)

    def _changed(self, before: list[Item], ends: list[int]) -> int | None:
        for place, (old, new) in enumerate(zip(before, self.items, strict=False)):
            if (old.key, old.stamp, ends[place]) != (new.key, new.stamp, self._ends[place]):
                return ends[place - 1] if place else 0
        common = min(len(before), len(self.items))
        return None if len(before) == len(self.items) else ends[common - 1] if common else 0

    def resize(self, width: int) -> None:
        """Lay everything out at another width."""
        self.width = width
        self._sum_up()

    def line(self, index: int) -> Line:
        """One line."""
        place = self.item_at(index)
        item, within = self.items[place], index - self.start_of(place)
        if within:
            return self.body(item)[within - 1]
        room = self.width - MARK_CELLS
        head = cut(item.head(room), room)
        if item.body is None and not item.heading:
            return head
        if item.heading:
            return [("accent", "▾ " if self.is_open(item) else "▸ "), *head]
        return [*head, ("", " " * (room - width_of(head))), ("faint", "  ⊟" if self.is_open(item) else "  ⊞")]

    def item_at(self, index: int) -> int:
        """The place of the item that a line belongs to."""
        return max(0, min(bisect_right(self._ends, index), len(self.items) - 1))

    def start_of(self, place: int) -> int:
        """The first line of an item."""
        return self._ends[place - 1] if place else 0

    def is_open(self, item: Item) -> bool:
        """Whether it is unfolded."""
        return item.opened != (item.key in self.turned)

    def fold(self, place: int, book: ToolBook) -> None:
        """Fold or unfold an item, or all that stands below a heading."""
        item = self.items[place]
        if item.heading or item.body is not None:
            self.turned ^= {item.key}
            self.update(book)

    def fold_all(self, book: ToolBook) -> None:
        """Unfold every call, or fold all calls and tools where all calls are unfolded."""
        calls = [item for item in self.items if item.call is not None]
        shut = [item for item in calls if not self.is_open(item)]
        for item in shut or [item for item in self.items if not item.heading and self.is_open(item)]:
            self.turned ^= {item.key}
        self.update(book)

    def unfold_holding(self, pattern: str, book: ToolBook) -> None:
        """Unfold what holds a text, given in lower case, where its head does not show it."""
        for item in list(self._all(book)):
            if item.heading and not self.is_open(item):
                self.turned ^= {item.key}
            if item.call is None or self.is_open(item):
                continue
            texts = (str(item.call.call.arguments), item.call.result.content if item.call.result is not None else "")
            if any(pattern in text.lower() for text in texts):
                self.turned ^= {item.key}
        self.update(book)

    def _hidden_left_out(self, items: Iterable[Item]) -> Iterable[Item]:
        shown = True
        for item in items:
            if item.heading:
                shown = self.is_open(item)
            if item.heading or shown:
                yield item

    def _all(self, book: ToolBook) -> Iterable[Item]:
        now = [seen for seen in book.calls if seen.in_answer]
        past = [seen for seen in book.calls if not seen.in_answer]
        # The newest message first, its calls in their order.
        past.sort(key=lambda seen: (-seen.part[0], seen.part[1]))
        verdicts = book.verdicts
        yield self._heading("now", "This answer", calls_summary(now, verdicts))
        for number, seen in enumerate(now):
            yield self._call(seen, book, number < MOST_OPEN)
        yield self._heading("past", "Before it", calls_summary(past, verdicts))
        for seen in past:
            yield self._call(seen, book, False)
        if book.earlier:
            many = f"{count(book.earlier)} calls before these are not listed: the Chat tab has them"
            words = f"  {many if book.earlier > 1 else '1 call before these is not listed: the Chat tab has it'}"
            yield Item("earlier", (words,), lambda width: [("muted", words)])
        yield self._heading("tools", "Declared", declared_summary(book.declarations))
        if changes := changes_line(book.declarations):
            yield Item("changes", (plain(changes),), lambda width: [("", "  "), *changes])
        cells = min(max((len(each.tool.name) for each in book.declarations.tools), default=0), _NAME_CELLS)
        for number, each in enumerate(book.declarations.tools):
            yield Item(f"t{number}", (each,), partial(_declared, each, cells), partial(declared_body, each))

    def _heading(self, key: str, title: str, words: Line) -> Item:
        line: Line = [("bold", title), ("", "  "), *words]
        return Item(f"s:{key}", (plain(words),), lambda width: line, opened=True, heading=True)

    def _call(self, seen: SeenCall, book: ToolBook, opened: bool) -> Item:
        verdict = book.verdicts.get(seen.key)
        progress = self._judged(seen)
        stamp = (
            *(seen.state, seen.call.arguments.length, seen.took, seen.nth, seen.same, verdict),
            *(_id(seen.made_by), _id(seen.brought_by), progress is None or progress.valid),
        )
        return Item(
            seen.key,
            stamp,
            lambda width: [("", "  "), *call_head(seen, verdict, progress, width - 2)],
            partial(call_body, seen, verdict),
            opened,
            seen,
        )

    def _judged(self, seen: SeenCall) -> JsonProgress | None:
        """Whether arguments that are being written can still become JSON; None where they are whole, or no JSON."""
        if seen.state is not CallState.WRITING or seen.call.kind == "custom":
            self._progress.pop(seen.key, None)
            return None
        text = str(seen.call.arguments)
        progress, known = self._progress.get(seen.key, (JsonProgress(), ""))
        if not text.startswith(known):
            progress, known = JsonProgress(), ""
        progress.feed(text[len(known) :])
        self._progress[seen.key] = progress, text
        return progress

    def body(self, item: Item) -> list[Line]:
        """The lines below its head, as far as they are laid out."""
        known = self._bodies.get(item.key)
        return known[2] if known is not None and self.is_open(item) else []

    def _sum_up(self) -> None:
        """Lay out what is unfolded, for about as long as a frame allows; what is left has no lines until then."""
        until = time.perf_counter() + SLICE
        bodies, self._bodies = self._bodies, {}
        self.unfinished = False
        for item in self.items:
            if item.body is None or not self.is_open(item):
                continue
            known = bodies.get(item.key)
            if known is None or known[:2] != (item.stamp, self.width):
                if time.perf_counter() < until:
                    known = item.stamp, self.width, item.body(self.width)
                else:
                    self.unfinished = True
                    # Lines of another width do not fit.
                    known = known if known is not None and known[1] == self.width else None
            if known is not None:
                self._bodies[item.key] = known
        self._ends = list(accumulate(1 + len(self.body(item)) for item in self.items))


def _declared(declared: Declared, name_cells: int, width: int) -> Line:
    return [("", "  "), *declared_head(declared, name_cells, width - 2)]


def _id(flow: Flow | None) -> str:
    return flow.id if flow is not None else ""
