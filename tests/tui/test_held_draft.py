"""A held answer as it is changed: what can be, and which edits come of it."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from inspector.model.message import Growing, Media, Message, Part, Reasoning, Text, ToolCall
from inspector.tui.held_draft import AnswerDraft, Given
from tests.tui.held import COMMAND


def message(*parts: Part, finish: str | None = None) -> Message:
    """An answer."""
    return Message("assistant", list(parts), finish)


def text(words: str) -> Text:
    """A part with words."""
    return Text(Growing(words))


def call(arguments: str = COMMAND, name: str = "Bash") -> ToolCall:
    """A tool call that was written to its end."""
    return ToolCall("toolu_01Z", name, Growing(arguments), done=True)


def draft_of(written: Message, delivered: Message | None = None, waiting: tuple[int, ...] = ()) -> AnswerDraft:
    """A draft in which nothing is changed."""
    draft = AnswerDraft()
    draft.follow(written, delivered, waiting, True)
    return draft


def test_it_knows_what_the_agent_has() -> None:
    written = message(text("one"), text("two and more"), call())
    draft = draft_of(written, message(text("one"), text("two")), waiting=(1, 2))
    assert [part.given for part in draft.parts] == [Given.ALL, Given.SOME, Given.NONE]
    assert [part.editable for part in draft.parts] == [False, True, True]
    assert draft.parts[1].delivered == "two"


def test_the_last_part_grows_while_the_model_writes() -> None:
    draft = AnswerDraft()
    draft.follow(message(text("so far")), message(text("so far")), (), False)
    assert draft.parts[0].given is Given.SOME
    draft.follow(message(text("so far so good"), call("{")), message(text("so far")), (0, 1), False)
    assert [part.text for part in draft.parts] == ["so far so good", "{"]


def test_nothing_changed_is_no_edit() -> None:
    draft = draft_of(message(text("words"), call(), finish="tool_use"))
    assert not draft.changed
    assert not draft.edits()


def test_arguments_are_laid_out_and_go_back_as_they_were_spelled() -> None:
    draft = draft_of(message(call()))
    part = draft.parts[0]
    assert part.text.splitlines()[1] == '  "command": "rm -rf build && make",'
    part.text = part.text.replace("rm -rf build && ", "")
    replaced = draft.edits().replaced[0]
    assert isinstance(replaced, ToolCall)
    assert str(replaced.arguments) == '{"command": "make", "description": "Rebuild from scratch"}'
    assert (replaced.id, replaced.name, replaced.done) == ("toolu_01Z", "Bash", True)


def test_another_layout_is_no_change() -> None:
    draft = draft_of(message(call()))
    draft.parts[0].text = COMMAND
    assert not draft.changed


def test_a_beginning_that_the_agent_has_cannot_be_changed() -> None:
    draft = draft_of(message(text("I will go")), message(text("I will")), waiting=(0,))
    draft.parts[0].text = "I will stay"
    assert not draft.parts[0].problem
    draft.parts[0].text = "You will stay"
    assert "behind it" in draft.parts[0].problem


def test_arguments_of_which_the_agent_has_some_stay_on_their_line() -> None:
    draft = draft_of(message(call()), message(call('{"command": "')), waiting=(0,))
    assert draft.parts[0].text == COMMAND
    draft.parts[0].text = '{"command": "ls"}'
    assert not draft.parts[0].problem
    assert draft.edits().replaced[0] == call('{"command": "ls"}')


def test_parts_come_and_go() -> None:
    draft = draft_of(message(text("words"), call(), finish="tool_use"))
    draft.take_out(1)
    added = draft.add(call=True)
    draft.parts[added].name = "Read"
    draft.parts[added].text = '{\n  "path": "a"\n}'
    draft.parts[draft.add(call=False)].text = "Done."
    draft.finish = "end_turn"
    edits = draft.edits()
    assert edits.replaced == {1: None}
    read, done = edits.added
    assert isinstance(read, ToolCall)
    assert json.loads(str(read.arguments)) == {"path": "a"}
    assert read.id.startswith("toolu_") and len(read.id) > 20
    assert done == text("Done.")
    assert edits.finish_reason == "end_turn"
    draft.take_out(added)
    assert [part.kind for part in draft.parts] == ["text", "tool call", "text"]


def test_invalid_arguments_are_a_problem_until_they_are_left_out() -> None:
    draft = draft_of(message(text("words"), call()))
    draft.parts[1].text = "{"
    assert draft.problem is not None
    assert draft.problem[0] == 1
    draft.take_out(1)
    assert draft.problem is None


def test_a_call_without_a_name_is_a_problem() -> None:
    draft = draft_of(message(text("words")))
    draft.add(call=True)
    assert draft.problem == (1, "the tool has no name")


def test_what_was_typed_survives_what_the_model_writes() -> None:
    draft = draft_of(message(text("The build"), finish=None), waiting=(0,))
    draft.parts[0].text = "My build"
    draft.finish = "stop"
    draft.add(call=False)
    draft.follow(message(text("The build is stale."), call(), finish="tool_use"), None, (0, 1), True)
    assert [part.text[:8] for part in draft.parts] == ["My build", draft.parts[1].text[:8], ""]
    assert draft.parts[1].call
    assert draft.finish == "stop"
    draft.parts[0].restore()
    assert draft.parts[0].text == "The build is stale."


def test_what_has_no_text_can_only_be_taken_out() -> None:
    draft = draft_of(message(Media("image", "image/png"), Reasoning(encrypted="sealed")))
    assert [part.editable for part in draft.parts] == [False, True]
    draft.take_out(0)
    assert draft.edits().replaced == {0: None}


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5), st.data())
def test_edits_name_exactly_what_was_changed(words: list[str], data: st.DataObject) -> None:
    draft = draft_of(message(*map(text, words)))
    changed = data.draw(st.sets(st.integers(0, len(words) - 1)))
    for index in changed:
        draft.parts[index].text += "!"
    assert draft.edits().replaced == {index: text(words[index] + "!") for index in changed}
