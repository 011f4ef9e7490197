"""What a filter means: its terms, and whether a flow satisfies them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from inspector.model.flow import Capture, Flow
from inspector.model.message import Message, Text, ToolCall, ToolResult
from inspector.store.filter_fields import FIELDS, Cost, NumberField, TextField
from inspector.store.summary import part_text
from inspector.store.transcripts import Transcripts

SEARCHED = 4 * 1024 * 1024
"""Bytes at the head of each body, and characters of each part, that a search for words looks through."""


@dataclass(frozen=True, slots=True)
class Contains:
    """`key:text`: one of the field's values has `text` in it, whatever the case."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Equals:
    """`key:=text`: one of the field's values is `text`."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Like:
    """`key~regex`: the pattern is found in one of the field's values."""

    key: str
    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Between:
    """`key:1..5k` and all other comparisons: the number lies between two bounds."""

    key: str
    low: float = -inf
    high: float = inf
    includes_low: bool = True
    includes_high: bool = True

    def holds(self, number: float) -> bool:
        """Whether a number lies between the bounds."""
        above = number > self.low or (self.includes_low and number == self.low)
        return above and (number < self.high or (self.includes_high and number == self.high))


@dataclass(frozen=True, slots=True)
class Present:
    """`key:*`: the field has any value."""

    key: str


@dataclass(frozen=True, slots=True)
class Words:
    """A bare or quoted word: it stands somewhere in the URL, the model's name, what was said, or the bodies."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: Term


@dataclass(frozen=True, slots=True)
class And:
    """All hold."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one holds."""

    terms: tuple[Term, ...]


Term = Contains | Equals | Like | Between | Present | Words | Not | And | Or


def cost(term: Term) -> Cost:
    """The dearest question that a term asks."""
    match term:
        case Words():
            return Cost.SEARCH
        case Not():
            return cost(term.term)
        case And() | Or():
            return max(cost(part) for part in term.terms)
        case _:
            return FIELDS[term.key].cost


def matches(term: Term, flow: Flow, known: Transcripts) -> bool:
    """Whether a flow satisfies a term."""
    match term:
        case And():
            return all(matches(part, flow, known) for part in term.terms)
        case Or():
            return any(matches(part, flow, known) for part in term.terms)
        case Not():
            return not matches(term.term, flow, known)
        case Words():
            return _has_words(term.text, flow, known)
        case Between():
            number = _number(term.key, flow, known)
            return number is not None and term.holds(number)
        case Present():
            return _number(term.key, flow, known) is not None or any(_texts(term.key, flow, known))
        case Contains():
            wanted = term.text.lower()
            return any(wanted in value.lower() for value in _texts(term.key, flow, known))
        case Equals():
            return any(value == term.text for value in _texts(term.key, flow, known))
        case Like():
            return any(term.pattern.search(value) is not None for value in _texts(term.key, flow, known))


def _texts(key: str, flow: Flow, known: Transcripts) -> Iterator[str]:
    field = FIELDS[key]
    if isinstance(field, TextField):
        yield from (value for value in field.values(flow, known) if value)


def _number(key: str, flow: Flow, known: Transcripts) -> float | None:
    field = FIELDS[key]
    return field.value(flow, known) if isinstance(field, NumberField) else None


def _has_words(text: str, flow: Flow, known: Transcripts) -> bool:
    """The raw bytes first, which is quickest; then the text as read, where escapes and chunks no longer hide it."""
    wanted = text.lower()
    if wanted in flow.request.url.lower():
        return True
    raw = wanted.encode("utf-8", "surrogatepass")
    if _in_body(raw, flow.sent.body) or (flow.response is not None and _in_body(raw, flow.response.body)):
        return True
    transcript = known.of(flow)
    if wanted in transcript.prompt.model.lower():
        return True
    said = [*transcript.answer.choices, *reversed(transcript.prompt.messages)]
    return any(wanted in piece[:SEARCHED].lower() for message in said for piece in _pieces(message))


def _in_body(wanted: bytes, body: Capture) -> bool:
    return wanted in body.data[:SEARCHED].lower()


def _pieces(message: Message) -> Iterator[str]:
    text = "".join(str(part.content) for part in message.parts if isinstance(part, Text))
    if text:
        yield text
    for part in message.parts:
        if isinstance(part, ToolCall):
            yield part.name
        if isinstance(part, ToolResult):
            yield part.content
        elif not isinstance(part, Text):
            yield part_text(part)
