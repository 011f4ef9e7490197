"""The keys of the list that order it: by a column, or lane by lane, with lanes folded."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from inspector.store.view import LaneHead, Row, Sort, View
from inspector.tui.columns import Column
from inspector.tui.line_view import LineView


class ListActions(LineView):
    """Orders and folds what `view` shows. Where the cursor stands is the subclass's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "shut", "fold", show=False, id="list.shut", tooltip="Fold the lane, or go up to its heading"),
        Binding("right", "unfold", "unfold", show=False, id="list.unfold", tooltip="Unfold the lane, or go into it"),
        Binding("J", "lane(1)", "next lane", show=False, id="list.next-lane", tooltip="To the next lane's heading"),
        Binding("K", "lane(-1)", "lane before", show=False, id="list.lane-before", tooltip="To the heading before"),
        Binding("L", "lanes", "lanes", show=False, id="list.lanes", tooltip="By lanes, or all flows as they arrived"),
        Binding(
            "s,right_parenthesis", "sort(1)", "sort", show=False, id="list.sort", tooltip="Sort by the next column"
        ),
        Binding(
            "left_parenthesis",
            "sort(-1)",
            "sort back",
            show=False,
            id="list.sort-before",
            tooltip="Sort by the column before",
        ),
        Binding("o", "turn", "turn order", show=False, id="list.turn", tooltip="The other way round, or sorted again"),
        Binding("O", "unsort", "no order", show=False, id="list.unsort", tooltip="No longer sorted by a column"),
    ]

    def __init__(self, view: View, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._view = view
        self._last_sort = Sort("seq", descending=True)

    # What the subclass gives

    @property
    def row(self) -> Row | None:
        """What stands under the cursor."""
        raise NotImplementedError

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are shown."""
        raise NotImplementedError

    def move_to(self, index: int) -> None:
        """Put the cursor on a row by the person's will."""
        raise NotImplementedError

    def order_changed(self) -> None:
        """There is another order: its first rows are what the person wants to see."""
        raise NotImplementedError

    def pull(self) -> bool:
        """Take in what moved."""
        raise NotImplementedError

    # Lanes

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        if action == "fold":
            return isinstance(self.row, LaneHead)
        if action in ("shut", "unfold", "lane"):
            return self._view.grouped
        if action == "lanes":
            return self._view.has_lanes and self._view.sort is None
        if action == "unsort":
            return self._view.sort is not None
        return super().check_action(action, parameters)

    def fold(self, head: LaneHead, folded: bool) -> None:
        """Fold a heading, or unfold it, and show that at once."""
        self._view.fold(head, folded)
        if (index := self._view.index(head)) is not None:
            self.lines_changed(index, 1)
        self.pull()

    def action_fold(self) -> None:
        """Fold the heading under the cursor, or unfold it."""
        if isinstance(row := self.row, LaneHead):
            self.fold(row, not row.folded)

    def action_shut(self) -> None:
        """Fold the heading under the cursor; from anything else go up to the heading over it."""
        row = self.row
        if isinstance(row, LaneHead) and not row.folded:
            self.fold(row, True)
        elif row is not None and (head := self._view.head_of(row)) is not None:
            index = self._view.index(head)
            if index is not None:
                self.move_to(index)

    def action_unfold(self) -> None:
        """Unfold the heading under the cursor; where it is unfolded, go to what stands below it."""
        row = self.row
        if isinstance(row, LaneHead):
            if row.folded:
                self.fold(row, False)
            elif (index := self._view.index(row)) is not None:
                self.move_to(index + 1)

    def action_lane(self, by: int) -> None:
        """Go to another heading."""
        row = self.row
        here = self._view.index(row) if row is not None else None
        if here is None:
            return
        rows = self._view.rows
        there = range(here + 1, len(rows)) if by > 0 else range(here - 1, -1, -1)
        index = next((index for index in there if isinstance(rows[index], LaneHead)), None)
        if index is not None:
            self.move_to(index)

    def action_lanes(self) -> None:
        """Group the flows by lanes, or list them as they arrived."""
        self._view.grouping = not self._view.grouping
        self.pull()

    # Order

    def sort_by(self, column: Column) -> None:
        """Sort by a column; once more: the other way round; once more: no longer."""
        if not column.sort:
            return
        now, first = self._view.sort, Sort(column.sort, descending=column.right)
        if now is None or now.key != column.sort:
            self._order(first)
        else:
            self._order(Sort(now.key, not now.descending) if now == first else None)

    def action_sort(self, by: int) -> None:
        """Sort by the next column, or the one before; beyond the last and the first it is none."""
        choices: dict[str, bool] = {}
        for column in self.columns:
            if column.sort:
                choices.setdefault(column.sort, column.right)
        keys, now = ["", *choices], self._view.sort
        at = keys.index(now.key) if now is not None and now.key in keys else 0
        key = keys[(at + by) % len(keys)]
        self._order(Sort(key, choices[key]) if key else None)

    def action_turn(self) -> None:
        """Turn the order round; where there is none, sort as it was sorted last."""
        now = self._view.sort
        self._order(self._last_sort if now is None else Sort(now.key, not now.descending))

    def action_unsort(self) -> None:
        """No longer sort by a column."""
        self._order(None)

    def _order(self, sort: Sort | None) -> None:
        self._last_sort = sort or self._view.sort or self._last_sort
        self._view.sort = sort
        self.order_changed()
        self.pull()
        self.refresh_bindings()
