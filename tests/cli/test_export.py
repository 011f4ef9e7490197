"""`inspector export`, as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inspector.formats.jsonl import flow_to_line
from inspector.formats.trace import read_trace
from inspector.store.transcripts import Transcripts
from tests.cli.terminals import terminal
from tests.cli.test_commands import INSPECTOR, run
from tests.formats.sessions import session
from tests.formats.traces import KEYS, chunk, entry, events
from tests.handmade import chat_flow, done_chat, finish

PIECES = [
    chunk({"content": "He\u2028"}, [entry("He\u2028", -0.5)]),
    chunk({"content": "y"}, [entry("y", -1.0)], "stop"),
]


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A session: a turn with tokens, one without an answer, and a request that is no turn."""
    flows = [done_chat("f1", chunks=events(*PIECES)), finish(chat_flow("f2", model="other")), done_chat("f3")]
    flows[2].dialect = "raw"
    for number, flow in enumerate(flows, 1):
        flow.seq, flow.started = number, flow.started + number
    path = tmp_path / "flows.jsonl"
    path.write_bytes(b"".join(flow_to_line(flow, Transcripts().of(flow)) for flow in flows))
    return path


def exported(*arguments: str | Path) -> list[Any]:
    """The lines on stdout of an export that goes well and says nothing."""
    result = run("export", *map(str, arguments))
    assert (result.returncode, result.stderr) == (0, "")
    return [json.loads(line) for line in result.stdout.split("\n")[:-1]]


def test_jsonl_comes_out_as_it_went_in(recorded: Path, tmp_path: Path) -> None:
    output = tmp_path / "again.jsonl"
    assert exported(recorded, "-o", output) == []
    assert output.read_bytes() == recorded.read_bytes()
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".part"] == []
    assert exported(recorded) == [json.loads(line) for line in recorded.read_bytes().splitlines()]
    assert b"0123456789abcdefghij" not in output.read_bytes()


def test_a_trace_is_made_from_any_session_and_back(recorded: Path, tmp_path: Path) -> None:
    turns, trace = exported(recorded, "--format", "trace"), tmp_path / "t.jsonl"
    assert [list(turn)[: len(KEYS)] for turn in turns] == [KEYS, KEYS]
    assert (turns[0]["completion_tokens"], turns[0]["per_token_logps"]) == (["He\u2028", "y"], [-0.5, -1.0])
    assert [turn["turn"] for turn in turns] == [1, 2]
    assert exported(recorded, "--format", "trace", "-o", trace) == []
    assert read_trace(trace) == turns
    again = exported(trace, "--format", "trace")
    assert [turn["response"] for turn in again] == [turn["response"] for turn in turns]
    (flow,) = exported(trace, "--filter", "seq:1", "--tokens")
    assert flow["output"]["parts"][0]["content"] == "He\u2028y"
    assert [(token["text"], token["logprob"]) for token in flow["tokens"]] == [("He\u2028", -0.5), ("y", -1.0)]
    assert flow["certainty"]["mean_logprob"] == -0.75


def test_an_archive_is_whole(recorded: Path, tmp_path: Path) -> None:
    output = tmp_path / "flows.har"
    assert exported(recorded, "--format", "har", "--filter", "-model:other", "--redact", "-o", output) == []
    assert [each["_inspector"]["id"] for each in json.loads(output.read_bytes())["log"]["entries"]] == ["f1", "f3"]
    shown = run("export", str(recorded), "--format", "har", "--filter", "model:nobody")
    assert shown.returncode == 0 and json.loads(shown.stdout)["log"]["entries"] == []


def test_spans_are_documents_of_one_line(recorded: Path) -> None:
    spans = [line["resourceSpans"][0]["scopeSpans"][0]["spans"] for line in exported(recorded, "--format", "otlp")]
    assert [span["name"] for (span,) in spans] == ["chat gpt-5-mini", "chat other", "POST /v1/chat/completions"]


def test_only_what_the_filter_lets_through(recorded: Path) -> None:
    assert [flow["id"] for flow in exported(recorded, "--filter", "model:other")] == ["f2"]
    assert exported(recorded, "--filter", "model:nobody") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--filter", "status:>>"], "--filter"),
        (["--format", "trace", "--tokens"], "--tokens is for jsonl"),
        (["--format", "morse"], "'morse'"),
        (["-o", "/proc/nowhere/x"], "cannot write /proc/nowhere/x"),
    ],
)
def test_mistakes_are_told_plainly(recorded: Path, arguments: list[str], words: str) -> None:
    result = run("export", str(recorded), *arguments)
    assert result.returncode in (1, 2) and result.stdout == ""
    assert words in result.stderr and "Traceback" not in result.stderr


def test_broken_lines_are_told_and_the_rest_is_written(recorded: Path, tmp_path: Path) -> None:
    recorded.write_bytes(recorded.read_bytes() + b"{oops\n")
    result = run("export", str(recorded))
    assert result.returncode == 0 and result.stdout.count("\n") == 3
    assert "line 4" in result.stderr
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_bytes(b"{oops\n")
    result = run("export", str(nothing), "-o", str(tmp_path / "out"))
    assert result.returncode == 1 and "not a single line" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_plain_one_is_written_to_and_not_replaced(recorded: Path) -> None:
    assert exported(recorded, "-o", "/dev/null") == []
    assert Path("/dev/null").is_char_device()
    assert [flow["id"] for flow in exported(recorded, "-o", "/dev/stdout")] == ["f1", "f2", "f3"]


def test_a_reader_that_leaves_is_no_error(recorded: Path) -> None:
    command = [*INSPECTOR, "export", str(recorded), "--tokens"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A session that takes a while to be written."""
    path = tmp_path / "long.db"
    with session(path) as (store, _):
        for number in range(3000):
            store.add(done_chat(f"f{number}", prompt="x" * 2000))
    return path


def test_progress_is_shown_on_a_terminal_and_what_is_broken_off_leaves_nothing(long: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    output.write_bytes(b"as it was")
    with terminal([*INSPECTOR, "export", str(long), "-o", str(output)], dict(os.environ)) as shown:
        shown.hears("exporting")
        shown.press("\x03")
        assert shown.ends() == 1
    assert output.read_bytes() == b"as it was"
    assert {path.name for path in tmp_path.iterdir()} == {"long.db", "out.jsonl"}


def test_progress_goes_to_the_end_and_not_into_a_pipe(long: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with terminal([*INSPECTOR, "export", str(long), "-o", str(output)], dict(os.environ)) as shown:
        shown.hears("100%")
        assert shown.ends() == 0
    result = run("export", str(long))
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.encode() == output.read_bytes() and result.stdout.count("\n") == 3000


def test_what_is_exported_is_not_kept_in_memory(tmp_path: Path) -> None:
    """Sixty megabytes more, and no more memory."""
    assert peak_of(tmp_path, 1500) < peak_of(tmp_path, 50) + (30 << 20)


def peak_of(folder: Path, flows: int) -> int:
    """The most bytes of memory that an export of so many large flows takes."""
    path = folder / f"{flows}.jsonl"
    line = flow_to_line(flow := done_chat(prompt="x" * 40_000), Transcripts().of(flow))
    path.write_bytes(b"".join(line.replace(b'"f1"', b'"f%d"' % number) for number in range(flows)))
    code = (
        "import resource; from inspector.cli.root import main;"
        f"main(['export', {str(path)!r}, '--filter', 'model:gpt-5-mini', '-o', '/dev/null'], standalone_mode=False);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)"
    )
    return int(subprocess.check_output([sys.executable, "-c", code], timeout=100))
