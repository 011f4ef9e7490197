"""What a view asks of flows, thousands of them at once: answers that are at hand, and questions put together once."""

from __future__ import annotations

from collections.abc import Callable

from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.store.filter_fields import Known, NumberField, TextField
from inspector.store.filter_terms import And, Between, Contains, Leaf, Not, Or, Term, Words, field, matches
from inspector.store.lane import Place
from inspector.store.summary import Summary
from inspector.store.transcripts import Transcripts
from inspector.store.view_order import reader

KEPT = 65_536
"""Summaries that are kept at hand."""

Question = Callable[[Flow, Known], bool]


class AtHand:
    """The transcripts, and the summaries of ended flows without the question whether they still hold.

    Whoever uses it says `forget` of each flow that changed, and `clear` when prices became known.
    """

    def __init__(self, transcripts: Transcripts) -> None:
        self._transcripts = transcripts
        self._summaries: dict[str, Summary] = {}

    def of(self, flow: Flow) -> Transcript:
        """The flow, understood."""
        return self._transcripts.of(flow)

    def summary(self, flow: Flow) -> Summary:
        """The flow in one line."""
        summary = self._summaries.get(flow.id)
        if summary is None:
            summary = self._transcripts.summary(flow)
            if flow.end is not None:
                if len(self._summaries) >= KEPT:
                    self._summaries.clear()
                self._summaries[flow.id] = summary
        return summary

    def place(self, flow: Flow) -> Place | None:
        """The lane that it belongs to."""
        return self._transcripts.place(flow)

    def forget(self, flow: Flow) -> None:
        """The flow changed."""
        self._summaries.pop(flow.id, None)

    def clear(self) -> None:
        """Everything may have changed."""
        self._summaries.clear()


def question(term: Term | None) -> Question:
    """The same answers as `filter_terms.matches` gives, without taking the term apart for each flow anew."""
    match term:
        case None:
            return lambda flow, known: True
        case Not():
            inner = question(term.term)
            return lambda flow, known: not inner(flow, known)
        case And():
            all_of = [question(part) for part in term.terms]
            return lambda flow, known: all(part(flow, known) for part in all_of)
        case Or():
            any_of = [question(part) for part in term.terms]
            return lambda flow, known: any(part(flow, known) for part in any_of)
        case _:
            return _leaf(term)


def _leaf(leaf: Leaf) -> Question:
    """Only the questions asked most are put together here; a search costs far more than its taking apart."""
    if isinstance(leaf, Words):
        return lambda flow, known: matches(leaf, flow, known)
    asked = field(leaf)
    if isinstance(asked, NumberField):
        return _number(leaf)
    if isinstance(leaf, Contains):
        return _contains(leaf.text.lower(), asked)
    return lambda flow, known: matches(leaf, flow, known)


def _contains(wanted: str, asked: TextField) -> Question:
    values = asked.values

    def contains(flow: Flow, known: Known) -> bool:
        for value in values(flow, known):  # noqa: SIM110, a generator for each flow costs more than the loop
            if value and wanted in value.lower():
                return True
        return False

    return contains


def _number(leaf: Leaf) -> Question:
    if not isinstance(leaf, Between):
        return lambda flow, known: matches(leaf, flow, known)
    value, holds = reader(leaf.key), leaf.holds

    def between(flow: Flow, known: Known) -> bool:
        number = value(flow, known)
        return isinstance(number, float | int) and holds(number)

    return between
