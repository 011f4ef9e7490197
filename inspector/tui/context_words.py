"""What the Context tab says of a request, its prefix and its past, in words: lines without a layout."""

from __future__ import annotations

import re
from collections import Counter

from inspector.store.context_report import Report
from inspector.store.diff import words as by_word
from inspector.store.history import Finding, Kind
from inspector.store.prefix_cache import Cache, Verdict
from inspector.store.prefix_nodes import Spot
from inspector.tui import format
from inspector.tui.spans import Line
from inspector.tui.text import one_line, printable, wrap

_SEVERE = frozenset({Kind.ALTERED, Kind.SHORTENED, Kind.ORDER, Kind.NO_RESULT, Kind.THINKING_LOST})
SEPARATOR = " · "
"""What stands between two parts of the verdict."""
_STORED = "The provider keeps what was said before: this request sends only what is new."
_ONE = re.compile(r"\s+")
_LEAD = 0.4
"""Share of a line that shows what stands before a difference."""


def verdict(report: Report) -> Line:
    """The first line: how full, how much of it from the cache, and what became of the prefix."""
    known = report.composition
    total = format.estimate(known.total, known.given is None)
    line: Line = [("bold", total), ("muted", " tokens in the window")]
    if report.cache.read is not None and known.total:
        cached = format.share(report.cache.read / known.total)
        line += [("muted", SEPARATOR), ("bold", cached), ("muted", " from cache")]
    style, said = _prefix_words(report)
    for each in said:
        line += [("muted", SEPARATOR), (style, each)]
    if odd := _odd(report):
        line += [("muted", SEPARATOR), ("warning", odd)]
    return line


def _odd(report: Report) -> str:
    """What the history check found, in a few words."""
    kinds = Counter(finding.kind for finding in report.basis.history.findings if finding.kind is not Kind.REPLACED)
    return f"history: {', '.join(f'{number} {kind.value}' for kind, number in kinds.most_common(2))}" if kinds else ""


def _prefix_words(report: Report) -> tuple[str, tuple[str, ...]]:
    """A colour, and what became of the prefix and the cache."""
    cache, prefix, place = report.cache, report.basis.prefix, report.basis.place
    if report.basis.stored:
        return "muted", ("the provider keeps the history",)
    if prefix is None:
        return "muted", ("the first turn",)
    if place is not None and place.compacted:
        return "key", ("the history was compacted",)
    if cache.verdict in (Verdict.BROKEN, Verdict.COLD, Verdict.MISSED):
        return "warning", _broken(cache)
    if prefix.kept:
        return "ok", ("prefix kept",)
    if cache.verdict is Verdict.KEPT:
        return "ok", ("cache kept",)
    return "warning", (f"prefix differs at {one_line(prefix.path)}",)


def _broken(cache: Cache) -> tuple[str, str]:
    """Why tokens were read again, and how many at what cost."""
    will = "will be " if cache.predicted else ""
    match cache.verdict:
        case Verdict.COLD:
            what = f"cache {will}cold after {format.duration((cache.waited or 0) * 1000)}"
        case Verdict.MISSED:
            what = "cache missed, though the prefix is the same"
        case _:
            what = f"cache {will}broken at {one_line(cache.cause)}"
    cost = f", {format.money(cache.usd)} more" if cache.usd is not None else ""
    return what, f"~{format.count(cache.again)} tokens {'to be read' if cache.predicted else 'read'} again{cost}"


def cache_lines(report: Report, width: int) -> list[Line]:
    """Where the prefix first differs, and what that did to the cache."""
    prefix, previous = report.basis.prefix, report.basis.previous
    if prefix is None or previous is None:
        words = _STORED if report.basis.stored else "No earlier turn of this lane to compare with."
        return [[("muted", words)], *_counted(report)]
    before = f"#{previous.number}"
    lines: list[Line] = []
    if prefix.kept and prefix.after_size < prefix.before_size:
        lines.append([("ok", "kept"), ("muted", f"    it is the beginning of {before}'s prompt, which goes on")])
    elif prefix.kept:
        more = prefix.after_size - prefix.before_size
        size = f"    all of {before}'s {prefix.before_size:,} bytes" + (f", and {more:,} more" if more > 0 else "")
        lines.append([("ok", "kept"), ("muted", size)])
    elif prefix.spot is not None:
        lines += _spot_lines(prefix.spot, prefix.path, before, width)
        same = format.share(prefix.common_weight / prefix.before_weight if prefix.before_weight else None)
        messages = f"{prefix.same_messages} message{'' if prefix.same_messages == 1 else 's'}"
        until = f"until there {prefix.common:,} bytes are the same: {same} of {before}'s prompt, {messages}"
        lines.append([("muted", until)])
    for name, old, new in prefix.settings:
        values = f"{one_line(old, 40) or 'not set'} → {one_line(new, 40) or 'not set'}"
        lines.append([("warning", "≠ "), ("key", one_line(name)), ("muted", f"  {values}")])
    return [*lines, *_counted(report)]


def _spot_lines(spot: Spot, path: str, before: str, width: int) -> list[Line]:
    """The place of a difference, and what stands there on both sides."""
    where = f"at byte {spot.after:,} of the body"
    if spot.character >= 0:
        where = f"{f'{spot.character:,} characters in' if spot.character else 'from its beginning'}, {where}"
    near = spot.lead[-int(width * _LEAD) :]
    lead = ("…" if spot.character > len(near) else "") + one_line(near)
    # A blank at the end belongs to what is the same.
    lead += " " if spot.lead[-1:].isspace() else ""
    head: Line = [("warning", "differs at "), ("key", one_line(path)), ("muted", f"  {where}")]
    lines = [head]
    old, new = by_word(spot.old, spot.new)
    for sign, style, runs in (("-", "removed", old), ("+", "added", new)):
        number = f"{before if sign == '-' else 'now':>6} "
        line: Line = [(style, f"{sign} "), ("faint", number), ("muted", lead)]
        for run in runs:
            shown = printable(_ONE.sub(" ", run.text))
            line.append((style if run.same else f"{style}-word", shown))
        lines.append(line if any(run.text for run in runs) else [*line, ("faint", "nothing")])
    return lines


def _counted(report: Report) -> list[Line]:
    """What the provider had in its cache, and gave from it."""
    cache = report.cache
    lines: list[Line] = []
    match cache.verdict:
        case Verdict.NONE:
            lines.append([("muted", "cache   the last turn left nothing in it")])
        case Verdict.UNKNOWN | Verdict.FIRST:
            read = f"{cache.read:,} tokens came from it" if cache.read is not None else "what came from it is not known"
            lines.append([("muted", f"cache   {read}")])
        case _:
            read = f"{cache.read:,}" if cache.read is not None else "not told yet"
            line: Line = [("muted", "cache   read "), ("bold", read)]
            rest = f" of the {cache.held or 0:,} tokens left there · predicted ~{cache.expected or 0:,}"
            lines.append([*line, ("muted", rest)])
    if cache.verdict in (Verdict.BROKEN, Verdict.COLD, Verdict.MISSED):
        cost = format.money(cache.usd)
        words = "to be read again" if cache.predicted else "read again"
        lines.append([("warning", f"cost    ~{cache.again or 0:,} tokens {words}: {cost} more than from the cache")])
    if cache.waited is not None:
        kept = f", kept for {format.duration(cache.kept_for * 1000)}" if cache.kept_for is not None else ""
        after = f"turn    {format.duration(cache.waited * 1000)} after the last one{kept}"
        lines.append([("warning" if cache.verdict is Verdict.COLD else "muted", after)])
    return lines


def history_lines(report: Report, width: int) -> list[Line]:
    """What the agent made of the past."""
    history = report.basis.history
    if not history.findings:
        words = "all that was said and seen is sent back as it was" if history.compared else "no earlier turn to check"
        return [[("ok" if history.compared else "muted", words)]]
    lines: list[Line] = []
    for finding in history.findings:
        lines += _finding(finding, report.basis.paths.part(finding.message, finding.part), width)
    for title, size in history.lost[:8]:
        lines.append([("muted", f"  gone  {format.count(size):>6} characters  {one_line(title)}")])
    if len(history.lost) > 8:
        lines.append([("faint", f"  ⋯ {len(history.lost) - 8} more")])
    return lines


def _finding(finding: Finding, path: str, width: int) -> list[Line]:
    style = "warning" if finding.kind in _SEVERE else "key"
    place = one_line(path) or f"message {finding.message}"
    head: Line = [(style, f"{finding.kind.value:13} ")]
    said = one_line(finding.words)
    if 14 + len(place) + 2 + len(said) <= width:
        return [[*head, ("muted", f"{place}  "), ("", said)]]
    return [[*head, ("muted", place)], *([("", f"  {line}")] for line in wrap(said, max(8, width - 2)))]
