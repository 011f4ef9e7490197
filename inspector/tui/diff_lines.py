"""A comparison as lines: what is the same is folded away, what differs stands below each other, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inspector.store.diff import Change, Piece, Run, words
from inspector.tui.format import count
from inspector.tui.spans import Line, Span, plain, split
from inspector.tui.text import clean, clip, one_line, wrap

CONTEXT = 3
"""Unchanged lines around a change inside a text."""
NEAR = 200
"""Unchanged characters that stay beside a change in a very long line."""
LONGEST = 4000
"""Characters of one stretch that differs; what is longer is cut in its middle."""
MOST = 400
"""Lines of a text that one side of a change shows."""
_SHORT = 100
"""Characters up to which a setting's values stand on one line."""
_BLANK = re.compile(r"\s")
_CHIP = {"setting": "system", "tools": "system", "call": "tool", "thought": "reasoning"}
_MARK = {"changed": ("muted", "changed"), "added": ("added", "new"), "removed": ("removed", "gone"), "same": ("", "")}


def diff_lines(title: str, changes: Sequence[Change], width: int, *, live: bool = False) -> Iterator[Line]:
    """The lines of one half of a comparison, the prompt's or the answer's, made as they are asked for.

    `live`: the later side still grows, so that what it does not have yet is not gone.
    """
    changes, to_come = so_far(changes) if live else (changes, 0)
    different = sum(change.kind != "same" for change in changes)
    whole = sum(change.count for change in changes)
    verdict = f"{different:,} of {whole:,} differ" if different else "the same"
    yield [("bold", title), ("muted", f"  {verdict}{' so far' if live else ''}")]
    same = 0
    for change in changes:
        if change.kind == "same":
            same += change.count
            continue
        yield from _folded(same, "unchanged")
        same = 0
        yield from _change(change, max(10, width - 4))
    yield from _folded(same, "unchanged")
    yield from _folded(to_come, "still to come")
    yield []


def so_far(changes: Sequence[Change]) -> tuple[list[Change], int]:
    """Changes of an answer that still grows, as far as it has come, and how many pieces it does not have yet."""
    known = list(changes)
    while known and known[-1].kind == "removed":
        known.pop()
    waiting = len(changes) - len(known)
    if known and (last := known[-1]).before is not None and last.after is not None:
        whole, size = last.before.text, len(last.after.text)
        blank = _BLANK.search(whole, size)
        reached = whole[: blank.start()] if blank else whole
        before = Piece(last.before.role, last.before.title, reached)
        known[-1] = Change("same" if whole.startswith(last.after.text) else "changed", before, last.after)
    return known, waiting


def _folded(number: int, word: str) -> list[Line]:
    return [[("faint", f"  ⋯ {number:,} {word}")]] if number else []


def _change(change: Change, width: int) -> Iterator[Line]:
    piece = change.after or change.before
    assert piece is not None
    if piece.role == "setting" and (line := _setting(change, piece)):
        yield line
        return
    yield _head(change, piece)
    if change.before is not None and change.after is not None:
        left, right = words(change.before.text, change.after.text)
        yield from _side("-", "removed", left, width)
        yield from _side("+", "added", right, width)
    else:
        sign, style = ("+", "added") if change.before is None else ("-", "removed")
        yield from _side(sign, style, [Run(piece.text, True)], width, whole=True)


def _setting(change: Change, piece: Piece) -> Line:
    """A setting with its values on one line; nothing where they are too long for that."""
    values = [(style, side.text) for style, side in (("removed", change.before), ("added", change.after)) if side]
    if any(len(text) > _SHORT for _, text in values):
        return []
    line = _head(change, piece)
    for number, (style, text) in enumerate(values):
        line += [("muted", "  →  " if number else "  "), (style, clean(one_line(text)))]
    return line


def _head(change: Change, piece: Piece) -> Line:
    before = change.before.title if change.before is not None else piece.title
    renamed = f"{before} → {piece.title}" if before != piece.title else piece.title
    chip = (f"chip-{_CHIP.get(piece.role, piece.role)}", f" {piece.role:8}")
    return [chip, ("bold", f" {clip(one_line(renamed), 80)} " if renamed else " "), _MARK[change.kind]]


def _side(sign: str, style: str, runs: Sequence[Run], width: int, *, whole: bool = False) -> Iterator[Line]:
    """One side of a change; lines without a difference are folded, save a few around one."""
    sources = _sources(runs)
    marked = [index for index, line in enumerate(sources) if whole or any(not run.same for run in line)]
    near = {index + step for index in marked[:MOST] for step in range(-CONTEXT, CONTEXT + 1)}
    shown = sorted(index for index in near if 0 <= index < len(sources)) if not whole else range(len(sources))[:MOST]
    following = 0
    for index in shown if marked else ():
        yield from _skipped(index - following)
        following = index + 1
        yield from _wrapped(sign, style, sources[index], width)
    yield from _skipped(len(sources) - following) if marked else ()


def _skipped(number: int) -> list[Line]:
    return [[("faint", f"    ⋯ {count(number)} line{'' if number == 1 else 's'}")]] if number else []


def _sources(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs cut at line breaks."""
    lines: list[list[Run]] = [[]]
    for run in runs:
        first, *rest = run.text.split("\n")
        lines[-1].append(Run(first, run.same))
        lines += [[Run(piece, run.same)] for piece in rest]
    return lines


def _wrapped(sign: str, style: str, source: list[Run], width: int) -> Iterator[Line]:
    """One source line at a width, each run in its colour."""
    line = [
        span
        for place, run in enumerate(source)
        for span in _spans(run, style, first=place == 0, last=place == len(source) - 1)
        if span[1]
    ]
    text, lengths, at = plain(line), list[int](), 0
    for piece in wrap(text, width):
        # The blank at which a line breaks is not shown: it is a part of its own, of no or of one character.
        gap = 0 if text.startswith(piece, at) else 1
        lengths += [gap, len(piece)]
        at += gap + len(piece)
    for number, part in enumerate(split(line, lengths)[1::2]):
        yield [(style, f"  {sign} " if number == 0 else "    "), *part]


def _spans(run: Run, style: str, *, first: bool, last: bool) -> list[Span]:
    """A run in its colour; of a very long one, only what stands near its ends."""
    colour = style if run.same else f"{style}-word"
    head, tail = (0 if first else NEAR, 0 if last else NEAR) if run.same else (LONGEST - NEAR, NEAR)
    if first and last:
        head, tail = LONGEST - NEAR, NEAR
    missing = len(run.text) - head - tail
    if missing <= NEAR:
        return [(colour, clean(run.text))]
    start, end = clean(run.text[:head]), clean(run.text[len(run.text) - tail :])
    return [(colour, start), ("faint", f" ⋯ {count(missing)} characters ⋯ "), (colour, end)]
