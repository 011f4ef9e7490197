"""The waterfall of the Timing tab: a flow's phases as bars on one scale, with what each took."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.model.flow import Capture, Flow, Moment
from inspector.store.summary import Summary
from inspector.store.timing import Phase, Stage
from inspector.tui import format
from inspector.tui.bar import bar
from inspector.tui.chat_blocks import size_of
from inspector.tui.hold_words import reason
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.text import one_line
from inspector.tui.timing_words import LABEL, about, exact, label, tick_label, ticks

_STYLES = {
    Stage.REQUEST: "muted",
    Stage.RULES: "accent",
    Stage.HELD: "warning",
    Stage.CONNECT: "key",
    Stage.HEAD: "key",
    Stage.FIRST_BYTE: "key",
    Stage.FIRST_TOKEN: "key",
    Stage.ANSWER: "ok",
    Stage.END: "muted",
}
_FIGURE = 9
_WIDEST = 110
"""Cells of the longest bar."""
_EACH_TICK = 9


def waterfall(flow: Flow, summary: Summary, phases: Sequence[Phase], now: float, width: int) -> list[Line]:
    """The phases, a line each, below their scale. `now` in ms since the flow's start."""
    notes = min(60, max(30, width // 3))
    cells = max(8, min(_WIDEST, width - LABEL - _FIGURE - notes - 1))
    total = max([now if phase.end is None else phase.end for phase in phases], default=0.0)
    marks = ticks(total, max(3, cells // _EACH_TICK))
    columns = {int(at / total * cells): at for at in marks if total and at < total}
    lines = [_scale(columns, total, cells, "so far" if flow.live else "in all")]
    for phase in phases:
        failed = phase is phases[-1] and flow.error is not None and not flow.live
        style = "error" if failed else _STYLES[phase.stage]
        line: Line = [label(f"‖ {phase.stage}" if phase.stage is Stage.HELD else phase.stage)]
        line += _bar(phase, style, now, total, cells, columns)
        going = "…" if phase.end is None and phase.within is None else " "
        line.append(("bold" if phase.stage is Stage.HELD else "", f"{exact(phase.took(now)):>{_FIGURE - 1}}{going} "))
        line.append(("error" if failed else "muted", _note(phase, flow, summary)))
        lines.append(cut(line, width))
    return lines


def _scale(columns: dict[int, float], total: float, cells: int, words: str) -> Line:
    text = ""
    for column, at in columns.items():
        name = tick_label(at)
        if column >= len(text) and column + len(name) < cells:
            text = text.ljust(column) + name + " "
    return [label(""), ("faint", text.ljust(cells)), ("muted", f"{exact(total):>{_FIGURE - 1}}  {words}")]


def _bar(phase: Phase, style: str, now: float, total: float, cells: int, columns: dict[int, float]) -> Line:
    """The bar of a phase on its scale; faint lines go on through the rest."""
    end = now if phase.end is None else phase.end
    start = min(cells - 1, int(phase.start / total * cells)) if total else 0
    length = (end - phase.start) / total * cells if total else 0.0
    if length >= 1:
        length = end / total * cells - start  # what begins within a cell is drawn from its edge, and ends where it ends
    if phase.within is not None:
        text = "╌" * max(1, round(length))
    elif phase.stage is Stage.HELD:
        text = "▒" * max(1, round(length))
    else:
        text = bar(max(length, 0.001) / cells, cells)
    text = text[: cells - start]
    if phase.end is None and phase.within is None:
        text = text[:-1] + "▸"
    return [("faint", _grid(0, start, columns)), (style, text), ("faint", _grid(start + len(text), cells, columns))]


def _grid(first: int, end: int, columns: dict[int, float]) -> str:
    return "".join("┊" if column in columns else " " for column in range(first, end))


def _note(phase: Phase, flow: Flow, summary: Summary) -> str:
    """What there is to say of a phase besides its length."""
    match phase.stage:
        case Stage.REQUEST:
            return _size(flow.request.body)
        case Stage.RULES:
            return "rules and hooks"
        case Stage.HELD:
            return _held(phase, flow)
        case Stage.CONNECT:
            return _connection(flow)
        case Stage.HEAD:
            response = flow.response
            return one_line(f"{response.status} {response.reason}") if response is not None else "no answer yet"
        case Stage.FIRST_TOKEN:
            return "bytes, but no words yet"
        case Stage.ANSWER:
            return _answer(flow, summary)
        case Stage.END:
            return one_line(f"{flow.end.reason.replace('_', ' ')}, by {flow.end.by}") if flow.end is not None else ""
        case _:
            return ""


def _size(body: Capture) -> str:
    return f"{size_of(len(body))} in {about(body.chunks, 'chunk')}" if body.chunks else ""


def _held(phase: Phase, flow: Flow) -> str:
    if phase.within is not None:
        return "somewhere in here"
    if phase.end is None and flow.hold is not None:
        return f"{reason(flow.hold.by)}, {flow.hold.moment}"
    first = flow.timing.head is None or phase.start < flow.timing.head
    return f"at the {Moment.REQUEST if first else Moment.HEAD}"


def _connection(flow: Flow) -> str:
    """What the way to the connection was made of, as far as it came."""
    timing = flow.timing
    if timing.reused:
        return "was there already"
    steps = [(timing.resolved, "name"), (timing.reached, "TCP")]
    if flow.sent.url.startswith("https:"):
        steps.append((timing.connected, "TLS"))
    at = timing.forwarded or 0.0
    pieces: list[str] = []
    for reached, name in steps:
        if reached is None:
            return " · ".join([*pieces, name + ("…" if flow.live else " failed")])
        pieces.append(f"{name} {exact(max(0.0, reached - at)).removesuffix(' ms')}")
        at = reached
    return " · ".join(pieces) + ("" if pieces[-1].endswith("s") else " ms")


def _answer(flow: Flow, summary: Summary) -> str:
    if summary.output_tokens and summary.ttft is not None:
        tokens = f"{format.estimate(summary.output_tokens, summary.output_estimated)} tokens"
        rate = summary.tokens_per_second
        return f"{tokens} · {format.rate(rate)} tok/s" if rate is not None else tokens
    return _size(flow.response.body) if flow.response is not None else ""


def head_line(flow: Flow, summary: Summary, added: float | None, now: float, width: int) -> Line:
    """The figures that matter most."""
    figures = [("in all" if not flow.live else "so far", exact(now))]
    if summary.ttft is not None:
        figures.append(("to the first token", exact(summary.ttft)))
    if summary.tokens_per_second is not None:
        figures.append(("tok/s", format.rate(summary.tokens_per_second)))
    if held := flow.timing.held + (max(0.0, now - flow.hold.since) if flow.hold is not None else 0.0):
        figures.append(("held", exact(held)))
    if added is not None:
        figures.append(("ours", f"+{exact(added)}"))
    line: Line = [("", " ")]
    for index, (words, figure) in enumerate(figures):
        more: Line = [("faint", "   ")] if index else []
        style = "warning" if words == "held" else "accent" if words == "ours" else "key"
        more += [(style, figure), ("muted", f" {words}")]
        if width_of(line) + width_of(more) <= width:
            line += more
    return line
