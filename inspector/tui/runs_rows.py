"""The table of replays as lines: its columns at a width, and a row for each answer. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len

from inspector.model.flow import Flow, Reason, State
from inspector.store.runs import Run
from inspector.tui import format
from inspector.tui.spans import Line
from inspector.tui.text import clip, one_line


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, its cells, and how soon it gives way (the highest `rank` goes first)."""

    name: str
    width: int
    rank: int
    right: bool = True


COLUMNS = (
    Column("#", 8, 0, right=False),
    Column("state", 9, 1, right=False),
    Column("parts at", 8, 2),
    Column("model", 18, 8, right=False),
    Column("in", 5, 7),
    Column("out", 6, 4),
    Column("ttft", 5, 5),
    Column("total", 5, 3),
    Column("cost", 8, 6),
)
"""In the order in which they are shown; what was decided takes the rest of the line."""
_STATES = {State.DONE: ("ok", "✓ done"), State.FAILED: ("error", "✗ failed"), State.CANCELLED: ("muted", "⊘ left")}
SAME = "same"
LEAD = 24
"""Characters of what is the same that stand before the word where two answers part."""


def stopped(flow: Flow) -> bool:
    """Whether the person broke it off."""
    return flow.end is not None and flow.end.reason is Reason.DROPPED


def fit(width: int) -> tuple[Column, ...]:
    """The columns for a line of `width` cells: what was decided keeps two fifths of it."""
    room = width - width * 2 // 5
    shown: list[Column] = []
    for column in sorted(COLUMNS, key=lambda column: column.rank):
        room -= column.width + 2
        if room < 0 and shown:
            break
        shown.append(column)
    return tuple(sorted(shown, key=COLUMNS.index))


def head_line(width: int) -> Line:
    """The names of the columns."""
    return [("muted", " " + "".join(_fitted(column.name, column) for column in fit(width)) + "decision")]


def row_line(run: Run, width: int, *, first: bool = False) -> Line:
    """One answer as a row; the original comes `first`, and all others part from it."""
    line: Line = [("", " ")]
    for column in fit(width):
        style, text = _cell(column.name, run, first)
        line.append((style, _fitted(text, column)))
    if run.error and not run.decision:
        return [*line, ("error", one_line(run.error))]
    return [*line, *_decided(run)]


def _decided(run: Run) -> Line:
    """What was decided, from the word where it parts on in another colour."""
    if run.parting is None:
        return [("", one_line(run.decision))]
    start = len(run.decision) - len(run.parting.text)
    same, other = one_line(run.decision[max(0, start - LEAD) : start]), one_line(run.parting.text)
    same = f"…{same}" if start > LEAD else same
    return [("muted", f"{same} " if same else ""), ("warning", other or "⋯ ends here")]


def _cell(name: str, run: Run, first: bool) -> tuple[str, str]:
    match name:
        case "#":
            return "bold" if first else "key", one_line(run.flow.number)
        case "state":
            if stopped(run.flow):
                return "muted", "⊘ stopped"
            style, word = _STATES.get(run.state, ("ok", f"● {run.state}"))
            return (
                ("error", f"✗ {run.status}")
                if run.state is State.FAILED and (run.status or 0) >= 400
                else (style, word)
            )
        case "parts at":
            return _parting(run, first)
        case "model":
            return "", one_line(run.model)
        case "in":
            return "muted", format.count(run.input_tokens)
        case "out":
            return "muted", format.estimate(run.output_tokens, run.output_estimated)
        case "ttft":
            return "muted", format.duration(run.ttft)
        case "total":
            return "muted", format.duration(run.total)
        case _:
            return "muted", f"${run.cost:.4f}" if run.cost is not None else format.NOTHING


def _parting(run: Run, first: bool) -> tuple[str, str]:
    if first:
        return "muted", ""
    if run.parting is not None:
        return "warning", f"word {format.count(run.parting.word + 1)}"
    return ("ok", SAME) if run.state is State.DONE and run.decision else ("muted", format.NOTHING)


def _fitted(text: str, column: Column) -> str:
    text = clip(text, column.width)
    blank = " " * (column.width - cell_len(text))
    return (blank + text if column.right else text + blank) + "  "
