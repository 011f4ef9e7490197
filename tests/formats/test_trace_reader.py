"""Reading training traces: as records, and as flows that can be looked at and written again."""

from __future__ import annotations

import json
import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from inspector.formats.jsonl import flow_to_line
from inspector.formats.jsonl_reader import BrokenLine
from inspector.formats.reading import read
from inspector.formats.trace import Trace, is_turn, read_trace
from inspector.model.flow import Flow, Reason, State
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.formats.traces import answered, chunk, document, entry, events, flattened, record_of
from tests.handmade import STARTED, chat_flow, done_chat, finish, respond, stream

FOUNDING: dict[str, Any] = {
    "turn": 3,
    "request": {"model": "m", "messages": [{"role": "user", "content": "x\u2028y"}], "stream": True},
    "response": document({"role": "assistant", "content": "Hi"}, [entry("Hi", -0.5, token_id=4)]),
    "logprobs": [entry("Hi", -0.5, token_id=4)],
    "completion_tokens": ["Hi"],
    "completion_token_ids": [4],
    "per_token_logps": [-0.5],
    "finish_reason": "stop",
    "latency_s": 1.5,
    "timestamp": STARTED,
}
"""A line as the proxy writes it that the format comes from."""


def flows_of(*lines: bytes) -> list[Flow]:
    """The flows of a file without a broken line."""
    found = list(read(BytesIO(b"".join(lines))))
    assert not [item for item in found if isinstance(item, BrokenLine)]
    return [item for item in found if isinstance(item, Flow)]


def line_of(record: object) -> bytes:
    """A record as a line."""
    return json.dumps(record).encode() + b"\n"


def test_records_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    assert read_trace(path) == []
    path.write_bytes(
        b"\xef\xbb\xbf\r\n" + line_of(FOUNDING) + b"  \n" + json.dumps(FOUNDING, ensure_ascii=False).encode()
    )
    assert read_trace(path) == read_trace(str(path)) == [FOUNDING, FOUNDING]


def test_a_broken_last_line_is_passed_over_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(line_of(FOUNDING) + line_of(FOUNDING)[:50])
    with caplog.at_level(logging.WARNING):
        assert read_trace(path) == [FOUNDING]
    assert "line 2" in caplog.text


@pytest.mark.parametrize("broken", [b'{"turn": 1', b"[1]", b"\xff"])
def test_a_broken_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path, broken: bytes) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(line_of(FOUNDING) + b"\n" + broken + b"\n" + line_of(FOUNDING))
    with pytest.raises(ValueError, match="line 3"):
        read_trace(path)


def test_a_turn_becomes_a_flow() -> None:
    (flow,) = flows_of(line_of(FOUNDING))
    assert (flow.dialect, flow.state, flow.source) == ("openai-chat", State.DONE, "file")
    assert flow.started == STARTED - 1.5 and flow.timing.ended == 1500.0
    transcript = Transcripts().of(flow)
    assert transcript.prompt.messages[0].text() == "x\u2028y"
    assert transcript.answer.choices[0].text() == "Hi"
    assert transcript.answer.certainty.mean_logprob == -0.5
    told = record_of(flow)
    assert {**told, "turn": 3} == FOUNDING
    assert flows_of(flow_to_line(flow, transcript))[0].request.url == flow.request.url


def test_tokens_that_stand_beside_the_response_only_are_put_back() -> None:
    """Some recorders take them out of the response."""
    plain = document({"role": "assistant", "content": "Hi"})
    entries = [entry("Hi", -0.5)]
    (flow,) = flows_of(line_of({**FOUNDING, "response": plain, "logprobs": entries, "prompt_token_ids": [1, 2]}))
    told = record_of(flow)
    assert told["logprobs"] == entries and told["completion_token_ids"] == [4]
    assert told["prompt_token_ids"] == [1, 2]
    assert flattened(told["response"])["per_token_logps"] == [-0.5]


@pytest.mark.parametrize(
    "flow",
    [
        answered(chat_flow(), b'{"error": {"message": "slow down"}}', 429),
        answered(chat_flow(), b"<html>", 502, "text/html"),
        finish(chat_flow(), Reason.UPSTREAM_UNREACHABLE),
        finish(stream(respond(chat_flow()), events(chunk({"content": "a"}, [entry("a")]), done=False)), Reason.TIMEOUT),
        done_chat(chunks=events(chunk({"content": "a"}, [entry("a")]), {"error": "no"})),
        done_chat(chunks=events(chunk({"content": "a"}, [entry("a")], "stop", token_ids=[1, 2]))),
    ],
    ids=["429", "502", "unreachable", "broken off", "an error in the middle", "ids that do not fit"],
)
def test_what_is_written_of_a_flow_is_written_again_of_what_was_read(flow: Flow) -> None:
    first = record_of(flow)
    (back,) = flows_of(line_of(first))
    assert back.state is (State.DONE if flow.state is State.DONE else State.FAILED)
    assert record_of(back) == {**first, "timestamp": pytest.approx(first["timestamp"])}


def test_every_turn_of_the_captures_is_written_again_as_it_was() -> None:
    flows = [flow for flow in capture_flows() if is_turn(flow)]
    line = Trace().lines(flows, Transcripts(limit=1))
    lines = [line(flow) for flow in flows]
    back = flows_of(*lines)
    again = Trace().lines(back, Transcripts(limit=1))
    for old, flow in zip(lines, back, strict=True):
        first, second = json.loads(old), json.loads(again(flow))
        # By then the answer is one of Chat Completions, which may have log-probabilities: [] says that there are none.
        first["logprobs"] = first["logprobs"] or []
        for key in ("turn", "timestamp", "latency_s"):
            assert first.pop(key) == pytest.approx(second.pop(key))
        assert second == first
    assert len(back) > 200


def test_lines_that_are_no_turns_are_named_and_passed_over() -> None:
    lines = [line_of(FOUNDING), b'{"turn": 1}\n', b"[]\n", line_of(FOUNDING)[:30]]
    found = list(read(BytesIO(b"".join(lines))))
    assert [type(item) for item in found] == [Flow, BrokenLine, BrokenLine, BrokenLine]
    assert '"latency_s" is missing' in str(found[1])


def test_values_of_wrong_kinds_are_taken_for_absent() -> None:
    record = {**FOUNDING, "latency_s": "long", "timestamp": float("nan"), "response": [1], "request": None}
    (flow,) = flows_of(line_of(record))
    assert (flow.started, bytes(flow.request.body)) == (0.0, b"{}")
    assert flow.response is not None and bytes(flow.response.body) == b"{}"


def test_the_first_whole_line_tells_the_format() -> None:
    recording = flow_to_line(done_chat("f1"), Transcripts().of(done_chat("f1")))
    assert [flow.id for flow in flows_of(b"\n", recording)] == ["f1"]
    assert [flow.id for flow in flows_of(b"\n", line_of(FOUNDING))] == ["turn-2"]
    (broken, flow) = read(BytesIO(line_of(FOUNDING)[50:] + line_of(FOUNDING)))
    assert isinstance(broken, BrokenLine) and isinstance(flow, Flow)
    assert list(read(BytesIO(b""))) == []
    assert len(list(read(BytesIO(b"nonsense\n" * 30)))) == 30
