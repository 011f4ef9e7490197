"""Lines as the tabs make them: runs of text, each with the name of a style. Knows neither colours nor Textual."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

from inspector.tui.text import clip

Span = tuple[str, str]
"""The name of a style (see `LinePane.COMPONENT_CLASSES`, without the prefix; "" is plain) and a printable text."""

Line = list[Span]

_JSON = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*"?)(?P<colon>\s*:)?|(?P<number>-?\d[\d.eE+-]*)|(?P<word>\btrue\b|\bfalse\b|\bnull\b)'
)


def plain(line: Line) -> str:
    """The text of a line."""
    return "".join(text for _, text in line)


def width_of(line: Line) -> int:
    """How many cells a line fills."""
    return sum(cell_len(text) for _, text in line)


def cut(line: Line, width: int) -> Line:
    """A line cut to `width` cells, with `…` where something is missing."""
    if width_of(line) <= width:
        return line
    result: Line = []
    left = width - 1
    for style, text in line:
        cells = cell_len(text)
        if cells > left:
            result.append((style, set_cell_size(text, max(0, left))))
            break
        result.append((style, text))
        left -= cells
    return [*result, ("muted", "…")] if width > 0 else []


def squeeze(line: Line, width: int) -> Line:
    """A line cut to `width` cells by shortening its first span, so that what follows stays to be read."""
    if width_of(line) <= width or not line:
        return line
    style, text = line[0]
    room = width - width_of(line[1:])
    return [(style, clip(text, room)), *line[1:]] if room >= 4 else cut(line, width)


def split(line: Line, lengths: list[int]) -> list[Line]:
    """A line cut after each of these numbers of characters."""
    lines: list[Line] = []
    spans = iter(line)
    style, text = next(spans, ("", ""))
    for length in lengths:
        part: Line = []
        while length and text:
            part.append((style, text[:length]))
            text, length = text[length:], max(0, length - len(text))
            if not text:
                style, text = next(spans, ("", ""))
        lines.append(part)
    return lines


def json_line(text: str) -> Line:
    """One line of JSON, or of a piece of it, coloured. Whatever is not JSON stays plain."""
    line: Line = []
    at = 0
    for match in _JSON.finditer(text):
        if match.start() > at:
            line.append(("muted", text[at : match.start()]))
        if match["string"] is not None and match["colon"] is not None:
            line += [("key", match["string"]), ("muted", match["colon"])]
        else:
            style = "string" if match["string"] is not None else "number" if match["number"] is not None else "constant"
            line.append((style, match[0]))
        at = match.end()
    return [*line, ("muted", text[at:])] if at < len(text) else line
