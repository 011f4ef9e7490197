"""Sessions on the command line: kept by default, listed, opened, gone on in, exported and thrown away."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from inspector.cli.bounding import bounded
from inspector.cli.keeping import Place, folder, fresh, keeping
from inspector.cli.open import following
from inspector.cli.recording import recording
from inspector.cli.root import main
from inspector.cli.session_list import Session, named
from inspector.cli.sessions import to_prune
from inspector.formats.jsonl import flow_to_line
from inspector.formats.session_lock import is_written
from inspector.formats.session_shelf import BodyFile
from inspector.store.flows import FlowStore
from inspector.store.memory import bodies_of
from inspector.store.transcripts import Transcripts
from tests.cli.processes import serving
from tests.formats.sessions import flows_of, session
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sessions lie in a folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("INSPECTOR_CONFIG", str(tmp_path / "none.toml"))
    return folder()


def made(name: str, age: timedelta = timedelta(0), flows: int = 1) -> Path:
    """A session that was last written so long ago."""
    path = folder() / f"{name}.db"
    with session(path) as (store, _):
        for number in range(flows):
            store.add(done_chat(f"f{number}", agent="codex"))
    then = (datetime.now(UTC) - age).timestamp()
    os.utime(path, (then, then))
    return path


def said(*arguments: str, answer: str = "") -> Result:
    """What a command does."""
    return CliRunner().invoke(main, arguments, input=answer)


def test_sessions_are_listed_the_newest_first() -> None:
    assert "no sessions in" in said("sessions").output
    made("old", timedelta(days=3), flows=2)
    made("new")
    (folder() / "broken.db").write_bytes(b"nothing at all")
    result = said("sessions")
    assert result.exit_code == 0
    heads, first, second, third, whole = result.output.splitlines()
    assert heads.split() == ["#", "written", "last", "size", "flows", "agents", "name"]
    assert first.endswith("  broken") and "cannot be read" in first
    assert second.endswith("  new") and " 1  codex " in second
    assert third.endswith("  old") and " 2  codex " in third
    assert all(len(line) <= 80 for line in (heads, first, second, third))
    assert "in " in whole and "inspector sessions open" in whole
    assert named(None).name == "broken.db" and named("2").name == "new.db"
    assert named("old").name == named("old.db").name == "old.db"
    for name in ("4", "0", "nobody"):
        with pytest.raises(click.UsageError):
            named(name)


def test_opening_nothing_in_particular_needs_a_session() -> None:
    refused = said("open")
    assert refused.exit_code == 2 and "there are no sessions in" in refused.output


def test_a_name_says_when_and_what() -> None:
    now = datetime(2026, 11, 21, 14, 3, 22)
    assert fresh("claude", now).name == "2026-11-21T14-03-22-claude.db"
    assert fresh("../../etc/x y", now).name == "2026-11-21T14-03-22-etc-x-y.db"
    made("2026-11-21T14-03-22")
    assert fresh("", now).name == "2026-11-21T14-03-22-2.db"


def test_what_is_pruned() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    each = [Session(Path(f"{day}"), 10, now - timedelta(days=day), day == 3) for day in range(6)]

    def pruned(age: timedelta | None = None, keep: int | None = None, size: int | None = None) -> list[str]:
        return [session.path.name for session in to_prune(each, now, age, keep, size)]

    assert pruned(age=timedelta(days=2)) == ["4", "5"]
    assert pruned(keep=1) == ["1", "2", "4", "5"]
    assert pruned(size=35) == ["4", "5"]
    assert pruned(size=25) == ["2", "4", "5"]
    assert pruned(timedelta(days=9), 9, 900) == []


def test_pruning_asks_and_leaves_what_is_written() -> None:
    paths = [made(name, timedelta(days=40)) for name in ("a", "b")]
    with session(folder() / "live.db") as (store, _):
        store.add(done_chat())
        assert "say which" in said("sessions", "prune").output
        assert said("sessions", "prune", "--older-than", "soon").exit_code == 2
        assert said("sessions", "prune", "--max-size", "big").exit_code == 2
        refused = said("sessions", "prune", "--keep", "0", answer="n\n")
        assert refused.exit_code == 1 and "Throw away 2 sessions" in refused.output
        assert all(path.exists() for path in paths)
        assert "freed" in said("sessions", "prune", "--older-than", "30d", answer="y\n").output
        assert [path.name for path in folder().glob("*.db")] == ["live.db"]
        assert "nothing" in said("sessions", "prune", "--keep", "0", "--yes").output
    assert "freed" in said("sessions", "prune", "--max-size", "1KB", "--yes").output
    assert list(folder().iterdir()) == []


def test_a_run_keeps_a_session_unless_it_is_told_not_to(tmp_path: Path) -> None:
    with serving():
        (path,) = folder().glob("*.db")
        assert is_written(path)
    assert not path.exists()
    with serving("--no-session"):
        assert [*folder().glob("*.db")] == []
    with serving("--session", tmp_path / "my.db"):
        assert is_written(tmp_path / "my.db")
        second = said("serve", "--port", "0", "--session", str(tmp_path / "my.db"))
        assert second.exit_code == 1 and "another process is writing" in second.output
    assert [*folder().iterdir()] == [] and flows_of(tmp_path / "my.db") == []
    both = said("serve", "--session", "x", "--no-session")
    assert both.exit_code == 2 and "exclude each other" in both.output


def test_a_killed_run_is_gone_on_in(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with serving("--session", path) as served:
        served.process.send_signal(signal.SIGKILL)
        served.process.wait(10)
    assert not is_written(path)
    with serving("--session", path):
        assert is_written(path)


def test_a_session_goes_out_as_json_lines_and_is_the_same(tmp_path: Path) -> None:
    path, output, store = tmp_path / "s.db", tmp_path / "s.jsonl", FlowStore()
    with session(path, store):
        store.add(done_chat("a"))
        store.add(finish(stream(respond(chat_flow("b")), [b"\xff\x00", b"x"])))
    result = said("export", str(path), "-o", str(output))
    assert (result.exit_code, result.output) == (0, "")
    assert output.read_bytes() == b"".join(flow_to_line(flow, Transcripts().of(flow)) for flow in store)
    assert said("export", str(path), "--filter", "model:nothing").output == ""
    other = tmp_path / "other.db"
    other.write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert said("export", str(other)).exit_code == 1


@pytest.mark.anyio
async def test_a_run_goes_on_in_a_session_and_writes_no_flow_twice(tmp_path: Path) -> None:
    place, lines = Place(tmp_path / "s.db", True), tmp_path / "s.jsonl"
    for number in range(2):
        store = FlowStore()
        async with recording(store, Transcripts(), lines, None, place) as kept:
            assert kept.session is not None and kept.session.stopped is None
            store.add(done_chat(f"f{number}"))
            assert [flow.seq for flow in store] == [*range(1, number + 2)]
    assert [flow.id for flow in flows_of(place.path)] == ["f0", "f1"]
    assert lines.read_bytes().count(b"\n") == 2


@pytest.mark.anyio
async def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "s.db"
    with pytest.raises(click.ClickException):
        async with keeping(FlowStore(), Place(path, True)):
            raise AssertionError("it began")
    store = FlowStore()
    async with keeping(store, Place(path, False)) as writer:
        assert writer.stopped
        store.add(done_chat())
        (tmp_path / "file").unlink()
        async with asyncio.timeout(20):
            while writer.stopped or not writer.is_idle:
                await asyncio.sleep(0.01)
    assert len(flows_of(path)) == 1


@pytest.mark.anyio
async def test_two_that_start_in_one_second_have_each_a_session_of_their_own() -> None:
    place = Place(fresh("claude"), False)
    first, second, none = FlowStore(), FlowStore(), FlowStore()
    async with keeping(first, place), keeping(second, place) as other, keeping(none, place) as third:
        first.add(done_chat())
        second.add(done_chat())
        assert (other.path.stem, third.path.stem) == (f"{place.path.stem}-2", f"{place.path.stem}-3")
    assert [len(flows_of(path)) for path in (place.path, other.path)] == [1, 1]
    assert sorted(folder().iterdir()) == sorted([place.path, other.path])


@pytest.mark.anyio
async def test_what_another_writes_is_followed(tmp_path: Path) -> None:
    path, store, other = tmp_path / "s.db", FlowStore(), FlowStore()
    async with keeping(store, Place(path, True)), following(path, other):
        for number in range(25):
            store.add(done_chat(f"f{number}"))
        async with asyncio.timeout(20):
            while len(other) < 25:
                await asyncio.sleep(0.01)
    assert [flow.id for flow in other] == [f"f{number}" for number in range(25)]


@pytest.mark.anyio
async def test_a_session_is_gone_on_in_without_its_bodies(tmp_path: Path) -> None:
    place, transcripts = Place(tmp_path / "s.db", True), Transcripts()
    async with keeping(FlowStore(), place) as writer:
        writer._store.add(done_chat("old"))
    store = FlowStore()
    async with keeping(store, place) as writer:
        (old,) = store
        assert not any(body.here for _, body in bodies_of(old)) and writer.is_whole(old)
        assert old.response and bytes(old.response.body) == b"".join(chat_chunks())
        old.request.body.let_go(BodyFile(place.path).fetch, "old", "request")
        async with bounded(store, transcripts, writer) as budget:
            assert transcripts.of(old).prompt.messages
            budget.pull()
            assert budget.used == sum(body.memory for _, body in bodies_of(old)) > 0
        store.add(done_chat("new"))
    assert [(flow.seq, flow.id) for flow in flows_of(place.path)] == [(1, "old"), (2, "new")]


@pytest.mark.anyio
async def test_the_person_sees_how_far_writing_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("inspector.cli.keeping._SILENCE", 0.0)
    monkeypatch.setattr(sys, "stderr", said := Terminal())
    store, path = FlowStore(), tmp_path / "s.db"
    async with keeping(store, Place(path, True)):
        for number in range(500):
            store.add(done_chat(f"f{number}"))
    assert "writing the session" in said.getvalue() and "100%" in said.getvalue()
    assert len(flows_of(path)) == 500


@pytest.mark.anyio
async def test_a_session_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    async with keeping(store := FlowStore(), Place(path, True)):
        store.add(done_chat())
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE flow SET head = 'no JSON'")
    with pytest.raises(click.ClickException, match="not a single flow"):
        async with following(path, FlowStore()):
            raise AssertionError("it was opened")


def test_a_file_that_is_no_session_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("the person's own")
    result = said("serve", "--port", "0", "--session", str(path))
    assert result.exit_code == 1 and "is not a session" in result.output
    assert path.read_text() == "the person's own"
