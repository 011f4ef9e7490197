"""A sticky edit is made wherever its piece stands, leaves all other bytes, and says what it costs."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inspector.rules.sticky import StickyEdits
from inspector.rules.sticky_pieces import key_of, parse
from tests.wire.json_texts import SPELLED, meaning

MARK = {"type": "ephemeral"}


def body(*messages: dict[str, Any], **fields: Any) -> bytes:
    return json.dumps({"model": "m", **fields, "messages": list(messages)}, indent=1).encode()


def user(*texts: str, mark: bool = False) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts]
    if mark:
        blocks[-1]["cache_control"] = MARK
    return {"role": "user", "content": blocks}


def result(text: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": text}]}


def stuck(original: bytes, edited: bytes) -> StickyEdits:
    edits = StickyEdits()
    edits.add_edit(original, edited)
    return edits


def test_an_edit_is_made_again_in_the_next_turn() -> None:
    first = body(user("fix it"), result("a secret"))
    edits = stuck(first, first.replace(b"a secret", b"nothing"))
    [edit] = edits
    assert edit.label == "tool result: a secret"
    later = body(user("fix it"), result("a secret"), user("and now?"))
    changed, applied = edits.apply(later)
    assert changed == later.replace(b"a secret", b"nothing")
    assert edit.hits == 1
    assert [(each.path, each.place) for each in applied] == [(("messages", 1, "content", 0), "message 2 of 3, block 1")]


def test_it_says_how_far_the_prompt_cache_holds() -> None:
    original = body(user("x" * 500), user("old words"), user("y" * 300), tools=[{"name": "z" * 180}])
    edits = stuck(original, original.replace(b"old words", b"new"))
    [first] = edits.apply(original)[1]
    sizes = [len(json.dumps(json.loads(original)[field], indent=1)) for field in ("tools", "messages")]
    assert 0.6 < first.share < 0.7
    assert first.share * sum(sizes) > sizes[0] + 500
    assert (
        str(first)
        == f"message 2 of 3, block 1: the prompt cache holds up to there ({first.share * 100:.0f} % of the request)"
    )
    [again] = edits.apply(original)[1]
    assert str(again) == "message 2 of 3, block 1: changed as before, which the prompt cache knows"


def test_cache_marks_that_move_do_not_matter_and_stay_where_they_are() -> None:
    original = body(user("one", "two", mark=True))
    edits = stuck(original, original.replace(b"two", b"2"))
    without = body(user("one", "two"), user("three", mark=True))
    assert edits.apply(without)[0] == without.replace(b"two", b"2")
    assert edits.apply(original)[0] == original.replace(b"two", b"2")
    [edit] = edits
    assert b"cache_control" not in edit.before + (edit.after or b"")


def test_a_piece_is_taken_out() -> None:
    original = body(user("one"), user("two"), user("three"))
    edits = stuck(original, body(user("one"), user("three")))
    assert [edit.after for edit in edits] == [None]
    assert edits.apply(original)[0] == body(user("one"), user("three"))


@pytest.mark.parametrize(
    ("original", "edited", "before"),
    [
        ({"system": "be good"}, {"system": "be bad"}, "be good"),
        ({"system": [{"type": "text", "text": "a"}]}, {"system": [{"type": "text", "text": "b"}]}, "a"),
        ({"instructions": "be good"}, {"instructions": "be bad"}, "be good"),
        ({"input": "hello"}, {"input": "bye"}, "hello"),
        (
            {"input": [{"type": "function_call_output", "output": "a"}]},
            {"input": [{"type": "function_call_output", "output": "b"}]},
            "function_call_output",
        ),
        ({"messages": [{"role": "tool", "content": "a"}]}, {"messages": [{"role": "tool", "content": "b"}]}, "tool"),
        ({"contents": [{"parts": [{"text": "a"}]}]}, {"contents": [{"parts": [{"text": "b"}]}]}, "text"),
    ],
)
def test_every_dialect_has_its_pieces(original: dict[str, Any], edited: dict[str, Any], before: str) -> None:
    first, second = json.dumps(original).encode(), json.dumps(edited).encode()
    edits = stuck(first, second)
    [edit] = edits
    assert before in edit.before.decode()
    assert edits.apply(first)[0] == second


def test_a_message_is_the_piece_where_more_than_its_blocks_changed() -> None:
    original = body(user("one", "two"))
    for edited in (
        user("one", "two", "three"),
        {**user("one", "2"), "role": "assistant"},
        user("two", "one"),
        user("two", "two"),
    ):
        edits = stuck(original, body(edited))
        assert [json.loads(edit.before) for edit in edits] == [user("one", "two")]
        assert json.loads(edits.apply(original)[0])["messages"] == [edited]


def test_what_was_put_in_or_moved_cannot_stick() -> None:
    original = body(user("one"), user("two"))
    assert not len(stuck(original, body(user("two"), user("one"))))
    assert not len(stuck(original, body(user("one"), user("new"), user("two"))))


def test_off_is_off_and_the_last_edit_of_a_piece_counts() -> None:
    told: list[int] = []
    edits = StickyEdits(lambda: told.append(len(edits)))
    original = body(user("one"))
    edits.add(b'{"type":"text","text":"one"}', b'{"type":"text","text":"1"}', "first")
    edit = edits.add(b'{"text":"one","type":"text"}', b'{"type":"text","text":"I"}', "second")
    assert edits.apply(original)[0] == original.replace(b"one", b"I")
    edits.switch(edit)
    assert edits.apply(original) == (original, [])
    edits.remove(edit)
    assert told == [1, 1, 1, 0]


def test_a_replaced_message_is_not_edited_within() -> None:
    message = json.dumps(user("one")).encode()
    edits = StickyEdits()
    edits.add(b'{"type":"text","text":"one"}', b'{"type":"text","text":"block"}')
    edits.add(message, message.replace(b"one", b"message"))
    original = body(user("one"))
    assert edits.apply(original)[0] == original.replace(b"one", b"message")


def test_edits_are_kept_in_a_file() -> None:
    original = body(user("one \ud83d é", "two"), user("gone"))
    edits = stuck(original, body(user("one \ud83d é", '"2"\n')))
    edits.switch(next(iter(edits)))
    rows = "\n".join(
        "[[sticky]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
        for table in edits.dump()
    )
    loaded = StickyEdits()
    loaded.load(tomllib.loads(rows)["sticky"])
    assert loaded.dump() == edits.dump()
    assert [(edit.key, edit.on) for edit in loaded] == [(edit.key, edit.on) for edit in edits]
    assert [edit.after is None for edit in loaded] == [False, True]


@pytest.mark.parametrize("table", [{}, {"before": 1}, {"before": "{"}, {"before": "{}", "after": 2}])
def test_a_broken_file_is_said(table: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        StickyEdits().load([table])


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"no json", b"[]", b'"x"', b'{"messages": 1}', b'{"messages": [NaN, 1]}']
)
def test_what_is_no_request_passes(data: bytes) -> None:
    edits = StickyEdits()
    edits.add(b"1", b"2")
    assert edits.apply(data) == (data, [])


def known(message: bytes) -> bytes:
    return key_of(parse(message))


@given(st.lists(SPELLED, min_size=1, max_size=4, unique_by=known), SPELLED, st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_is_changed_is_changed_the_same_way_again(
    messages: list[bytes], other: bytes, data: st.DataObject
) -> None:
    assume(known(other) not in map(known, messages))
    place = data.draw(st.integers(0, len(messages) - 1))
    edited = [*messages[:place], other, *messages[place + 1 :]]
    original, wanted = (b'{"messages": [%s]}' % b" , ".join(each) for each in (messages, edited))
    edits = stuck(original, wanted)
    assert meaning(edits.apply(original)[0]) == meaning(wanted)
    assert edits.apply(wanted) == (wanted, [])
