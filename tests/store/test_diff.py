"""What differs between two transcripts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inspector.model.message import Answer, Growing, Message, Prompt, Text, ToolCall, ToolResult
from inspector.store import diff
from inspector.store.diff import Piece, Run, answer_pieces, compare, prompt_pieces, words

PIECES = st.lists(
    st.builds(
        Piece, st.sampled_from(["user", "model", "call"]), st.sampled_from(["", "Bash"]), st.text("ab ", max_size=4)
    )
)


def say(role: str, text: str) -> Message:
    """A message of one text."""
    return Message(role, [Text(Growing(text))])  # type: ignore[arg-type]


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
