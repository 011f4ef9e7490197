"""Answers and requests written for Cohere's Chat API, and whole answers with parts changed."""

from __future__ import annotations

import json
from typing import Any

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._cohere_writer import CohereWriter
from inspector.dialects._fields import text_part
from inspector.dialects._writing import Section
from inspector.dialects.cohere import Cohere
from inspector.model.edits import Edits
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import (
    Answer,
    Growing,
    Media,
    Message,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
)
from tests.dialects.cohere_streams import (
    ASKED,
    CITATION,
    call,
    check_stream,
    joined,
    message_of,
    plain,
    read_events,
    sdk_client,
    sdk_events,
    shape,
    spoken,
    thoughts,
)
from tests.dialects.recorded import Json, read
from tests.upstreams import plain as served
from tests.upstreams import response, upstream

DIALECT = Cohere()
WRITER = CohereWriter()
OLD_ASKED = {"message": "Hi", "model": "command-r"}


def answer(*written: Part, reason: str | None = None, usage: Usage | None = None) -> Answer:
    """An answer of these parts."""
    return Answer("a-7", "command-x", [Message("assistant", list(written), reason)], usage)


def whole(body: bytes) -> Message:
    """A document, by our reader."""
    return message_of(read(DIALECT, [body], "application/json"))


def in_documents(parts: list[Part]) -> list[object]:
    """Parts in the order that a document has for them: its calls come last, citations are of the last text."""
    texts = [shape(part) for part in parts if not isinstance(part, ToolCall)]
    cited = [citation for part in parts for citation in getattr(part, "citations", [])]
    last = max((index for index, text in enumerate(texts) if text[0] == "text"), default=-1)  # type: ignore[index]
    said = [
        (*text[:2], cited if index == last else []) if text[0] == "text" else text  # type: ignore[index]
        for index, text in enumerate(texts)
    ]
    return [*said, *(shape(part) for part in parts if isinstance(part, ToolCall))]


def sdk_document(body: bytes) -> tuple[list[object], str]:
    """A document as the SDK reads it."""
    theirs = sdk_client(body, streamed=False).chat(**ASKED)
    blocks = theirs.message.content or []
    found: list[Any] = [
        (block.type, block.thinking) if block.type == "thinking" else (block.type, block.text, []) for block in blocks
    ]
    cited = [plain(citation) for citation in theirs.message.citations or []]
    texts = [index for index, part in enumerate(found) if part[0] == "text"]
    if texts:
        found[texts[-1]] = (*found[texts[-1]][:2], cited)
    for made in theirs.message.tool_calls or []:
        assert made.function is not None
        found.append(("call", made.id, made.function.name, json.loads(made.function.arguments or "")))
    return found, str(theirs.finish_reason)


@given(st.lists(spoken, max_size=5), st.sampled_from([None, "COMPLETE", "MAX_TOKENS"]))
@settings(max_examples=80, deadline=None)
def test_the_sdk_reads_what_was_written(written: list[Part], reason: str | None) -> None:
    made = answer(*written, reason=reason, usage=Usage(100, 20, 30, None, 7))
    calls = any(isinstance(part, ToolCall) for part in written)
    wanted = reason or ("TOOL_CALL" if calls else "COMPLETE")
    streamed, document = b"".join(WRITER.stream(made, ASKED)), WRITER.document(made, ASKED)
    check_stream(streamed)
    theirs, told, usage = sdk_events(streamed)
    assert (theirs, told) == ([shape(part) for part in written], wanted)
    assert (usage.tokens.input_tokens, usage.tokens.output_tokens, usage.cached_tokens) == (100, 20, 30)
    assert sdk_document(document) == (in_documents(written), wanted)
    transcript = read(DIALECT, [streamed])
    assert (transcript.answer.id, transcript.notes, transcript.answer.complete) == ("a-7", [], True)
    assert [shape(part) for part in message_of(transcript).parts] == [shape(part) for part in written]
    for read_usage in (transcript.answer.usage, read(DIALECT, [document], "application/json").answer.usage):
        assert read_usage is not None
        assert (read_usage.input_tokens, read_usage.reasoning_output_tokens) == (100, 7)


@pytest.mark.anyio
@pytest.mark.parametrize("edited", [False, True])
async def test_the_sdk_over_the_wire(edited: bool) -> None:
    wanted: list[Part] = [thoughts("Hm 👨‍👩‍👧"), text_part("Two calls", [CITATION]), call("f", '{"a": 1}', "f_1")]
    events = WRITER.stream(answer(*wanted), ASKED)
    document = WRITER.document(answer(*wanted), ASKED)
    streamed = b"".join([*events[:3], WRITER.keep_alive, *events[3:]])
    if edited:
        edits = Edits({1: None, 2: call("f", '{"a": 2}', "f_1")}, added=[text_part("Done 🎉")])
        came = read_events([streamed])
        rewriter = WRITER.rewriter(came[:2])
        rewriter.edit(edits)
        passed = [(streamed[event.start : event.end], rewriter.feed(event)) for event in came[2:]]
        rest = [raw if given is None else b"".join(given) for raw, given in passed]
        streamed = b"".join([streamed[: came[1].end], *rest, *rewriter.close()])
        document = WRITER.edit_document(document, edits)
        wanted = [wanted[0], call("f", '{"a": 2}', "f_1"), text_part("Done 🎉")]
    streaming = served(response(streamed, "Content-Type: text/event-stream; charset=utf-8"))
    async with upstream(streaming) as server, httpx.AsyncClient() as http:
        client = cohere.AsyncClientV2("k", base_url=server.url, httpx_client=http)
        theirs, reason, _ = joined([event async for event in client.chat_stream(**ASKED)])
        assert (theirs, reason) == ([shape(part) for part in wanted], "TOOL_CALL")
        assert server.received[0].line == "POST /v2/chat HTTP/1.1"
    served_whole = served(response(document, "Content-Type: application/json"))
    async with upstream(served_whole) as server, httpx.AsyncClient() as http:
        made = await cohere.AsyncClientV2("k", base_url=server.url, httpx_client=http).chat(**ASKED)
    assert made.message.tool_calls is not None
    assert [made.id for made in made.message.tool_calls] == ["f_1"]
    assert [shape(part) for part in whole(document).parts] == in_documents(wanted)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503, 529])
def test_the_sdk_raises_its_own_errors(status: int) -> None:
    body = WRITER.error(status, "slow down")
    client = sdk_client(body, streamed=False, status=status)
    with pytest.raises(ApiError) as caught:
        client.chat(**ASKED, request_options={"max_retries": 0})
    assert (caught.value.status_code, caught.value.body["message"]) == (status, "slow down")
    assert read(DIALECT, [body], "application/json").answer.error == "slow down"


def test_an_answer_that_failed_ends_with_its_error() -> None:
    failed = answer(text_part("Hel"))
    failed.error = "overloaded"
    transcript = read(DIALECT, WRITER.stream(failed, ASKED))
    assert (transcript.answer.error, message_of(transcript).finish_reason) == ("overloaded", "ERROR")
    assert json.loads(WRITER.document(failed, ASKED)) == {"message": "overloaded"}


@pytest.mark.parametrize("part", [Media("image", size=3), ToolResult("x"), ToolCall(kind="web_search_call")])
def test_what_an_answer_has_no_place_for(part: Part) -> None:
    for write in (WRITER.stream, WRITER.document):
        with pytest.raises(ValueError, match="has words, thoughts and calls of functions"):
            write(answer(part), ASKED)


def test_going_on_from_a_beginning_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="always begins a new one"):
        WRITER.splicer([], "", None)


def test_an_answer_to_a_request_of_the_first_version() -> None:
    made = answer(text_part("Hi you"), call("f", '{"a": 1}'), usage=Usage(3, 2))
    streamed, document = b"".join(WRITER.stream(made, OLD_ASKED)), WRITER.document(made, OLD_ASKED)
    client: Any = cohere.Client("k", base_url="http://x", httpx_client=sdk_http(streamed))
    events = list(client.chat_stream(message="Hi"))
    assert [event.event_type for event in events] == [
        "stream-start",
        "text-generation",
        "text-generation",
        "tool-calls-generation",
        "stream-end",
    ]
    assert (events[-1].response.text, events[-1].response.tool_calls[0].parameters) == ("Hi you", {"a": 1})
    told = cohere.Client("k", base_url="http://x", httpx_client=sdk_http(document)).chat(message="Hi")
    assert (told.text, told.finish_reason) == ("Hi you", "COMPLETE")
    for body in (streamed, document):
        transcript = read(DIALECT, [body], "application/json")
        assert (message_of(transcript).text(), transcript.answer.complete) == ("Hi you", True)


def sdk_http(body: bytes) -> Any:
    """An HTTP client that is always answered with this body."""
    return sdk_client(body, streamed=False)._client_wrapper.httpx_client.httpx_client


@given(st.data(), st.lists(spoken, max_size=4), st.booleans(), st.integers(0, 2))
@settings(max_examples=80, deadline=None)
def test_a_document_says_exactly_the_edited_message(
    data: st.DataObject, written: list[Part], plan: bool, indent: int
) -> None:
    written = sorted(written, key=lambda part: isinstance(part, ToolCall))
    before: Json = json.loads(WRITER.document(answer(*written), ASKED))
    if plan:
        before["message"]["tool_plan"] = "I plan"
        written = [thoughts("I plan"), *written]
    body = json.dumps(before, indent=indent or None).encode()
    numbers = st.integers(0, max(len(written) - 1, 0))
    replaced = data.draw(st.dictionaries(numbers, st.none() | spoken, max_size=2)) if written else {}
    reason, final = data.draw(st.sampled_from([None, None, "ERROR"])), data.draw(st.booleans())
    edits = Edits(replaced, data.draw(st.lists(spoken, max_size=2)), reason, final)
    edited = WRITER.edit_document(body, edits)
    if not edits:
        assert edited == body
        return
    kept: list[Part | None] = [None for _ in written] if final else list(written)
    for index, part in replaced.items():
        kept[index] = part
    wanted = [part for part in kept if part is not None] + edits.added
    found = [shape(part)[:2] if not isinstance(part, ToolCall) else shape(part) for part in whole(edited).parts]  # type: ignore[index]
    planned = kept[0] if plan and isinstance(kept[0], Reasoning) and str(kept[0].content) else None
    rest = [part for part in wanted if part is not planned]
    if plan and isinstance(kept[0], Reasoning) and planned is None:
        rest = [part for part in rest if part is not kept[0]]
    ordered = [*([planned] if planned else []), *sorted(rest, key=lambda part: isinstance(part, ToolCall))]
    assert found == [shape(part)[:2] if not isinstance(part, ToolCall) else shape(part) for part in ordered]  # type: ignore[index]
    has, had = (any(isinstance(part, ToolCall) for part in parts) for parts in (wanted, written))
    follows = "TOOL_CALL" if has else "COMPLETE" if had or final else before["finish_reason"]
    after = json.loads(edited)
    assert after["finish_reason"] == (reason or follows)
    assert {**after, "message": 0, "finish_reason": 0} == {**before, "message": 0, "finish_reason": 0}


def test_an_edit_keeps_every_other_byte_of_a_document() -> None:
    body = b'{ "id":"a","odd": 1.50, "message":{"role":"assistant", "content":[ {"text":"Hi \\u00fc","type":"text"} ],'
    body += b'"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{ }"}}]},'
    body += b'"finish_reason":"TOOL_CALL","logprobs":[{"token_ids":[1]}]}\n'
    edited = WRITER.edit_document(body, Edits({1: call("f", '{"a": 2}', "")}))
    assert edited == body.replace(b'"{ }"', b'"{\\"a\\": 2}"').replace(b',"logprobs":[{"token_ids":[1]}]', b"")
    edited = WRITER.edit_document(body, Edits({1: None}))
    assert json.loads(edited)["message"]["tool_calls"] == []
    assert b'"finish_reason":"COMPLETE"' in edited
    plain_text = b'{"message":{"role":"assistant","content":"Hi"},"finish_reason":"COMPLETE"}'
    assert WRITER.edit_document(plain_text, Edits(finish_reason="ERROR")) == plain_text.replace(b"COMPLETE", b"ERROR")
    assert whole(WRITER.edit_document(plain_text, Edits({0: text_part("Ho")}))).text() == "Ho"


@pytest.mark.parametrize(
    ("body", "edits", "words"),
    [
        (b'{"text":"Hi"}', Edits(), "has no message"),
        (b'{"message":{"content":[]}}', Edits({0: None}), "the answer has 0 parts: there is no part 1"),
        (b'{"message":{"content":[{"type":"reference"}]}}', Edits(added=[text_part("x")]), "unknown kind"),
        (b'{"message":{}}', Edits(added=[Media("image")]), "but no media"),
        (b"[]", Edits(), "expected a JSON object"),
    ],
)
def test_edits_that_do_not_fit_a_document(body: bytes, edits: Edits, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WRITER.edit_document(body, edits)


def test_the_pieces_of_a_request() -> None:
    body: Json = {
        "model": "x",
        "messages": [{"role": "system"}, {"role": "user"}, {"role": "tool"}, 7],
        "tools": [{"function": {"name": "f"}}, {"name": "g"}, {}],
        "preamble": "p",
        "message": "m",
    }
    assert WRITER.sections(body) == [
        Section("setting", "model", ("model",)),
        Section("system", "system", ("messages", 0)),
        Section("message", "user", ("messages", 1)),
        Section("message", "tool result", ("messages", 2)),
        Section("message", "message", ("messages", 3)),
        Section("tool", "f", ("tools", 0)),
        Section("tool", "g", ("tools", 1)),
        Section("tool", "tool", ("tools", 2)),
        Section("system", "system", ("preamble",)),
        Section("message", "user", ("message",)),
    ]


def test_a_prompt_of_another_api() -> None:
    given_prompt = Prompt(
        "command-x",
        [
            Message("system", [text_part("Be brief")]),
            Message("user", [text_part("Hi")]),
            Message("assistant", [Refusal(Growing("No")), call("f", "{}", "f_1")]),
            Message("tool", [ToolResult("f_1", "2")]),
        ],
        [Tool("f", "d", {"type": "object"}), Tool("g"), Tool("h", kind="custom")],
        stream=True,
        parameters={
            "max_tokens": 9,
            "top_p": 0.5,
            "top_k": 3,
            "stop": "x",
            "tool_choice": {"type": "any"},
            "thinking": {"type": "enabled", "budget_tokens": 100},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
            "n": 2,
        },
    )
    body, lost = WRITER.write_prompt(given_prompt)
    call_body = {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert body["messages"] == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "No", "tool_calls": [call_body]},
        {"role": "tool", "tool_call_id": "f_1", "content": "2"},
    ]
    assert [tool["function"]["name"] for tool in body["tools"]] == ["f", "g"]
    assert body["tools"][1]["function"]["parameters"] == {"type": "object", "properties": {}}
    settings = {name: value for name, value in body.items() if name not in ("messages", "tools")}
    assert settings == {
        "model": "command-x",
        "k": 3,
        "thinking": {"type": "enabled", "token_budget": 100},
        "max_tokens": 9,
        "p": 0.5,
        "stop_sequences": ["x"],
        "tool_choice": "REQUIRED",
        "response_format": {"type": "json_object", "json_schema": {"type": "object"}},
        "stream": True,
    }
    assert lost == ["the tool h, which takes free text", "n: 2"]
    again = DIALECT.prompt(Request("POST", "http://x" + WRITER.path("x"), Headers([])), json.dumps(body).encode())
    assert [message.role for message in again.messages] == ["system", "user", "assistant", "tool"]
    assert WRITER.write_prompt(again)[0]["messages"] == body["messages"]
