"""Tokens as lines: cut, wrapped and coloured, whatever they hold and however they come."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.model.token import Channel, Token
from inspector.tui.token_colours import STEPS, Palette, background
from inspector.tui.token_course import Course, per_column
from inspector.tui.token_lines import TokenLines
from inspector.tui.token_pieces import BREAK, EMPTY, PART, WIDEST, Cutter

FOREVER = 1e9
TEXTS = st.text(
    alphabet=st.one_of(st.sampled_from("ab -\n\t字🦘e\u0301\u202e\x1b\u200d"), st.characters()), max_size=60
)
CHANNELS: tuple[tuple[Channel, int], ...] = (
    *(("content", -1), ("reasoning", -1), ("refusal", -1)),
    *(("tool_name", 0), ("tool_arguments", 0), ("tool_arguments", 1)),
)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Bytes cut at these places, wherever characters end."""
    ends = sorted({min(place, len(data)) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)] or [b""]


def laid_out(tokens: Sequence[Token], width: int = 80) -> TokenLines:
    """All of them, at once."""
    lines = TokenLines(width, True, lambda block: [("muted", "  a call")])
    lines.advance(tokens, FOREVER)
    return lines


def seen(lines: TokenLines) -> list[str]:
    """The lines as text."""
    return ["".join(run.text for run in lines.runs(index)) for index in range(len(lines))]


SPLITS = st.lists(st.integers(0, 200), max_size=30)


@st.composite
def answers(draw: st.DrawFn) -> list[Token]:
    """Tokens of several choices, channels and calls in any order."""
    tokens: list[Token] = []
    for _ in range(draw(st.integers(1, 5))):
        channel, call = draw(st.sampled_from(CHANNELS))
        choice, p = draw(st.integers(0, 2)), draw(st.floats(0.001, 1))
        data = draw(TEXTS).encode("utf-8", "replace")
        tokens += (
            Token(each, math.log(p), channel=channel, call=call, choice=choice) for each in cut(data, draw(SPLITS))
        )
    return tokens


@given(TEXTS, SPLITS)
def test_pieces_are_inert_narrow_and_say_all_that_the_tokens_say(text: str, places: list[int]) -> None:
    data, cutter = text.encode("utf-8", "replace"), Cutter()
    pieces = [cutter.cut(token) for token in cut(data, places)]
    assert all(pieces)
    for piece in (piece for token in pieces for piece in token):
        assert piece.cells == cell_len(piece.text) and 1 <= piece.cells <= WIDEST
        assert piece.text.isprintable() or not set(piece.text) & set("\n\t\x1b\u202e\u200d")
        assert (piece.mark == 2) is (piece.mark > 0 and piece.text.endswith(BREAK))


@given(st.text(alphabet="ab é字🦘\n", max_size=60), SPLITS)
def test_characters_over_several_tokens_are_shown_once_and_whole(text: str, places: list[int]) -> None:
    cutter = Cutter()
    pieces = [piece for token in cut(text.encode(), places) for piece in cutter.cut(token)]
    said = "".join(piece.text[: -1 if piece.mark else None] + ("\n" if piece.mark == 2 else "") for piece in pieces)
    assert said == text


def test_marks() -> None:
    cutter = Cutter()
    kangaroo = "🦘".encode()
    assert [piece.text for piece in cutter.cut(kangaroo[:2])] == [PART]
    assert [piece.text for piece in cutter.cut(kangaroo[2:])] == ["🦘"]
    assert [piece.text for piece in cutter.cut(b"")] == [EMPTY]
    assert [piece.text for piece in cutter.cut(b".\r\n\n x")] == [f".{BREAK}", BREAK, " x"]
    assert [piece.text for piece in cutter.cut("\u0301".encode())] == ["◌\u0301"]
    assert [piece.text for piece in cutter.cut(b"\xef\xb8\x8f")] == [PART]
    assert sum(piece.cells for piece in cutter.cut(b"=" * 100)) == 100


@given(answers(), st.integers(30, 90), st.integers(1, 7))
def test_lines_do_not_depend_on_how_the_tokens_came(tokens: list[Token], width: int, step: int) -> None:
    whole, grown = laid_out(tokens, width), TokenLines(width, True, lambda block: [("muted", "  a call")])
    before: list[str] = []
    for count in range(0, len(tokens) + step, step):
        first = grown.advance(tokens[:count], FOREVER)
        after = seen(grown)
        if first is not None:
            assert before[:first] == after[:first]
        before = after
    assert before == seen(whole)


@given(answers(), st.integers(30, 90), st.integers(30, 90))
def test_another_width_is_as_if_it_had_been_that_from_the_first(tokens: list[Token], one: int, other: int) -> None:
    lines = laid_out(tokens, one)
    lines.resize(other, True)
    assert seen(lines) == seen(laid_out(tokens, other))
    assert all(cell_len(line) <= other for line in seen(lines) if "⚙" not in line)


@given(answers())
def test_every_token_is_reached_once_by_the_cursor(tokens: list[Token]) -> None:
    lines = laid_out(tokens)
    order = [lines.edge(1)]
    while (after := lines.beside(order[-1], 1)) != order[-1]:
        order.append(after)
    assert sorted(order) == list(range(len(tokens)))
    back = [order[-1]]
    while (before := lines.beside(back[-1], -1)) != back[-1]:
        back.append(before)
    assert back == order[::-1]
    for token in order:
        line = lines.line_of(token)
        assert line <= lines.last_line_of(token) < len(lines)
        assert lines.at(line, lines.column_of(token)) == token


@given(answers(), st.floats(0, 1))
def test_the_next_doubtful_token(tokens: list[Token], below: float) -> None:
    lines = laid_out(tokens)
    order = [lines.edge(1)]
    while (after := lines.beside(order[-1], 1)) != order[-1]:
        order.append(after)
    doubtful = [token for token in order if lines.probabilities[token] < below]
    found, token = [], order[-1]
    for _ in doubtful:
        following = lines.doubtful(token, 1, below)
        assert following is not None
        found.append(token := following)
    assert found == doubtful
    assert lines.doubtful(order[0], -1, below) == (doubtful[-1] if doubtful else None)


def test_headings_and_blocks() -> None:
    def token(text: str, channel: Channel, choice: int = 0, call: int = -1) -> Token:
        return Token(text.encode(), -0.1, channel=channel, choice=choice, call=call)

    told = [token("Hm", "reasoning"), token("Yes", "content"), token("look", "tool_name", call=0)]
    told += [token("No", "content", 1), token("up", "tool_name", call=0), token("{}", "tool_arguments", call=0)]
    assert seen(laid_out(told)) == [
        *("", "  choice 1", "  thinking", "  Hm", "", "  answer", "  Yes"),
        *("", "  ⚙ lookup  a call", "    {}", "", "  choice 2", "  No"),
    ]
    assert seen(laid_out(told[1:2])) == ["", "  Yes"]


def test_a_line_ends_before_a_word_where_one_begins_not_long_before() -> None:
    tokens = [Token(text.encode()) for text in ("one", " two", " thr", "ee", "teen", " four")]
    assert seen(laid_out(tokens, 14)) == ["", "  one two", "   threeteen", "   four"]
    assert seen(laid_out([Token(b"x")] * 20, 14)) == ["", "  " + "x" * 11, "  " + "x" * 9]


@given(st.lists(st.one_of(st.floats(0, 1), st.just(-1.0)), max_size=200), st.integers(1, 80))
def test_the_course_of_an_answer(probabilities: list[float], width: int) -> None:
    course = Course()
    course.extend(probabilities[:7])
    course.extend(probabilities)
    each, means = course.columns(width)
    assert len(means) <= width and each == per_column(len(probabilities), width)
    for number, mean in enumerate(means):
        known = [p for p in probabilities[number * each : (number + 1) * each] if p >= 0]
        assert mean == (pytest.approx(sum(known) / len(known), abs=1e-9) if known else None)


@pytest.mark.parametrize(
    ("tokens", "width", "each"), [(0, 50, 1), (50, 50, 1), (51, 50, 2), (214, 55, 4), (900, 9, 100)]
)
def test_a_column_holds_a_round_number_of_tokens(tokens: int, width: int, each: int) -> None:
    assert per_column(tokens, width) == each


NORMAL = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
VISION = {
    "normal": NORMAL,
    "protan": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deutan": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritan": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
"""What is left of red, green and blue (linear): the matrices of Machado, Oliveira and Fernandes, 2009."""


def luminance(colour: Sequence[int], vision: Sequence[Sequence[float]] = NORMAL) -> float:
    """The relative luminance of a colour, as somebody sees it. https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    linear = [c / 12.92 if (c := value / 255) <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for value in colour]
    left = [max(0.0, sum(a * b for a, b in zip(row, linear, strict=True))) for row in vision]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), left, strict=True))


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("dark", [True, False])
def test_the_scale_reads_by_lightness_alone(dark: bool, vision: str) -> None:
    scale = [luminance(background(step, dark), VISION[vision]) for step in range(STEPS)]
    wanted = sorted(scale, reverse=dark)
    assert scale == pytest.approx(wanted, abs=0.006)
    assert abs(scale[0] - scale[-1]) > 0.1


@pytest.mark.parametrize("dark", [True, False])
def test_the_text_of_a_token_can_be_read_on_its_colour(dark: bool) -> None:
    for step in range(STEPS):
        style = Palette(dark, sixteen=False).of(step / (STEPS - 1))
        assert style.color is not None and style.color.triplet is not None
        below, above = sorted((luminance(background(step, dark)), luminance(style.color.triplet)))
        assert (above + 0.05) / (below + 0.05) > 4


def test_sixteen_colours_and_the_unknown() -> None:
    palette = Palette(dark=True, sixteen=True)
    assert len({palette.of(p) for p in (0.05, 0.3, 0.6, 0.95)}) == 4
    assert palette.of(0.3, doubtful=True).underline
    for each in (palette, Palette(dark=False, sixteen=False)):
        assert each.of(-1, odd=True) != each.of(-1, odd=False)
        assert each.of(0.5, odd=True) == each.of(0.5, odd=False)
