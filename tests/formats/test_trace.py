"""Training traces: what is written of a turn, whatever API it spoke and however it ended."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats.trace import Trace, is_turn, turn_record
from inspector.model.flow import Capture, End, Flow, Reason, Response
from inspector.model.headers import Headers
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.dialects.recorded import payloads, sse
from tests.formats.traces import (
    KEYS,
    answered,
    assembled,
    chunk,
    document,
    entry,
    events,
    flattened,
    founding_read,
    record_of,
)
from tests.handmade import STARTED, chat_flow, done_chat, finish, respond, stream

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "Bash", "arguments": '{"command":'}}
MORE = {"index": 0, "function": {"arguments": ' "ls"}'}}
USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
STREAM = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning": "Hm"}, [entry("Hm", -1.5)]),
    chunk({"content": "He\u2028"}, [entry("He\u2028", -0.5, token_id=11)]),
    chunk({"content": "y"}, [entry("y", -0.125, token_id=12)]),
    chunk({"tool_calls": [CALL]}, [entry('{"', -2.0)]),
    chunk({"tool_calls": [MORE]}),
    chunk({}, None, "tool_calls"),
    {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m-1", "choices": [], "usage": USAGE},
]


def test_a_stream_is_written_as_the_founding_proxy_writes_it() -> None:
    record = record_of(done_chat(chunks=events(*STREAM)))
    assert list(record) == KEYS
    assert record["response"] == assembled(STREAM)
    told = {key: record[key] for key in flattened(record["response"])}  # type: ignore[literal-required]
    assert told == flattened(assembled(STREAM))
    assert record["response"]["usage"] == USAGE
    assert record["completion_tokens"] == ["Hm", "He\u2028", "y", '{"']
    assert (record["turn"], record["finish_reason"]) == (1, "tool_calls")
    assert record["request"]["messages"] == [{"role": "user", "content": "Say hello"}]
    assert record["latency_s"] == pytest.approx((580 - 1.5) / 1000)
    assert record["timestamp"] == pytest.approx(STARTED + 0.58)


def test_the_usage_and_the_name_need_not_stand_in_the_last_chunk() -> None:
    chunks = [chunk({"content": "a"}), {**chunk({}, None, "stop"), "usage": USAGE}, {"choices": [], "usage": None}]
    response = record_of(done_chat(chunks=events(*chunks)))["response"]
    assert (response["id"], response["model"], response["usage"]) == ("chatcmpl-1", "m-1", USAGE)


def test_several_choices_are_in_the_response_and_the_first_in_the_lists() -> None:
    chunks = [chunk({"content": word}, [entry(word)], "stop", index=index) for index, word in ((2, "c"), (0, "a"))]
    record = record_of(done_chat(chunks=events(*chunks)))
    assert record["response"] == {**assembled(chunks)}
    assert [choice["index"] for choice in record["response"]["choices"]] == [0, 2]
    assert record["completion_tokens"] == ["a"]


def test_a_document_is_kept_as_it_came() -> None:
    body = document({"role": "assistant", "content": "Hi"}, [entry("Hi", -0.5)], new_field=[1])
    record = record_of(answered(chat_flow(), json.dumps(body).encode()))
    assert list(record) == KEYS
    assert record["response"] == body
    assert record["logprobs"] == body["choices"][0]["logprobs"]["content"]
    assert {key: record[key] for key in flattened(body)} == flattened(body)  # type: ignore[literal-required]


def test_an_answer_without_log_probabilities_has_empty_lists() -> None:
    record = record_of(done_chat())
    assert (record["logprobs"], record["completion_tokens"], record["completion_token_ids"]) == ([], [], [])
    assert "logprobs" not in record["response"]["choices"][0]


def test_thoughts_and_refusals_are_tokens_too() -> None:
    """DeepSeek's `reasoning_content`, and OpenAI's `refusal`."""
    logprobs = {"content": [entry("a")], "refusal": [entry("no")], "reasoning_content": [entry("hm")]}
    body = document({"role": "assistant", "content": "a", "refusal": "no"})
    body["choices"][0]["logprobs"] = logprobs
    assert record_of(answered(chat_flow(), json.dumps(body).encode()))["completion_tokens"] == ["hm", "a", "no"]
    chunks = [
        chunk({"reasoning_content": "hm"}, logprobs={"content": None, "reasoning_content": [entry("hm")]}),
        chunk({"refusal": "no"}, None, "stop", logprobs={"content": None, "refusal": [entry("no")]}),
    ]
    record = record_of(done_chat(chunks=events(*chunks)))
    assert record["completion_tokens"] == ["hm", "no"]
    choice = record["response"]["choices"][0]
    assert choice["logprobs"] == {"reasoning_content": [entry("hm")], "refusal": [entry("no")]}
    assert choice["message"] == {"role": "assistant", "reasoning": "hm", "refusal": "no"}


@pytest.mark.parametrize(
    ("entries", "beside"),
    [
        ([entry("a", token_id=7), entry("b", token_id=8)], {}),
        ([entry("token_id:7"), entry("token_id:8")], {}),
        ([entry("a"), entry("b")], {"token_ids": [7, 8]}),
        ([entry("a", id=7), entry("b", id=8)], {}),
        ([entry("a", token_id=7), entry("b")], {"token_ids": [7, 8]}),
    ],
    ids=["a key", "for the text", "a list beside", "llama.cpp", "some here, all there"],
)
def test_token_ids_in_every_form(entries: list[dict[str, Any]], beside: dict[str, Any]) -> None:
    whole = document({"role": "assistant", "content": "ab"}, entries, **beside)
    halves = [{name: numbers[at : at + 1] for name, numbers in beside.items()} for at in range(2)]
    streamed = [chunk({"content": "ab"[at]}, [entries[at]], "stop" if at else None, **halves[at]) for at in range(2)]
    for flow in (answered(chat_flow(), json.dumps(whole).encode()), done_chat(chunks=events(*streamed))):
        record = record_of(flow)
        assert record["completion_token_ids"] == [7, 8]
        assert record["logprobs"] == entries
        assert flow.notes == []


def test_ids_that_do_not_fit_are_told_and_not_filled_up() -> None:
    flow = done_chat(chunks=events(chunk({"content": "ab"}, [entry("a"), entry("b")], "stop", token_ids=[1, 2, 3])))
    record = record_of(flow)
    assert (record["completion_token_ids"], len(record["per_token_logps"])) == ([1, 2, 3], 2)
    assert flow.notes == ["trace: 3 token ids for 2 log-probabilities"]


def test_log_probabilities_that_are_no_numbers_are_told() -> None:
    flow = done_chat(chunks=[b'data: {"choices": [{"delta": {"content": "ab"}, "logprobs": {"content": '
                             b'[{"token": "a", "logprob": NaN}, {"token": "b", "logprob": -1}]}}]}\n\n'])  # fmt: skip
    record = record_of(flow)
    assert (record["completion_tokens"], record["per_token_logps"]) == (["a", "b"], [-1.0])
    assert flow.notes == ["trace: 1 log-probabilities for 2 tokens"]


def test_the_numbers_of_the_prompt_where_they_are_known() -> None:
    first = {**chunk({"content": "a"}), "prompt_token_ids": [5, 6]}
    assert record_of(done_chat(chunks=events(first, chunk({}, None, "stop"))))["prompt_token_ids"] == [5, 6]
    beside = document({"role": "assistant", "content": "a"}, prompt_token_ids=[5, 6])
    record = record_of(answered(chat_flow(), json.dumps(beside).encode()))
    assert list(record) == [*KEYS, "prompt_token_ids"] and record["prompt_token_ids"] == [5, 6]


RESPONSES: list[dict[str, Any]] = [
    {"type": "response.created", "response": {"id": "resp_1", "model": "gpt-x", "status": "in_progress"}},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {"id": "msg_1", "type": "message", "role": "assistant", "content": []},
    },
    {
        "type": "response.content_part.added",
        "output_index": 0,
        "content_index": 0,
        "item_id": "msg_1",
        "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
    },
    {
        "type": "response.output_text.delta",
        "output_index": 0,
        "content_index": 0,
        "item_id": "msg_1",
        "delta": "Hi",
        "logprobs": [{"token": "Hi", "logprob": -0.5, "top_logprobs": [{"token": "Yo", "logprob": -1.5}]}],
    },
    {
        "type": "response.completed",
        "response": {
            "id": "resp_1",
            "model": "gpt-x",
            "status": "completed",
            "usage": {"input_tokens": 9, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 1}},
        },
    },
]


def test_the_responses_api_is_written_in_the_same_shape() -> None:
    flow = done_chat(chunks=[sse(*RESPONSES)])
    flow.dialect = "openai-responses"
    record = record_of(flow)
    assert list(record) == KEYS
    (choice,) = record["response"]["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hi"}
    assert (record["response"]["id"], record["response"]["object"]) == ("resp_1", "chat.completion")
    assert (choice["finish_reason"], record["finish_reason"]) == ("stop", "stop")
    assert record["response"]["usage"] == {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "total_tokens": 11,
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    assert (record["completion_tokens"], record["per_token_logps"]) == (["Hi"], [-0.5])
    assert record["logprobs"] == choice["logprobs"]["content"]
    assert record["logprobs"] is not None
    assert {"token": "Yo", "logprob": -1.5, "bytes": [89, 111]} in record["logprobs"][0]["top_logprobs"]


def test_the_messages_api_has_no_log_probabilities() -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "Hi"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
    ]
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content}
    flow = answered(chat_flow(), orjson.dumps({**body, "stop_reason": "tool_use", "usage": {"input_tokens": 3}}))
    flow.dialect = "anthropic-messages"
    record = record_of(flow)
    assert (record["logprobs"], record["completion_tokens"]) == (None, [])
    (choice,) = record["response"]["choices"]
    (call,) = choice["message"].pop("tool_calls")
    assert choice["message"] == {"role": "assistant", "content": "Hi", "reasoning": "hm"}
    assert (call["id"], call["function"]["name"]) == ("toolu_1", "Bash")
    assert json.loads(call["function"]["arguments"]) == {"command": "ls"}
    assert record["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (429, b'{"error": {"message": "slow down"}}', {"error": {"message": "slow down"}}),
        (502, b"<html>Bad Gateway</html>" + b"x" * 9000, {"error": ("<html>Bad Gateway</html>" + "x" * 9000)[:4000]}),
        (500, b"", {}),
        (400, b"[1]", {"error": "[1]"}),
        (200, b"<html>hello</html>", {"error": "<html>hello</html>"}),
        (200, b'{"error": "overloaded"}', {"error": "overloaded"}),
        (200, b"", {}),
    ],
)
@pytest.mark.parametrize("dialect", ["openai-chat", "openai-responses", "anthropic-messages"])
def test_an_upstream_that_fails(dialect: str, status: int, body: bytes, error: dict[str, Any]) -> None:
    flow = respond(chat_flow(), status, "text/html")
    flow.dialect = dialect
    record = record_of(finish(stream(flow, [body] if body else [])))
    assert list(record) == KEYS
    assert record["response"] == {
        "choices": [],
        "usage": None,
        "upstream_status": status,
        "upstream_error": error,
    }
    assert (record["finish_reason"], record["per_token_logps"]) == (None, [])


def test_an_upstream_that_is_not_there() -> None:
    """The client gets an answer of the proxy's own, which is none of the upstream's."""
    flow = chat_flow()
    flow.response = Response(502, Headers(()), body=Capture(b'{"type": "error"}'))
    flow.finish(250.0, Reason.UPSTREAM_UNREACHABLE, "upstream", "connection refused")
    record = record_of(flow)
    assert record["response"]["upstream_status"] is None
    assert record["response"]["upstream_error"] == {"error": "connection refused"}
    assert record["response"]["choices"] == [] and "partial" not in record
    assert record["timestamp"] == pytest.approx(STARTED + 0.25)


@pytest.mark.parametrize("reason", [Reason.CLIENT_GONE, Reason.UPSTREAM_RESET, Reason.TIMEOUT, Reason.DONE])
def test_what_came_of_a_broken_answer_is_written(reason: Reason) -> None:
    """Also of one that the upstream itself ends too early."""
    whole, cut = events(*STREAM[:3]), events(STREAM[3])[0][:40]
    record = record_of(finish(stream(respond(chat_flow()), [*whole[:-1], cut]), reason))
    assert list(record) == [*KEYS, "partial"] and record["partial"] is True
    assert record["response"] == assembled(STREAM[:3])
    assert record["per_token_logps"] == [-1.5, -0.5]


def test_a_document_that_breaks_off() -> None:
    body = json.dumps(document({"role": "assistant", "content": "Hi"}))[:-9].encode()
    record = record_of(finish(stream(respond(chat_flow(), 200, "application/json"), [body]), Reason.UPSTREAM_RESET))
    assert record["partial"] is True
    assert record["response"]["upstream_error"] == {"error": body.decode()}


def test_an_error_in_the_middle_of_a_stream() -> None:
    chunks = [*STREAM[:3], {"error": {"type": "server_error", "message": "no"}}]
    record = record_of(done_chat(chunks=events(*chunks, done=False)))
    said = {"upstream_status": 200, "upstream_error": {"error": "server_error: no"}}
    assert record["response"] == {**assembled(STREAM[:3]), **said}
    assert record["partial"] is True
    alone = record_of(done_chat(chunks=events(chunks[-1], done=False)))
    assert alone["response"] == {"choices": [], "usage": None, **said}


def test_what_the_upstream_said_is_written_not_what_the_client_got() -> None:
    flow = done_chat(chunks=events(*STREAM))
    flow.forwarded = flow.request.with_body(b'{"model": "other", "logprobs": true}')
    flow.delivered = Response(200, Headers([("content-type", "application/json")]), body=Capture(b'{"choices": []}'))
    record = record_of(flow)
    assert record["request"] == {"model": "other", "logprobs": True}
    assert record["response"] == assembled(STREAM)


def test_turns_are_counted_by_their_arrival() -> None:
    flows = [replace(done_chat(name), started=STARTED + at) for name, at in (("c", 3), ("a", 1), ("b", 2))]
    flows.insert(1, replace(done_chat("no turn"), dialect="raw", started=STARTED))
    line = Trace().lines(flows, Transcripts())
    assert [orjson.loads(line(flow))["turn"] for flow in flows if is_turn(flow)] == [3, 1, 2]
    assert line(flows[1]) == b""
    flows.append(replace(done_chat("d"), started=STARTED + 4))
    assert orjson.loads(line(flows[-1]))["turn"] == 4


def test_a_live_flow_is_written_as_far_as_it_has_come() -> None:
    record = record_of(stream(respond(chat_flow()), events(*STREAM[:3], done=False)))
    assert record["partial"] is True and record["completion_tokens"] == ["Hm", "He\u2028"]


def test_no_header_is_in_a_trace() -> None:
    flow = done_chat()
    line = Trace().lines([flow], Transcripts())(flow)
    assert b"sk-proj" not in line and b"uthorization" not in line


def test_bodies_that_json_can_hardly_hold() -> None:
    flow = done_chat(chunks=[b'data: {"choices": [{"delta": {"content": "\\ud800"}}], "id": "x"}\n\n'])
    flow.request = flow.request.with_body(b'{"big": 1%s, "x": "\\ud800"}' % (b"0" * 40))
    record = json.loads(Trace().lines([flow], Transcripts())(flow))
    assert record["request"] == {"big": 10**40, "x": "\ud800"}
    assert record["response"]["choices"][0]["message"]["content"] == "\ud800"

    flow = done_chat()
    flow.request = flow.request.with_body(b"not JSON")
    assert record_of(flow)["request"] == {}

    flow.request = flow.request.with_body(b'{"a":' * 980 + b"1" + b"}" * 980)
    record_of(flow)
    assert flow.notes == ["trace: the request or the answer is nested too deeply to be written"]


def test_the_founding_reader_reads_it(tmp_path: Path) -> None:
    """It takes U+2028 for the end of a line, and every other line end of Unicode."""
    words = "a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\x1dh\x1ei 👩‍👩‍👧"
    flow = done_chat(chunks=events(chunk({"content": words}, [entry(words)], "stop")))
    path = tmp_path / "trace.jsonl"
    path.write_bytes(Trace().lines([flow], Transcripts())(flow) * 2)
    records = founding_read(path)
    assert [record["completion_tokens"] for record in records] == [[words], [words]]
    assert records[0]["response"]["choices"][0]["message"]["content"] == words


def test_every_capture_with_log_probabilities() -> None:
    seen = set()
    for flow in capture_flows():
        if not is_turn(flow) or flow.response is None:
            continue
        body = bytes(flow.response.body)
        sent = payloads(body) if b"\ndata:" in body or body.startswith(b"data:") else documents(body)
        expected = [one for payload in sent for one in sent_entries(payload)]
        record = record_of(flow)
        assert record["per_token_logps"] == [one["logprob"] for one in expected]
        assert record["completion_tokens"] == [one["token"] for one in expected]
        if expected:
            seen.add(flow.dialect)
            if flow.dialect == "openai-chat":
                assert record["logprobs"] == expected
            assert record["logprobs"] == record["response"]["choices"][0]["logprobs"]["content"]
    assert seen == {"openai-chat", "openai-responses", "gemini"}


def documents(body: bytes) -> list[Any]:
    """One document, or one a line; nothing of what is no JSON."""
    try:
        return [orjson.loads(body or b"{}")]
    except orjson.JSONDecodeError:
        lines = [line for line in body.split(b"\n") if line.startswith(b"{")]
        return [orjson.loads(line) for line in lines]


def sent_entries(payload: Any) -> list[dict[str, Any]]:
    """The entries of one payload of a capture; a Responses stream says them once more when it is done."""
    if isinstance(payload, list):
        return [one for each in payload for one in sent_entries(each)]
    results = [candidate.get("logprobsResult") or {} for candidate in payload.get("candidates") or []]
    if chosen := [one for result in results for one in result.get("chosenCandidates") or []]:
        return [{"token": one["token"], "logprob": one["logProbability"]} for one in chosen]
    found = [
        one for choice in payload.get("choices") or [] for one in (choice.get("logprobs") or {}).get("content") or []
    ]
    return found + ((payload.get("logprobs") or []) if payload.get("type") == "response.output_text.delta" else [])


def test_every_stream_of_a_capture_is_assembled_as_the_founding_proxy_does() -> None:
    compared = 0
    for flow in capture_flows():
        if flow.dialect != "openai-chat" or flow.response is None or b"[DONE]" not in flow.response.body.data:
            continue
        sent = payloads(bytes(flow.response.body))
        choices = [choice for each in sent for choice in each.get("choices") or []]
        deltas = [choice.get("delta") or {} for choice in choices]
        calls = [call for delta in deltas for call in delta.get("tool_calls") or []]
        plain = all(delta.keys() <= {"role", "content", "tool_calls"} for delta in deltas)
        worded = all(isinstance(delta.get("content"), str | None) for delta in deltas)
        ordinary = worded and all(call.get("type", "function") == "function" and "index" in call for call in calls)
        if plain and ordinary and sent[-1].get("usage") and sent[-1].get("id") and sent[-1].get("model"):
            theirs, ours = assembled(sent), record_of(flow)["response"]
            assert {**ours, "usage": None} == {**theirs, "usage": None}
            compared += 1
    assert compared >= 10


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 5000), max_size=8))
def test_the_splitting_of_a_stream_changes_nothing(cuts: list[int]) -> None:
    data = b"".join(events(*STREAM))
    edges = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    told = record_of(done_chat(chunks=pieces))
    plain = record_of(done_chat(chunks=[data]))
    assert {**told, "latency_s": 0, "timestamp": 0} == {**plain, "latency_s": 0, "timestamp": 0}


NAMES = [
    "choices",
    "index",
    "delta",
    "message",
    "logprobs",
    "content",
    "token",
    "logprob",
    "token_ids",
    "usage",
    "error",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=14,
)


@settings(max_examples=200, deadline=None)
@given(
    sent=st.lists(st.dictionaries(st.sampled_from(["choices", "usage", "error", "type", "data"]), JSON), max_size=3),
    streamed=st.booleans(),
    status=st.sampled_from([200, 204, 500]),
    dialect=st.sampled_from(["openai-chat", "openai-responses", "anthropic-messages"]),
)
def test_no_answer_keeps_a_turn_from_being_written(
    sent: list[dict[str, Any]], streamed: bool, status: int, dialect: str
) -> None:
    body = b"".join(events(*sent)) if streamed else json.dumps(sent[0] if sent else sent).encode()
    flow = respond(chat_flow(), status, "text/event-stream" if streamed else "application/json")
    flow.dialect = dialect
    record = json.loads(Trace().lines([flow], Transcripts())(finish(stream(flow, [body]))))
    assert list(record)[: len(KEYS)] == KEYS
    assert isinstance(record["response"]["choices"], list)
    error = record["response"].get("upstream_error")
    assert error is None or isinstance(error, dict)


def test_a_flow_that_was_answered_before_it_was_sent() -> None:
    flow: Flow = replace(done_chat(), end=End(Reason.DONE, "hook"))
    flow.timing.forwarded = None
    assert turn_record(flow, 1, Transcripts())["latency_s"] == pytest.approx(0.54)
