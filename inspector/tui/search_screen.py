"""The search through all flows: what is looked for, and below it the hits, flow by flow, as they are found."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input

from inspector.model.flow import Flow
from inspector.store.flows import FlowStore
from inspector.store.search import FlowHits, Search
from inspector.store.search_pattern import parse
from inspector.store.summary import Summary
from inspector.store.transcripts import Transcripts
from inspector.tui.key_line import KeyLine
from inspector.tui.search_pane import Chosen, HitsPane
from inspector.tui.search_rows import hints
from inspector.tui.spans import Line
from inspector.tui.status_line import StatusLine
from inspector.tui.styled_line import StyledLine

FRAME = 1 / 30
"""Seconds from one slice of the search to the next."""
SLICE_MS = 8.0
DRAWN_EVERY = 0.2
NEWS_EVERY = 0.5
"""Seconds from one look at what came in meanwhile to the next."""
_BAR = 12


@dataclass(slots=True)
class Searching:
    """A search as it was left: it is found again as it stood."""

    text: str = ""
    listed: bool = False
    """Only the flows that the list shows."""
    folds: bool = True
    """Count what turns repeat once."""
    search: Search | None = None
    error: str = ""
    stopped: bool = False
    seen: int = -1
    """The store's revision up to which flows were given to the search."""
    place: tuple[str, int] = ("", 0)
    """The row of the cursor: a flow's id, and the row's number there."""


class SearchInput(Input):
    """What is looked for."""

    BINDING_GROUP_TITLE = "Search"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "screen.hits", "to the hits", id="search-all.hits", tooltip="Go to what was found"),
    ]


class SearchScreen(ModalScreen[Chosen | None]):
    """Searches all flows, or those that the list shows; gives back the hit that the person wants to see."""

    BINDING_GROUP_TITLE = "Search in all flows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "tab",
            "listed",
            "all/listed",
            id="search-all.listed",
            tooltip="All flows, or the listed ones",
            priority=True,
        ),
        Binding(
            "ctrl+r", "folds", "repeats", id="search-all.repeats", tooltip="Show what each turn repeats, or fold it"
        ),
        Binding("escape", "leave", "stop/close", id="search-all.leave", tooltip="Stop the search, then close it"),
    ]
    DEFAULT_CSS = """
    SearchScreen {
        background: $background;
        & > #search-all-head { background: $surface; }
        & > #search-all { height: 2; background: $background; border-bottom: solid $border; }
        & > #search-all > StatusLine { width: 11; background: $background; }
        & > #search-all > Input { width: 1fr; height: 1; border: none; padding: 0; background: $background; }
        & > #search-all > Input > .input--placeholder { color: $foreground-disabled; }
        & > HitsPane { height: 1fr; background: $background; }
    }
    """

    def __init__(
        self, searching: Searching, store: FlowStore, transcripts: Transcripts, listed: Callable[[], Sequence[Flow]]
    ) -> None:
        """`listed` gives the flows that the list shows, by number; `searching` is as it was left before."""
        super().__init__()
        self._searching = searching
        self._store = store
        self._transcripts = transcripts
        self._listed = listed
        self._head = StyledLine(id="search-all-head")
        self._prompt = StatusLine()
        self._input = SearchInput(searching.text, placeholder="words, or /regex/", compact=True, select_on_focus=False)
        self._pane = HitsPane(self._summary, self.action_edit)
        self._news_due = self._draw_due = 0.0

    def compose(self) -> ComposeResult:
        """How far it is, what is looked for, and the hits."""
        yield self._head
        with Horizontal(id="search-all"):
            yield self._prompt
            yield self._input
        yield self._pane
        yield KeyLine()

    def on_mount(self) -> None:
        """Go on where it was left."""
        self._prompt.set([("key", "search ▸")])
        self._draw()
        row = self._pane.rows.row_of(*self._searching.place)
        if row is None:
            self._input.focus()
        else:
            self._pane.focus()
            self._pane.go_to(row)
            self.call_after_refresh(self._pane.show_cursor)
        self._timer = self.set_interval(FRAME, self.pull)

    def pull(self) -> None:
        """Search on for a slice, and draw what was found, not at every frame."""
        searching, now = self._searching, time.monotonic()
        search = searching.search
        if search is None or searching.stopped:
            return
        if now >= self._news_due:
            self._news_due = now + NEWS_EVERY
            self._take_news(search)
        worked = search.step(SLICE_MS)
        if worked and (now >= self._draw_due or search.finished):
            self._draw_due = now + DRAWN_EVERY
            self._draw()

    @property
    def searching(self) -> bool:
        """Whether there are flows that were not searched yet."""
        search = self._searching.search
        return search is not None and not self._searching.stopped and search.progress < 1

    def _take_news(self, search: Search) -> None:
        """Search what came or changed, too."""
        seen, self._searching.seen = self._searching.seen, self._store.revision
        if seen == self._store.revision:
            return
        if self._searching.listed:
            search.add(self._listed())
        else:
            search.add(sorted(self._store.changes_since(seen)[1], key=lambda flow: flow.seq))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._searching.text:
            self._searching.text = event.value
            self._begin()

    def _begin(self) -> None:
        """Search from anew."""
        searching = self._searching
        searching.search, searching.error, searching.stopped, searching.seen = None, "", False, -1
        if searching.text:
            try:
                searching.search = Search(parse(searching.text), self._transcripts, folds=searching.folds)
            except ValueError as error:
                searching.error = str(error)
        self._news_due = self._draw_due = 0.0
        self._pane.cursor = 0
        self._draw()

    def _summary(self, flow: Flow) -> Summary:
        """A flow in one line, as the list has it: no flow is read for it again."""
        known, _ = self._transcripts.latest(flow)
        return known if known is not None else Summary()

    # Drawing

    def _draw(self) -> None:
        searching = self._searching
        search = searching.search
        groups = search.groups if search is not None else []
        shown = bool(len(self._pane.rows))
        self._pane.show(search, groups, hints(searching.text, searching.error, self._pane.width or 80))
        if shown != bool(len(self._pane.rows)):
            self.refresh_bindings()
        listed: Line = [("active" if searching.listed else "faint", "listed")]
        every: Line = [("faint" if searching.listed else "active", "all flows")]
        repeats: Line = [] if searching.folds else [("warning", "with repeats   ")]
        self._head.set(
            [("bold", " Search  "), *self._words(search, groups)],
            [*repeats, *every, ("faint", " │ "), *listed, ("", " ")],
        )

    def _words(self, search: Search | None, groups: Sequence[FlowHits]) -> Line:
        """What was found so far, and how far that is."""
        if search is None:
            return [("muted", f"{len(self._store):,} flows"), *self._older()]
        hits = sum(group.count for group in groups)
        words: Line = [("key" if hits else "warning" if search.finished else "muted", _found(hits, len(groups)))]
        if search.progress < 1:
            filled = int(search.progress * _BAR)
            bar: Line = [("ok", "━" * filled), ("faint", "━" * (_BAR - filled))]
            verb = "stopped at" if self._searching.stopped else "searching"
            words += [("", "   "), *bar, ("muted", f" {verb} {search.progress:.0%}")]
        return [*words, *([] if self._searching.listed else self._older())]

    def _older(self) -> Line:
        """That there are flows which no search here finds."""
        left = self._store.left
        return [("muted", f" · {left:,} older ones are not here")] if left else []

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        return bool(len(self._pane.rows)) if action == "hits" else True

    def action_edit(self) -> None:
        """Change what is looked for."""
        self._input.focus()

    def action_hits(self) -> None:
        """Go to the hits."""
        self._pane.focus()

    def action_listed(self) -> None:
        """Search all flows, or those that the list shows."""
        self._searching.listed = not self._searching.listed
        self._begin()

    def action_folds(self) -> None:
        """Count what each turn repeats, or do not."""
        self._searching.folds = not self._searching.folds
        self._begin()

    def action_leave(self) -> None:
        """Stop the search; close it where it is over."""
        if self.searching:
            self._searching.stopped = True
            self._draw()
        else:
            self.dismiss(None)

    def dismiss(self, result: Chosen | None = None) -> AwaitComplete:
        """Remember the place, and go."""
        if len(self._pane.rows):
            group, number = self._pane.rows.at(self._pane.cursor)
            self._searching.place = group.flow.id, number
        return super().dismiss(result)


def _found(hits: int, flows: int) -> str:
    if not hits:
        return "nothing found"
    return f"{hits:,} hit{'' if hits == 1 else 's'} in {flows:,} flow{'' if flows == 1 else 's'}"
