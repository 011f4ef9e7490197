"""The session file when things break: a killed writer, a full, locked, read-only, deleted or damaged file."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.formats.session import SessionWriter
from inspector.formats.session_following import Follower
from inspector.formats.session_lock import is_written
from inspector.formats.session_reader import SessionReader
from inspector.formats.session_schema import SessionError
from inspector.model.flow import End, Flow, Reason
from inspector.store.flows import FlowStore
from tests.formats.sessions import flows_of, reading, session, until, written
from tests.formats.test_session import asking, growing
from tests.handmade import chat_flow, done_chat, finish, respond, stream

STREAMING = """
import sys, time
from pathlib import Path
from inspector.formats.session import SessionWriter
from inspector.store.flows import FlowStore
from tests.handmade import chat_flow, done_chat, respond, stream

store = FlowStore()
writer = SessionWriter(store, Path(sys.argv[1]))
writer.open()
store.add(done_chat("done"))
flow = respond(chat_flow("cut"))
store.add(flow)
number = 0
while True:
    stream(flow, [b"data: %d\\n\\n" % number], start=number)
    store.touch(flow)
    number += 1
    while writer.pull() or not writer.is_idle:
        time.sleep(0.0005)
    print(number, flush=True)
"""


@contextlib.contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that streams a flow into a session, and says how many chunks it is sure of."""
    command = [sys.executable, "-c", STREAMING, str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> int:
    """The next that the process says."""
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_a_killed_writer_leaves_all_that_it_was_sure_of(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with another_process(path) as process:
        while said(process) < 50:
            pass
        with reading(path) as reader:
            live = next(flow for flow in reader.flows() if flow.id == "cut")
            assert reader.is_written and live.live
            store = FlowStore()
            follower = Follower(reader, store)
            until(lambda: follower.pull() and (found := store.get("cut")) is not None and _chunks(found) > 55)
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            last = int(process.stdout.read().split()[-1])
            process.wait(10)
            until(lambda: not follower.pull())
            followed = store.get("cut")
            assert followed is not None and followed.end == End(Reason.INTERRUPTED, "file")
    done, cut = flows_of(path)
    assert done.end and done.end.reason is Reason.DONE
    assert cut.end == End(Reason.INTERRUPTED, "file")
    assert _chunks(cut) >= last and _chunks(followed) == _chunks(cut)
    assert cut.response and bytes(cut.response.body).startswith(b"".join(b"data: %d\n\n" % n for n in range(last)))
    with session(path) as (store, _):
        store.add(done_chat("after"))
    assert [flow.id for flow in flows_of(path)] == ["done", "cut", "after"]


def _chunks(flow: Flow) -> int:
    return flow.response.body.chunks if flow.response is not None else 0


def stopped(writer: SessionWriter) -> str:
    """Pull until the disk has refused; what it said."""
    until(lambda: writer.pull() is None or writer.stopped is not None)
    assert writer.stopped is not None and writer.stopped.since > 0
    return writer.stopped.why


def test_a_locked_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    flow = respond(chat_flow())
    with session(path) as (store, writer):
        store.add(flow)
        written(writer)
        other = sqlite3.connect(path, isolation_level=None)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
            stream(flow, [b"meanwhile "])
            store.touch(flow)
            assert "locked" in stopped(writer)
            since = writer.stopped and writer.stopped.since
            stream(flow, [b"and on"])
            store.add(done_chat("new"))
            until(lambda: writer.pull() is None or writer.stopped is not None)
            assert writer.stopped and writer.stopped.since == since
            other.execute("ROLLBACK")
        written(writer)
        assert writer.stopped is None
    cut, new = flows_of(path)
    assert new.id == "new"
    assert cut.response and bytes(cut.response.body) == b"meanwhile and on"


def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, writer):
        store.add(done_chat("before"))
        written(writer)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
            for number, prompt in enumerate(growing(5, 300_000)):
                store.add(asking(f"f{number}", prompt))
            assert stopped(writer)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, handler)
        written(writer)
        assert writer.stopped is None
    back = flows_of(path)
    assert [flow.id for flow in back] == ["before", *(f"f{number}" for number in range(5))]
    assert [bytes(flow.request.body) for flow in back[1:]] == growing(5, 300_000)


def test_a_deleted_file_is_put_back_with_all_that_it_had(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "s.db"
    with session(path) as (store, writer):
        for number, prompt in enumerate(growing(5, 30_000)):
            store.add(asking(f"f{number}", prompt))
        flow = stream(respond(chat_flow("live")), [b"one "])
        store.add(flow)
        written(writer)
        with reading(path) as reader:
            assert reader.count() == 6
            shutil.rmtree(path.parent)
            stream(flow, [b"two"])
            store.touch(flow)
            written(writer)
            assert writer.stopped is None and path.exists()
            assert bytes(reader.load("live", "response")) == b"one two"
            assert reader.body("f4", "request") == growing(5, 30_000)[4]
        finish(flow)
        store.touch(flow)
    back = flows_of(path)
    assert len(back) == 6 and back[5].end == flow.end


def test_a_folder_that_cannot_be_made_and_then_can(tmp_path: Path) -> None:
    blocked = tmp_path / "folder"
    blocked.write_text("a file stands in the way")
    store = FlowStore()
    writer = SessionWriter(store, blocked / "s.db")
    with pytest.raises(SessionError, match="folder"):
        writer.open()
    assert writer.stopped
    store.add(done_chat())
    writer.pull()
    blocked.unlink()
    written(writer)
    writer.close()
    assert [flow.id for flow in flows_of(blocked / "s.db")] == ["f1"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _):
        store.add(done_chat())
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert [flow.id for flow in flows_of(path)] == ["f1"]
        with pytest.raises(SessionError):
            SessionWriter(FlowStore(), path).open()
    finally:
        tmp_path.chmod(0o700)


def test_a_file_that_becomes_read_only(tmp_path: Path) -> None:
    """SQLite says so itself where a file was replaced by one that may not be written."""
    path = tmp_path / "s.db"
    with session(path) as (store, writer):
        store.add(done_chat("a"))
        written(writer)
        assert writer._disk._database is not None
        until(lambda: writer.is_idle)
        writer._thread.submit(writer._disk._database.execute, "PRAGMA query_only = ON").result()
        store.add(done_chat("b"))
        assert "readonly" in stopped(writer)
        written(writer)
    assert [flow.id for flow in flows_of(path)] == ["a", "b"]


def test_a_file_that_is_damaged_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, writer):
        store.add(done_chat("a"))
        written(writer)
    with session(path, store) as (store, writer):
        written(writer)
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"\xff" * (path.stat().st_size - 100))
        path.with_name("s.db-wal").write_bytes(b"")
        store.add(done_chat("b"))
        written(writer)
        assert writer.stopped is None
    assert [flow.id for flow in flows_of(path)] == ["a", "b"]
    assert path.with_name("s.db.damaged-1").exists()


@pytest.mark.parametrize("page", range(1, 40))
def test_any_page_may_be_damaged(tmp_path: Path, page: int) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _):
        for number, prompt in enumerate(growing(20, 50_000)):
            store.add(asking(f"f{number}", prompt))
            store.add(done_chat(f"other {number}"))
    size = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek(4096 * (1 + page * (size - 1) // 40))
        file.write(b"\xa5" * 4096)
    good = {flow.id: bytes(flow.request.body) for flow in store}
    with contextlib.closing(SessionReader(path)) as reader:
        back = list(reader.flows())
        lost = [flow for flow in back if bytes(flow.request.body) != good[flow.id]]
        assert all(flow.notes for flow in lost)
        assert reader.remarks or (len(back) == 40 and not lost)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no session"),
        (b"no database at all" * 100, "not a database"),
        (b"SQLite format 3\0" + b"\0" * 5000, "cannot be read|no session"),
    ],
)
def test_what_is_no_session_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with pytest.raises(SessionError, match=words):
        SessionReader(path)
    with pytest.raises(SessionError, match="cannot be read"):
        SessionReader(tmp_path / "nowhere")


def test_a_flow_that_no_file_can_hold_keeps_no_other_out(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _):
        store.add(done_chat("\ud800"))
        store.add(done_chat("b"))
    assert [flow.id for flow in flows_of(path)] == ["b"]


def test_what_is_no_session_stays_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("the person's own words" * 100)
    writer = SessionWriter(FlowStore(), path)
    with pytest.raises(SessionError, match="not a database"):
        writer.open()
    writer.close()
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE mine (x)")
    before = path.read_bytes()
    writer = SessionWriter(FlowStore(), path)
    with pytest.raises(SessionError, match="no session of the inspector"):
        writer.open()
    writer.close()
    assert path.read_bytes() == before and not is_written(path)


def test_a_later_format_is_shown_as_far_as_it_goes_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, _):
        store.add(done_chat())
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE flow ADD COLUMN colour TEXT")
        database.execute("PRAGMA user_version = 9")
    with reading(path) as reader:
        assert [flow.id for flow in reader.flows()] == ["f1"]
        assert "a later version" in reader.remarks[0]
    writer = SessionWriter(FlowStore(), path)
    with pytest.raises(SessionError, match="later version"):
        writer.open()
    writer.close()
