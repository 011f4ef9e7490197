"""When two requests say the same."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.rules.sameness import conversation, digest, first_difference, normalised


def body(text: str, **more: object) -> bytes:
    """A request that says one thing."""
    return orjson.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **more})


def same(one: bytes, other: bytes) -> bool:
    """Whether two bodies are the same but for what changes from run to run."""
    return digest(normalised(one)) == digest(normalised(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It is 2025-11-21.", "It is 2026-01-02."),
        ("now: 2025-11-21T08:00:00.25Z!", "now: 2025-12-01T23:59:59+01:00!"),
        ("Today's date: Fri Nov 21, 2025", "Today's date: Mon Dec 1, 2025"),
        ("Today is 21 November 2025.", "Today is 3 May 2026."),
        ("at 08:15 AM", "at 9:20 PM"),
        ("epoch 1763712000", "epoch 1763999999"),
        ("session 0b9f2a44-1111-4222-8333-0123456789ab", "session 7c8e1f55-aaaa-4bbb-9ccc-ba9876543210"),
        ("call_abc123XYZ gave", "call_zzz999QQQ gave"),
        ("commit 3f2a9c4d5e6f708192a3b4c5d6e7f80912345678", "commit aaaabbbbccccddddeeee11112222333344445555"),
        ("/home/anna/.cache/x", "/home/bert/.cache/x"),
        ("/tmp/pytest-of-me-12/out.txt", "/private/tmp/run-99/out.txt"),
        (
            "Working directory: /srv/a/shop\nEdit /srv/a/shop/x.py",
            "Working directory: /data/shop\nEdit /data/shop/x.py",
        ),
        ("<cwd>/srv/one</cwd> ls /srv/one", "<cwd>/opt/two/three</cwd> ls /opt/two/three"),
    ],
)
def test_what_changes_from_run_to_run_does_not_count(one: str, other: str) -> None:
    assert same(body(one), body(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ls", "rm"),
        ("Working directory: /srv/shop\ncat /srv/shop/a", "Working directory: /srv/shop\ncat /srv/shopping/a"),
        ("/home/anna/x", "/home/anna/y"),
        ("version 12", "version 13"),
        ("line 4:", "line 5:"),
        ("in May", "in June"),
        ("the word feedface", "the word deadbeef"),
    ],
)
def test_what_was_meant_does_count(one: str, other: str) -> None:
    assert not same(body(one), body(other))


def test_cache_marks_metadata_and_the_order_of_keys_do_not_count() -> None:
    block = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    one = {"model": "m", "metadata": {"user_id": "1"}, "messages": [{"role": "user", "content": [block]}]}
    other = {"messages": [{"content": [{"text": "hi", "type": "text"}], "role": "user"}], "model": "m", "user": "x"}
    assert same(orjson.dumps(one), orjson.dumps(other))
    inner = {"model": "m", "messages": [], "tools": [{"metadata": 1}]}
    assert not same(orjson.dumps(inner), orjson.dumps({**inner, "tools": [{"metadata": 2}]}))


def test_a_body_that_is_no_json_is_what_it_is() -> None:
    assert normalised(b"\xff2025-01-01") == b"\xff2025-01-01"
    assert conversation(b"x") == conversation([1]) == conversation({}) == []


def test_conversations_of_every_api() -> None:
    user, system = {"role": "user", "content": "a"}, {"role": "system", "content": "b"}
    assert conversation({"messages": [system, user]}) == [user]
    assert conversation({"input": "words"}) == ["words"]
    assert conversation({"contents": [user], "model": "m"}) == [user]


@pytest.mark.parametrize(
    ("recorded", "asked", "words"),
    [
        ({"a": 1}, {"a": 2}, "a: recorded 1, asked 2"),
        ({"a": 1}, {"a": True}, "a: recorded 1, asked true"),
        ({"a": [1]}, {"a": [1, {"b": 2}]}, 'a[1]: recorded nothing, asked {"b":2}'),
        ({"a": 1, "b": 2}, {"a": 1}, "b: recorded 2, asked nothing"),
        (
            {"model": "x", "messages": [{"content": "the quick brown fox jumps over it"}]},
            {"model": "y", "messages": [{"content": "the quick brown fox jumps under it"}]},
            "messages[0].content: recorded '…ick brown fox jumps over it', asked '…ick brown fox jumps under it'",
        ),
        ([1], {}, "the whole: recorded [1], asked {}"),
        (b"ab", b"ac", "the whole: recorded ab, asked ac"),
    ],
)
def test_the_first_difference_is_named(recorded: Any, asked: Any, words: str) -> None:
    assert str(first_difference(recorded, asked)) == words


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(values, values)
def test_there_is_a_difference_exactly_where_digests_differ(one: Any, other: Any) -> None:
    assert (first_difference(one, other) is None) == (digest(one) == digest(other))
    assert first_difference(one, one) is None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_normalising_is_stable_for_any_text(text: str) -> None:
    assert same(body(text), body(text))
    assert isinstance(normalised(body(text)), dict)
