"""MCP over HTTP: whose requests are its own, what they ask, and what servers answer."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import mcp_types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector import dialects
from inspector.dialects.mcp import Mcp
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Growing, Media, Message, Other, Part, Text, Tool, ToolCall, ToolResult, Transcript
from tests.dialects.recorded import Json, Recorded, parameters, pieces, read, recorded

DIALECT = Mcp()
RECORDED = recorded("mcp")
BOTH = "application/json, text/event-stream"


def asked(url: str = "http://x/mcp", method: str = "POST", **headers: str) -> Request:
    """A request to that address."""
    return Request(method, url, Headers([(name.replace("_", "-"), value) for name, value in headers.items()]))


def text(content: str) -> Text:
    """A text."""
    return Text(Growing(content))


@pytest.mark.parametrize(
    ("request_", "ours"),
    [
        (asked(accept=BOTH), True),
        (asked(accept="*/*"), True),
        (asked("https://mcp.example.com/", accept=BOTH), True),
        (asked("https://x/api/MCP/v2", accept=BOTH), True),
        (asked("https://x/sse", accept=BOTH), True),
        (asked("https://x/rpc", accept=BOTH, mcp_protocol_version="2025-06-18"), True),
        (asked("https://x/rpc", "DELETE", Mcp_Session_Id="s"), True),
        (asked(method="GET", accept="text/event-stream"), True),
        (asked("https://x/sse?k=1", "GET", accept="text/event-stream"), True),
        (asked("https://x/messages/?session_id=9"), True),
        (asked("https://x/message?a=b&sessionId=9"), True),
        (asked("https://x/api", accept=BOTH), False),
        (asked("https://gitmcp.io/docs", accept=BOTH), True),
        (asked("https://x/mcpower", accept="*/*"), False),
        (asked("https://x/rpc?to=/mcp", accept=BOTH), False),
        (asked(method="GET", accept="text/html"), False),
        (asked("https://x/.well-known/oauth-protected-resource/mcp", "GET", accept="application/json"), False),
        (asked(method="OPTIONS", accept=BOTH, mcp_session_id="s"), False),
    ],
)
def test_whose_requests_these_are(request_: Request, ours: bool) -> None:
    assert DIALECT.matches(request_) is ours
    assert (dialects.detect(request_).name == "mcp") is ours


def test_other_apis_keep_their_own() -> None:
    chat = asked("https://x/v1/chat/completions", accept=BOTH, mcp_protocol_version="2025-06-18")
    assert dialects.detect(chat).name == "openai-chat"


def prompt_parts(message: Any) -> list[Message]:
    """What a posted body asks."""
    return DIALECT.prompt(asked(), json.dumps(message).encode()).messages


@pytest.mark.parametrize(
    ("method", "params", "parts"),
    [
        (
            "initialize",
            {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}},
            [text("initialize c 1, protocol 2025-11-25"), Other("params", {"capabilities": {}})],
        ),
        ("tools/list", {"_meta": {"x": 1}}, [text("tools/list")]),
        ("tools/list", {"cursor": "c"}, [text("tools/list"), Other("params", {"cursor": "c"})]),
        ("resources/read", {"uri": "file:///a"}, [text("resources/read file:///a")]),
        ("prompts/get", {"name": "p", "arguments": {}}, [text("prompts/get p"), Other("params", {"arguments": {}})]),
        ("notifications/cancelled", {"requestId": 3, "reason": "bored"}, [text("notifications/cancelled 3 bored")]),
        ("notifications/progress", {"progress": 1, "total": 2}, [text("notifications/progress 1/2")]),
    ],
)
def test_requests_and_notifications(method: str, params: Json, parts: list[Part]) -> None:
    assert prompt_parts({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) == [Message("user", parts)]


def test_a_call_and_a_batch() -> None:
    call: Json = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "add", "arguments": {"a": 1}}}
    wanted = ToolCall("7", "add", Growing('{"a":1}'), done=True)
    prompt = DIALECT.prompt(asked(), json.dumps(call).encode())
    assert (prompt.messages, prompt.stream) == ([Message("assistant", [wanted])], False)
    assert prompt.parameters == {"id": 7, "method": "tools/call", "params": call["params"]}
    both = prompt_parts([call, call, {"method": "notifications/initialized"}])
    assert both == [Message("assistant", [wanted, wanted]), Message("user", [text("notifications/initialized")])]


def test_what_a_client_answers() -> None:
    sampled = {"role": "assistant", "content": {"type": "text", "text": "42"}, "model": "m"}
    assert prompt_parts({"id": 1, "result": sampled}) == [Message("assistant", [text("42")])]
    assert prompt_parts({"id": 1, "result": {"action": "decline"}}) == [Message("user", [text("decline")])]
    given = {"action": "accept", "content": {"age": 3}}
    assert prompt_parts({"id": 1, "result": given}) == [Message("user", [Other("result", given)])]
    assert prompt_parts({"id": 1, "error": {"code": -1, "message": "no"}}) == [Message("user", [text("-1: no")])]


def test_what_has_no_body() -> None:
    listening = DIALECT.prompt(asked(method="GET"), b"")
    assert (listening.messages, listening.stream) == ([Message("user", [text("listen")])], True)
    assert DIALECT.prompt(asked(method="DELETE"), b"").messages == [Message("user", [text("end the session")])]
    for wrong in (b"", b"{}", b"[]", b"7", b'{"x": 1}'):
        with pytest.raises(ValueError, match=r"MCP|JSON|char 0"):
            DIALECT.prompt(asked(), wrong)


def answered(*messages: Any, to: Any = None, streamed: bool = False) -> Transcript:
    """What a server says, read as the answer to a posted message."""
    transcript = Transcript()
    if to is not None:
        transcript.prompt = DIALECT.prompt(asked(), json.dumps(to).encode())
    reader = DIALECT.reader(transcript)
    body = [json.dumps(message).encode() for message in messages]
    framed = [b"event: message\r\ndata: %s\r\n\r\n" % piece for piece in body] if streamed else body
    kind = "text/event-stream" if streamed else "application/json"

    class Into(Mcp):
        """Reads into the transcript that has the request."""

        def reader(self, _: Transcript) -> Any:
            return reader

    notes = read(Into(), framed, kind).notes
    transcript.notes += notes
    return transcript


CALL: Json = {"id": 7, "method": "tools/call", "params": {"name": "add"}}


@pytest.mark.parametrize(
    ("result", "parts"),
    [
        (
            {"content": [{"type": "text", "text": "3"}, {"type": "text", "text": "4"}]},
            [ToolResult("7", "3\n4", name="add")],
        ),
        (
            {"content": [{"type": "text", "text": "no"}], "isError": True},
            [ToolResult("7", "no", is_error=True, name="add")],
        ),
        (
            {"content": [{"type": "text", "text": "3"}], "structuredContent": {"result": 3}},
            [ToolResult("7", "3", name="add")],
        ),
        ({"content": [], "structuredContent": {"a": 3}}, [ToolResult("7", '{"a":3}', name="add")]),
        (
            {"content": [{"type": "text", "text": "see"}], "structuredContent": {"a": 3}},
            [ToolResult("7", "see", name="add"), Other("structuredContent", {"a": 3})],
        ),
        (
            {
                "content": [
                    {"type": "image", "mimeType": "image/png", "data": "AAAA"},
                    {"type": "resource_link", "uri": "file:///a", "name": "a"},
                    {"type": "resource", "resource": {"uri": "b", "text": "words"}},
                    {"type": "resource", "resource": {"uri": "b", "blob": "AAAA", "mimeType": "x/y"}},
                    {"type": "odd"},
                ]
            },
            [
                ToolResult("7", "words", name="add"),
                Media("image", "image/png", size=3),
                Media("file", uri="file:///a"),
                Media("file", "x/y", "b", 3),
                Other("odd", {"type": "odd"}),
            ],
        ),
    ],
)
def test_what_a_tool_gave_back(result: Json, parts: list[Part]) -> None:
    for streamed in (False, True):
        transcript = answered({"jsonrpc": "2.0", "id": 7, "result": result}, to=CALL, streamed=streamed)
        assert transcript.answer.choices == [Message("tool", parts)]
        assert (transcript.answer.complete, transcript.notes, transcript.answer.error) == (True, [], None)


@pytest.mark.parametrize(
    ("result", "parts"),
    [
        ({"resources": [{"uri": "file:///a"}]}, [text("1 resource: file:///a")]),
        ({"tools": []}, [text("no tools")]),
        ({"contents": [{"uri": "a", "text": "Hi"}]}, [text("Hi")]),
        ({"messages": [{"role": "user", "content": {"type": "text", "text": "Hi"}}]}, [text("user: Hi")]),
        ({"completion": {"values": ["a", "b"]}}, [text("a, b")]),
        ({}, []),
        ({"task": {"taskId": "t"}, "_meta": {}}, [Other("result", {"task": {"taskId": "t"}})]),
        (
            {
                "resultType": "input_required",
                "inputRequests": {"q": {"method": "elicitation/create", "params": {"message": "Who?"}}},
            },
            [text("elicitation/create Who?")],
        ),
        (
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}, "prompts": {}},
                "serverInfo": {"name": "Wiki", "version": "2"},
                "instructions": "Ask.",
            },
            [text("Wiki 2, protocol 2025-11-25: tools, prompts"), text("Ask.")],
        ),
    ],
)
def test_other_results(result: Json, parts: list[Part]) -> None:
    transcript = answered({"id": "a", "result": result}, to={"id": "a", "method": "x/y"})
    assert transcript.answer.choices == [Message("tool", parts, result.get("resultType"))]
    assert (transcript.answer.complete, transcript.notes) == (True, [])
    assert transcript.answer.model == ("Wiki" if "serverInfo" in result else "")


def test_listed_tools_are_declared() -> None:
    tools = [{"name": "add", "description": "adds", "inputSchema": {"type": "object"}}, {"name": "sub"}]
    transcript = answered({"id": 1, "result": {"tools": tools}}, to={"id": 1, "method": "tools/list"})
    assert transcript.prompt.tools == [Tool("add", "adds", {"type": "object"}), Tool("sub")]
    assert transcript.prompt.messages == [Message("user", [text("tools/list")])]
    assert transcript.answer.choices == [Message("tool", [text("2 tools: add, sub")])]


def test_a_stream_with_all_that_a_server_says_meanwhile() -> None:
    log = {"level": "info", "logger": "w", "data": {"msg": "working", "extra": None}}
    sampling = {"messages": [{"role": "user", "content": {"type": "text", "text": "6*7?"}}], "maxTokens": 9}
    said = [
        {
            "method": "notifications/progress",
            "params": {"progressToken": 7, "progress": 1, "total": 4, "message": "on"},
        },
        {"method": "notifications/message", "params": log},
        {"id": 1, "method": "sampling/createMessage", "params": sampling},
        {"id": 7, "result": {"content": [{"type": "text", "text": "42"}]}},
        {"method": "notifications/tools/list_changed"},
    ]
    transcript = answered(*said, to=CALL, streamed=True)
    assert transcript.answer.choices[0].parts == [
        text("notifications/progress 1/4 on"),
        text("notifications/message info w: working"),
        text("sampling/createMessage 6*7?"),
        Other("params", sampling),
        ToolResult("7", "42", name="add"),
        text("notifications/tools/list_changed"),
    ]
    assert transcript.answer.complete
    assert not answered(*said[:3], to=CALL, streamed=True).answer.complete


def test_when_an_answer_is_whole() -> None:
    both = [{"id": 1, "method": "ping"}, {"id": "1", "method": "ping"}, {"method": "notifications/initialized"}]
    assert not answered({"id": 1, "result": {}}, to=both, streamed=True).answer.complete
    assert answered([{"id": 1, "result": {}}, {"id": "1", "result": {}}], to=both).answer.complete
    assert answered(to={"method": "notifications/initialized"}).answer.complete
    assert not answered(to=CALL).answer.complete
    listening = answered({"method": "notifications/message", "params": {"level": "info", "data": "x"}}, streamed=True)
    assert listening.answer.complete


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"id": 7, "error": {"code": -32602, "message": "Unknown tool"}}, "-32602: Unknown tool"),
        ({"id": None, "error": {"code": -32600, "message": "Session not found"}}, "-32600: Session not found"),
        ({"error": "invalid_token", "error_description": "x"}, "invalid_token"),
        ({"id": 7, "error": {"data": 1}}, '{"data":1}'),
    ],
)
def test_errors(body: Json, error: str) -> None:
    transcript = answered(body, to=CALL)
    assert (transcript.answer.error, transcript.notes) == (error, [])


def test_odd_bodies() -> None:
    plain = read(DIALECT, [b"Session not found"], "text/plain")
    assert (plain.answer.choices, plain.notes) == ([Message("tool", [text("Session not found")])], [])
    legacy = read(
        DIALECT, [b"event: endpoint\r\ndata: /messages/?session_id=1\r\n\r\n: ping\r\n\r\nid: 4\r\ndata:\r\n\r\n"]
    )
    assert (legacy.answer.choices, legacy.notes) == ([Message("tool", [text("endpoint /messages/?session_id=1")])], [])
    odd = read(DIALECT, [b'data: {"x":1}\n\ndata: {\n\n'])
    assert odd.notes[0] == "a message that is neither a request nor a response"
    assert len(odd.notes) == 2


KEYS = "id method params result error content tools capabilities messages role type text data name arguments uri"
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.sampled_from(["tools/call", "text", "initialize"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(KEYS.split()), values, max_size=6))
@settings(max_examples=60, deadline=None)
def test_nothing_raises_on_messages_of_any_shape(message: Json) -> None:
    transcript = answered(message, to=CALL, streamed=True)
    assert set(transcript.notes) <= {"a message that is neither a request nor a response"}
    with contextlib.suppress(ValueError):
        DIALECT.prompt(asked(), json.dumps(message).encode())


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recordings(recording: Recorded) -> None:
    assert dialects.detect(recording.asked).name == "mcp"
    assert recording.request is not None
    prompt = DIALECT.prompt(recording.asked, recording.request)
    assert len(prompt.messages) == 1
    transcript = read(DIALECT, [recording.response], recording.content_type)
    assert (transcript.notes, transcript.answer.complete, transcript.answer.error) == ([], True, None)
    size = len(recording.response)
    for cuts in ([1], [size // 3, size // 2], range(0, size, 7)):
        assert read(DIALECT, pieces(recording.response, cuts)) == transcript
    last = [line for line in recording.response.split(b"\r\n") if line.startswith(b"data: ")][-1]
    result = json.loads(last.removeprefix(b"data: "))["result"]
    match prompt.parameters["method"]:
        case "tools/list":
            theirs = mcp_types.ListToolsResult.model_validate(result)
            assert [tool.name for tool in transcript.prompt.tools] == [tool.name for tool in theirs.tools]
        case "initialize":
            assert transcript.answer.model == mcp_types.InitializeResult.model_validate(result).server_info.name
        case "tools/call":
            called = mcp_types.CallToolResult.model_validate(result)
            (block,) = called.content
            assert isinstance(block, mcp_types.TextContent)
            given_back = transcript.answer.choices[0].parts[-1]
            assert isinstance(given_back, ToolResult)
            assert (given_back.content, given_back.is_error) == (block.text, called.is_error)
