"""One flow as one line of the list: what each cell says, and in which tone. Knows no widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from rich.style import Style

from inspector.model.flow import Flow, Reason, State
from inspector.store.rate_limits import answered_at, retry_after
from inspector.store.summary import Summary
from inspector.store.view import Sort
from inspector.tui import format
from inspector.tui.columns import MARGIN, Column, gap
from inspector.tui.hold_words import reason
from inspector.tui.text import clip, one_line, printable

Tone = Literal["text", "bright", "muted", "live", "waiting", "held", "failed", "number", "cursor"]
"""What a piece of text means; a theme gives each a style."""

TONES: tuple[Tone, ...] = ("text", "bright", "muted", "live", "waiting", "held", "failed", "number", "cursor")

_ENDS = {
    Reason.UPSTREAM_UNREACHABLE: "unreachable",
    Reason.UPSTREAM_RESET: "cut",
    Reason.TIMEOUT: "timed out",
    Reason.UNROUTED: "no route",
    Reason.REFUSED: "refused",
    Reason.HANDLER_ERROR: "hook failed",
    Reason.UNFINISHED: "unfinished",
    Reason.DROPPED: "dropped",
    Reason.FAULT: "fault",
    Reason.SHUTDOWN: "shut down",
    Reason.INTERRUPTED: "interrupted",
}


_COMMENT = 40
"""Cells that a comment may have before a flow's last words."""

Lead = tuple[str, Tone]
"""A word that stands before a cell's text, and its tone."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one column of one row."""

    text: str
    tone: Tone = "text"
    tail: bool = False
    """Where it is too long, its end is shown and not its beginning."""
    leads: tuple[Lead, ...] = ()
    """What stands before it, and is shown first where there is little room."""


def state_cell(flow: Flow, summary: Summary) -> Cell:
    """Where a flow stands, as glyph, word and tone."""
    match flow.state:
        case State.RECEIVING:
            return Cell("◌ receiving", "waiting")
        case State.WAITING:
            return Cell("○ waiting", "waiting")
        case State.STREAMING:
            return Cell("● stream", "live")
        case State.HELD:
            return Cell("‖ held", "held")
        case State.CANCELLED:
            return Cell("⊘ cancelled", "muted")
        case State.FAILED:
            return Cell(f"✗ {_failure(flow)}", "failed")
        case State.DONE:
            if summary.error:
                return Cell("✗ error", "failed")
            return Cell(f"✓ {summary.finish or (flow.response.status if flow.response else 'done')}", "muted")


def cells(flow: Flow, summary: Summary, now: float, leads: tuple[Lead, ...] = ()) -> dict[str, Cell]:
    """What a row says in each column. `now` is the wall clock in seconds; `leads` stand before the last words."""
    failed = flow.state is State.FAILED or bool(summary.error)
    text: Tone = "text" if flow.live else "muted" if flow.state is State.CANCELLED else "text"
    out = format.estimate(summary.output_tokens, summary.output_estimated)
    return {
        "seq": _number(flow),
        "age": Cell(format.age(now - flow.started), "muted"),
        "agent": Cell(flow.agent or flow.source, text),
        "session": Cell(flow.session, text),
        "model": _model(summary, text),
        "state": state_cell(flow, summary),
        "in": _figure(format.count(summary.input_tokens)),
        "out": _figure(out, "live" if flow.live and summary.output_tokens else "text"),
        "cache": _figure(format.share(summary.cache)),
        "cost": _figure(format.money(summary.cost), "live" if flow.live else "text"),
        "ttft": _figure(format.duration(summary.ttft)),
        "rate": _figure(format.rate(summary.tokens_per_second), "number"),
        "pace": Cell(format.sparkline(summary.pace) if summary.tokens_per_second is not None else "", "number"),
        "p": _figure(format.share(summary.mean_probability)),
        "ppl": _figure(_perplexity(summary.perplexity)),
        "tools": Cell(tool_names(summary.tools), text),
        "words": replace(_words(flow, summary, failed), leads=(*_comment(flow), *leads)),
    }


def _comment(flow: Flow) -> tuple[Lead, ...]:
    """What the person wrote on it."""
    return ((clip(f"; {one_line(flow.comment)}", _COMMENT), "number"),) if flow.comment else ()


def _number(flow: Flow) -> Cell:
    """A flow's number, with a sign that it is marked, or edited."""
    if flow.marked:
        return Cell(f"*{flow.number}", "number", tail=True)
    return Cell(f"✎{flow.number}", "cursor", tail=True) if flow.edited else Cell(flow.number, "muted", tail=True)


def tool_names(tools: tuple[str, ...]) -> str:
    """The names of called tools, each once, with how often where it is more."""
    times: dict[str, int] = {}
    for name in tools:
        times[name] = times.get(name, 0) + 1
    return " ".join(f"{name}×{number}" if number > 1 else name for name, number in times.items())


def draw(columns: Sequence[Column], row: Mapping[str, Cell], styles: Mapping[Tone, Style], width: int) -> list[Segment]:
    """A row as segments. Whatever came from the wire is made inert here, and fitted to its column by cells."""
    between = " " * gap(width)
    segments: list[Segment] = []
    for index, column in enumerate(columns):
        cell = row[column.key]
        if index:
            segments.append(Segment(between, styles["text"]))
        room = column.width
        for number, (text, tone) in enumerate(cell.leads, 1):
            lead = clip(printable(text), room)
            after = clip(" · ", room - cell_len(lead)) if cell.text or number < len(cell.leads) else ""
            segments += [Segment(lead, styles[tone]), Segment(after, styles["muted"])]
            room -= cell_len(lead) + cell_len(after)
        text = fitted(printable(cell.text), column if room == column.width else replace(column, width=room), cell.tail)
        segments.append(Segment(text, styles[cell.tone]))
    return segments


def heads(columns: Sequence[Column], width: int, sorted_by: Sort | None = None) -> list[tuple[Column, int, str]]:
    """The headings above the rows: each with its column and the cell at which it begins.

    That of the order is marked, in the gap before its column where there is no room else.
    """
    found: list[tuple[Column, int, str]] = []
    at = MARGIN
    for column in columns:
        title = printable(column.title)
        if (
            sorted_by is not None
            and column.sort == sorted_by.key
            and all(each.sort != column.sort for each, _, _ in found)
        ):
            arrow = "▼" if sorted_by.descending else "▲"
            text = arrow + clip(title, column.width) if column.right else clip(title, column.width - 1) + arrow
        else:
            text = clip(title, column.width)
        found.append((column, at + column.width - cell_len(text) if column.right else at, text))
        at += column.width + gap(width)
    return found


def fitted(text: str, column: Column, tail: bool = False) -> str:
    """A printable text as exactly the cells of its column."""
    text = clip_start(text, column.width) if tail else clip(text, column.width)
    blank = " " * (column.width - cell_len(text))
    return blank + text if column.right else text + blank


def clip_start(text: str, width: int) -> str:
    """The end of a printable text in at most `width` cells, with `…` where something is missing before it."""
    if cell_len(text) <= width:
        return text
    room, start = width - 1, len(text)
    while start > 0 and (room := room - get_character_cell_size(text[start - 1])) >= 0:
        start -= 1
    return "…" + text[start:] if width > 0 else ""


def _model(summary: Summary, tone: Tone) -> Cell:
    """The model that answers; before it the one that the client asked for, where that is another."""
    model = format.short_model(summary.model)
    if not summary.asked_model:
        return Cell(model, tone)
    return Cell(f"{format.short_model(summary.asked_model)}→{model}", tone, tail=True)


def _perplexity(number: float | None) -> str:
    """A perplexity; mostly it is little more than one."""
    return (
        f"{number:.2f}"
        if number is not None and number < 9.995
        else format.count(None if number is None else round(number))
    )


def _figure(text: str, tone: Tone = "text") -> Cell:
    return Cell(text, "muted" if text == format.NOTHING else tone)


def _failure(flow: Flow) -> str:
    if flow.end is not None and flow.end.reason is not Reason.DONE:
        return _ENDS.get(flow.end.reason, str(flow.end.reason))
    return str(flow.response.status) if flow.response is not None else "failed"


def _words(flow: Flow, summary: Summary, failed: bool) -> Cell:
    if failed:
        return Cell(" · ".join(filter(None, (_retry(flow), summary.error or summary.words))), "failed")
    if flow.hold is not None:
        return Cell(f"{reason(flow.hold.by)}, {flow.hold.moment}", "held")
    if flow.state is State.WAITING and not summary.words:
        return Cell(summary.prompt, "muted")
    return Cell(summary.words, "bright" if flow.live else "muted", tail=True)


def _retry(flow: Flow) -> str:
    """When the provider wants to be asked again, where it turned a request down and says so."""
    response = flow.response
    if response is None or response.status < 400:
        return ""
    seconds = retry_after(response.headers, answered_at(flow))
    return f"retry in {format.wait(seconds)}" if seconds is not None else ""
