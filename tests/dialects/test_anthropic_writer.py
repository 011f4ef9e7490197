"""Answers written for the Messages API, and whole ones with parts changed."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._anthropic_writer import AnthropicWriter
from inspector.dialects._fields import name_results, text_part
from inspector.dialects._pieces import pieces
from inspector.dialects._writing import Section
from inspector.dialects.anthropic import Anthropic
from inspector.model.edits import Edits
from inspector.model.message import (
    Answer,
    Growing,
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Refusal,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.dialects.messages_streams import (
    ASKED,
    RESULT,
    block_shape,
    call,
    check_stream,
    message_of,
    parts,
    plain_stream,
    read_events,
    sdk_message,
    shape,
    spoken,
    thoughts,
)
from tests.dialects.messages_streams import framed as plain_framed
from tests.dialects.recorded import Json, Recorded, parameters, payloads, read, recorded
from tests.upstreams import plain, response, upstream

DIALECT = Anthropic()
WRITER = AnthropicWriter()
DOCUMENTS = [
    recording for recording in recorded("anthropic-messages") if not recording.stream and recording.row["status"] == 200
]
PARTS: list[Part] = [
    thoughts("Let me see 👨‍👩‍👧 …", "c2ln"),
    Reasoning(encrypted="c2VhbGVk"),
    text_part("Two calls, 🇩🇪🇫🇷: é"),
    call("get_weather", '{"city": "Köln", "days": [1, 2]}', "toolu_a"),
    call("get_weather", "{}", "toolu_b"),
]


def answer(*written: Part, reason: str | None = None, usage: Usage | None = None) -> Answer:
    """An answer of these parts."""
    return Answer("msg_7", "claude-x", [Message("assistant", list(written), reason)], usage)


def whole(body: bytes) -> Message:
    """A document, by our reader."""
    return message_of(read(DIALECT, [body], "application/json"))


def same(theirs: Json, wanted: list[Part]) -> None:
    """That the SDK has exactly these parts."""
    assert [block_shape(block) for block in theirs["content"]] == [shape(part) for part in wanted]


@given(st.lists(parts, max_size=5), st.sampled_from([None, "end_turn", "max_tokens"]))
@settings(max_examples=100, deadline=None)
def test_the_sdk_reads_what_was_written(written: list[Part], reason: str | None) -> None:
    given_answer = answer(*written, reason=reason, usage=Usage(100, 20, 30, 50, 7))
    streamed = b"".join(WRITER.stream(given_answer, ASKED))
    document = WRITER.document(given_answer, ASKED)
    check_stream(streamed)
    calls = any(isinstance(part, ToolCall) for part in written)
    for body, message in ((streamed, message_of(read(DIALECT, [streamed]))), (document, whole(document))):
        theirs = sdk_message(body, streamed=body is streamed)
        same(theirs, written)
        assert [shape(part) for part in message.parts] == [shape(part) for part in written]
        assert (theirs["id"], theirs["model"], theirs["role"]) == ("msg_7", "claude-x", "assistant")
        assert theirs["stop_reason"] == message.finish_reason == (reason or ("tool_use" if calls else "end_turn"))
        usage = theirs["usage"]
        assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (20, 30, 20)
        assert (usage["cache_creation_input_tokens"], usage["output_tokens_details"]["thinking_tokens"]) == (50, 7)


@pytest.mark.anyio
@pytest.mark.parametrize("edited", [False, True])
async def test_the_sdk_over_the_wire(edited: bool) -> None:
    streamed = b"".join([*WRITER.stream(answer(*PARTS), ASKED)[:3], WRITER.keep_alive])
    streamed += b"".join(WRITER.stream(answer(*PARTS), ASKED)[3:])
    document, wanted = WRITER.document(answer(*PARTS), ASKED), list(PARTS)
    if edited:
        wanted[3] = call("get_weather", '{"city": "Bonn"}', "toolu_a")
        edits = Edits({3: wanted[3], 2: None}, added=[text_part("Done 🎉")])
        del wanted[2]
        wanted.append(text_part("Done 🎉"))
        document = WRITER.edit_document(document, edits)
        events = read_events([streamed])
        rewriter = WRITER.rewriter(events[:3])
        rewriter.edit(edits)
        passed = [(streamed[event.start : event.end], rewriter.feed(event)) for event in events[3:]]
        rest = [raw if given is None else b"".join(given) for raw, given in passed]
        streamed = b"".join([streamed[: events[2].end], *rest, *rewriter.close()])
    streaming = plain(response(streamed, "Content-Type: text/event-stream; charset=utf-8"))
    async with upstream(streaming) as server, client_of(server.url) as client:
        async with client.messages.stream(**ASKED) as stream:
            same((await stream.get_final_message()).model_dump(by_alias=True), wanted)
        kinds = [event.type async for event in await client.messages.create(stream=True, **ASKED)]
        assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    whole_answer = plain(response(document, "Content-Type: application/json"))
    async with upstream(whole_answer) as server, client_of(server.url) as client:
        message = await client.messages.create(**ASKED)
    same(message.model_dump(by_alias=True), wanted)
    assert message.stop_reason == "tool_use"


def client_of(url: str) -> anthropic.AsyncAnthropic:
    """A client of that server."""
    return anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (404, "not_found_error", anthropic.NotFoundError),
        (418, "invalid_request_error", anthropic.APIStatusError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (529, "overloaded_error", anthropic.InternalServerError),
    ],
)
async def test_the_sdk_raises_its_own_errors(status: int, kind: str, error: type[anthropic.APIStatusError]) -> None:
    body = WRITER.error(status, "slow down")
    served = response(body, "Content-Type: application/json", status=f"{status} X")
    async with upstream(plain(served)) as server, client_of(server.url) as client:
        with pytest.raises(error) as caught:
            await client.messages.create(**ASKED)
    assert caught.value.status_code == status
    assert caught.value.body == json.loads(body)
    transcript = read(DIALECT, [body], "application/json")
    assert transcript.answer.error == f"{kind}: slow down"


def test_an_answer_that_failed_ends_with_its_error() -> None:
    failed = answer(text_part("Hel"))
    failed.error = "overloaded_error: Overloaded"
    body = b"".join(WRITER.stream(failed, ASKED))
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        sdk_message(body, streamed=True)
    transcript = read(DIALECT, [body])
    assert (transcript.answer.error, transcript.answer.complete) == ("overloaded_error: Overloaded", False)
    failed.error = "something odd: happened"
    assert json.loads(WRITER.document(failed, ASKED))["error"] == {
        "type": "api_error",
        "message": "something odd: happened",
    }


def test_what_nobody_gave_is_made_up() -> None:
    body = b"".join(
        WRITER.stream(Answer(choices=[Message("assistant", [call("Bash", "", "")])]), {"model": "claude-y"})
    )
    theirs = sdk_message(body, streamed=True)
    assert theirs["id"].startswith("msg_")
    assert theirs["model"] == "claude-y"
    assert theirs["content"][0]["id"].startswith("toolu_")
    assert theirs["content"][0]["input"] == {}
    assert (theirs["usage"]["input_tokens"], theirs["usage"]["output_tokens"]) == (0, 0)
    check_stream(b"".join(WRITER.stream(Answer(), {})))


def test_text_comes_in_small_pieces_of_whole_graphemes() -> None:
    text = "👨‍👩‍👧 🇩🇪🇫🇷 e\u0301 and so on"
    events = payloads(b"".join(WRITER.stream(answer(text_part(text)), ASKED)))
    deltas = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert deltas == pieces(text)
    assert len(deltas) > 3


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Refusal(Growing("No")), {"type": "text", "text": "No"}),
        (Media("image", "image/png", size=9), {"type": "text", "text": "[image/png, 9 bytes]"}),
        (Media("image", uri="https://x/y"), {"type": "image", "source": {"type": "url", "url": "https://x/y"}}),
        (Media("file", uri="file_1"), {"type": "container_upload", "file_id": "file_1"}),
        (ToolResult("t", "plain [", is_error=True), {"content": "plain [", "is_error": True, "type": "tool_result"}),
        (ToolResult("t", '[{"type":"web"}]'), {"content": [{"type": "web"}], "type": "tool_result"}),
        (ToolResult("t", "[not json"), {"content": "[not json", "type": "tool_result"}),
        (call("f", "{broken"), {"type": "tool_use", "name": "f", "input": "{broken", "id": "toolu_1"}),
        (ToolCall("s", "search", Growing("{}"), "web_search_call"), {"type": "server_tool_use", "input": {}}),
        (ToolCall("s", "search", Growing("{}"), "mcp_tool_use"), {"type": "mcp_tool_use", "input": {}}),
    ],
)
def test_other_parts(part: Part, block: Json) -> None:
    (written,) = json.loads(WRITER.document(answer(part), ASKED))["content"]
    assert {name: written[name] for name in block} == block
    (began,) = [
        event["content_block"]
        for event in payloads(b"".join(WRITER.stream(answer(part), ASKED)))
        if event["type"] == "content_block_start"
    ]
    assert began["type"] == block["type"]


@given(st.data(), st.lists(parts, max_size=4), st.integers(0, 2))
@settings(max_examples=80, deadline=None)
def test_a_document_says_exactly_the_edited_message(data: st.DataObject, written: list[Part], indent: int) -> None:
    before = json.loads(WRITER.document(answer(*written), ASKED))
    body = json.dumps(before, indent=indent or None).encode()
    edits = Edits(
        data.draw(
            st.dictionaries(st.integers(0, len(written) - 1), st.none() | spoken, max_size=2) if written else none
        ),
        data.draw(st.lists(spoken, max_size=2)),
        data.draw(st.sampled_from([None, None, "refusal"])),
        data.draw(st.booleans()),
    )
    edited = WRITER.edit_document(body, edits)
    kept: list[Part | None] = [None for _ in written] if edits.final else list(written)
    for index, part in edits.replaced.items():
        kept[index] = part
    wanted = [part for part in kept if part is not None] + edits.added
    after = json.loads(edited)
    assert [unsealed(part) for part in whole(edited).parts] == [unsealed(part) for part in wanted]
    had, has = (any(isinstance(part, ToolCall) for part in found) for found in (written, wanted))
    same_reason = "tool_use" if has else "end_turn" if had or edits.final else before["stop_reason"]
    assert after["stop_reason"] == (edits.finish_reason or same_reason)
    assert {**after, "content": [], "stop_reason": ""} == {**before, "content": [], "stop_reason": ""}
    if not edits:
        assert edited == body


none: st.SearchStrategy[dict[int, Part | None]] = st.just({})


def unsealed(part: Part) -> object:
    """Thoughts without their signature, which an edit takes from them."""
    return ("thinking", str(part.content)) if isinstance(part, Reasoning) and not part.encrypted else shape(part)


def test_changed_thoughts_in_a_document_lose_their_signature() -> None:
    body = WRITER.document(answer(thoughts("Hm", "c2ln"), thoughts("So", "c2ln")), ASKED)
    edited = WRITER.edit_document(body, Edits({0: thoughts("Oh", "c2ln"), 1: thoughts("So", "c2ln")}))
    assert whole(edited).parts == [thoughts("Oh"), thoughts("So", "c2ln")]


def test_an_edit_keeps_every_other_byte_of_a_document() -> None:
    body = b'{ "id":"msg_1",\n "odd": 1.50, "content": [ {"text":"Hi \\u00fc","x":1e3, "type":"text"} ,'
    body += b'{"type":"tool_use", "id":"t","name":"f","input":{ "a" : 1.0 },"caller":{"type":"direct"}}]'
    body += b',"stop_reason":"tool_use","stop_sequence":"x","usage":{"output_tokens":3}}\n'
    edited = WRITER.edit_document(body, Edits({1: call("f", '{"a": 2}', "")}))
    assert edited == body.replace(b"1.0 }", b"2 }")
    edited = WRITER.edit_document(body, Edits({1: None}))
    assert edited.startswith(body[: body.index(b" ,{")])
    assert edited.endswith(b'],"stop_reason":"end_turn","stop_sequence":null,"usage":{"output_tokens":3}}\n')


@pytest.mark.parametrize(
    ("body", "edits", "words"),
    [
        (b'{"type":"error","error":{}}', Edits(), "not a message"),
        (b'{"content":[]}', Edits({0: None}), "the answer has 0 parts: there is no part 1"),
        (b'{"content":[]}', Edits(added=[call("f", "{broken")]), "the arguments of f are no JSON object"),
        (b"[]", Edits(), "expected a JSON object"),
    ],
)
def test_edits_that_do_not_fit_a_document(body: bytes, edits: Edits, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WRITER.edit_document(body, edits)


@pytest.mark.parametrize("recording", parameters(DOCUMENTS))
def test_in_a_recorded_document_only_the_edited_part_differs(recording: Recorded) -> None:
    before = whole(recording.response)
    assert WRITER.edit_document(recording.response, Edits()) == recording.response
    for index, part in enumerate(before.parts):
        edits = Edits({index: text_part("edited")}, finish_reason=before.finish_reason)
        after = whole(WRITER.edit_document(recording.response, edits))
        assert after.parts[index] == text_part("edited")
        after.parts[index] = part
        name_results([after])
        assert after == before


def test_blocks_of_the_servers_own_tools_pass_beside_an_edit() -> None:
    written: list[Part] = [ToolCall("srvtoolu_1", "web_search", Growing("{}"), "server_tool_use", True)]
    events = plain_stream([*written, Other("web_search_tool_result", RESULT), text_part("Found")], "end_turn")
    rewriter = WRITER.rewriter([])
    rewriter.edit(Edits({0: None}))
    came = read_events(plain_framed(events))
    body = b"".join(b"".join(given) for event in came if (given := rewriter.feed(event)) is not None)
    assert [event["index"] for event in payloads(body) if "index" in event] == [0, 0, 1, 1, 1, 1]


def test_the_pieces_of_a_request() -> None:
    body: dict[str, Any] = {
        "model": "claude-x",
        "system": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief"}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "1"}]},
            {"role": "user", "content": [{"type": "tool_result"}, {"type": "text", "text": "and"}]},
            7,
        ],
        "tools": [{"name": "Bash"}, {"type": "mcp_toolset", "mcp_server_name": "git"}, {}],
    }
    assert WRITER.sections(body) == [
        Section("setting", "model", ("model",)),
        Section("system", "system", ("system", 0)),
        Section("system", "system", ("system", 1)),
        Section("message", "user", ("messages", 0)),
        Section("message", "assistant", ("messages", 1)),
        Section("message", "tool result", ("messages", 2)),
        Section("message", "user", ("messages", 3)),
        Section("message", "message", ("messages", 4)),
        Section("tool", "Bash", ("tools", 0)),
        Section("tool", "git", ("tools", 1)),
        Section("tool", "tool", ("tools", 2)),
    ]
    assert WRITER.sections({"system": "Be brief"}) == [Section("system", "system", ("system",))]


def test_where_requests_go() -> None:
    assert WRITER.path("claude-x") == "/v1/messages"
    assert DIALECT.writer is not None
    (event,) = read_events([DIALECT.writer.keep_alive])
    assert (event.name, event.data) == ("ping", b'{"type": "ping"}')
