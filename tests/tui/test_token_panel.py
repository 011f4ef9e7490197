"""The panel beside the tokens, and how tokens are put in words."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from inspector.model.token import Alternative, Token
from inspector.store.token_reading import TokenReading
from inspector.tui.spans import Line, plain
from inspector.tui.token_course import Course
from inspector.tui.token_panel import Shown, panel_lines
from inspector.tui.token_words import asked, bytes_of, figure, told_of_call
from tests.handmade import done_chat


class HandReading(TokenReading):
    """Tokens and alternatives made by hand."""

    def __init__(self, tokens: list[Token], others: tuple[Alternative, ...] = ()) -> None:
        super().__init__(done_chat())
        self.tokens = tokens
        self._others = others

    def alternatives(self, index: int) -> tuple[Alternative, ...]:
        """The same for each."""
        return self._others

    def perplexity(self, index: int) -> float | None:
        """Not known."""
        return None


def ranked(*probabilities: float) -> tuple[Alternative, ...]:
    """Alternatives `t0`, `t1` … of these probabilities."""
    return tuple(Alternative(b"t%d" % place, math.log(p), 100 + place) for place, p in enumerate(probabilities))


def told(token: Token, others: tuple[Alternative, ...] = (), *, every: bool = False, wanted: int | None = None) -> str:
    """The panel of a token."""
    course = Course()
    course.extend([token.probability or -1.0])
    shown = Shown(HandReading([token], others), 0, others, course, 0.4, every, wanted)
    lines: list[Line] = panel_lines(shown, 60, 40, True)
    return "\n".join(map(plain, lines))


def test_the_panel_shows_the_first_alternatives_and_the_chosen_one() -> None:
    others = ranked(0.3, 0.2, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03)
    shown = told(Token(b"t7", math.log(0.03), 107), others)
    assert [word for word in shown.split() if word.startswith("t") and word[1:].isdigit()] == [
        *("t0", "t1", "t2", "t3", "t4", "t7")
    ]
    assert "  ⋮\n▸ t7" in shown and "2 more, a shows all" in shown
    everything = told(Token(b"t7", math.log(0.03), 107), others, every=True)
    assert all(f"t{place}" in everything for place in range(8)) and "⋮" not in everything


def test_a_chosen_token_beyond_those_asked_for_stands_apart() -> None:
    others = ranked(0.5, 0.3, 0.01)
    token = Token(b"t2", math.log(0.01), 102)
    assert "  ⋮\n▸ t2" in told(token, others, wanted=2)
    assert "⋮" not in told(token, others, wanted=3)


def test_tokens_of_which_little_is_known() -> None:
    assert "no alternatives came with it" in told(Token(b"x", math.log(0.5)))
    assert "p 0.50" in told(Token(b"x", math.log(0.5)))
    shown = told(Token(b"x", id=8086))
    assert "id 8086" in shown and "nothing is known of its probability" in shown and "surprisal" not in shown


def test_figures_and_bytes() -> None:
    wishes: list[dict[str, object]] = [{}, {"top_logprobs": 5}, {"logprobs": 2}, {"logprobs": True}]
    assert [figure(p) for p in (1.0, 0.36, 0.005, 0.0012, 0.000001, 0.0, None)] == [
        *("1.00", "0.36", "0.01", "0.0012", "<0.0001", "0.00", "–")
    ]
    assert [bytes_of(Token(data)) for data in (b"plain", b"\n", b"\xf0\x9f", b"")] == ["", "0a", "f0 9f", ""]
    assert [asked(each) for each in wishes] == [None, 5, 2, None]


def names() -> Iterator[tuple[HandReading, list[int], str, str]]:
    """Calls, and what their headings say."""
    tokens = [Token(b"look", math.log(0.9), channel="tool_name"), Token(b"up", math.log(0.92), channel="tool_name")]
    others = Alternative(b"look", math.log(0.9)), Alternative(b" search", math.log(0.05))
    yield HandReading(tokens, others), [0, 1], "", "  the tool was chosen with p 0.83; next: search 0.05"
    yield HandReading(tokens), [0, 1], "", "  the tool was chosen with p 0.83"
    yield HandReading([Token(b"look", id=1)]), [0], "", ""
    yield HandReading([]), [], "look\x1bup", "look␛up"
    yield HandReading([]), [], "", "tool call"


@pytest.mark.parametrize(("reading", "tokens", "known", "words"), list(names()))
def test_the_heading_of_a_call(reading: HandReading, tokens: list[int], known: str, words: str) -> None:
    assert plain(told_of_call(reading, tokens, known)) == words
