"""Text from the wire is inert on the screen, and wrapping neither loses nor exceeds anything."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.tui.text import WrappedText, clip, lines, one_line, printable, wrap

ANY = st.text(st.characters(exclude_categories=()), max_size=200)
SOME = st.text(st.sampled_from("ab cdefg \t\n\r한字é\u0301👍🏽⚠\ufe0f\u200d\x1b\u202e"), max_size=300)


@given(ANY)
@settings(max_examples=300, deadline=None)
def test_nothing_that_a_terminal_acts_on_survives(text: str) -> None:
    for character in printable(text):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}, hex(ord(character))


@given(ANY)
@settings(max_examples=200, deadline=None)
def test_cells_add_up(text: str) -> None:
    shown = printable(text)
    assert cell_len(shown) == sum(cell_len(character) for character in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [red]not markup[/]", "plain [red]not markup[/]"),
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]8;;http://x\x07link", "␛]8;;http://x␇link"),
        ("\x9b2J", "‹U+009B›2J"),
        ("abc\u202edef", "abc‹U+202E›def"),
        ("a\u200bb\ufeffc", "a‹U+200B›b‹U+FEFF›c"),
        ("\ud800", "‹U+D800›"),
        ("line\u2028sep\x85nel\x0bvt\x7f", "line‹U+2028›sep‹U+0085›nel␋vt␡"),
        ("⚠️ careful", "⚠ careful"),
        ("👩‍👧", "👩👧"),
        ("x\ufe0f", "x‹U+FE0F›"),
        ("tag \U000e0041", "tag ‹U+E0041›"),
        ("字\u3000字\xa0", "字\u3000字\xa0"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(SOME, st.integers(2, 40))
@settings(max_examples=300, deadline=None)
def test_wrapping_keeps_everything_and_stays_within_the_width(text: str, width: int) -> None:
    shown = printable(text)
    wrapped = wrap(shown, width)
    assert all(cell_len(line) <= width for line in wrapped)
    assert "".join(wrapped).replace(" ", "") == shown.replace(" ", "")


@given(st.lists(SOME, max_size=6), st.integers(2, 30))
@settings(max_examples=200, deadline=None)
def test_growing_gives_the_same_lines_as_the_whole(pieces: list[str], width: int) -> None:
    growing = WrappedText(width)
    for piece in pieces:
        growing.append(piece)
    assert growing.lines == lines("".join(pieces), width)


def test_a_very_long_line_grows_as_it_stands() -> None:
    text = "word " * 3000 + "x" * 30_000
    growing = WrappedText(77)
    for start in range(0, len(text), 997):
        growing.append(text[start : start + 997])
    assert growing.lines == lines(text, 77)
    assert max(map(len, growing.lines)) <= 77
    assert "".join(growing.lines).replace(" ", "") == text.replace(" ", "")


def test_words_are_kept_whole_where_they_fit() -> None:
    assert wrap("the parser drops the last token", 12) == ["the parser ", "drops the ", "last token"]
    assert wrap("    indented_and_much_too_long", 12) == ["    indented", "_and_much_to", "o_long"]
    assert wrap("", 12) == [""]


def test_endless_combining_characters_are_cut() -> None:
    assert max(map(len, wrap("e" + "\u0301" * 10_000, 10))) < 100


def test_a_heap_of_marks_is_levelled() -> None:
    heap = "e" + "\u0301\u0489" * 500 + "a"
    assert printable(heap) == "e" + "\u0301\u0489" * 4 + "‹992 marks›a"
    assert (
        printable("क्षि e\u0301\u0302 ─────────────── 👍👍👍👍👍👍👍👍👍👍")
        == "क्षि e\u0301\u0302 ─────────────── 👍👍👍👍👍👍👍👍👍👍"
    )
    assert printable("…" * 20 + "\u0301" * 9) == "…" * 20 + "\u0301" * 8 + "‹1 marks›"


def test_clip_and_one_line() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("字字字", 4) == "字…"
    assert clip("abc", 3) == "abc"
    assert clip("abc", 0) == ""
    assert one_line(" a\n\n b\tc\x1b ") == "a b c␛"


def test_lines_end_at_lf_and_crlf_only() -> None:
    assert lines("a\r\nb\nc\rd", 20) == ["a", "b", "c␍d"]
