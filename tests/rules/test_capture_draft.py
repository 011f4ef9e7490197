"""Changes to a request's body: all other bytes stay, and what was put in can be taken out again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects._logprobs import Wish
from inspector.dialects.openai_chat import OpenAIChat
from inspector.dialects.openai_responses import OpenAIResponses
from inspector.rules.capture_draft import Draft, parse, shown, told, without
from tests.wire.json_texts import SPELLED, meaning


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b"null", b'"a"', b"{", b"\xff\xfe{", b'{"a":"\xff"}', b"{'a':1}", b"[" * 9999]
)
def test_what_is_no_object_is_none(data: bytes) -> None:
    assert parse(data) is None


def test_what_agents_send_all_the_same_is_read() -> None:
    assert parse(b'\xef\xbb\xbf {"a":1}') == {"a": 1}
    assert parse(b'{"a":"\\ud800"}') == {"a": "\ud800"}
    assert (parse(b'{"a":NaN}') or {})["a"] != 0


def test_members_next_to_each_other_are_taken_out() -> None:
    data = b'{"a": 1, "b": [2],\n "c": {"a": 3}, "d": 4}'
    for names, left in ((("a", "b"), b'{"c": {"a": 3}, "d": 4}'), (("c", "d"), b'{"a": 1, "b": [2]}')):
        draft = Draft(data, parse(data) or {})
        for name in names:
            draft.drop(name)
        assert draft.written() == left
    draft = Draft(data, parse(data) or {})
    for name in "dacb":
        draft.drop(name)
    draft.put("e", "é")
    assert orjson.loads(draft.written()) == draft.body == {"e": "é"}


def test_nothing_changed_is_the_same_bytes() -> None:
    data = b' {"a":1 ,"a":2} '
    assert Draft(data, parse(data) or {}).written() is data


WISHES = st.builds(Wish, st.none() | st.integers(0, 5), st.booleans())
OWN = b"""\
"logprobs":null
"logprobs": true
"top_logprobs" : null
"include":null
"include":["a" , "b"]
"include":[]
"model":"logprobs"
"x":{"logprobs":true}"""
MEMBERS = st.sampled_from(OWN.splitlines())


@given(st.lists(MEMBERS, max_size=4, unique_by=lambda text: text[:6]), SPELLED, WISHES, st.booleans(), st.booleans())
def test_what_was_asked_for_is_taken_back_also_from_what_others_changed(
    members: list[bytes], value: bytes, wish: Wish, responses: bool, first: bool
) -> None:
    if b'"logprobs"' in value or b'"include"' in value:
        value = b"0"
    base = b"{%s}" % b", ".join([b'"own":' + value, *members] if first else [*members, b'"own":' + value])
    logprobs = OpenAIResponses.logprobs if responses else OpenAIChat.logprobs
    assert logprobs is not None
    asked, added = logprobs.ask(base, wish)
    before, after = parse(asked) or {}, parse(base) or {}
    left = without(asked, added, before, after)
    assert meaning(left) == meaning(base)
    if not any(name in after for name in added):
        assert left == base
    edited = asked.replace(b'"own"', b'"mine"', 1)
    assert meaning(without(edited, added, before, after)) == meaning(base.replace(b'"own"', b'"mine"', 1))


def test_what_others_changed_of_it_stays() -> None:
    before: dict[str, Any] = {"logprobs": True, "top_logprobs": 5}
    data = b'{"logprobs":true,"top_logprobs":1}'
    assert without(data, tuple(before), before, {}) == b'{"top_logprobs":1}'
    assert without(b"no json", tuple(before), before, {}) == b"no json"


def test_a_change_is_told_short() -> None:
    assert [(each.before, each.after) for each in told(["a", "b", "c"], {"a": "é", "c": [1]}, {"b": None})] == [
        ("é", ""),
        ("", "null"),
        ("[1]", ""),
    ]
    assert len(shown("x" * 999)) == 200 and shown(True) == "true"
