"""OpenTelemetry: flows as spans of the GenAI conventions, tools below them, and a trace a conversation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats import EXPORTERS
from inspector.formats.redaction import Redaction
from inspector.model.flow import Capture, Flow, Mutation, Reason
from inspector.model.headers import Headers
from inspector.store.flows import FlowStore
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.formats.otlp_schema import TRACES
from tests.formats.schemas import check
from tests.handmade import STARTED, chat_chunks, chat_flow, done_chat, finish, respond, stream

Json = dict[str, Any]

CALL_ID = "call_0123456789"
TOOL = {"type": "function", "function": {"name": "Bash", "description": "Run it", "parameters": {"type": "object"}}}


def spans(flows: Iterable[Flow], known: Transcripts | None = None) -> list[Json]:
    """The spans of an export of these flows, each with its attributes as plain values."""
    exporter = EXPORTERS["otlp"]
    line = exporter.lines((), known or Transcripts(limit=1))
    found: list[Json] = []
    for data in map(line, flows):
        assert data.count(b"\n") == 1
        document = json.loads(data)
        check(document, TRACES)
        (resource,) = document["resourceSpans"]
        (scope,) = resource["scopeSpans"]
        found += [{**span, "attributes": plain(span["attributes"])} for span in scope["spans"]]
    return found


def plain(attributes: list[Json]) -> Json:
    """Attributes as a dict; integers as numbers."""
    values: Json = {}
    for each in attributes:
        ((kind, value),) = each["value"].items()
        assert each["key"] not in values
        values[each["key"]] = int(value) if kind == "intValue" else value
    return values


def asking(flow_id: str, messages: list[Json], *, after: float = 0.0, **body: Any) -> Flow:
    """A flow with this conversation, not answered."""
    flow = chat_flow(flow_id)
    flow.started = STARTED + after
    flow.request.body = Capture(orjson.dumps({"model": "gpt-5-mini", "stream": True, "messages": messages, **body}))
    return flow


def calling(flow_id: str, call: str = CALL_ID, after: float = 0.0, messages: list[Json] | None = None) -> Flow:
    """A flow whose answer calls a tool."""
    chunks = [chunk.replace(b"call_1", call.encode()) for chunk in chat_chunks((), tool=("Bash", '{"command":"ls"}'))]
    flow = asking(flow_id, messages or [{"role": "user", "content": "go"}], after=after)
    return finish(stream(respond(flow), chunks))


def answering(flow_id: str, call: str = CALL_ID, after: float = 3.0) -> Flow:
    """The turn that brings the result."""
    function = {"name": "Bash", "arguments": '{"command":"ls"}'}
    messages: list[Json] = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": call, "content": "a.txt"},
    ]
    return finish(stream(respond(asking(flow_id, messages, after=after)), chat_chunks()))


def test_a_flow_is_a_span_of_the_conventions() -> None:
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}]
    body: Json = {"temperature": 1, "max_completion_tokens": 50, "stop": "END", "n": 1, "tools": [TOOL]}
    flow = finish(stream(respond(asking("f1", messages, **body)), chat_chunks()))
    flow.marked, flow.comment, flow.seq = True, "why?", 3
    (span,) = spans([flow])
    said = span["attributes"]
    assert (span["name"], span["kind"]) == ("chat gpt-5-mini", 3)
    assert span["startTimeUnixNano"] == "1763712000250000000" and span["endTimeUnixNano"] == "1763712001250000000"
    assert (
        said.items()
        >= {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5-mini",
            "gen_ai.request.stream": True,
            "gen_ai.request.temperature": 1.0,
            "gen_ai.request.max_tokens": 50,
            "gen_ai.request.choice.count": 1,
            "gen_ai.request.stop_sequences": {"values": [{"stringValue": "END"}]},
            "gen_ai.response.model": "gpt-5-mini-1",
            "gen_ai.response.finish_reasons": {"values": [{"stringValue": "stop"}]},
            "gen_ai.response.time_to_first_chunk": 0.5,
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.usage.cache_read.input_tokens": 80,
            "server.address": "api.openai.com",
            "server.port": 443,
            "http.response.status_code": 200,
            "inspector.comment": "why?",
            "inspector.marked": True,
            "inspector.flow.number": "3",
        }.items()
    )
    assert json.loads(said["gen_ai.system_instructions"]) == [{"type": "text", "content": "Be short."}]
    assert json.loads(said["gen_ai.input.messages"]) == [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
    assert json.loads(said["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hello!"}], "finish_reason": "stop"}
    ]
    (tool,) = json.loads(said["gen_ai.tool.definitions"])
    assert (tool["name"], tool["parameters"]) == ("Bash", {"type": "object"})
    assert "status" not in span and "parentSpanId" not in span


def test_a_tool_is_a_span_between_its_call_and_its_result() -> None:
    first, tool, second = spans([calling("f1"), answering("f2")])
    assert (tool["name"], tool["kind"], tool["parentSpanId"]) == ("execute_tool Bash", 1, first["spanId"])
    assert first["traceId"] == tool["traceId"] == second["traceId"]
    assert tool["startTimeUnixNano"] == first["endTimeUnixNano"]
    assert tool["endTimeUnixNano"] == second["startTimeUnixNano"]
    assert tool["attributes"] == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "Bash",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": CALL_ID,
        "gen_ai.tool.call.arguments": '{"command":"ls"}',
        "gen_ai.tool.call.result": "a.txt",
    }
    assert second["attributes"]["gen_ai.conversation.id"] == "f1"


def test_a_tool_is_told_of_once_though_its_result_stays_in_the_history() -> None:
    found = spans([calling("f1"), answering("f2"), answering("f3", after=9)])
    assert [span["kind"] for span in found] == [3, 1, 3, 3]
    assert len({span["traceId"] for span in found}) == 1
    assert len({span["spanId"] for span in found}) == 4


def test_ids_that_many_conversations_have_do_not_tie_them_together() -> None:
    found = spans([calling("f1", "call_1"), answering("f2", "call_1")])
    assert [span["kind"] for span in found] == [3, 1, 3]
    assert found[0]["traceId"] == found[1]["traceId"] != found[2]["traceId"]


def test_a_session_that_the_client_names_is_a_trace() -> None:
    one, other, alone = done_chat("f1"), done_chat("f2"), done_chat("f3")
    for flow in (one, other):
        flow.request.headers = Headers([*flow.request.headers, ("x-claude-code-session-id", "0123456789abcdef0123")])
    found = spans([one, other, alone])
    assert found[0]["traceId"] == found[1]["traceId"] != found[2]["traceId"]
    assert found[0]["attributes"]["gen_ai.conversation.id"] == "0123456789abcdef0123"


def test_where_lanes_are_known_a_lane_is_a_trace() -> None:
    store, known = FlowStore(), Transcripts()
    lanes = Lanes(store, known)
    question: Json = {"role": "user", "content": "Fix the parser"}
    answer: Json = {"role": "assistant", "content": "Hello!"}
    first = finish(stream(respond(asking("f1", [question])), chat_chunks()))
    more = [question, answer, {"role": "user", "content": "And now the tests"}]
    second = finish(stream(respond(asking("f2", more, after=5)), chat_chunks()))
    other = finish(
        stream(respond(asking("f3", [{"role": "user", "content": "Quite another"}], after=6)), chat_chunks())
    )
    for flow in (first, second, other):
        store.add(flow)
    while lanes.pending or not lanes.revision:
        lanes.update()
    found = spans([first, second, other], known)
    assert found[0]["traceId"] == found[1]["traceId"] != found[2]["traceId"]
    assert found[1]["attributes"]["gen_ai.conversation.id"] == "f1"


def test_a_replay_is_linked_to_its_original() -> None:
    replay = done_chat("f2")
    replay.parent = "f1"
    original, again = spans([done_chat("f1"), replay])
    (link,) = again["links"]
    assert (link["traceId"], link["spanId"]) == (original["traceId"], original["spanId"])
    assert again["traceId"] == original["traceId"]


def test_ids_are_the_same_in_every_export() -> None:
    flows = [calling("f1"), answering("f2")]
    assert spans(flows) == spans(flows)


@pytest.mark.parametrize(
    ("reason", "status", "error"),
    [
        (Reason.DONE, 429, "429"),
        (Reason.CLIENT_GONE, 200, "client_gone"),
        (Reason.UPSTREAM_RESET, 200, "upstream_reset"),
    ],
)
def test_a_failure_is_told(reason: Reason, status: int, error: str) -> None:
    flow = finish(stream(respond(chat_flow(), status), chat_chunks()), reason)
    flow.error = "it went wrong"
    (span,) = spans([flow])
    assert span["status"] == {"code": 2, "message": "it went wrong"}
    assert span["attributes"]["error.type"] == error


def test_what_asks_no_model_is_a_span_of_http() -> None:
    flow = done_chat()
    flow.dialect, flow.request.method, flow.request.url = "raw", "GET", "https://h.test/a/b?key=abcdefghijklmnopqrst"
    (span,) = spans([flow])
    assert span["name"] == "GET /a/b"
    assert not any(key.startswith("gen_ai.") for key in span["attributes"] if key != "gen_ai.conversation.id")
    assert span["attributes"]["url.full"] == "https://h.test/a/b?key=abcd...qrst"


def test_a_live_flow_ends_where_it_is() -> None:
    (span,) = spans([stream(respond(chat_flow()), chat_chunks(usage=None, finish=None))])
    assert int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) == 510_000_000


def test_keys_in_what_was_said_can_be_hidden() -> None:
    key = "sk-ant-0123456789abcdefghijklmnop"
    flow = done_chat(prompt=f"my key:\n{key}")
    flow.comment = key
    line = EXPORTERS["otlp"].lines((), Transcripts(limit=1))
    assert key.encode() in line(flow) and key.encode() not in Redaction().line(line)(flow)


def test_who_changed_it_is_told() -> None:
    flow = done_chat()
    flow.mutations += [Mutation("body", "hand"), Mutation("credential", "config")]
    (span,) = spans([flow])
    assert {"stringValue": "hand"} in span["attributes"]["inspector.changed_by"]["values"]


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60), st.text(max_size=30), st.text(max_size=30), st.floats(-1e12, 1e12))
def test_whatever_a_flow_holds_the_line_is_valid(body: bytes, text: str, url: str, at: float) -> None:
    flow = respond(chat_flow(text))
    flow.request.url, flow.comment, flow.agent, flow.started = url, text, text, at
    flow.request.body = Capture(body)
    assert len(spans([finish(stream(flow, [body])), done_chat("g")])) == 2


def test_recorded_traffic_is_valid() -> None:
    flows = list(islice(capture_flows(), 60))
    found = [span for span in spans(flows) if span["kind"] == 3]
    assert [span["attributes"]["inspector.flow.id"] for span in found] == [flow.id for flow in flows]
