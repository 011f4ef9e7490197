"""What the header says of the recording, on real faults: that it stopped, since when and why, and that it goes on.

The relay goes on all the while.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import shutil
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from inspector.cli.keeping import Place
from inspector.cli.recording import Kept, recording
from inspector.formats import session
from inspector.formats.session import Stopped
from inspector.proxy.server import ProxyServer
from inspector.store.memory import MemoryBudget
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.filter_bar import FilterBar
from inspector.tui.header import HeaderLine
from inspector.tui.recorded import kept_in, not_kept
from tests.formats.sessions import flows_of
from tests.handmade import chat_chunks, chat_request, done_chat
from tests.tui.screens import app_on, main, settle, text_of
from tests.upstreams import plain, proxy, upstream

STREAM = b"".join(chat_chunks())
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(STREAM)


@dataclass
class Running:
    """A proxy with its screen and its recordings."""

    pilot: Pilot[None]
    server: ProxyServer
    kept: Kept

    async def ask(self, words: str = "hi") -> None:
        """A client gets its answer, whatever the disk does."""
        async with httpx.AsyncClient(timeout=20) as client:
            answered = await client.post(f"{self.server.url}/v1/chat/completions", content=chat_request(words))
        assert (answered.status_code, answered.content) == (200, STREAM)

    async def shows(self, words: str) -> str:
        """Wait until the header has these words; the whole of it."""
        screen = main(self.pilot)
        async with asyncio.timeout(30):
            while True:
                screen._header_due = 0.0
                await settle(self.pilot)
                shown = text_of(screen.query_one(HeaderLine))[0]
                if words in shown:
                    return shown
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(tmp_path: Path, width: int = 170, *, jsonl: Path | None = None) -> AsyncIterator[Running]:
    """All of it, as `inspector live` puts it together."""
    place = Place(tmp_path / "folder" / "s.db", True)
    async with upstream(plain(HEAD, STREAM)) as up, proxy(up.url) as server:
        transcripts = Transcripts()
        async with recording(server.store, transcripts, jsonl, None, place) as kept:
            desk = Desk(
                server.store, transcripts, server=server, session=kept.session, files=kept.files, budget=kept.budget
            )
            app = InspectorApp(server.store, transcripts, listener=server, desk=desk)
            async with app.run_test(size=(width, 30)) as pilot:
                yield Running(pilot, server, kept)


Fault = Callable[[Path], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def full(path: Path) -> Iterator[None]:
    """No file may become larger than the session is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Somebody else's transaction."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextlib.contextmanager
def gone(path: Path) -> Iterator[None]:
    """The folder is deleted, and a file stands in its place."""
    shutil.rmtree(path.parent)
    path.parent.write_text("in the way")
    yield
    path.parent.unlink()


@contextlib.contextmanager
def corrupt(path: Path) -> Iterator[None]:
    """Another file, which is no database, has taken the session's place; the writer sets it aside."""
    other = path.with_name("other")
    other.write_bytes(b"not a database at all" * 500)
    other.replace(path)
    yield


FAULTS: list[tuple[Fault, str]] = [
    (full, "disk"),
    (locked, "locked"),
    (gone, "Not a directory"),
    (corrupt, "not a database"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("fault", "why"), FAULTS, ids=lambda each: getattr(each, "__name__", ""))
async def test_the_header_says_that_recording_stopped_and_that_it_goes_on(
    fault: Fault, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as each:
        writer = each.kept.session
        assert writer is not None
        await each.ask("before")
        assert "● rec s" in await each.shows("● rec")
        async with asyncio.timeout(20):
            while not writer.is_idle:
                await asyncio.sleep(0.01)
        with monkeypatch.context() as patched:
            patched.setattr(session, "_AGAIN", 3600)
            with fault(writer.path):
                await each.ask("meanwhile " + "x" * 9000)
                shown = await each.shows("⚠ not recorded since")
                assert why in shown and "● rec" not in shown
                await each.ask("still")
        writer._again = 0.0
        assert "⚠" not in await each.shows("● rec s")
        await each.ask("after")
    bodies = [bytes(flow.request.body) for flow in flows_of(tmp_path / "folder" / "s.db")]
    words = ["before", "meanwhile", "still", "after"]
    assert [next(word for word in words if word.encode() in body) for body in bodies] == words


@pytest.mark.anyio
async def test_a_full_disk_in_eighty_columns_for_a_file_of_lines(tmp_path: Path) -> None:
    async with running(tmp_path, 80, jsonl=Path("/dev/full")) as each:
        await each.shows("● rec")
        await each.ask()
        shown = await each.shows("⚠ full not written since")
        assert f"{datetime.now():%H:}" in shown and "127.0.0.1" in shown and len(shown) == 80


@pytest.mark.anyio
async def test_the_open_flow_stays_in_memory_and_others_go(tmp_path: Path) -> None:
    async with running(tmp_path) as each:
        for number in range(3):
            await each.ask(str(number))
        await each.shows("3 flows")
        budget = each.kept.budget
        assert isinstance(budget, MemoryBudget) and each.kept.session is not None
        first, *_, last = each.server.store
        async with asyncio.timeout(10):
            while not budget.open is main(each.pilot).selected is last:
                await settle(each.pilot)
            await each.pilot.press("home")
            while not budget.open is main(each.pilot).selected is first:
                await settle(each.pilot)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("width", "words"), [(80, "2 of 5 · older: in the file"), (160, "2 of 5 flows · the older ones")]
)
async def test_flows_that_left_are_counted_and_named(width: int, words: str) -> None:
    app, store = app_on([done_chat(f"f{number}") for number in range(5)], listener=None)
    async with app.run_test(size=(width, 24)) as pilot:
        await settle(pilot)
        store.leave(list(store)[:3])
        store.touch(next(iter(store)))
        await settle(pilot)
        bar = main(pilot).query_one(FilterBar)
        assert words in bar._said and words in str(bar.query_one("#filter-status", Static).render())
        bar.input.value = "f"
        await settle(pilot)
        assert "of 2 · 3 older ones" in bar._said and "in the file" in bar._said


def test_words_for_what_stopped() -> None:
    @dataclass
    class File:
        path: Path
        stopped: Stopped | None = None

    now = datetime(2026, 11, 21, 14, 30)
    desk = Desk(None, None, session=File(Path("2026-s.db")), files=(File(Path("a.jsonl")),))  # type: ignore[arg-type]
    assert kept_in(desk) == "2026-s" and not_kept(desk, now) == ("", "")
    desk.files[0].stopped = Stopped(datetime(2026, 11, 21, 14, 3).timestamp(), "bad\x1b[31m")  # type: ignore[misc]
    assert not_kept(desk, now) == ("a.jsonl not written since 14:03", "bad␛[31m")
    then = (now - timedelta(days=1)).timestamp()
    desk.session.stopped = Stopped(then, "full")  # type: ignore[union-attr, misc]
    assert not_kept(desk, now) == ("not recorded since Fri 20 Nov 14:30", "full") and kept_in(desk) == ""
