"""A recorded session is opened without its bodies: they come from the file when somebody looks at them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.formats.session_bodies import count_chunks, pack_chunks, unpack_chunks
from inspector.formats.session_following import Follower
from inspector.formats.session_recent import RecentBodies
from inspector.formats.session_shelf import BodyFile
from inspector.model.flow import End, Flow, Reason
from inspector.store.flows import FlowStore
from inspector.store.memory import MemoryBudget, bodies_of
from tests.formats.sessions import reading, session, written
from tests.formats.test_session import asking, growing, same
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream

TURNS = 40


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("session") / "s.db"
    with session(path) as (store, _):
        for number, prompt in enumerate(growing(TURNS, 200_000)):
            store.add(asking(f"f{number}", prompt))
        store.add(chat_flow("cut"))
    return path


@contextlib.contextmanager
def opened(path: Path, limit: int = 10**9, flows: int = 50_000) -> Iterator[tuple[FlowStore, Follower, MemoryBudget]]:
    """A store into which a session was read."""
    store = FlowStore()
    with reading(path) as reader:
        follower = Follower(reader, store)
        budget = MemoryBudget(store, follower, limit, flows=flows)
        follower.fetch = budget.fetch
        while follower.pull(7):
            pass
        yield store, follower, budget


def in_memory(flow: Flow) -> bool:
    return any(body.here for _, body in bodies_of(flow))


def test_flows_are_there_in_order_and_no_body_is_in_memory(recorded: Path) -> None:
    with opened(recorded) as (store, _, budget):
        assert [flow.id for flow in store] == [*(f"f{number}" for number in range(TURNS)), "cut"]
        whole = [flow for flow in store if flow.id != "cut"]
        assert not any(in_memory(flow) for flow in whole)
        assert [len(flow.request.body) for flow in whole] == [len(prompt) for prompt in growing(TURNS, 200_000)]
        assert all(flow.response and flow.response.body.chunks == len(chat_chunks()) for flow in whole)
        budget.pull()
        assert budget.used < 1000
        cut = store.get("cut")
        assert cut is not None and cut.end == End(Reason.INTERRUPTED, "file") and bytes(cut.request.body)


def test_bodies_come_when_looked_at_and_go_again(recorded: Path) -> None:
    limit = 500_000
    with opened(recorded, limit) as (store, _, budget), reading(recorded) as reader:
        for one, other in zip(store, reader.flows(), strict=True):
            assert same(one, other)
            budget.pull()
            assert budget.used <= limit
        assert sum(in_memory(flow) for flow in store) < TURNS // 2


def test_a_flow_that_is_whole_meanwhile_lies_in_the_file(tmp_path: Path) -> None:
    path, flow = tmp_path / "s.db", stream(respond(chat_flow("live")), chat_chunks()[:1])
    with session(path) as (store, writer):
        store.add(flow)
        written(writer)
        with opened(path, limit=0) as (other, follower, budget):
            there = other.get("live")
            assert there is not None and there.live and not follower.holds(there)
            stream(flow, chat_chunks()[1:], start=600.0)
            finish(flow)
            store.touch(flow)
            written(writer)
            while follower.pull():
                pass
            assert follower.holds(there) and in_memory(there)
            budget.pull()
            assert not in_memory(there) and same(there, flow)


def test_what_is_sent_again_is_not_taken_to_be_in_the_file(recorded: Path) -> None:
    with opened(recorded, limit=0) as (store, follower, budget):
        store.add(mine := done_chat("mine"))
        budget.pull()
        assert not follower.holds(mine) and in_memory(mine)


def test_a_damaged_body_is_noted_when_it_is_looked_at(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(recorded.read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE body SET crc = crc + 1")
    with opened(path) as (store, _, budget):
        flow = store.get("f3")
        assert flow is not None and not flow.notes
        assert bytes(flow.request.body) == b"" and "checksum" in flow.request.body.lost
        assert any("could not be read back" in note for note in flow.notes)
        budget.pull()


def test_chunks_that_cannot_be_counted_are_told_at_once(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(recorded.read_bytes())
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE side SET chunks = x'00' WHERE flow = 3 AND side = 0")
    with opened(path) as (store, _, _):
        flow = store.get("f2")
        assert flow is not None and any("body is lost" in note for note in flow.notes)
        assert len(store) == TURNS + 1


def test_the_oldest_flows_leave_where_there_are_too_many(recorded: Path) -> None:
    with opened(recorded, flows=10) as (store, _, budget):
        budget.pull()
        assert (len(store), store.left) == (10, TURNS - 9)
        assert next(iter(store)).id == f"f{TURNS - 9}"


def test_bodies_are_brought_back_without_a_budget(recorded: Path) -> None:
    with reading(recorded) as reader, contextlib.closing(BodyFile(recorded)) as bodies:
        row = next(iter(reader.rows()))
        reader.lay(row, bodies.fetch)
        assert not in_memory(row.flow)
        assert bytes(row.flow.request.body) == growing(TURNS, 200_000)[0] and row.flow.request.body.here


@pytest.mark.parametrize("count", [0, 1, 6, 7, 100])
def test_chunks_are_counted_without_unpacking(count: int) -> None:
    times, ends = [number * 1.25 for number in range(count)], [number * 90 for number in range(count)]
    packed = pack_chunks(times, ends)
    assert count_chunks(packed) == count and unpack_chunks(packed) == (times, ends)
    with pytest.raises(ValueError, match=r".+"):
        count_chunks(b"no frame")


def test_bodies_that_were_read_make_room_for_the_next() -> None:
    recent = RecentBodies()
    for number in range(20):
        recent.put(number, bytes(1 << 20))
    assert [recent.get(number) is not None for number in (0, 11, 12, 19)] == [False, False, True, True]
    recent.put(19, b"other")
    recent.put(20, bytes(1 << 20))
    assert recent.get(19) == b"other" and recent.get(13) is not None and recent.get(12) is None
    recent.clear()
    assert recent.get(20) is None
