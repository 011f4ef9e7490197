"""What differs between two transcripts."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from inspector.model.message import Answer, Growing, Message, Prompt, Text, ToolCall, ToolResult
from inspector.store import diff
from inspector.store.alignment import finish
from inspector.store.diff import Piece, Run, answer_pieces, compare, compare_prompts, message_pieces, words

PIECES = st.lists(
    st.builds(
        Piece, st.sampled_from(["user", "model", "call"]), st.sampled_from(["", "Bash"]), st.text("ab ", max_size=4)
    )
)


def say(role: str, text: str) -> Message:
    """A message of one text."""
    return Message(role, [Text(Growing(text))])  # type: ignore[arg-type]


def prompt_pieces(prompt: Prompt) -> list[Piece]:
    """What the model was given, in order."""
    said = [piece for message in prompt.messages for piece in message_pieces(message)]
    return [*diff._settings(prompt), *said, *map(diff._declared, prompt.tools)]


def test_a_prompt_is_settings_messages_and_tools() -> None:
    call = ToolCall("1", "Bash", Growing('{"a":1}'))
    messages = [
        say("system", "s"),
        say("user", "u"),
        Message("assistant", [call]),
        Message("tool", [ToolResult("1", "r")]),
    ]
    prompt = Prompt("m", messages, parameters={"temperature": 0.5})
    assert [(piece.role, piece.title, piece.text) for piece in prompt_pieces(prompt)] == [
        ("setting", "model", "m"),
        ("setting", "temperature", "0.5"),
        ("system", "", "s"),
        ("user", "", "u"),
        ("call", "Bash", '{\n  "a": 1\n}'),
        ("tool", "", "r"),
    ]


def test_a_changed_message_is_one_change_and_its_neighbours_stay() -> None:
    before = prompt_pieces(Prompt("m", [say("user", "one two"), say("assistant", "x")]))
    after = prompt_pieces(Prompt("m", [say("user", "one three"), say("assistant", "x")]))
    assert [change.kind for change in compare(before, after)] == ["same", "changed", "same"]


def test_a_text_instead_of_a_call_is_one_gone_and_one_new() -> None:
    before = answer_pieces(Answer(choices=[Message("assistant", [ToolCall("1", "Bash")])]))
    after = answer_pieces(Answer(choices=[say("assistant", "no")]))
    assert sorted(change.kind for change in compare(before, after)) == ["added", "removed"]


@given(PIECES, PIECES)
def test_both_sides_can_be_read_back_from_the_changes(before: list[Piece], after: list[Piece]) -> None:
    changes = compare(before, after)
    assert [change.before for change in changes if change.before is not None] == before
    assert [change.after for change in changes if change.after is not None] == after
    assert all((change.before == change.after) == (change.kind == "same") for change in changes)


def test_words_that_differ_are_marked() -> None:
    left, right = words("rm -rf /build && make", "rm -rf build && make")
    assert [run for run in left if not run.same] == [Run("/", False)]
    assert [run for run in right if not run.same] == [Run("", False)]


@given(st.text("ab \n/é", max_size=40), st.text("ab \n/é", max_size=40))
def test_words_keep_both_texts(before: str, after: str) -> None:
    left, right = words(before, after)
    assert "".join(run.text for run in left) == before
    assert "".join(run.text for run in right) == after
    same = ["".join(run.text for run in side if run.same) for side in (left, right)]
    assert same[0] == same[1]


def test_texts_too_long_for_words_differ_between_their_ends() -> None:
    many = diff.EFFORT // 1000
    left, right = words("start " + "a b " * many + "end", "start " + "c d " * many + "end")
    assert [run.same for run in left] == [run.same for run in right] == [True, False, True]


MESSAGES = st.lists(st.builds(say, st.sampled_from(["user", "assistant"]), st.sampled_from("abc")), max_size=10)


@given(MESSAGES, MESSAGES)
def test_prompts_compare_as_their_pieces_do(before: list[Message], after: list[Message]) -> None:
    old, new = Prompt("m", before), Prompt("m", after, parameters={"top_p": 1})
    changes = finish(compare_prompts(old, new))
    for side, prompt in (("before", old), ("after", new)):
        stands = [change for change in changes if change.kind == "same" or getattr(change, side) is not None]
        assert sum(change.count for change in stands) == len(prompt_pieces(prompt))
    given = [change.after for change in changes if change.kind != "same" and change.after is not None]
    rest = iter(prompt_pieces(new))
    assert all(piece in rest for piece in given)
    whole = compare(prompt_pieces(old), prompt_pieces(new))
    assert (not any(change.kind != "same" for change in changes)) == (not any(each.kind != "same" for each in whole))


def test_a_turn_more_is_two_pieces_and_the_rest_one_line() -> None:
    talk = [say("user", f"{number}") for number in range(3000)]
    more = [*talk, say("assistant", "x"), say("user", "y")]
    changes = finish(compare_prompts(Prompt("m", talk), Prompt("m", more)))
    assert [(change.kind, change.count) for change in changes[1:]] == [("same", 3000), ("added", 1), ("added", 1)]


@given(st.text("ab \n", max_size=60), st.text("ab \n", max_size=60), st.text("ab \n", max_size=30))
def test_long_texts_keep_their_words_and_share_their_ends(head: str, tail: str, middle: str) -> None:
    before, after = f"{head}1{tail}", f"{head}2{middle}{tail}"
    with patch.multiple(diff, LONG=4, LONGEST=12, _NEAR=3):
        left, right = words(before, after)
    assert "".join(run.text for run in left) == before
    assert "".join(run.text for run in right) == after
    assert "".join(run.text for run in left if run.same) == "".join(run.text for run in right if run.same)
    assert not any("1" in run.text for run in left if run.same)


def test_a_change_in_the_middle_of_a_huge_text_is_found() -> None:
    text = "some words of it\n" * 200_000
    middle = len(text) // 2
    left, right = words(text, text[:middle] + "NEW " + text[middle:])
    assert sum(len(run.text) for run in right if not run.same) < 50
    assert "".join(run.text for run in left) == text


def test_two_huge_texts_that_have_nothing_in_common_differ_as_a_whole() -> None:
    left, right = words("a " * diff.LONGEST, "b " * diff.LONGEST)
    assert [run.same for run in left] == [run.same for run in right] == [False]
