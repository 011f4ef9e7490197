"""What there is to say of a flow that stands still: since when, where, why, and how long its client will bear it."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.model.flow import Hold, Moment
from inspector.tui.spans import Line, width_of
from inspector.tui.text import one_line

SOON = 60.0
"""Seconds before the client gives up from which on that is the most urgent thing to say."""
_WHERE = {
    Moment.REQUEST: "before the request goes upstream",
    Moment.HEAD: "before the answer begins",
    Moment.EVENT: "before the next event",
    Moment.END: "before the end of the answer",
}
_SHORT = {**_WHERE, Moment.REQUEST: "before it goes upstream", Moment.END: "before its end"}
OVER: Line = [("chip", " NOT HELD "), ("text", " it went on, or its client left: nothing can be sent any more")]
"""What stands in the place of the line where something was written for a hold that is over."""
_MOMENTS = tuple(Moment)


@dataclass(slots=True)
class _Part:
    """A piece of the line: how soon it gives way (0 never), and its forms, the longest first."""

    rank: int
    forms: list[Line]


def hold_line(hold: Hold, now: float, width: int, where: str = "") -> Line:
    """What there is to say of a hold in `width` cells, the least needed left out. `now` as the flow counts time."""
    left = None if hold.gives_up is None else (hold.gives_up - now) / 1000
    urgent = left is not None and left < SOON
    parts = [
        _Part(0, [[("chip", f" ‖ HELD {clock((now - hold.since) / 1000)} ")]]),
        _Part(3, [[("text", words)] for words in ([where] if where else [_WHERE[hold.moment], _SHORT[hold.moment]])]),
        _Part(1, [_why(hold.by)]),
        _Part(4, _upstream(hold)),
        _Part(1 if urgent else 2, _client(hold, left, "late" if urgent else "muted")),
    ]
    parts = [part for part in parts if part.forms]
    while width_of(_joined(parts)) > width and (givers := [part for part in parts if part.rank]):
        giver = max(givers, key=lambda part: (len(part.forms) > 1, part.rank))
        del giver.forms[0]
        parts = [part for part in parts if part.forms]
    return _joined(parts)


def clock(seconds: float) -> str:
    """A span as a clock shows it: `0:12`, `9:48`, `1:02:03`."""
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def reason(by: str) -> str:
    """Who stopped a flow, as a list has room to say it."""
    return "by hand" if by == "hand" else one_line(f"breakpoint {by}" if by.startswith(_MOMENTS) else by)


def _why(by: str) -> Line:
    words = reason(by)
    kind, _, rest = words.partition(" ")
    return [("text", f"{kind} "), ("why", rest)] if kind == "breakpoint" else [("text", words)]


def _upstream(hold: Hold) -> list[Line]:
    if hold.moment is Moment.REQUEST:
        return []
    waiting = f"{hold.waiting} event{'' if hold.waiting == 1 else 's'} waiting"
    long = f"upstream {'finished' if hold.upstream_done else 'still writing'}, {waiting}"
    return [[("muted", long)], [("muted", waiting)]]


def _client(hold: Hold, left: float | None, style: str) -> list[Line]:
    pings = f"kept alive ({hold.kept_alive} ping{'' if hold.kept_alive == 1 else 's'})" if hold.kept_alive else ""
    if left is None:
        return [[("muted", f"client {pings}")]] if pings else []
    patience = f"gives up in about {clock(left)}" if left > 0 else "has probably given up"
    long = [[("muted", f"client {pings}, "), (style, patience)]] if pings else []
    short = f"client waits {clock(left)} more" if left > 0 else "client gone?"
    return [*long, [(style, f"client {patience}")], [(style, short)]]


def _joined(parts: list[_Part]) -> Line:
    line: Line = []
    for index, part in enumerate(parts):
        if index:
            line.append(("muted", " " if index == 1 else " · "))
        line += part.forms[0]
    return line
