"""The capture profile on a real listener: what goes out, what comes back, and what is tried once more."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import openai
import orjson
import pytest

from inspector.model.flow import Flow, Moment, Reason, State
from inspector.proxy.held import Held, Step
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.capture import CAPTURE, CaptureProfile, CaptureSettings
from inspector.rules.control import Control
from inspector.rules.replies import Reply
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.proxy.test_gate import until
from tests.rules.test_control import mock
from tests.upstreams import Answer, Received, Upstream, ended, response, upstream

pytestmark = pytest.mark.anyio

Json = dict[str, Any]
Says = Callable[[Json], bytes | None]
"""An upstream's refusal of a request; None where it answers."""

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
MESSAGES: list[Any] = [{"role": "user", "content": "hi"}]
ASKED: Json = {"model": "m", "messages": MESSAGES}
ASKING = CaptureSettings(top_logprobs=5)
ADDED = {"logprobs": True, "top_logprobs": 5}
TOKENS = ("Hel", "lo!")


def error(message: str, status: str = "400 Bad Request", *headers: str) -> bytes:
    body = orjson.dumps({"error": {"message": message, "type": "invalid_request_error"}})
    return response(body, "Content-Type: application/json", *headers, status=status)


def entries(asked: Json, tokens: tuple[str, ...] = TOKENS) -> Json | None:
    """The log-probabilities of an answer: those that were asked for."""
    if asked.get("logprobs") is not True:
        return None
    top = [{"token": "x", "logprob": -2.5, "bytes": [120]}] * asked.get("top_logprobs", 0)
    return {"content": [{"token": each, "logprob": -0.5, "bytes": None, "top_logprobs": top} for each in tokens]}


def answered(asked: Json) -> bytes:
    """What a model server answers, streamed or not."""
    shared = {"id": "c", "created": 1, "model": asked.get("model", "")}
    if asked.get("stream") is not True:
        message = {"role": "assistant", "content": "".join(TOKENS)}
        choice = {"index": 0, "message": message, "logprobs": entries(asked), "finish_reason": "stop"}
        body = orjson.dumps({**shared, "object": "chat.completion", "choices": [choice]})
        return response(body, "Content-Type: application/json")
    events = []
    for token in TOKENS:
        choice = {"index": 0, "delta": {"content": token}, "logprobs": entries(asked, (token,)), "finish_reason": None}
        events.append({**shared, "object": "chat.completion.chunk", "choices": [choice]})
    body = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events) + b"data: [DONE]\n\n"
    return response(body, "Content-Type: text/event-stream")


def model_server(says: Says) -> Answer:
    """A server that answers what it does not refuse."""

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        asked = orjson.loads(received.body)
        writer.write(says(asked) or answered(asked))
        await writer.drain()

    return answer


def refusing(*names: str, message: str = "", when: Callable[[Json], object] = bool) -> Says:
    """What a server says that refuses members of these names."""

    def says(asked: Json) -> bytes | None:
        found = [name for name in names if name in asked]
        return (
            error(message or f"Unrecognized request argument supplied: {found[0]}") if found and when(asked) else None
        )

    return says


@dataclass
class Scene:
    """A proxy with a profile, a client, and the upstream behind."""

    control: Control
    server: ProxyServer
    behind: Upstream
    client: httpx.AsyncClient

    async def ask(self, body: Json | bytes = ASKED, path: str = CHAT, **headers: str) -> httpx.Response:
        """Be the agent."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.client.post(self.server.url + path, content=content, headers=headers)

    @property
    def sent(self) -> list[Json]:
        """What the upstream was asked."""
        return [orjson.loads(received.body) for received in self.behind.received]

    async def held(self) -> Held:
        """The one flow that is held, once there is one."""
        await until(lambda: len(self.control.holds) == 1)
        return next(iter(self.control.holds))


@contextlib.asynccontextmanager
async def scene(settings: CaptureSettings, answer: Answer | Says = lambda asked: None) -> AsyncIterator[Scene]:
    """Run a proxy with nothing but the profile."""
    store = FlowStore()
    control = Control(store, Transcripts(), profile=CaptureProfile(settings))
    answer = answer if asyncio.iscoroutinefunction(answer) else model_server(answer)  # type: ignore[arg-type]
    async with upstream(answer) as behind, httpx.AsyncClient(trust_env=False, timeout=10) as client:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            yield Scene(control, server, behind, client)


def told(flow: Flow) -> list[tuple[str, str, str]]:
    """What the flow says was changed."""
    assert {mutation.by for mutation in flow.mutations} <= {"capture"}
    return [(mutation.name, mutation.before, mutation.after) for mutation in flow.mutations]


def body_of(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ({}, ADDED),
        ({"logprobs": True}, {"top_logprobs": 5}),
        ({"logprobs": False}, {}),
        ({"logprobs": True, "top_logprobs": 2}, {}),
    ],
)
async def test_what_the_client_says_of_logprobs_wins(own: Json, added: Json) -> None:
    async with scene(ASKING) as it:
        asked = orjson.dumps({**ASKED, **own})
        answer = await it.ask(asked)
        (flow,) = await ended(it.server)
        assert it.sent == [{**ASKED, **own, **added}]
        assert it.behind.received[0].body.startswith(asked[:-1]), "every other byte is the client's"
        assert flow.injected == tuple(added) and set(told(flow)) == {
            (name, "", str(added[name]).lower()) for name in added
        }
        assert (flow.forwarded is None) is (not added)
        assert bytes(flow.request.body) == asked
        assert answer.content == body_of(answered({**ASKED, **own})), "as if it had not been asked"
        assert flow.response is not None and bytes(flow.response.body) == body_of(answered({**ASKED, **own, **added}))


BAD = [b"\xff\xfe{", b"[1]", b"null", b"", b'{"model": ', b'{"a":"\xff"}', b'"text"']


@pytest.mark.parametrize("body", BAD)
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
async def test_a_body_that_is_no_object_is_refused_by_the_profile_and_by_nobody_else(body: bytes, path: str) -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"upstream"))

    async with scene(CAPTURE, answer) as it:
        refused = await it.ask(body, path)
        assert (refused.status_code, refused.content) == (400, b'{"error":"invalid json body"}')
        assert refused.headers["content-type"] == "application/json"
        (flow,) = await ended(it.server)
        assert flow.state is State.FAILED and flow.end is not None and flow.end.by == "capture"
        assert not it.behind.received
        it.control.profile.settings = CaptureSettings()
        assert (await it.ask(body, path)).content == b"upstream"
        assert it.behind.received[0].body == body


async def test_nothing_else_than_models_requests_are_read() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"upstream"))

    async with scene(CAPTURE, answer) as it:
        for path in ("/v1/embeddings", "/v1/messages/count_tokens", "/v1/responses/input_tokens"):
            assert (await it.ask(b"[1]", path)).content == b"upstream"
        got = await it.client.get(f"{it.server.url}/v1/responses/r1?stream=true")
        assert got.content == b"upstream"
        assert [received.body for received in it.behind.received] == [b"[1]"] * 3 + [b""]
        assert not any(flow.mutations or flow.notes for flow in await ended(it.server, 4))


async def test_all_parts_of_the_profile_make_one_request() -> None:
    settings = replace(CAPTURE, model_override="vendor/gpt-4o", disable_thinking=True, max_tokens_cap=100)
    async with scene(settings) as it:
        asked = b'{ "model" : "o3", "n": 1.0, "max_tokens":32000,\n "messages":[]}'
        await it.ask(asked)
        (flow,) = await ended(it.server)
        start = b'{ "model" : "vendor/gpt-4o", "n": 1.0, "max_tokens":100,\n "messages":[]'
        assert it.behind.received[0].body.startswith(start)
        assert it.sent[0] | {"chat_template_kwargs": {"enable_thinking": False}, "return_token_ids": True} == it.sent[0]
        assert told(flow) == [
            ("model", "o3", "vendor/gpt-4o"),
            ("max_tokens", "32000", "100"),
            ("enable_thinking", "", "false"),
            ("logprobs", "", "true"),
            ("top_logprobs", "", "5"),
            ("return_token_ids", "", "true"),
        ]


async def test_the_model_that_is_asked_in_the_end_decides_on_logprobs() -> None:
    async with scene(replace(CAPTURE, model_override="openai/gpt-5")) as it:
        await it.ask({**ASKED, "max_tokens": 32000})
        (flow,) = await ended(it.server)
        assert it.sent == [{"model": "openai/gpt-5", "messages": MESSAGES, "max_completion_tokens": 16384}]
        assert flow.injected == () and any("openai/gpt-5" in note for note in flow.notes)


@pytest.mark.parametrize("path", [RESPONSES, "/v1/messages"])
async def test_other_dialects_have_their_own_names(path: str) -> None:
    async with scene(CAPTURE) as it:
        limit = "max_output_tokens" if path == RESPONSES else "max_tokens"
        await it.ask({"model": "m", "input": "hi", limit: 32000, "include": ["a"]}, path)
        (flow,) = await ended(it.server)
        if path == RESPONSES:
            assert it.sent[0]["include"] == ["a", "message.output_text.logprobs"] and it.sent[0]["top_logprobs"] == 5
            assert ("include", '["a"]', '["a", "message.output_text.logprobs"]') in told(flow)
        else:
            assert flow.injected == () and it.sent[0]["include"] == ["a"]
        assert it.sent[0][limit] == 16384


async def test_an_encoded_request_goes_on_decoded_where_it_is_changed_and_untouched_else() -> None:
    packed = gzip.compress(orjson.dumps({**ASKED, "logprobs": False}))

    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(response(b"{}"))

    async with scene(CaptureSettings(max_tokens_cap=9), answer) as it:
        await it.ask(packed, **{"content-encoding": "gzip"})
        assert it.behind.received[0].body == packed
        assert ("content-encoding", "gzip") in [(name.lower(), value) for name, value in it.behind.received[0].headers]
        it.control.profile.settings = ASKING
        await it.ask(gzip.compress(orjson.dumps(ASKED)), **{"content-encoding": "gzip"})
        assert orjson.loads(it.behind.received[1].body) == {**ASKED, **ADDED}
        assert "content-encoding" not in [name.lower() for name, _ in it.behind.received[1].headers]
        unknown = await it.ask(b"\x00\x01", **{"content-encoding": "rot13"})
        assert unknown.content == b"{}" and it.behind.received[2].body == b"\x00\x01"
        *_, changed, left = await ended(it.server, 3)
        assert ("content-encoding", "gzip", "identity") in told(changed)
        assert any("rot13" in note for note in left.notes)


OPENAI = refusing("logprobs", message="This model does not support the 'logprobs' parameter.")
VLLM = refusing("logprobs", message="`logprobs` is not supported for reasoning models")
GROQ = refusing("logprobs", "top_logprobs", message="`logprobs` is not supported with this model")
MISTRAL = refusing("logprobs", message="Extra inputs are not permitted")


@pytest.mark.parametrize("says", [OPENAI, VLLM, GROQ, MISTRAL])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_is_tried_once_more_without_and_not_asked_again(says: Says, stream: bool) -> None:
    async with scene(ASKING, says) as it:
        asked = {**ASKED, "stream": stream}
        answer = await it.ask(asked)
        assert answer.status_code == 200 and answer.content == body_of(answered(asked))
        (flow,) = await ended(it.server)
        assert it.sent == [{**asked, **ADDED}, asked]
        assert bytes(flow.sent.body) == bytes(flow.request.body), "byte for byte what the client sent"
        assert flow.injected == () and flow.end is not None and flow.end.by == "upstream"
        assert told(flow)[-2:] == [("logprobs", "true", ""), ("top_logprobs", "5", "")]
        assert any("refuses logprobs" in note for note in flow.notes)
        assert (await it.ask(asked)).content == answer.content
        assert it.sent[2:] == [asked], "it is not asked again"
        again = (await ended(it.server, 2))[1]
        assert not again.mutations and any("refused them before" in note for note in again.notes)
        await it.ask({**asked, "model": "other"})
        assert len(it.sent) == 5, "but another model is"


async def test_llama_cpp_refuses_tools_in_streams_alone() -> None:
    def when(asked: Json) -> object:
        return asked.get("tools") and asked.get("stream")

    tools: Json = {**ASKED, "tools": [{"type": "function", "function": {"name": "f"}}], "stream": True}
    says = refusing("logprobs", message="logprobs is not supported with tools + stream", when=when)
    async with scene(ASKING, says) as it:
        for _ in range(2):
            assert (await it.ask(tools)).status_code == 200
        await it.ask({**ASKED, "stream": True})
        assert ["logprobs" in asked for asked in it.sent] == [True, False, False, True]


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "422 Unprocessable", "500 Oops", "501 No"])
async def test_a_refusal_may_have_any_status_and_be_encoded(status: str) -> None:
    def says(asked: Json) -> bytes | None:
        refusal = gzip.compress(b'{"detail":"no logprobs here"}')
        return response(refusal, "Content-Encoding: gzip", status=status) if "logprobs" in asked else None

    async with scene(ASKING, says) as it:
        assert (await it.ask()).status_code == 200
        (flow,) = await ended(it.server)
        assert any("no logprobs here" in note for note in flow.notes)


async def test_where_only_numbers_are_refused_the_rest_stays() -> None:
    says = refusing("return_token_ids", message="Unknown field: return_token_ids")
    async with scene(replace(ASKING, token_ids=True), says) as it:
        answer = await it.ask()
        (flow,) = await ended(it.server)
        assert it.sent == [{**ASKED, **ADDED, "return_token_ids": True}, {**ASKED, **ADDED}]
        assert flow.injected == tuple(ADDED) and answer.content == body_of(answered(ASKED))
        await it.ask()
        assert it.sent[2:] == [{**ASKED, **ADDED}]


async def test_numbers_and_then_the_rest_may_be_refused_one_after_the_other() -> None:
    async with scene(replace(ASKING, token_ids=True), refusing("return_token_ids", "logprobs")) as it:
        answer = await it.ask()
        assert answer.status_code == 200 and answer.content == body_of(answered(ASKED))
        assert it.sent[1:] == [{**ASKED, **ADDED}, ASKED]
        await it.ask()
        assert it.sent[3:] == [ASKED]


async def test_what_the_second_try_answers_is_the_answer_and_teaches_nothing_where_it_is_an_error() -> None:
    says = refusing("messages", message="logprobs, and something else")
    async with scene(ASKING, says) as it:
        answer = await it.ask()
        assert answer.status_code == 400 and len(it.sent) == 2
        (flow,) = await ended(it.server)
        assert flow.response is not None and flow.response.status == 400 and flow.injected == ()
        await it.ask()
        assert len(it.sent) == 4, "it is asked again: the error was about something else"


UNRELATED = [
    error("Invalid value for 'model'", "400 Bad Request", "X-Request-Id: r-1", "x-odd:  v"),
    error("Rate limit reached", "429 Slow Down", "Retry-After: 7"),
    response(b"<html>\xff oops</html>", "Content-Type: text/html", "Set-Cookie: a=1", status="500 Internal"),
    response(b"", status="502 Bad Gateway"),
    response(gzip.compress(b'{"error":"no"}'), "Content-Encoding: gzip", status="400 Bad Request"),
    response(b'{"error":"' + b"x" * 700_000 + b' logprobs"}', status="400 Bad Request"),
]


@pytest.mark.parametrize("raw", UNRELATED)
async def test_any_other_error_is_relayed_as_it_came(raw: bytes) -> None:
    async with scene(ASKING, lambda asked: raw) as it:
        request = it.client.build_request("POST", it.server.url + CHAT, content=orjson.dumps(ASKED))
        answer = await it.client.send(request, stream=True)
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
        head, _, expected = raw.partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        assert body == expected and len(it.behind.received) == 1
        assert f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}".encode() == status
        given = [(name.lower(), value) for name, value in answer.headers.raw]
        for line in lines:
            name, _, value = line.partition(b":")
            assert (name.lower(), value.strip()) in given
        (flow,) = await ended(it.server)
        assert flow.end is not None and flow.end.by == "upstream"
        assert {mutation.name for mutation in flow.mutations} == set(ADDED), "nobody made the answer but the upstream"


async def test_an_error_that_breaks_off_breaks_off_for_the_client() -> None:
    async def answer(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async with scene(ASKING, answer) as it:
        with pytest.raises(httpx.RemoteProtocolError):
            await it.ask()
        (flow,) = await ended(it.server)
        assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET
        assert flow.response is not None and bytes(flow.response.body) == b"half"


async def test_a_second_try_without_an_answer_is_the_upstream_s_failure() -> None:
    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        if b"logprobs" in received.body:
            writer.write(error("no logprobs"))
            await writer.drain()
        else:
            writer.close()

    async with scene(ASKING, answer) as it:
        assert (await it.ask()).status_code == 502
        (flow,) = await ended(it.server)
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.UPSTREAM_RESET, "upstream")


async def test_a_client_that_leaves_during_the_second_try_ends_it() -> None:
    tried = asyncio.Event()

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        if b"logprobs" in received.body:
            writer.write(error("no logprobs"))
            await writer.drain()
        else:
            tried.set()
            await asyncio.Event().wait()

    async with scene(ASKING, answer) as it, asyncio.TaskGroup() as group:
        leaving = group.create_task(it.ask())
        async with asyncio.timeout(10):
            await tried.wait()
        leaving.cancel()
        (flow,) = await ended(it.server)
        assert flow.end is not None and flow.end.reason is Reason.CLIENT_GONE
        async with asyncio.timeout(10):
            await it.behind.disconnected.wait()
        assert not it.control.profile._asked


async def test_what_a_person_changed_meanwhile_stays_when_it_is_tried_again() -> None:
    async with scene(ASKING, OPENAI) as it, asyncio.TaskGroup() as group:
        it.control.hold_requests = True
        asking = group.create_task(it.ask())
        held = await it.held()
        assert held.moment is Moment.REQUEST and held.flow.injected == tuple(ADDED)
        body = bytes(held.flow.sent.body).replace(b'"hi"', b'"ho"').replace(b'"top_logprobs":5', b'"top_logprobs":1')
        held.send(held.flow.sent.with_body(body))
        assert (await asking).status_code == 200
        assert it.sent[1] == {"model": "m", "messages": [{"role": "user", "content": "ho"}], "top_logprobs": 1}


async def test_a_mock_that_answers_and_a_fault_have_the_profile_before_them() -> None:
    async with scene(ASKING) as it:
        rule = mock(Reply(status=418), count=1)
        it.control.mocks.add(rule)
        assert (await it.ask()).status_code == 418
        (flow,) = await ended(it.server)
        assert flow.injected == tuple(ADDED) and not it.behind.received
        await until(lambda: not it.control.profile._asked)


async def test_a_breakpoint_sees_what_the_profile_did() -> None:
    async with scene(ASKING) as it, asyncio.TaskGroup() as group:
        it.control.breakpoints.add("request by:capture")
        asking = group.create_task(it.ask())
        (held := await it.held()).step(Step.GO_ON)
        assert held.by == "request by:capture" and (await asking).status_code == 200


async def test_what_was_asked_for_is_taken_out_whatever_the_settings_are_by_then() -> None:
    held_back = asyncio.Event()

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        await held_back.wait()
        writer.write(answered(orjson.loads(received.body)))
        await writer.drain()

    async with scene(ASKING, answer) as it, asyncio.TaskGroup() as group:
        asking = group.create_task(it.ask({**ASKED, "stream": True}))
        await until(lambda: len(it.behind.received) == 1)
        it.control.profile.settings = CaptureSettings()
        held_back.set()
        assert (await asking).content == body_of(answered({**ASKED, "stream": True}))


async def said_to_the_sdk(url: str) -> list[Any]:
    """What the official client makes of an answer, a stream, and log-probabilities of its own asking."""
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        create = client.chat.completions.create
        whole = await create(model="m", messages=MESSAGES)
        own = await create(model="m", messages=MESSAGES, logprobs=True, top_logprobs=1)
        stream = await create(model="m", messages=MESSAGES, stream=True)
        return [whole, own, *[chunk async for chunk in stream]]


async def test_the_openai_sdk_notices_nothing() -> None:
    async with scene(CAPTURE, refusing("return_token_ids")) as it:
        said = await said_to_the_sdk(it.server.url)
        assert said == await said_to_the_sdk(it.behind.url)
        assert [each.choices[0].logprobs is None for each in said] == [True, False, True, True]
        flows = await ended(it.server, 3)
        assert [flow.injected for flow in flows] == [tuple(ADDED), (), tuple(ADDED)]
        assert all(flow.response is not None and b'"logprob":-0.5' in bytes(flow.response.body) for flow in flows)


def test_the_profile_has_a_short_name() -> None:
    names = {
        CaptureSettings(): "observe",
        CAPTURE: "capture",
        CaptureSettings(top_logprobs=0): "capture",
        CaptureSettings(max_tokens_cap=1, model_override="m"): "observe+cap+model",
        CaptureSettings(translate_max_tokens=True, disable_thinking=True): "observe+translate+no-think",
        CaptureSettings(token_ids=True): "observe+ids",
    }
    assert {settings: CaptureProfile(settings).name for settings in names} == names
    assert CaptureProfile().name == "observe" and not CaptureProfile().settings.on
