"""Bodies leave memory, and come back as they passed."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import tracemalloc
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from threading import Thread

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats.session import SessionWriter
from inspector.formats.session_shelf import SessionShelf
from inspector.model.flow import Capture, Flow, Hold, Moment, Request
from inspector.model.headers import Headers
from inspector.store import price_list
from inspector.store.flows import FlowStore
from inspector.store.ledger import Ledger
from inspector.store.memory import FLOW, READ, MemoryBudget, Side, bodies_of
from inspector.store.summary import pace
from inspector.store.transcripts import Transcripts
from inspector.store.view import View
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream
from tests.upstreams import Received, ended, proxy, upstream

LIMIT = 1 << 20
FLOWS = 30
LARGE = 100_000


class Shelf:
    """A shelf in a database file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.whole: set[str] = set()
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE body (place TEXT PRIMARY KEY, data BLOB, times BLOB, ends BLOB)")

    def keep(self, flow: Flow) -> None:
        """Write what a flow has."""
        with sqlite3.connect(self.path) as database:
            for side, body in bodies_of(flow):
                row = f"{flow.id} {side}", bytes(body), body.times.tobytes(), body.ends.tobytes()
                database.execute("REPLACE INTO body VALUES (?, ?, ?, ?)", row)
        self.whole.add(flow.id)

    def holds(self, flow: Flow) -> bool:
        return flow.id in self.whole

    def load(self, flow_id: str, side: Side) -> Capture:
        if not self.path.exists():
            raise FileNotFoundError(f"{self.path.name} is not there any more")
        with sqlite3.connect(self.path) as database:
            found = database.execute("SELECT * FROM body WHERE place = ?", (f"{flow_id} {side}",)).fetchone()
        body = Capture()
        body.data, body.times, body.ends = bytearray(found[1]), array("d", found[2]), array("Q", found[3])
        return body


@dataclass(slots=True)
class Relayed:
    """What passed a proxy, and what it left."""

    budget: MemoryBudget
    flows: list[Flow]
    passed: dict[str, tuple[bytes, bytes]]
    """By a flow's id: what the client sent, and what it got."""


def answer_to(asked: bytes) -> bytes:
    """What the upstream says to a request: as large, and different for each."""
    return Random(asked).randbytes(LARGE)


async def relay(shelf_path: Path) -> Relayed:
    """Let large flows pass, with a budget for a few of them."""
    shelf = Shelf(shelf_path)

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        data = answer_to(received.body)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data))
        for start in range(0, LARGE, 9_000):
            writer.write(data[start : start + 9_000])
            await writer.drain()
            await asyncio.sleep(0)

    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        budget = MemoryBudget(server.store, shelf, LIMIT)
        passed: list[tuple[bytes, bytes]] = []
        for number in range(FLOWS):
            sent = Random(number).randbytes(2000)
            passed.append((sent, (await client.post(f"{server.url}/v1/x", content=sent)).content))
            flow = (await ended(server, number + 1))[-1]
            budget.pull()
            shelf.keep(flow)
            budget.pull()
            assert budget.used <= LIMIT
        flows = list(server.store)
        return Relayed(budget, flows, dict(zip((flow.id for flow in flows), passed, strict=True)))


@pytest.fixture(scope="module")
def relayed(tmp_path_factory: pytest.TempPathFactory) -> Relayed:
    return asyncio.run(relay(tmp_path_factory.mktemp("shelf") / "bodies"))


def in_memory(flow: Flow) -> bool:
    return all(body.here for _, body in bodies_of(flow))


def kept(tmp_path: Path, *flows: Flow, limit: int = 1000, transcripts: Transcripts | None = None) -> MemoryBudget:
    """A budget too small for flows that lie on a shelf, and that it was not asked about yet."""
    store, shelf = FlowStore(), Shelf(tmp_path / "bodies")
    for flow in flows:
        store.add(flow)
        shelf.keep(flow)
    return MemoryBudget(store, shelf, limit, transcripts=transcripts)


def test_most_bodies_are_not_in_memory(relayed: Relayed) -> None:
    here = sum(in_memory(flow) for flow in relayed.flows)
    assert 1 <= here <= LIMIT // LARGE < FLOWS
    assert relayed.budget.used == sum(body.memory for flow in relayed.flows for _, body in bodies_of(flow))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, FLOWS - 1), st.integers(0, 5)), max_size=40))
def test_what_is_opened_again_is_what_passed(relayed: Relayed, order: list[tuple[int, int]]) -> None:
    for number, way in order:
        flow = relayed.flows[number]
        assert flow.response is not None
        (sent, got), body = relayed.passed[flow.id], flow.response.body
        chunks = body.chunks
        match way:
            case 0:
                assert bytes(body) == got and bytes(flow.request.body) == sent
            case 1:
                assert b"".join(body.chunk(index) for index in range(chunks)) == got
            case 2:
                assert (len(body.times), len(body.ends), body.ends[-1]) == (chunks, chunks, len(got))
                assert list(body.times) == sorted(body.times)
            case 3:
                assert body.data[5:50] == got[5:50]
            case 4:
                relayed.budget.looked(flow)
            case _:
                relayed.budget.pull()
        assert len(body) == len(got) and not body.lost
        assert relayed.budget.used <= LIMIT
    assert relayed.budget.used == sum(body.memory for flow in relayed.flows for _, body in bodies_of(flow))


def test_its_size_is_known_without_reading_it(relayed: Relayed) -> None:
    bodies = [flow.response.body for flow in relayed.flows if flow.response is not None]
    away = next(body for body in bodies if not body.here)
    assert (len(away), away.chunks > 1) == (LARGE, True)
    assert not away.here


def test_threads_may_read_while_bodies_go(relayed: Relayed) -> None:
    wrong: list[str] = []

    def read(seed: int) -> None:
        for flow in Random(seed).choices(relayed.flows, k=150):
            assert flow.response is not None
            if bytes(flow.response.body) != relayed.passed[flow.id][1] or flow.response.body.ends[-1] != LARGE:
                wrong.append(flow.id)

    threads = [Thread(target=read, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        relayed.budget.pull()
    assert not wrong
    relayed.budget.pull()
    assert relayed.budget.used <= LIMIT


def test_the_least_recently_looked_at_goes_first(tmp_path: Path) -> None:
    flows = [done_chat(str(number), prompt="x" * 1000) for number in range(4)]
    size = sum(body.memory for _, body in bodies_of(flows[0]))
    transcripts = Transcripts()
    budget = kept(tmp_path, *flows, limit=10**9, transcripts=transcripts)
    budget.pull()
    transcripts.of(flows[0])
    budget.looked(flows[2])
    budget._limit = 4 * FLOW + transcripts.weight * READ + 2 * size
    budget.pull()
    assert [in_memory(flow) for flow in flows] == [True, False, True, False]


@pytest.mark.parametrize("why", ["live", "held", "marked", "open", "not on the shelf"])
def test_what_is_needed_stays(tmp_path: Path, why: str) -> None:
    first, other = done_chat("first"), done_chat("other")
    if why == "live":
        first.end = None
    elif why == "held":
        first.hold = Hold(Moment.EVENT, "hand", 1.0)
    budget = kept(tmp_path, first, other)
    assert isinstance(budget._shelf, Shelf)
    if why == "marked":
        first.marked = True
    elif why == "open":
        budget.open = first
    elif why == "not on the shelf":
        budget._shelf.whole.clear()
        budget._shelf.whole.add("other")
    for _ in range(3):
        budget.pull()
    assert in_memory(first) and not in_memory(other)
    if why == "live":
        stream(first, [b"more"])
        budget.pull()
        assert first.response is not None and first.response.body.data.endswith(b"more")


def test_without_a_shelf_nothing_goes() -> None:
    store, flow = FlowStore(), done_chat()
    store.add(flow)
    budget = MemoryBudget(store, None, 10)
    budget.pull()
    assert in_memory(flow) and budget.used > 10


def test_one_body_for_both_requests_is_kept_once(tmp_path: Path) -> None:
    flow = done_chat()
    flow.forwarded = flow.request.copy(url="https://api.example.com/v1/chat/completions")
    said = bytes(flow.request.body)
    budget = kept(tmp_path, flow)
    budget.pull()
    assert not flow.forwarded.body.here
    assert bytes(flow.forwarded.body) == said == bytes(flow.request.body)


def test_a_transcript_is_read_from_a_body_that_comes_back(tmp_path: Path) -> None:
    flow, same = done_chat(), done_chat()
    budget = kept(tmp_path, flow)
    budget.pull()
    assert not in_memory(flow)
    transcripts, plain = Transcripts(), Transcripts()
    assert transcripts.of(flow) == plain.of(same)
    assert transcripts.summary(flow) == plain.summary(same)


@pytest.mark.parametrize("damage", ["deleted", "cut", "garbage"])
def test_a_body_that_cannot_be_read_back_is_empty_and_says_so(tmp_path: Path, damage: str) -> None:
    flow, transcripts = done_chat(), Transcripts()
    budget = kept(tmp_path, flow)
    budget.pull()
    shelf = budget._shelf
    assert isinstance(shelf, Shelf) and flow.response is not None
    if damage == "deleted":
        shelf.path.unlink()
    elif damage == "garbage":
        shelf.path.write_bytes(b"no database" * 1000)
    else:
        with sqlite3.connect(shelf.path) as database:
            database.execute("UPDATE body SET data = substr(data, 1, 10)")
    body, revision = flow.response.body, flow.revision
    chunks = body.chunks
    assert bytes(body) == b"" and len(body) == 0
    assert (body.chunks, body.chunk(chunks - 1), body.times[-1], pace(body)) == (chunks, b"", 0.0, (1.0,))
    assert "the response's body could not be read back" in body.lost
    assert body.lost in flow.notes
    assert transcripts.of(flow).answer.choices == []
    assert transcripts.summary(flow).words == ""
    budget.pull()
    assert flow.revision > revision


@pytest.mark.anyio
async def test_the_relay_goes_on_when_the_shelf_is_gone(tmp_path: Path) -> None:
    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(received.body) + received.body)
        await writer.drain()

    shelf = Shelf(tmp_path / "bodies")
    async with upstream(answer) as up, proxy(up.url) as server, httpx.AsyncClient() as client:
        budget = MemoryBudget(server.store, shelf, 1000)
        for number in range(6):
            said = b"%d" % number * 3000
            assert (await client.post(f"{server.url}/v1/x", content=said)).content == said
            flow = (await ended(server, number + 1))[-1]
            if number == 3:
                shelf.path.unlink()
            elif number < 3:
                shelf.keep(flow)
            budget.pull()
        flows = list(server.store)
        assert [bytes(flow.request.body)[:1] for flow in flows] == [b"", b"", b"", b"3", b"4", b"5"]
        assert [len(flow.notes) for flow in flows] == [1, 1, 1, 0, 0, 0]


def test_the_oldest_flows_leave_and_are_counted_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.store.ledger._SLACK", 0)
    store, transcripts, shelf = FlowStore(), Transcripts(), Shelf(tmp_path / "bodies")
    view, ledger = View(store, transcripts), Ledger(store, transcripts)
    budget = MemoryBudget(store, shelf, 10**9, flows=10, transcripts=transcripts)
    flows = [done_chat(str(number), prompt=str(number)) for number in range(25)]
    flows[3].marked = True
    for flow in flows:
        store.add(flow)
        shelf.keep(flow)
        view.update(1e9)
        totals = ledger.update(1e9)
        budget.pull()
        assert len(store) <= 10
    assert (totals.flows, totals.input_tokens) == (25, 25 * 100)
    change = view.update()
    ledger.update()
    assert change.first_moved == 1
    assert [flow.seq for flow in view.flows] == [4, *range(17, 26)] == [flow.seq for flow in store]
    assert [view.index_of(flow.id) for flow in view.flows] == list(range(10))
    assert view.index_of("0") is None
    assert (store.left, "0" in store, "3" in store) == (15, False, True)
    assert len(transcripts._summaries) == len(ledger._counted) == 10
    store.touch(flows[0])
    view.update()
    assert view.index_of("0") is None
    assert transcripts.of(flows[0]).prompt.messages[0].text() == "0"


def test_it_works_on_a_session_file(tmp_path: Path) -> None:
    store, transcripts = FlowStore(), Transcripts()
    writer = SessionWriter(store, tmp_path / "session.db")
    writer.open()
    shelf = SessionShelf(writer)
    budget = MemoryBudget(store, shelf, 20_000)
    flows = [done_chat(str(number), prompt="again " * 500 + str(number)) for number in range(20)]
    said = [(bytes(flow.request.body), bytes(flow.response.body)) for flow in flows if flow.response is not None]
    try:
        for flow in flows:
            store.add(flow)
        while writer.pull() or not writer.is_idle:
            budget.pull()
        budget.pull()
        assert sum(map(in_memory, flows)) < 5
        for flow, (sent, got) in zip(flows, said, strict=True):
            assert flow.response is not None
            assert (bytes(flow.request.body), bytes(flow.response.body)) == (sent, got)
        assert not any(flow.notes for flow in flows)
        assert transcripts.of(flows[0]).answer.choices[0].text() == "Hello!"
    finally:
        shelf.close()
        writer.close()


def test_live_transcripts_are_kept_while_others_go() -> None:
    live = stream(respond(chat_flow("live", prompt="x" * 1000)), chat_chunks()[:1])
    transcripts = Transcripts(budget=4000)
    kept = transcripts.of(live)
    for number in range(9):
        transcripts.of(done_chat(str(number), prompt="y" * 1000))
    assert transcripts.of(live) is kept
    assert transcripts.weight <= 4000 + 2000


REQUEST_LINES = [(f"x-stainless-{number}", f"value {number}") for number in range(15)]
ANSWER_LINES = [(f"X-RateLimit-{number}", f"{number} of many") for number in range(20)]


def ordinary(number: int) -> Flow:
    """A flow with the headers that agents and providers send, a few of them never the same."""
    flow = chat_flow(f"flow {number}", prompt=f"Fix number {number}")
    lines = [("authorization", "Bearer " + "s" * 150), *REQUEST_LINES]
    flow.request = Request("POST", f"{flow.request.url}", _made(lines), flow.request.body)
    respond(flow)
    assert flow.response is not None
    unlike = [("date", f"Fri, 21 Nov 2026 {number}"), ("x-request-id", f"req_{number:032}"), ("cf-ray", f"{number:x}")]
    flow.response.headers = _made([*ANSWER_LINES, *unlike])
    return finish(stream(flow, chat_chunks([f"I did {number}. ", *["and so on "] * 15])))


def _made(lines: list[tuple[str, str]]) -> Headers:
    """Headers as they come off the wire: with bytes of their own."""
    return Headers.from_raw((name.encode(), value.encode()) for name, value in lines)


def test_a_flow_takes_few_bytes_beside_its_bodies() -> None:
    price_list.prepare(wait=True)
    assert _cost(1000) < 6 * 1024


def _cost(count: int) -> float:
    """Bytes for each of so many flows that were listed, added up and summed up, without their bodies."""
    keep = partial(_listed, count)
    keep()  # what is imported and cached for all of them is there from now on
    gc.collect()
    tracemalloc.start()
    try:
        kept = keep()
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    return (taken - sum(body.memory for flow in kept[0] for _, body in bodies_of(flow))) / count


def _listed(count: int) -> tuple[FlowStore, View, Ledger, Transcripts]:
    store, transcripts = FlowStore(), Transcripts(limit=1)
    view, ledger = View(store, transcripts), Ledger(store, transcripts)
    for number in range(count):
        store.add(ordinary(number))
    view.update(1e9)
    ledger.update(1e9)
    for flow in view.flows:
        transcripts.summary(flow)
    return store, view, ledger, transcripts


def test_headers_that_repeat_are_kept_once() -> None:
    one, other = _made(REQUEST_LINES), _made(REQUEST_LINES)
    assert all(mine is theirs for mine, theirs in zip(one.pairs, other.pairs, strict=True))


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Databases are closed by then."""
    yield
    gc.collect()
