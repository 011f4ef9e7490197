"""What a filter means: its terms, and whether a flow satisfies them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf

from inspector.model.flow import Capture, Flow
from inspector.model.message import Message, Text, ToolCall, ToolResult, Transcript
from inspector.store.filter_field import number_of
from inspector.store.filter_fields import Cost, Field, Known, NumberField, field_of
from inspector.store.summary import part_text

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


Leaf = Contains | Equals | Like | Between | Present | Words
"""A term that asks one question."""

Term = Leaf | Not | And | Or


def field(leaf: Contains | Equals | Like | Between | Present) -> Field:
    """The field that a term asks for. KeyError where there is none, which the parser does not let pass."""
    found = field_of(leaf.key)
    if found is None:
        raise KeyError(leaf.key)
    return found


def leaves(term: Term) -> Iterator[Leaf]:
    """Every question in a term."""
    match term:
        case Not():
            yield from leaves(term.term)
        case And() | Or():
            for part in term.terms:
                yield from leaves(part)
        case _:
            yield term


def cost(term: Term) -> Cost:
    """The dearest question that a term asks."""
    return max(Cost.SEARCH if isinstance(leaf, Words) else field(leaf).cost for leaf in leaves(term))


def holds(term: Term, ask: Callable[[Leaf], bool]) -> bool:
    """Whether a term holds, given the answers to its questions; asks no more of them than it must."""
    match term:
        case And():
            return all(holds(part, ask) for part in term.terms)
        case Or():
            return any(holds(part, ask) for part in term.terms)
        case Not():
            return not holds(term.term, ask)
        case _:
            return ask(term)


def matches(term: Term, flow: Flow, known: Known) -> bool:
    """Whether a flow satisfies a term."""

    def ask(leaf: Leaf) -> bool:
        if isinstance(leaf, Words):
            return _has_words(leaf.text, flow, known)
        asked = field(leaf)
        if isinstance(asked, NumberField):
            number = asked.value(flow, known)
            return number is not None and (not isinstance(leaf, Between) or leaf.holds(number))
        return among(leaf, asked.values(flow, known))

    return holds(term, ask)


def among(leaf: Leaf, values: Iterable[str | None]) -> bool:
    """Whether one of a field's values is what a term wants."""
    match leaf:
        case Contains() | Words():
            wanted = leaf.text.lower()
            return any(wanted in value.lower() for value in values if value)
        case Equals():
            return any(value == leaf.text for value in values if value)
        case Like():
            return any(leaf.pattern.search(value) is not None for value in values if value)
        case Between():
            return any((number := number_of(value)) is not None and leaf.holds(number) for value in values if value)
        case Present():
            return any(values)


def words_asked(text: str, flow: Flow, known: Known) -> bool:
    """Whether words stand in the request: as it was sent, or as it was read."""
    wanted = text.lower()
    return _in_request(wanted, flow) or _in_prompt(wanted, known.of(flow))


def _has_words(text: str, flow: Flow, known: Known) -> bool:
    """The raw bytes first, which is quickest; then the text as read, where escapes and chunks no longer hide it."""
    wanted = text.lower()
    if _in_request(wanted, flow) or (flow.response is not None and _in_body(wanted, flow.response.body)):
        return True
    transcript = known.of(flow)
    return any(_in_message(wanted, choice) for choice in transcript.answer.choices) or _in_prompt(wanted, transcript)


def _in_request(wanted: str, flow: Flow) -> bool:
    return wanted in flow.request.url.lower() or _in_body(wanted, flow.sent.body)


def _in_body(wanted: str, body: Capture) -> bool:
    return wanted.encode("utf-8", "surrogatepass") in body.data[:SEARCHED].lower()


def _in_prompt(wanted: str, transcript: Transcript) -> bool:
    prompt = transcript.prompt
    return wanted in prompt.model.lower() or any(_in_message(wanted, each) for each in reversed(prompt.messages))


def _in_message(wanted: str, message: Message) -> bool:
    return any(wanted in piece[:SEARCHED].lower() for piece in pieces(message))


def pieces(message: Message) -> Iterator[str]:
    """What words are looked for in: the text in one piece, and whatever else a message says."""
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
