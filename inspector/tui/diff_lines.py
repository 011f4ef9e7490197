"""A comparison as lines: what is the same is folded away, what differs stands below each other, word by word."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from inspector.store.diff import Change, Piece, Run, words
from inspector.tui.spans import Line
from inspector.tui.text import clean, one_line, wrap

CONTEXT = 3
"""Unchanged lines around a change inside a text."""
_CHIP = {"setting": "system", "tools": "system", "call": "tool", "thought": "reasoning"}


def diff_lines(title: str, changes: Sequence[Change], width: int) -> list[Line]:
    """The lines of one half of a comparison: the prompt's, or the answer's."""
    different = sum(change.kind != "same" for change in changes)
    verdict = f"{different} of {len(changes)} differ" if different else "the same"
    lines: list[Line] = [[("bold", title), ("muted", f"  {verdict}")]]
    same = 0
    for change in changes:
        if change.kind == "same":
            same += 1
            continue
        lines += _folded(same)
        same = 0
        lines += _change(change, max(10, width - 4))
    return [*lines, *_folded(same), []]


def _folded(count: int) -> list[Line]:
    return [[("faint", f"  ⋯ {count} unchanged")]] if count else []


def _change(change: Change, width: int) -> list[Line]:
    piece = change.after or change.before
    assert piece is not None
    lines: list[Line] = [_head(change, piece)]
    if change.before is not None and change.after is not None:
        left, right = words(change.before.text, change.after.text)
        lines += _side("-", "removed", left, width) + _side("+", "added", right, width)
    else:
        sign, style = ("+", "added") if change.before is None else ("-", "removed")
        lines += _side(sign, style, [Run(piece.text, True)], width, whole=True)
    return lines


def _head(change: Change, piece: Piece) -> Line:
    before = change.before.title if change.before is not None else piece.title
    renamed = f"{before} → {piece.title}" if before != piece.title else piece.title
    return [
        (f"chip-{_CHIP.get(piece.role, piece.role)}", f" {piece.role:7}"),
        ("", f" {one_line(renamed)} "),
        _WORDS[change.kind],
    ]


_WORDS = {"changed": ("muted", "changed"), "added": ("added", "new"), "removed": ("removed", "gone"), "same": ("", "")}


def _side(sign: str, style: str, runs: Sequence[Run], width: int, *, whole: bool = False) -> list[Line]:
    """One side of a change; lines without a difference are folded, save a few around one."""
    sources = _sources(runs)
    marked = [index for index, line in enumerate(sources) if whole or any(not run.same for run in line)]
    if not marked:
        return [] if not whole else [[(style, f"  {sign} ")]]
    near = {index + step for index in marked for step in range(-CONTEXT, CONTEXT + 1)}
    lines: list[Line] = []
    skipped = 0
    for index, source in enumerate(sources):
        if index not in near:
            skipped += 1
            continue
        lines += _skipped(skipped)
        skipped = 0
        lines += _wrapped(sign, style, source, width)
    return lines + _skipped(skipped)


def _skipped(count: int) -> list[Line]:
    return [[("faint", f"    ⋯ {count} line{'' if count == 1 else 's'}")]] if count else []


def _sources(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs cut at line breaks."""
    lines: list[list[Run]] = [[]]
    for run in runs:
        first, *rest = run.text.split("\n")
        lines[-1].append(Run(first, run.same))
        lines += [[Run(piece, run.same)] for piece in rest]
    return lines


def _wrapped(sign: str, style: str, source: list[Run], width: int) -> list[Line]:
    """One source line at a width, each run in its colour."""
    lines: list[Line] = [[(style, f"  {sign} ")]]
    left = width
    for run in source:
        text = clean(run.text)
        while text:
            piece = wrap(text.replace(" ", "\xa0"), left)[0] if left > 0 else ""
            if not piece or (len(piece) < len(text) and left < width and len(piece) < 2):
                lines.append([(style, "    ")])
                left = width
                continue
            shown, text = text[: len(piece)], text[len(piece) :]
            lines[-1].append((style if run.same else f"{style}-word", shown))
            left -= cell_len(shown)
    return lines
