"""The session file: what is written comes back, while it grows too, and takes little room."""

from __future__ import annotations

import random
import sqlite3
import stat
from itertools import pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from inspector.formats.session import SessionWriter
from inspector.formats.session_following import Follower
from inspector.formats.session_schema import SIDES, SessionError
from inspector.model.flow import Capture, End, Flow, Reason, State
from inspector.model.headers import Headers
from inspector.store.flows import FlowStore
from tests.captures import capture_flows
from tests.formats.sessions import flows_of, reading, session, until, written
from tests.formats.test_jsonl import flow_of, flows, line_of, plain
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream

WORDS = [f"{random.Random(number).getrandbits(40):x}" for number in range(2000)]


def growing(turns: int, last: int) -> list[bytes]:
    """The prompts of a session of so many turns, the last of about so many bytes."""
    chance, messages, prompts = random.Random(1), [], []
    for turn in range(turns):
        text = " ".join(chance.choices(WORDS, k=last // turns // 11))
        messages.append({"role": "user" if turn % 2 else "assistant", "content": text})
        mark = {**messages[-1], "cache_control": {"type": "ephemeral"}}
        tools = " ".join(WORDS[:500])
        prompts.append(orjson.dumps({"model": "m", "messages": [*messages[:-1], mark], "system": "s", "tools": tools}))
    return prompts


def asking(flow_id: str, prompt: bytes) -> Flow:
    """A whole flow with this prompt, which was sent on as it came."""
    flow = done_chat(flow_id, agent="claude-code")
    flow.request = flow.request.copy(body=Capture(prompt))
    flow.forwarded = flow.request.copy(body=Capture(prompt))
    return flow


def size_of(path: Path) -> int:
    """Bytes of a closed session, with all that may lie beside it."""
    return sum(each.stat().st_size for each in path.parent.glob(path.name + "*"))


def same(back: Flow, flow: Flow) -> bool:
    """Whether a flow came back as JSON lines would bring it, with its request's chunks besides."""
    return list(plain(back)) == list(plain(flow)) and line_of(back) == line_of(flow)


def test_every_capture_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _):
        for flow in capture_flows():
            store.add(flow)
    back = flows_of(path)
    assert len(back) > 300
    assert all(same(one, other) for one, other in zip(back, store, strict=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flows)
def test_any_flow_comes_back(tmp_path: Path, flow: Flow) -> None:
    path = tmp_path / "s.db"
    path.unlink(missing_ok=True)
    with session(path) as (store, _):
        store.add(flow)
    (back,) = flows_of(path)
    assert same(back, flow_of(line_of(flow)))
    assert list(back.request.body.ends) == list(flow.request.body.ends)


def test_a_flow_is_there_at_every_moment_of_its_way(tmp_path: Path) -> None:
    path, flow = tmp_path / "s.db", chat_flow()
    flow.timing.received = None
    with session(path) as (store, writer), reading(path) as reader:

        def found() -> Flow:
            store.touch(flow)
            written(writer)
            (one,) = reader.flows()
            assert bytes(one.request.body) == bytes(flow.request.body)
            return one

        store.add(flow)
        assert found().state is State.RECEIVING
        flow.request.body.append(3.0, b" and more")
        assert list(found().request.body.times) == [0.0, 3.0]
        flow.timing.received = 4.0
        assert found().state is State.WAITING
        flow.forwarded = flow.request.with_body(b"edited")
        flow.comment = "slow"
        assert found().comment == "slow"
        respond(flow)
        chunks = chat_chunks()
        for number, chunk in enumerate(chunks):
            stream(flow, [chunk], start=500.0 + number)
            one = found()
            assert one.state is State.STREAMING and one.response and one.forwarded
            assert bytes(one.response.body) == b"".join(chunks[: number + 1])
            assert bytes(one.forwarded.body) == b"edited"
        finish(flow)
        one = found()
        assert one.state is State.DONE and same(one, flow)
        flow.marked, flow.comment = True, "why?"
        one = found()
        assert one.marked and one.comment == "why?" and writer.is_whole(flow)


def test_a_body_that_another_took_the_place_of(tmp_path: Path) -> None:
    path, flow = tmp_path / "s.db", stream(respond(chat_flow()), [b"one", b"two"])
    flow.forwarded = flow.request.with_body(b"first")
    with session(path) as (store, writer):
        store.add(flow)
        written(writer)
        flow.forwarded = flow.request.with_body(b"second")
        assert flow.response
        flow.response.body = Capture(b"o")
        store.touch(flow)
        written(writer)
        assert same(finish(flow_of(line_of(flow))), finish(flows_of(path)[0]))
        finish(flow)
        store.touch(flow)
    (back,) = flows_of(path)
    assert same(back, flow)


def test_a_body_larger_than_what_is_taken_at_once(tmp_path: Path) -> None:
    path, chance = tmp_path / "s.db", random.Random(1)
    flow = stream(respond(chat_flow()), [chance.randbytes(3_000_000) for _ in range(5)])
    with session(path) as (store, _):
        store.add(flow)
        for number in range(250):
            store.add(done_chat(f"after {number}"))
        finish(flow)
        store.touch(flow)
    back = flows_of(path)
    assert same(back[0], flow) and len(back) == 251


@pytest.mark.parametrize("last", [90_000, 1_000_000])
def test_a_session_of_growing_prompts_takes_under_a_tenth(tmp_path: Path, last: int) -> None:
    path, prompts = tmp_path / "s.db", growing(100, last)
    with session(path) as (store, writer):
        for number, prompt in enumerate(prompts):
            store.add(asking(f"f{number}", prompt))
            written(writer)
    assert size_of(path) < sum(map(len, prompts)) / 10
    assert [bytes(flow.request.body) for flow in flows_of(path)] == prompts


def test_how_much_must_be_read_for_a_body_is_bounded(tmp_path: Path) -> None:
    path, prompts = tmp_path / "s.db", growing(60, 600_000)
    with session(path) as (store, _):
        for number, prompt in enumerate(prompts):
            store.add(asking(f"f{number}", prompt))
    with sqlite3.connect(path) as database:
        bases = dict(database.execute("SELECT number, base FROM body"))
        sizes = dict(database.execute("SELECT number, size FROM body"))
    database.close()
    for number in bases:
        chain = [number]
        while (base := bases[chain[-1]]) is not None:
            chain.append(base)
        assert len(chain) <= 13
        assert sum(sizes[each] for each in chain) <= 16 << 20
    assert sum(base is None for base in bases.values()) < 20


def test_what_is_the_same_is_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _):
        for number in range(3):
            store.add(asking(f"f{number}", b"the same prompt"))
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM body WHERE size = 15").fetchone() == (1,)
    database.close()
    assert {bytes(flow.sent.body) for flow in flows_of(path)} == {b"the same prompt"}


def test_no_secret_is_in_the_file_and_it_is_its_owners(tmp_path: Path) -> None:
    path, secret = tmp_path / "new" / "s.db", "sk-ant-secret-0123456789abcdef"
    with session(path) as (store, writer):
        flow = chat_flow()
        headers = Headers([("X-Api-Key", secret), ("Authorization", f"Bearer {secret}"), ("Cookie", f"a={secret}")])
        flow.request = flow.request.copy(headers=headers, url=f"https://h/v1?key={secret}")
        flow.forwarded = flow.request.copy(headers=headers)
        store.add(finish(respond(flow)))
        written(writer)
        names = sorted(each.name for each in path.parent.iterdir())
        assert names == ["s.db", "s.db-lock", "s.db-shm", "s.db-wal"]
        for each in path.parent.iterdir():
            assert secret.encode() not in each.read_bytes()
            assert stat.S_IMODE(each.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["s.db"]


def test_a_session_is_gone_on_in(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _):
        store.add(done_chat("a"))
        store.add(stream(respond(chat_flow("cut")), chat_chunks()[:1]))
    more = FlowStore()
    for flow in flows_of(path):
        more.add(flow)
    writer = SessionWriter(more, path, more.revision)
    writer.open()
    more.add(done_chat("b"))
    writer.close()
    back = flows_of(path)
    assert [(flow.seq, flow.id) for flow in back] == [(1, "a"), (2, "cut"), (3, "b")]
    assert back[1].end == End(Reason.INTERRUPTED, "file")
    assert back[1].response and bytes(back[1].response.body) == chat_chunks()[0]


def test_closing_writes_all_however_long_that_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.formats.session._LAST", 0.0)
    path = tmp_path / "s.db"
    with session(path) as (store, writer):
        for number in range(350):
            store.add(done_chat(f"f{number}"))
        writer.pull()
        assert writer.waiting == 350
    assert len(flows_of(path)) == 350


def test_what_left_the_store_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.formats.session._SLACK", 10)
    path = tmp_path / "s.db"
    with session(path) as (store, writer):
        for number in range(100):
            store.add(flow := done_chat(f"f{number}"))
            written(writer)
            assert writer.is_whole(flow) and len(writer._whole) <= 11
            store.leave([flow])
        assert not writer._tracks and not writer._disk._live
    assert len(flows_of(path)) == 100
    with session(path) as (_, writer):
        assert not writer._whole


def test_a_flow_begins_again_in_a_file_that_has_it_already(tmp_path: Path) -> None:
    path, flow = tmp_path / "s.db", stream(respond(chat_flow()), [b"one ", b"two "])
    with session(path) as (store, writer):
        store.add(flow)
        written(writer)
        stream(flow, [b"three"])
        store.touch(flow)
        written(writer)
    with session(path, store) as (_, writer):
        written(writer)
        finish(flow)
        store.touch(flow)
    (back,) = flows_of(path)
    assert same(back, flow)


def test_two_cannot_write_one_session(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _), reading(path) as reader:
        second = SessionWriter(FlowStore(), path)
        with pytest.raises(SessionError, match="another process is writing"):
            second.open()
        second.close()
        assert reader.is_written
        store.add(done_chat())
    assert len(flows_of(path)) == 1
    with session(path), reading(path) as reader:
        assert reader.is_written
    with reading(path) as reader:
        assert not reader.is_written


def test_a_follower_sees_what_grows(tmp_path: Path) -> None:
    path, flow, chunks = tmp_path / "s.db", chat_flow(), chat_chunks()
    store, other = FlowStore(), FlowStore()
    writer = SessionWriter(store, path)
    writer.open()
    with reading(path) as reader:
        follower = Follower(reader, other)

        def seen(flow_id: str = "f1") -> Flow:
            written(writer)
            while follower.pull():
                pass
            found = other.get(flow_id)
            assert found is not None
            return found

        store.add(done_chat("before"))
        store.add(flow)
        first = seen()
        assert first.live and len(other) == 2
        respond(flow)
        store.touch(flow)
        response = seen().response
        assert response is not None
        for number, chunk in enumerate(chunks):
            stream(flow, [chunk], start=500.0 + number)
            store.touch(flow)
            assert seen() is first and first.response is response
            assert bytes(response.body) == b"".join(chunks[: number + 1])
        finish(flow)
        store.touch(flow)
        assert same(seen(), flow)
        flow.comment = "why?"
        store.touch(flow)
        assert seen().comment == "why?"
        store.add(chat_flow("cut"))
        cut = seen("cut")
        assert cut.live
        writer.close()
        follower.pull()
        assert cut.end == End(Reason.INTERRUPTED, "file")


def test_a_body_is_loaded_by_its_name(tmp_path: Path) -> None:
    path, flow = tmp_path / "s.db", done_chat()
    with session(path) as (store, writer), reading(path) as reader:
        store.add(flow)
        written(writer)
        assert flow.response
        loaded = reader.load("f1", "response")
        assert (loaded.data, loaded.times, loaded.ends) == (
            flow.response.body.data,
            flow.response.body.times,
            flow.response.body.ends,
        )
        assert reader.body("f1", "request") == bytes(flow.request.body)
        assert [len(reader.load("nobody", side)) for side in SIDES] == [0] * 4
        assert [len(one.request.body) for one in reader.flows(bodies=False)] == [0]


def test_lanes_that_alternate_are_told_apart(tmp_path: Path) -> None:
    path, one, other = tmp_path / "s.db", growing(40, 400_000), growing(40, 400_000)
    other = [prompt.replace(b'"m"', b'"n"').replace(b"a", b"Q") for prompt in other]
    turns = [prompt for pair in zip(one, other, strict=True) for prompt in pair]
    with session(path) as (store, _):
        for number, prompt in enumerate(turns):
            store.add(asking(f"f{number}", prompt))
    assert size_of(path) < sum(map(len, turns)) / 10
    assert all(len(before) < len(after) for before, after in pairwise(one))
    until(lambda: [bytes(flow.request.body) for flow in flows_of(path)] == turns)
