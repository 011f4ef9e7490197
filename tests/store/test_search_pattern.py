"""What can be searched for, and that no pattern takes for ever."""

from __future__ import annotations

import re
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.store import search_pattern
from inspector.store.search_effort import WINDOWS, window_of
from inspector.store.search_pattern import Regex, Words, folded, parse

LETTERS = st.sampled_from("aAbB äÄ\nİßςσΣ")


def found(pattern: search_pattern.Pattern, text: str) -> list[tuple[int, int]]:
    """All matches."""
    return list(chain.from_iterable(pattern.windows(text)))


def naive(words: str, text: str) -> list[tuple[int, int]]:
    """The same by the simplest means."""
    if words == words.lower():
        words, text = folded(words), folded(text)
    matches, at = [], text.find(words)
    while at >= 0:
        matches.append((at, at + len(words)))
        at = text.find(words, at + len(words))
    return matches


@settings(max_examples=300)
@given(words=st.text(LETTERS, min_size=1, max_size=3), text=st.text(LETTERS, max_size=60), window=st.integers(1, 20))
def test_windows_find_what_a_look_at_the_whole_finds(words: str, text: str, window: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_pattern, "WINDOW", window)
        assert found(Words(words), text) == naive(words, text)


def test_lower_case_ignores_case_and_a_capital_does_not() -> None:
    text = "Straße STRASSE Ärger ärger ΣΑΣ σας İstanbul"
    assert [text[start:end] for start, end in found(parse("ärger"), text)] == ["Ärger", "ärger"]
    assert [text[start:end] for start, end in found(parse("Ärger"), text)] == ["Ärger"]
    assert [text[start:end] for start, end in found(parse("σας"), text)] == ["ΣΑΣ", "σας"]
    assert [text[start:end] for start, end in found(parse("istan"), text)] == ["İstan"]


def test_every_character_keeps_its_place_when_case_is_ignored() -> None:
    for code in range(0x110000):
        if len(folded(f"a{chr(code)}")) != 2:
            pytest.fail(f"U+{code:04X}")


def test_a_regex_stands_between_slashes() -> None:
    assert isinstance(parse("/a+/"), Regex)
    assert all(isinstance(parse(text), Words) for text in ("/usr/bin", "/", "//", "a/", "/a"))


def test_a_regex_heeds_case_where_it_has_a_capital_of_its_own() -> None:
    assert len(found(parse(r"/\S+@example/"), "A@EXAMPLE b@example")) == 2
    assert len(found(parse(r"/(?P<who>a)\W/"), "A. a.")) == 2
    assert len(found(parse(r"/[A-Z]x/"), "ax Ax")) == 1


def test_a_regex_finds_lines_and_nothing_empty() -> None:
    assert found(parse("/^b.$/"), "ab\nbc\nbd") == [(3, 5), (6, 8)]
    assert found(parse("/b*/"), "abba") == [(1, 3)]


@pytest.mark.parametrize("text", ["error", r"\bfoo\b", "ab?c", "(?:foo|bar)+x"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_regex_finds_in_windows_what_it_finds_in_the_whole(text: str, data: st.DataObject) -> None:
    pattern = Regex(text)
    pieces = st.sampled_from(["error", "foo", "bar", "x", "ac", "abc", " ", "\n", "-" * 50, "y" * 400])
    body = "".join(data.draw(st.lists(pieces, max_size=40)))
    pattern.window = data.draw(st.sampled_from([64, 256, 1 << 16]))
    # A run of them that is longer than half a window may be cut in two.
    longest = max((match.end() - match.start() for match in re.finditer(text, body)), default=0)
    if longest <= pattern.window // 2:
        expected = [match.span() for match in re.finditer(text, body, re.MULTILINE | re.IGNORECASE)]
        assert found(pattern, body) == expected


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("plain", WINDOWS[0]),
        ("(error|warning)s?", WINDOWS[0]),
        ("foo.*bar", WINDOWS[1]),
        (r"(\d+)++", WINDOWS[2]),
        (r"(\w+) \1", WINDOWS[2]),
        ("a.*b.*c.*d", WINDOWS[3]),
    ],
)
def test_the_more_ways_there_are_the_less_is_tried_at_once(text: str, window: int) -> None:
    assert window_of(text, re.MULTILINE) == window


@pytest.mark.parametrize(
    "text", ["(a+)+", "(a*)*b", "(a|aa)+", "(a|a)*b", "(a?){30}", r"(\w+\s?)*$", "((a{1,9}){1,9})x"]
)
def test_a_regex_without_an_end_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="a repeat of what can match in several ways"):
        Regex(text)


@pytest.mark.parametrize("text", ["a?" * 30 + "a" * 30, ".*.*.*.*x", "a*a*a*a*a*a*b"])
def test_too_many_repeats_side_by_side_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="too many open repeats"):
        Regex(text)


@pytest.mark.parametrize(
    "text", ["/(/", "/[a/", r"/\1/", "/*/", "/(?P<x)/", "/a{99999999999999999999}/", "/" + "(" * 5000 + "/"]
)
def test_what_is_no_regex_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="no regex"):
        parse(text)


def test_nothing_cannot_be_searched_for() -> None:
    with pytest.raises(ValueError, match="nothing"):
        parse("")


@given(st.text(st.sampled_from("ab()[]{}|*+?.\\^$-,1:=!<>PA\n"), max_size=14))
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_is_searched_or_refused_in_words(text: str) -> None:
    try:
        pattern = parse(f"/{text}/")
    except ValueError as error:
        assert str(error)
    else:
        matches = found(pattern, "ab" * 40 + "\n" + "a" * 40)
        assert all(start < end for start, end in matches) and matches == sorted(matches)
