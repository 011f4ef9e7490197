"""The filter language: `model:opus tool:Bash status:>=400 in:>50k "literal words" -agent:codex`.

Words side by side must all hold; `and`, `or`, `not`, `-` and parentheses join them otherwise, `or` binding loosest.
`key:word` looks for the word in the field, `key:=word` wants it alone, `key~regex` searches; numbers are compared by
`key:>5`, `key:>=50k`, `key:1..5k` and `key:200`, and a number's key needs no colon before `<` and `>`: `logprob<-3`;
`key:*` wants any value. `arg.PATH` asks for one argument of a tool call: `arg.command~"rm "`, `arg.timeout:>1000`;
`request.PATH`, `response.PATH` and `usage.PATH` for what stands in the bodies, `header.NAME` and
`response-header.NAME` for a header. Two numbers can be joined: `in.cached/in:<0.5`.
Parsing never fails: what is wrong is marked and left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from inspector.model.flow import Flow
from inspector.store.filter_complete import Completion, complete
from inspector.store.filter_fields import OPEN_KEYS, Cost, Known, NumberField, field_of, named_field
from inspector.store.filter_lexer import Token, lex
from inspector.store.filter_terms import And, Contains, Equals, Like, Not, Or, Present, Term, Words, cost, matches
from inspector.store.filter_values import comparison, regex

__all__ = ["Completion", "Filter", "FilterError", "Span", "complete", "parse"]

DEPTH = 50
"""Parentheses inside one another, beyond which they are refused."""

SpanKind = Literal["key", "value", "operator", "text", "error"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the filter's text of one kind, for colouring."""

    start: int
    end: int
    kind: SpanKind


@dataclass(frozen=True, slots=True)
class FilterError:
    """What is wrong with `text[start:end]`."""

    start: int
    end: int
    message: str


@dataclass(frozen=True, slots=True)
class Filter:
    """A parsed filter."""

    text: str = ""
    term: Term | None = None
    """What it means; None lets every flow through."""
    errors: tuple[FilterError, ...] = ()
    spans: tuple[Span, ...] = ()

    @property
    def cost(self) -> Cost:
        """The dearest question that it asks of a flow."""
        return Cost.FLOW if self.term is None else cost(self.term)

    def matches(self, flow: Flow, transcripts: Known) -> bool:
        """Whether a flow passes. Cheap questions come first; the flow is only read where they do not settle it."""
        return self.term is None or matches(self.term, flow, transcripts)

    def __bool__(self) -> bool:
        return self.term is not None


def parse(text: str) -> Filter:
    """Read a filter. Never raises: wrong words are listed in `errors`, and the filter means what is left of it."""
    parser = _Parser(lex(text))
    term = parser.whole()
    spans = tuple(sorted(parser.spans, key=lambda span: span.start))
    return Filter(text, term, tuple(sorted(parser.errors, key=lambda error: error.start)), spans)


class _Wrong(ValueError):
    """A term without meaning; `part` says which end of it is to blame."""

    def __init__(self, message: str, part: Literal["key", "value", "all"] = "all") -> None:
        super().__init__(message)
        self.part = part


class _Parser:
    """Recursive descent over the tokens. Every method gives the term it read, or None where nothing valid stood."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.errors: list[FilterError] = []
        self.spans: list[Span] = []

    def whole(self) -> Term | None:
        """All of the text."""
        terms = [self._either()]
        while (stray := self._peek()) is not None:
            self._wrong(stray, "no parenthesis is open here")
            self.at += 1
            terms.append(self._either())
        return _joined(And, terms)

    def _either(self) -> Term | None:
        terms = [self._both()]
        while (token := self._peek()) is not None and token.kind == "or":
            alone = self.at == 0 or self.tokens[self.at - 1].kind in ("open", "or", "and")
            self.at += 1
            if alone or not self._operand_follows():
                self._wrong(token, "something is missing beside this")
            else:
                self._mark(token.start, token.end, "operator")
            terms.append(self._both())
        return _joined(Or, terms)

    def _both(self) -> Term | None:
        terms: list[Term | None] = []
        first = True
        while (token := self._peek()) is not None and token.kind not in ("or", "close"):
            if token.kind == "and":
                self.at += 1
                if first or not self._operand_follows():
                    self._wrong(token, "something is missing beside this")
                else:
                    self._mark(token.start, token.end, "operator")
            else:
                terms.append(self._one())
            first = False
        return _joined(And, terms)

    def _one(self) -> Term | None:
        negated = False
        token = self.tokens[self.at]
        while token.kind == "not":
            self.at += 1
            negated = not negated
            following = self._peek()
            if following is None or following.kind not in ("not", "term", "open"):
                self._wrong(token, "there is nothing to exclude")
                return None
            self._mark(token.start, token.end, "operator")
            token = following
        term = self._group(token) if token.kind == "open" else self._term(token)
        return Not(term) if negated and term is not None else term

    def _group(self, opening: Token) -> Term | None:
        self.at += 1
        if self.depth >= DEPTH:
            self._wrong(opening, "too many parentheses")
            return None
        self.depth += 1
        before = self.at
        term = self._either()
        self.depth -= 1
        closing = self._peek()
        if closing is None:
            self._wrong(opening, "this parenthesis is not closed")
            return term
        self.at += 1
        if self.at == before + 1:
            self._wrong(opening, "there is nothing between the parentheses")
        else:
            self._mark(opening.start, opening.end, "operator")
        self._mark(closing.start, closing.end, "operator")
        return term

    def _term(self, token: Token) -> Term | None:
        self.at += 1
        try:
            term = _meaning(token)
        except _Wrong as error:
            start = token.value_start if error.part == "value" else token.start
            end = token.start + len(token.key) if error.part == "key" else token.end
            self._note_error(start, end, str(error))
            return None
        if isinstance(term, Words):
            self._mark(token.start, token.end, "text")
            return term
        self._mark(token.start, token.start + len(token.key), "key")
        self._mark(token.start + len(token.key), token.value_start, "operator")
        self._mark(token.value_start, token.end, "value")
        return term

    def _peek(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _operand_follows(self) -> bool:
        token = self._peek()
        return token is not None and token.kind in ("not", "term", "open")

    def _mark(self, start: int, end: int, kind: SpanKind) -> None:
        if start < end:
            self.spans.append(Span(start, end, kind))

    def _wrong(self, token: Token, message: str) -> None:
        self._note_error(token.start, token.end, message)

    def _note_error(self, start: int, end: int, message: str) -> None:
        self.errors.append(FilterError(start, end, message))
        self._mark(start, end, "error")


def _joined(join: type[And] | type[Or], terms: Iterable[Term | None]) -> Term | None:
    """The terms that are there as one, the cheap ones first."""
    there = sorted((term for term in terms if term is not None), key=cost)
    return join(tuple(there)) if len(there) > 1 else there[0] if there else None


def _meaning(token: Token) -> Term:
    if not token.closed:
        raise _Wrong("this quote is not closed", "value")
    if not token.key:
        if not token.value:
            raise _Wrong("there are no words between the quotes")
        return Words(token.value)
    field = field_of(token.key)
    if token.word and (field is None or field.unit is None):
        return Words(token.word)
    if field is None:
        raise _Wrong(_no_key(token.key), "key")
    if not token.value:
        raise _Wrong(f"{token.key} wants a value")
    if token.operator == ":" and token.value == "*" and not token.quoted:
        return Present(token.key)
    try:
        if isinstance(field, NumberField):
            if token.operator == "~":
                raise ValueError(f"{token.key} is a number: compare it with : and >, <, .. or =")
            return comparison(token.key, token.operator, token.value, field.unit)
        if token.operator == "~":
            return Like(token.key, regex(token.value))
        if field.unit is not None and token.operator not in (":", ":="):
            return comparison(token.key, token.operator, token.value, field.unit)
    except ValueError as error:
        raise _Wrong(str(error), "value") from error
    if token.operator in (":", ":="):
        return Equals(token.key, token.value) if token.operator == ":=" else Contains(token.key, token.value)
    raise _Wrong(f"{token.key} is a word: it cannot be compared by {token.operator[1:]}", "value")


def _no_key(key: str) -> str:
    """Why a key is none."""
    try:
        named_field(key)
    except ValueError as error:
        return str(error) if key.startswith(tuple(OPEN_KEYS)) else f"{error}; quote it to search for the words"
    return ""
