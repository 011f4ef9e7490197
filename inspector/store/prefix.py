"""Where a request's prompt first differs from that of the last turn, in the order in which providers cache it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from inspector.store.alignment import Steps
from inspector.store.history_words import common_prefix
from inspector.store.prefix_body import SECTIONS, Body, Piece, Section
from inspector.store.prefix_nodes import NEAR, Spot, Value, first_spot
from inspector.wire.json_errors import JsonError
from inspector.wire.json_path import Path, format_path
from inspector.wire.json_spans import scan

_MARK = re.compile(r'(?<!\\)"(?:cache_control|cachePoint)"\s*:\s*\{[^{}]*\}')
_HOUR = re.compile(r'"ttl"\s*:\s*"1h"')
_DATA = re.compile(r'"[A-Za-z0-9+/_-]{4000,}={0,2}"|;base64,[A-Za-z0-9+/]{4000,}')
MEDIA = 5_200
"""Bytes of text that cost about as many tokens as a picture: some 1,300."""


@dataclass(frozen=True, slots=True)
class Breakpoint:
    """A place up to which the client asked the provider to cache."""

    weight: int
    """Of the prompt up to there, as in `Prefix`."""
    hour: bool
    """For an hour in place of five minutes."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """How far two prompts are the same. Weights are bytes, but a picture weighs what a text of its tokens would."""

    kept: bool
    """All of the earlier one is there, and the later one only goes on; or the later one is the beginning of it."""
    common: int
    """Bytes of the later prompt until the difference, in the order of the cache."""
    before_size: int
    """Bytes of the earlier prompt."""
    after_size: int
    before_weight: int
    common_weight: int
    after_weight: int
    head_weight: int
    """Of the earlier prompt's tools and system instructions, which stand before its messages."""
    same_messages: int
    """Messages from the first one on that are the same."""
    spot: Spot | None = None
    """The first difference; its offsets are bytes of the whole bodies. None where the prefix was kept."""
    section: Section = "messages"
    """Where it stands."""
    settings: tuple[tuple[str, str, str], ...] = ()
    """Settings that differ: name, before and after, as short JSON; empty where it is not set."""
    breakpoints: tuple[Breakpoint, ...] = ()
    """Of the earlier request, in the order of the cache."""

    @property
    def path(self) -> str:
        """The difference's place in the later body, empty where there is none."""
        return format_path(self.spot.path) if self.spot is not None else ""


def compare(before: Body, after: Body, dialect: str) -> Steps[Prefix]:
    """Compare the prompts of two requests of one dialect, a piece at a step."""
    old, new = (yield from _measure(before)), (yield from _measure(after))
    walk = _Walk(before, after, dialect, new)
    yield from walk.run()
    head = [*before.sections["tools"], *before.sections["system"]]
    return Prefix(
        kept=walk.spot is None,
        common=walk.common,
        before_size=sum(each.size for each in old.values()),
        after_size=sum(each.size for each in new.values()),
        before_weight=sum(each.weight for each in old.values()),
        common_weight=walk.weight,
        after_weight=sum(each.weight for each in new.values()),
        head_weight=sum(old[piece.start].weight for piece in head),
        same_messages=walk.same_messages,
        spot=walk.spot,
        section=walk.section,
        settings=tuple(_settings(before, after)),
        breakpoints=tuple(_breakpoints(before, old)),
    )


def weight(raw: str) -> int:
    """Bytes of a piece of JSON; one with media in it weighs what a text of about as many tokens would."""
    size = len(raw) if raw.isascii() else len(raw.encode())
    if size < 4000:
        return size
    return size - sum(
        match.end() - match.start() - MEDIA for match in _DATA.finditer(raw) if match.end() > match.start() + MEDIA
    )


class _Measure(NamedTuple):
    """Of one piece."""

    weight: int
    size: int


def _measure(body: Body) -> Steps[dict[int, _Measure]]:
    """The measures of all pieces, by where they begin."""
    found: dict[int, _Measure] = {}
    for piece in body.pieces:
        found[piece.start] = _Measure(weight(body.raw(piece)), body.size(piece))
        yield
    return found


class _Walk:
    """The pieces of two bodies, side by side."""

    def __init__(self, before: Body, after: Body, dialect: str, measures: dict[int, _Measure]) -> None:
        self.before, self.after, self.dialect = before, after, dialect
        self._measures = measures
        self.spot: Spot | None = None
        self.section: Section = "messages"
        self.common = self.weight = self.same_messages = 0

    def run(self) -> Steps[None]:
        """Go on until they differ."""
        for section in SECTIONS:
            self.section = section
            olds, news = self.before.sections[section], self.after.sections[section]
            for index, (old, new) in enumerate(zip(olds, news, strict=False)):
                spot = self._differ(old, new, last=section == "messages" and index == len(olds) - 1)
                if spot is not None:
                    self._found(spot, old, new)
                    return
                self._same(new)
                yield
            if len(olds) != len(news) and section != "messages" and self._goes_on(section):
                self._unequal(olds, news)
                return

    def _same(self, piece: Piece) -> None:
        measure = self._measures[piece.start]
        self.common += measure.size
        self.weight += measure.weight
        self.same_messages += self.section == "messages"

    def _goes_on(self, section: Section) -> bool:
        """Whether the earlier prompt has more behind a section, or has more of it than the later one."""
        later = SECTIONS[SECTIONS.index(section) + 1 :]
        fewer = len(self.after.sections[section]) < len(self.before.sections[section])
        return fewer or any(self.before.sections[name] for name in later)

    def _unequal(self, olds: list[Piece], news: list[Piece]) -> None:
        """One has more tools, or more of a system prompt, and what follows stands elsewhere."""
        at = min(len(olds), len(news))
        if len(news) > at:
            new = news[at]
            start = self.before.offset(olds[-1].end) if olds else 0
            shown = self.after.text[new.start : min(new.end, new.start + NEAR)]
            self.spot = Spot(new.path, start, self.after.offset(new.start), new=shown)
        else:
            old = olds[at]
            start = self.after.offset(news[-1].end) if news else 0
            shown = self.before.text[old.start : min(old.end, old.start + NEAR)]
            self.spot = Spot(old.path, self.before.offset(old.start), start, old=shown)

    def _found(self, spot: Spot, old: Piece, new: Piece) -> None:
        measure = self._measures[new.start]
        self.common += min(spot.after, measure.size)
        self.weight += min(spot.after, measure.weight)
        path, before, after = spot.path, self.before.offset(old.start), self.after.offset(new.start)
        texts = (spot.character, spot.old, spot.new, spot.lead, spot.appended)
        self.spot = Spot(path, before + spot.before, after + spot.after, *texts)

    def _differ(self, old: Piece, new: Piece, *, last: bool) -> Spot | None:
        """Where a piece differs. The last message of the earlier prompt may have got more blocks at its end."""
        left, right = self.before.raw(old), self.after.raw(new)
        if left == right:
            return None
        spot = _spot(left, right, old.path, new.path, self.dialect)
        if spot is None or not (last and spot.appended):
            return spot
        completion = new.path[-1] == "prompt" or len(spot.path) == len(new.path) + 2
        return None if completion else spot


def _spot(left: str, right: str, old: Path, path: Path, dialect: str) -> Spot | None:
    """As `first_spot`, also where one is a text and the other a list with that text in it."""
    if left[0] != right[0] and '"' in (left[0], right[0]) and "{" in (left[0], right[0]):
        base = path if right[0] == '"' else path[:-1]
        left, right = (left, f"[{right}]") if left[0] == '"' else (f"[{left}]", right)
        spot = _scanned(left, right, base, dialect, "content")
        if spot is None:
            return None
        before, after = spot.before - (left[0] == "["), spot.after - (right[0] == "[")
        return Spot(spot.path, before, after, spot.character, spot.old, spot.new, spot.lead, spot.appended)
    return _scanned(left, right, path, dialect, str(path[-1]) if len(path) == 1 else "")


def _scanned(left: str, right: str, path: Path, dialect: str, field: str) -> Spot | None:
    try:
        before, after = scan(left.encode()), scan(right.encode())
    except JsonError:
        # Deeper than anybody reads, or no strict JSON: as it is written.
        at = common_prefix(left, right)
        size = len(left[:at].encode())
        return Spot(path, size, size, -1, left[at : at + NEAR], right[at : at + NEAR], left[max(0, at - NEAR) : at])
    return first_spot(Value(before, before.root), Value(after, after.root), path, dialect, top=field)


def _settings(before: Body, after: Body) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys([*before.settings, *after.settings]):
        old, new = before.settings.get(name), after.settings.get(name)
        if old != new:
            yield name, _short(old), _short(new)


def _short(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)[:NEAR]


def _breakpoints(body: Body, measures: dict[int, _Measure]) -> Iterator[Breakpoint]:
    """Where the client marked the prompt for the cache."""
    total = 0
    for piece in body.pieces:
        raw, whole = body.raw(piece), measures[piece.start].weight
        if '"cache' in raw:
            for match in _MARK.finditer(raw):
                reached = min(whole, weight(raw[: match.end()]))
                yield Breakpoint(total + reached, _HOUR.search(match[0]) is not None)
        total += whole
    if (top := body.settings.get("cache_control")) is not None:
        yield Breakpoint(total, _HOUR.search(json.dumps(top)) is not None)
