"""A JSON array that grows: its members are the same wherever it is cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.headers import Headers
from inspector.wire.body import BodyReader
from inspector.wire.event import Event
from inspector.wire.json_array import JsonArray
from tests.dialects.recorded import pieces

LEAVES = st.none() | st.integers() | st.text(alphabet='ab"\\{}[],:é漢👍\n', max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner), max_leaves=8)
CUTS = st.lists(st.integers(0, 4000), max_size=10)


def events_of(body: bytes, cuts: list[int], limit: int = 1 << 20) -> list[Event]:
    """The members of an array that comes in these pieces."""
    framing = JsonArray(limit)
    return [*(event for piece in pieces(body, cuts) for event in framing.feed(piece)), *framing.close()]


@given(st.lists(VALUES, max_size=5), st.sampled_from([None, 1]), st.booleans(), CUTS)
def test_members_are_the_objects_and_lists_of_the_array(
    members: list[Any], indent: int | None, ascii_only: bool, cuts: list[int]
) -> None:
    body = b" " + json.dumps(members, indent=indent, ensure_ascii=ascii_only).encode() + b"\r\n"
    events = events_of(body, cuts)
    assert [json.loads(event.data) for event in events] == [each for each in members if isinstance(each, dict | list)]
    assert all(body[event.start : event.end] == event.data and not event.note for event in events)
    assert events == events_of(body, list(range(len(body))))


@given(st.binary(max_size=60) | st.text(alphabet='[]{}",\\1 ', max_size=60).map(str.encode), CUTS)
def test_anything_can_come(body: bytes, cuts: list[int]) -> None:
    assert events_of(body, cuts) == events_of(body, [])


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_member_that_is_too_long_is_skipped(step: int) -> None:
    body = b'[{"a": 1},{"a": "' + b"x" * 500 + b'"}, {"a": 2}]'
    events = events_of(body, list(range(0, len(body), step)), limit=100)
    assert [(event.data, event.note) for event in events] == [
        (b'{"a": 1}', ""),
        (b"", "too long: skipped"),
        (b'{"a": 2}', ""),
    ]
    assert body[events[1].start : events[1].end] == b'{"a": "' + b"x" * 500 + b'"}'


def test_a_member_that_is_cut_is_given_all_the_same() -> None:
    events = events_of(b'[{"a": 1},\n{"a": "b', [])
    assert [(event.data, event.note) for event in events] == [(b'{"a": 1}', ""), (b'{"a": "b', "unterminated")]


@pytest.mark.parametrize("arrays", [False, True])
def test_a_body_is_read_so_only_where_that_is_wanted(arrays: bool) -> None:
    reader = BodyReader(Headers([("content-type", "application/json")]), arrays=arrays)
    events = [
        event for piece in (b"\xef\xbb\xbf [", b'{"a"', b": 1}", b', {"b": 2}]') for event in reader.feed(piece, 3.0)
    ]
    events += reader.close(4.0)
    kinds = [(event.kind, event.at) for event in events]
    assert kinds == ([("data", 3.0), ("data", 3.0)] if arrays else [("document", 3.0)])
