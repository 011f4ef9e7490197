"""JSONL becomes a session, and that the same JSONL again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats.jsonl import flow_to_line, read
from inspector.formats.session_made import make_session
from inspector.formats.session_schema import SessionError
from inspector.model.flow import Capture, Flow, Request
from inspector.store.transcripts import Transcripts
from tests.formats.sessions import flows_of
from tests.formats.test_jsonl import flows as any_flow
from tests.handmade import chat_flow, done_chat, finish


def lines_of(flows: list[Flow]) -> bytes:
    """Flows as JSONL."""
    return b"".join(flow_to_line(flow, Transcripts(limit=1).of(flow)) for flow in flows)


def flows_in(lines: bytes) -> Iterator[Flow]:
    """The flows of JSONL without faults."""
    for item in read(lines.splitlines(keepends=True)):
        assert isinstance(item, Flow)
        yield item


@settings(deadline=None, max_examples=40)
@given(st.lists(any_flow, max_size=5, unique_by=lambda flow: flow.id))
def test_nothing_is_lost_on_the_way_in_and_out(flows: list[Flow]) -> None:
    for number, flow in enumerate(flows, 1):
        flow.seq = number
    lines = lines_of(list(flows_in(lines_of(flows))))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        assert make_session(path, flows_in(lines)) == len(flows)
        assert lines_of(flows_of(path)) == lines


def test_bodies_larger_than_a_transaction(tmp_path: Path) -> None:
    large = chat_flow("large")
    large.request = Request("POST", large.request.url, large.request.headers, Capture(b"x" * (20 << 20) + b"end"))
    path = tmp_path / "x.db"
    assert make_session(path, [done_chat("f1"), finish(large), done_chat("f2")]) == 3
    again = flows_of(path)
    assert [flow.id for flow in again] == ["f1", "large", "f2"]
    assert bytes(again[1].request.body) == bytes(large.request.body)
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_is_broken_off_leaves_nothing(error: type[BaseException], tmp_path: Path) -> None:
    def flows() -> Iterator[Flow]:
        yield from (done_chat(f"f{number}") for number in range(500))
        raise error

    with pytest.raises(error):
        make_session(tmp_path / "x.db", flows())
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_told() -> None:
    with pytest.raises(SessionError, match="cannot be written"):
        make_session(Path("/proc/x.db"), [done_chat()])
