"""A filter's questions put to an answer that is still being written, without looking at anything twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inspector.model.flow import Flow
from inspector.model.message import Message, Part, Reasoning, Refusal, Text, ToolCall, Transcript
from inspector.store.filter_fields import ARGUMENT
from inspector.store.filter_terms import (
    And,
    Between,
    Contains,
    Equals,
    Leaf,
    Like,
    Not,
    Or,
    Term,
    Words,
    among,
    holds,
    matches,
)
from inspector.store.lane import Place
from inspector.store.summary import Summary, part_text, summarise
from inspector.wire.json_partial import PartialJson

REACH = 1024
"""Characters of what was searched before that are searched again with what is new: a find may begin there."""

_AT_END = re.compile(r"\$|\\[ZbB]|\(\?<?!")
"""What makes a pattern depend on what follows."""
_CALL_KEYS = frozenset({"arg", "tool"})


def asks_call(leaf: Leaf) -> bool:
    """Whether a question is about one tool call."""
    return not isinstance(leaf, Words) and (leaf.key in _CALL_KEYS or leaf.key.startswith(ARGUMENT))


def wants_whole_call(term: Term, negated: bool = False) -> bool:
    """Whether a filter is judged when a call's arguments are whole: what holds of them now may fail then."""
    match term:
        case Not():
            return wants_whole_call(term.term, not negated)
        case And() | Or():
            return any(wants_whole_call(part, negated) for part in term.terms)
        case _:
            at_end = isinstance(term, Like) and _AT_END.search(term.pattern.pattern) is not None
            passing = negated or at_end or isinstance(term, Equals | Between)
            return passing and asks_call(term) and not (isinstance(term, Words) or term.key == "tool")


class _Sought:
    """What a question looks for in one text that grows."""

    __slots__ = ("_found", "_looked")

    def __init__(self) -> None:
        self._found = False
        self._looked = 0

    def find(self, leaf: Leaf, text: str) -> bool:
        """Whether the text has it by now. What was found once counts as found, whatever comes behind it."""
        if not isinstance(leaf, Contains | Like | Words):
            return among(leaf, (text,))
        if not self._found and len(text) > self._looked:
            start = max(0, self._looked - REACH - (0 if isinstance(leaf, Like) else len(leaf.text)))
            self._looked = len(text)
            if isinstance(leaf, Like):
                self._found = leaf.pattern.search(text, start) is not None
            else:
                self._found = leaf.text.lower() in text[start:].lower()
        return self._found


class LiveCall:
    """One tool call of the answer, read as it grows."""

    __slots__ = ("_length", "_reading", "_sought", "call", "done", "name")

    def __init__(self, call: ToolCall) -> None:
        self.call = call
        self.name = ""
        self.done = False
        self._length = -1
        self._reading = PartialJson()
        self._sought: dict[Leaf, _Sought] = {}

    def update(self, call: ToolCall) -> bool:
        """Take in what came; whether anything did. A call that is done is read anew: some are told again, whole."""
        arguments, same = call.arguments, call is self.call
        self.call = call
        if (call.name, arguments.length, call.done) == (self.name, self._length, self.done):
            return False
        if not same or call.done or arguments.length < self._length:
            self._reading, self._length = PartialJson(), 0
            self._sought.clear()
        if new := arguments.length - max(self._length, 0):
            self._reading.feed(arguments.tail(new))
        self.name, self.done, self._length = call.name, call.done, arguments.length
        return True

    @property
    def begun(self) -> bool:
        """Whether its name is whole: some send that in pieces, but before the arguments."""
        return bool(self.name and (self._length > 0 or self.done))

    def may_satisfy(self, term: Term, wanted: bool = True) -> bool:
        """Whether a filter can still come out as wanted for this call, given its name."""
        match term:
            case Not():
                return self.may_satisfy(term.term, not wanted)
            case And() | Or():
                parts = (self.may_satisfy(part, wanted) for part in term.terms)
                return all(parts) if isinstance(term, And) is wanted else any(parts)
            case _:
                named = not isinstance(term, Words) and term.key == "tool"
                return not named or among(term, (self.name,)) is wanted

    def satisfies(self, leaf: Leaf) -> bool:
        """Whether the call is what a question about calls asks for."""
        assert not isinstance(leaf, Words)
        if leaf.key == "tool":
            return among(leaf, (self.name,))
        whole = leaf.key == "arg"
        value = str(self.call.arguments) if whole else self._reading.get(leaf.key.removeprefix(ARGUMENT))
        return value is not None and self._sought.setdefault(leaf, _Sought()).find(leaf, value)


class LiveAnswer:
    """One answer that is being written. Text that only grows is searched where it is new, and found once for good."""

    def __init__(self, flow: Flow, transcript: Transcript, place: Place | None = None) -> None:
        self.transcript = transcript
        """What a reader writes into."""
        self._place = place
        self.calls: list[LiveCall] = []
        self.open: list[LiveCall] = []
        """Calls of which more may come."""
        self._flow = flow
        self._shape: list[tuple[int, int]] = []
        self._sought: dict[tuple[Leaf, int], _Sought] = {}

    def of(self, flow: Flow) -> Transcript:
        """The answer as far as it has come."""
        return self.transcript

    def summary(self, flow: Flow) -> Summary:
        """The figures of it."""
        return summarise(flow, self.transcript, figures_only=True)

    def place(self, flow: Flow) -> Place | None:
        """The lane that the request belongs to."""
        return self._place

    def update(self) -> Sequence[LiveCall]:
        """Take in what the reader wrote; gives the tool calls that began or changed."""
        shape = [(len(parts), id(parts[-1]) if parts else 0) for parts in self._parts()]
        if not self.open and shape == self._shape:
            return ()
        self._shape = shape
        there = [part for parts in self._parts() for part in parts if isinstance(part, ToolCall)]
        self.calls = [self._live(call, there) for call in there]
        self.open = [live for live, call in zip(self.calls, there, strict=True) if not call.done]
        return [live for live, call in zip(self.calls, there, strict=True) if live.update(call)]

    def matches(self, term: Term, call: LiveCall | None) -> bool:
        """Whether a filter holds so far, what it asks of tool calls being asked of this one."""

        def ask(leaf: Leaf) -> bool:
            if isinstance(leaf, Words):
                return self._find(leaf, self._pieces())
            if asks_call(leaf):
                return call is not None and call.satisfies(leaf)
            if leaf.key == "text":
                return self._find(leaf, map(_text, self.transcript.answer.choices))
            if leaf.key == "reasoning":
                return self._find(leaf, self._thoughts())
            return matches(leaf, self._flow, self)

        return holds(term, ask)

    def _parts(self) -> Iterator[list[Part]]:
        return (choice.parts for choice in self.transcript.answer.choices)

    def _live(self, call: ToolCall, there: list[ToolCall]) -> LiveCall:
        """The reading of a call. Whole items at the end of a stream bring it again, as another object."""
        for live in self.calls:
            if live.call is call:
                return live
        for live in self.calls:
            if call.id and live.call.id == call.id and not any(live.call is other for other in there):
                return live
        return LiveCall(call)

    def _find(self, leaf: Leaf, texts: Iterator[str]) -> bool:
        return any(
            self._sought.setdefault((leaf, number), _Sought()).find(leaf, text) for number, text in enumerate(texts)
        )

    def _thoughts(self) -> Iterator[str]:
        return (str(part.content) for parts in self._parts() for part in parts if isinstance(part, Reasoning))

    def _pieces(self) -> Iterator[str]:
        for choice in self.transcript.answer.choices:
            yield _text(choice)
            for part in choice.parts:
                yield "" if isinstance(part, Text | Refusal) else part_text(part)
                yield part.name if isinstance(part, ToolCall) else ""


def _text(message: Message) -> str:
    """The words of a message. Nearly always they are one part, which is not copied."""
    texts = [part.content for part in message.parts if isinstance(part, Text | Refusal)]
    return str(texts[0]) if len(texts) == 1 else "".join(map(str, texts))
