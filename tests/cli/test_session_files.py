"""A file for each session: its name, how many are open, and that the disk has what was written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspector.cli.recording import recording
from inspector.cli.session_files import SessionFiles
from inspector.formats.jsonl import read
from inspector.formats.trace import read_trace
from inspector.model.flow import Flow
from inspector.model.headers import Headers
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.handmade import done_chat
from tests.leaks import open_files


def of_session(name: str, flow_id: str = "f") -> Flow:
    """A whole flow of a session."""
    flow = done_chat(flow_id)
    flow.session = name
    return flow


@pytest.mark.parametrize("name", ["../../out", "a/b", "..", "", "x" * 300, "a\x00b", "sk-ant-0123456789"])
def test_a_name_from_a_file_leads_nowhere_else(name: str, tmp_path: Path) -> None:
    files = SessionFiles(tmp_path / "in" / "{session}.jsonl")
    files.of(of_session(name)).write(b"{}\n")
    files.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "in" / "_.jsonl"]


def test_where_no_name_was_given_the_clients_own_counts(tmp_path: Path) -> None:
    files, flow = SessionFiles(tmp_path / "{session}.jsonl"), done_chat()
    flow.request.headers = Headers([("x-claude-code-session-id", "0198c0de")])
    files.of(flow).write(b"{}\n")
    files.close()
    assert (tmp_path / "0198c0de.jsonl").exists()


def test_few_of_many_files_are_open_and_none_at_the_end(tmp_path: Path) -> None:
    before, files = len(open_files()), SessionFiles(tmp_path / "{session}.jsonl")
    for turn in range(2):
        for number in range(100):
            files.of(of_session(f"s{number}")).write(b"%d\n" % turn)
    assert len(open_files()) <= before + 32
    files.sync()
    files.close()
    assert len(open_files()) <= before
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"0\n1\n"} and len(list(tmp_path.iterdir())) == 100


@pytest.mark.anyio
@pytest.mark.parametrize("fsync", [True, False])
async def test_the_disk_has_it_where_that_is_wanted(
    fsync: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: dict[str, int] = {}

    def sync(number: int) -> None:
        synced[os.readlink(f"/proc/self/fd/{number}")] = os.fstat(number).st_size

    monkeypatch.setattr(os, "fsync", sync)
    store, lines, trace = FlowStore(), tmp_path / "{session}.jsonl", tmp_path / "t.jsonl"
    async with recording(store, Transcripts(), lines, trace, fsync=fsync):
        store.add(of_session("alpha", "f1"))
        store.add(of_session("beta", "f2"))
    sizes = {str(path): path.stat().st_size for path in tmp_path.iterdir()}
    assert len(sizes) == 3 and synced == (sizes if fsync else {})
    assert [flow.id for flow in read(tmp_path / "alpha.jsonl") if isinstance(flow, Flow)] == ["f1"]
    assert [turn["turn"] for turn in read_trace(trace)] == [1, 2]


@pytest.mark.anyio
async def test_a_disk_that_cannot_be_waited_for_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(number: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fails)
    store = FlowStore()
    async with recording(store, Transcripts(), tmp_path / "x.jsonl", fsync=True) as kept:
        store.add(done_chat())
    assert kept.files[0].stopped is not None and kept.files[0].stopped.why == "Input/output error"
    assert (tmp_path / "x.jsonl").read_bytes().count(b"\n") == 1
