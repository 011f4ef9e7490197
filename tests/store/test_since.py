"""What is new in a prompt since the lane's last turn."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.message import Growing, Message, Prompt, Text, ToolCall, ToolResult
from inspector.store.alignment import finish
from inspector.store.since import Since, since

ROLES = st.sampled_from(["user", "assistant"])
TALK = st.lists(st.tuples(ROLES, st.sampled_from("abcdef")), max_size=12)


def prompt(*said: tuple[str, str]) -> Prompt:
    """A prompt of one text a message."""
    return Prompt("m", [Message(role, [Text(Growing(text))]) for role, text in said])  # type: ignore[arg-type]


def compared(before: Prompt, after: Prompt) -> Since:
    """Compared all at once."""
    return finish(since(before, after))


@given(TALK, TALK)
@settings(deadline=None, max_examples=60)
def test_what_was_added_at_the_end_is_new_and_nothing_else(
    before: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    found = compared(prompt(*before), prompt(*before, *more))
    assert found == Since(dict.fromkeys(range(len(before), len(before) + len(more)), "new"), 0)


@given(TALK, TALK)
@settings(deadline=None, max_examples=60)
def test_what_is_not_new_stood_there_before_in_that_order(
    before: list[tuple[str, str]], after: list[tuple[str, str]]
) -> None:
    found = compared(prompt(*before), prompt(*after))
    rest = iter(before)
    assert all(said in rest for index, said in enumerate(after) if index not in found.news)
    known = len(after) - len(found.news)
    assert found.gone == len(before) - known - sum(word == "changed" for word in found.news.values())


def test_a_message_in_the_place_of_another_of_its_role_has_changed() -> None:
    before = prompt(("user", "a"), ("assistant", "b"), ("user", "c"))
    after = prompt(("user", "a"), ("assistant", "x"), ("user", "c"), ("assistant", "d"))
    assert compared(before, after) == Since({1: "changed", 3: "new"})


def test_other_system_instructions_leave_the_conversation_unchanged() -> None:
    talk = [("user", "a"), ("assistant", "b")] * 5
    before, after = prompt(("system", "10:41"), *talk), prompt(("system", "10:42"), *talk, ("user", "z"))
    assert compared(before, after).news == {0: "changed", 11: "new"}


def test_ids_of_calls_do_not_count() -> None:
    def turn(call_id: str) -> Prompt:
        call = ToolCall(call_id, "Bash", Growing('{"command": "ls"}'))
        return Prompt("m", [Message("assistant", [call]), Message("tool", [ToolResult(call_id, "x")])])

    assert compared(turn("one"), turn("two")) == Since()


def test_a_compacted_history_is_new_and_the_old_one_gone() -> None:
    before = prompt(*((role, f"{role} {number}") for number in range(20) for role in ("user", "assistant")))
    found = compared(before, prompt(("user", "a summary")))
    assert found.news == {0: "changed"} and found.gone == 39
