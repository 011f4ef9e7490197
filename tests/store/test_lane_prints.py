"""The prints of prompts: what of a message stays, and what comes and goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.model.message import Growing, Media, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from inspector.store.lane_prints import is_telling, opening_of, own_words, prints_of, title_line, units_of


def said(role: Role, *parts: str | Part) -> Message:
    """A message of texts and other parts."""
    return Message(role, [Text(Growing(part)) if isinstance(part, str) else part for part in parts])


CALL = ToolCall("toolu_91ab33cd02", "Read", Growing('{"a": 1, "b": 2}'))


def test_blocks_of_the_agents_are_no_words_of_the_users() -> None:
    assert own_words("<system-reminder>\na < b\n</system-reminder>\nMend it. <environment_context/>") == (
        "Mend it. <environment_context/>"
    )
    assert own_words("Is <b>this</b> <x-open> right?") == "Is <b>this</b> <x-open> right?"
    assert own_words("# Rules for /home\n<INSTRUCTIONS>\nBe kind.\n</INSTRUCTIONS>") == ""
    assert own_words("# A heading") == "# A heading"
    assert own_words("a <x-y>1</x-y> b <x-y>2</x-y> c") == "a  b  c"


@given(st.text(alphabet="<>/ab-_ \n", max_size=200))
def test_any_text_has_its_own_words(text: str) -> None:
    words = own_words(text)
    assert words == words.strip()
    assert len(words) <= len(text)


def test_what_comes_and_goes_leaves_no_print() -> None:
    plain = [said("user", "Hi"), said("assistant", "I look.", CALL)]
    adorned = [
        said("user", "Hi", "<system-reminder>x</system-reminder>"),
        said("user", "<system-reminder>y</system-reminder>"),
        said("assistant", Reasoning(Growing("hm")), "I look.\n"),
        said("assistant", ToolCall("toolu_91ab33cd02", "Read", Growing('{"b":2,"a":1}'))),
    ]
    assert prints_of([*plain, said("user", "Go on")], 1).chain == prints_of([*adorned, said("user", "Go on")], 1).chain


def test_results_are_known_by_their_calls_where_these_have_names_of_their_own() -> None:
    assert units_of(said("tool", ToolResult("toolu_91ab33cd02", "one"))) == units_of(
        said("tool", ToolResult("toolu_91ab33cd02", "cleared"))
    )
    assert units_of(said("tool", ToolResult("call_1", "one"))) != units_of(said("tool", ToolResult("call_1", "two")))
    first, second = (ToolCall(f"call_{n}", "Read", Growing('{"a":1}')) for n in (1, 2))
    assert units_of(said("assistant", first)) == units_of(said("assistant", second))
    assert not any(map(is_telling, ("", "call_1", "functions.read:12", "short")))
    assert all(map(is_telling, ("toolu_01Ab9", "call_x8Fh2kkQ0", "chatcmpl-tool-77ab91c")))


def test_pictures_leave_a_print() -> None:
    units = [units_of(said("user", "See", Media("image", "image/png", size=size))) for size in (1, 2)]
    assert units[0][0] == units[1][0] and units[0][1] != units[1][1]


def test_the_last_answer() -> None:
    history = [said("user", "Hi"), said("assistant", "Ho"), said("user", "And?"), said("assistant", "I look.", CALL)]
    prints = prints_of([*history, said("tool", ToolResult(CALL.id, "x"))], 1)
    assert (prints.before, prints.said, prints.calls, len(prints.chain)) == (3, 5, (CALL.id,), 6)
    assert prints_of(history[:3], 1).answer == units_of(history[1])[0][1]
    begun = prints_of([*history[:3], said("assistant", "{")], 1)
    assert (len(begun.chain), begun.said, begun.chain) == (3, 2, prints_of(history[:3], 1).chain)
    assert prints_of([said("tool", ToolResult(CALL.id, "x"))], 1).calls == (CALL.id,)
    assert prints_of([], 1).chain == []


def test_titles_are_one_short_line() -> None:
    assert title_line("\n  ## \n\n  Mend   the\tparser\nnow") == "Mend the parser"
    assert len(title_line("word " * 100)) == 80
    assert opening_of(
        [said("system", "x"), said("user", "a"), said("user", "b"), said("assistant"), said("user", "c")]
    ) == ("a\nb")


@given(st.text(" \t#*-`>\"'\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029\xa0ab", max_size=12))
def test_a_title_is_the_first_line_that_says_something_whatever_ends_a_line(text: str) -> None:
    line = next((line for line in text.splitlines() if line.strip(" \t#*-`>\"'")), "")
    assert title_line(text) == " ".join(line.split())
