"""The lines of the Context tab: bars of what fills the window, what is new, and how it grew."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.model.flow import Flow
from inspector.store.context import Composition, Group, Item, Kind
from inspector.store.context_report import Report, Turn
from inspector.tui import format
from inspector.tui.context_words import SEPARATOR, cache_lines, history_lines, verdict
from inspector.tui.spans import Line, cut, width_of
from inspector.tui.text import clip, one_line
from inspector.tui.tool_rows import size_of

WIDE = 140
"""Cells from which on there are two columns."""
_GAP = 4
_PARTS = 4
"""Names that are told of one kind; the others are put together."""
_ROOMY = 90
"""Cells from which on a row tells the bytes, too."""
_HEIGHT = 6
"""Lines of the chart of turns."""
_BLOCKS = " ▁▂▃▄▅▆▇█"
_FRACTIONS = " ▏▎▍▌▋▊▉█"
_CHIPS = {
    Kind.SYSTEM: "chip-system",
    Kind.TOOLS: "chip-tool",
    Kind.USER: "chip-user",
    Kind.NOTES: "chip-reasoning",
    Kind.FILES: "chip-model",
    Kind.RESULTS: "match",
    Kind.CALLS: "chip-tool",
    Kind.MODEL: "chip-user",
    Kind.REASONING: "chip-reasoning",
    Kind.MEDIA: "chip-system",
    Kind.OTHER: "chip-system",
}
_COLOURS = {
    Kind.TOOLS: "accent",
    Kind.USER: "key",
    Kind.FILES: "ok",
    Kind.RESULTS: "warning",
    Kind.CALLS: "accent",
    Kind.MODEL: "key",
}


def context_lines(flow: Flow, report: Report, turns: Sequence[Turn], width: int) -> list[Line]:
    """All lines for one request."""
    top = [*_verdict(report, width), [], _stack(report.composition, width), []]
    column = (width - _GAP) // 2 if width >= WIDE else width
    fills = [*_title("fills the window", _legend(report.composition)), *_groups(report.composition, column), []]
    biggest = [*_title("biggest"), *_biggest(report.composition, column), []]
    prefix = [*_title("prefix and cache"), *cache_lines(report, column), []]
    new = [*_title("new", _since(report)), *_new(report, column), []]
    history = [*_title("history"), *history_lines(report, column), []]
    growth = (
        [*_title("growth by turn", "█ from cache  ░ read anew"), *_growth(flow, turns, column), []] if turns else []
    )
    if column == width:
        return [*top, *prefix, *fills, *history, *new, *biggest, *growth]
    return [*top, *beside([*fills, *biggest], [*prefix, *history, *new, *growth], column)]


def beside(left: list[Line], right: list[Line], column: int) -> list[Line]:
    """Two columns of lines as one."""
    lines: list[Line] = []
    for index in range(max(len(left), len(right))):
        own = cut(left[index], column) if index < len(left) else []
        other = right[index] if index < len(right) else []
        lines.append([*own, ("", " " * (column + _GAP - width_of(own))), *other] if other else own)
    return lines


def _verdict(report: Report, width: int) -> list[Line]:
    """The verdict, on as many lines as its parts need."""
    parts: list[Line] = [[]]
    for span in verdict(report):
        if span[1] == SEPARATOR:
            parts.append([])
        else:
            parts[-1].append(span)
    lines: list[Line] = [parts[0]]
    for part in parts[1:]:
        longer: Line = [*lines[-1], ("muted", SEPARATOR), *part]
        if width_of(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return [cut(line, width) for line in lines]


def _title(words: str, about: str = "") -> list[Line]:
    return [[("bold", words), ("muted", f"  {about}" if about else "")]]


def _legend(known: Composition) -> str:
    if known.given is None:
        return f"~{known.total:,} tokens by the size of {len(known.items)} items"
    return f"{known.total:,} tokens as counted, shared out over {len(known.items)} items by size (~)"


def _stack(known: Composition, width: int) -> Line:
    """One bar for the whole window, each kind with its name in it where there is room."""
    groups, line, done, filled = known.groups(), list[tuple[str, str]](), 0.0, 0
    for group in groups:
        done += group.share
        cells = round(done * width) - filled
        if cells <= 0:
            continue
        filled += cells
        label = next((text for text in _labels(group) if len(text) + 2 <= cells), "")
        # A line at its beginning tells one from the next without colours.
        line.append((_CHIPS[group.kind], clip(f"▏{label}".ljust(cells), cells)))
    return line


def _labels(group: Group) -> tuple[str, ...]:
    return f"{group.kind.value} {format.share(group.share)}", group.kind.value, group.kind.value[:3]


def _groups(known: Composition, width: int) -> list[Line]:
    groups = known.groups()
    if not groups:
        return [[("muted", "Nothing: the prompt is empty, or was not understood.")]]
    most = max(group.share for group in groups)
    lines: list[Line] = []
    for group in groups:
        lines.append(_group(group, most, width, inner=False))
        lines += [_group(part, most, width, inner=True) for part in group.parts[:_PARTS]]
        if rest := group.parts[_PARTS:]:
            tokens = format.estimate(sum(part.tokens for part in rest), True)
            lines.append([("faint", f"    ⋯ {len(rest)} more, {tokens}")])
    return lines


def _group(group: Group, most: float, width: int, *, inner: bool) -> Line:
    """A kind, or a name in it: how many tokens, what part of all, and a bar."""
    room = max(16, min(34, width // 3))
    kind = "  " if inner else f"{group.kind.value} "
    name = clip(one_line(group.name) or ("without a name" if inner else ""), room - len(kind))
    name += " " * (room - len(kind) - width_of([("", name)]))
    colour = _COLOURS.get(group.kind, "")
    figures = f"{format.estimate(group.tokens, True):>7} {format.share(group.share):>4}"
    size = f"{size_of(group.bytes):>9}" if width >= _ROOMY else ""
    count = f"{size}{group.items:>5} item{'s' if group.items != 1 else ' '}"
    bar = _bar(group.share / most if most else 0.0, max(4, width - room - len(figures) - len(count) - 3))
    return [
        ("bold", kind),
        ("muted", name),
        ("" if not inner else "muted", figures),
        ("faint", count),
        ("", "  "),
        (colour, bar),
    ]


def _bar(share: float, cells: int) -> str:
    """A horizontal bar, to an eighth of a cell; what is not nothing is seen."""
    eighths = max(round(min(share, 1.0) * cells * 8), 1 if share > 0 else 0)
    return "█" * (eighths // 8) + (_FRACTIONS[eighths % 8] if eighths % 8 else "")


def _since(report: Report) -> str:
    previous = report.basis.previous
    if previous is None:
        return "all of it"
    new = report.basis.new
    size = format.estimate(sum(report.composition.tokens(item) for item in new), True)
    return f"since #{previous.number}: {size} tokens in {len(new)} item{'' if len(new) == 1 else 's'}"


def _new(report: Report, width: int) -> list[Line]:
    if report.basis.previous is None:
        return []
    known, new = report.composition, report.basis.new
    lines = [_item(known, item, width) for item in sorted(new, key=lambda item: -item.tokens)[:8]]
    return [*lines, [("faint", f"  ⋯ {len(new) - 8} more")]] if len(new) > 8 else lines


def _biggest(known: Composition, width: int) -> list[Line]:
    return [_item(known, item, width) for item in known.biggest()]


def _item(known: Composition, item: Item, width: int) -> Line:
    """One thing: its size, what it is, where it stands, and how it begins."""
    figures = f"{format.estimate(known.tokens(item), True):>7} {format.share(known.share(item)):>4}  "
    kind = f"{item.kind.value:9} "
    line: Line = [("", figures), (_COLOURS.get(item.kind, ""), kind)]
    left = width - len(figures) - len(kind)
    for style, text, room in (("bold", item.name, min(18, left // 4)), ("key", item.path, min(32, left // 2))):
        shown = clip(one_line(text), room)
        line.append((style, shown + " " * (room + 2 - width_of([("", shown)]))))
    room = width - width_of(line)
    return [*line, ("muted", clip(one_line(item.words), room))] if room > 6 else cut(line, width)


def _growth(flow: Flow, turns: Sequence[Turn], width: int) -> list[Line]:
    """Columns, one a turn: from the cache below, read anew above."""
    label = 8
    cells = 3 if len(turns) * 3 + label <= width else 2
    shown = turns[-((width - label) // cells) :]
    most = max((turn.input_tokens or 0 for turn in shown), default=0)
    if not most:
        return [[("muted", "no turn has told its tokens yet")]]
    lines: list[Line] = []
    for row in range(_HEIGHT, 0, -1):
        mark = format.count(most) if row == _HEIGHT else format.count(most // 2) if row == _HEIGHT // 2 else ""
        line: Line = [("faint", f"{mark:>6} │")]
        for turn in shown:
            line += _cell(turn, row, most, cells, here=turn.flow is flow)
        lines.append(line)
    axis = "".join(_tick(turn, flow, cells) for turn in shown)
    first, last = shown[0].number, shown[-1].number
    ends = f"turn {first} – {last}" + (", ▲ this one" if "▲" in axis else "") + (", ↓ compacted" if "↓" in axis else "")
    return [*lines, [("faint", f"{'':7}└"), ("key", axis)], [("faint", f"{'':8}{ends}")]]


def _cell(turn: Turn, row: int, most: int, cells: int, *, here: bool) -> Line:
    """One turn's part of a row of the chart."""
    height = (turn.input_tokens or 0) / most * _HEIGHT
    cached = (turn.cached or 0) / most * _HEIGHT
    part = min(1.0, max(0.0, height - row + 1))
    wide, gap = cells - 1, [("", " ")]
    if part <= 0:
        return [("", " " * wide), *gap]
    if cached >= row - 0.5 or (cached >= height and cached > 0):
        shape = _BLOCKS[max(1, round(part * 8))]
        return [("key" if here else "ok", shape * wide), *gap]
    return [("key" if here else "muted", ("░" if part >= 0.5 or row == 1 else " ") * wide), *gap]


def _tick(turn: Turn, flow: Flow, cells: int) -> str:
    return ("▲" if turn.flow is flow else "↓" if turn.compacted else "─").ljust(cells, "─")
