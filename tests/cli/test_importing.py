"""`inspector sessions import`: what was written as JSONL becomes a session again, and the same JSONL after that."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inspector.cli.keeping import folder
from inspector.cli.root import main
from inspector.cli.session_list import found
from inspector.formats.jsonl import flow_to_line
from inspector.formats.trace import Trace
from inspector.store.transcripts import Transcripts
from tests.formats.sessions import flows_of
from tests.handmade import chat_flow, done_chat, finish


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions lie in a folder of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A recording."""
    flows = [done_chat("f1"), finish(chat_flow("f2", model="other")), done_chat("f3")]
    for number, flow in enumerate(flows, 1):
        flow.seq, flow.session = number, "alpha"
    path = tmp_path / "flows.jsonl"
    path.write_bytes(b"".join(flow_to_line(flow, Transcripts().of(flow)) for flow in flows))
    return path


def said(*arguments: str | Path) -> Result:
    """What a command does."""
    return CliRunner().invoke(main, list(map(str, arguments)))


def test_jsonl_goes_in_and_comes_out_with_the_same_bytes(lines: Path, tmp_path: Path) -> None:
    result, again = said("sessions", "import", lines), tmp_path / "again.jsonl"
    assert result.exit_code == 0, result.output
    (path,) = folder().iterdir()
    assert result.output == f"{path}\n" and path.name.endswith("-flows.db")
    assert said("export", path, "-o", again).exit_code == 0
    assert again.read_bytes() == lines.read_bytes()
    assert [each.path for each in found()] == [path]


def test_a_trace_becomes_a_session_of_its_turns(tmp_path: Path) -> None:
    trace, path, flow = tmp_path / "t.jsonl", tmp_path / "deep" / "x.db", done_chat()
    trace.write_bytes(Trace().lines([flow], Transcripts())(flow) * 3)
    assert said("sessions", "import", trace, "--session", path).exit_code == 0
    assert [(flow.id, flow.seq) for flow in flows_of(path)] == [("turn-1", 1), ("turn-2", 2), ("turn-3", 3)]


def test_what_is_there_is_not_replaced(lines: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"mine")
    result = said("sessions", "import", lines, "--session", path)
    assert result.exit_code == 2 and "there already" in result.output
    assert path.read_bytes() == b"mine"


def test_broken_lines_are_told_and_nothing_is_made_of_nothing(lines: Path, tmp_path: Path) -> None:
    with lines.open("ab") as file:
        file.write(b'{"format": "insp')
    result = said("sessions", "import", lines, "--session", tmp_path / "x.db")
    assert result.exit_code == 0 and "line 4" in result.output and len(flows_of(tmp_path / "x.db")) == 3
    lines.write_bytes(b"{oops\n")
    result = said("sessions", "import", lines, "--session", tmp_path / "y.db")
    assert result.exit_code == 1 and "nothing in it" in result.output
    assert not list(tmp_path.glob("y.db*"))
