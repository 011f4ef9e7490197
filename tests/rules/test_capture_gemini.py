"""The capture profile and answers by rule on Gemini's traffic: Google's SDK asks, over a real listener."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
from google import genai
from google.genai import types

from inspector.model.flow import Flow, Reason, Request, Response
from inspector.model.headers import Headers
from inspector.model.message import Growing, Part, Text, ToolCall
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.capture import CaptureProfile, CaptureSettings
from inspector.rules.capture_draft import told, without
from inspector.rules.control import Control
from inspector.rules.replies import Reply, build
from inspector.store.flows import FlowStore
from inspector.store.token_reading import TokenReading
from inspector.store.transcripts import Transcripts
from tests.upstreams import Answer, Received, Upstream, ended, response, upstream

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

WORDS = ("Hel", "lo!")


def piece(word: str, asked: Json, last: bool) -> Json:
    """One piece of the answer, with its token where the request asks for it."""
    config = asked.get("generationConfig", {})
    candidate: Json = {"content": {"parts": [{"text": word}], "role": "model"}}
    candidate |= {"finishReason": "STOP"} if last else {}
    if config.get("responseLogprobs"):
        chosen = {"token": word, "tokenId": 7, "logProbability": -0.5}
        tops = [chosen, {"token": "x", "tokenId": 8, "logProbability": -2.0}]
        candidate["logprobsResult"] = {
            "topCandidates": [{"candidates": tops[: config.get("logprobs", 0)]}],
            "chosenCandidates": [chosen],
        }
    counts = {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
    return {"candidates": [candidate | {"index": 0}], "usageMetadata": counts, "modelVersion": "g"}


def model_server(refuses: bool) -> Answer:
    """A server that answers, or refuses whoever asks for log-probabilities."""

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        asked = orjson.loads(received.body)
        if refuses and "generationConfig" in asked:
            error = {"code": 400, "message": "Logprobs is not enabled for models/g", "status": "INVALID_ARGUMENT"}
            body = orjson.dumps({"error": error})
            writer.write(response(body, "Content-Type: application/json", status="400 Bad Request"))
        else:
            pieces = [piece(word, asked, word == WORDS[-1]) for word in WORDS]
            if "alt=sse" in received.line:
                body = b"".join(b"data: %b\r\n\r\n" % orjson.dumps(each) for each in pieces)
                writer.write(response(body, "Content-Type: text/event-stream"))
            else:
                body = orjson.dumps(pieces if "stream" in received.line else pieces[-1])
                writer.write(response(body, "Content-Type: application/json; charset=UTF-8"))
        await writer.drain()

    return answer


class Scene:
    """A proxy with the profile, and what is behind it."""

    def __init__(self, server: ProxyServer, behind: Upstream) -> None:
        self.server = server
        self.behind = behind

    @property
    def asked(self) -> list[Json]:
        """What the upstream was asked."""
        return [orjson.loads(received.body) for received in self.behind.received]

    async def stream(self) -> list[types.GenerateContentResponse]:
        """Be the agent."""

        def ask() -> list[types.GenerateContentResponse]:
            options = types.HttpOptions(base_url=self.server.url)
            with genai.Client(api_key="x", http_options=options) as client:
                return list(client.models.generate_content_stream(model="g", contents="hi"))

        return await asyncio.to_thread(ask)

    async def flow(self) -> Flow:
        """The one flow, ended."""
        return (await ended(self.server))[0]


@pytest.fixture(params=[False])
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """With `True` the upstream refuses."""
    store = FlowStore()
    profile = CaptureProfile(CaptureSettings(top_logprobs=2, max_tokens_cap=100))
    control = Control(store, Transcripts(), profile=profile)
    async with upstream(model_server(request.param)) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            yield Scene(server, behind)


async def test_tokens_are_asked_for_and_the_client_does_not_notice(scene: Scene) -> None:
    chunks = await scene.stream()
    assert [chunk.text for chunk in chunks] == list(WORDS)
    assert all(candidate.logprobs_result is None for chunk in chunks for candidate in chunk.candidates or [])
    (asked,) = scene.asked
    assert asked["generationConfig"] == {"responseLogprobs": True, "logprobs": 2}
    flow = await scene.flow()
    assert flow.dialect == "gemini"
    assert [(each.name, each.before, each.after) for each in flow.mutations] == [
        ("generationConfig.responseLogprobs", "", "true"),
        ("generationConfig.logprobs", "", "2"),
    ]
    reading = TokenReading(flow)
    assert not reading.pull(1.0)
    assert [token.text for token in reading.tokens] == list(WORDS)
    assert [other.text for other in reading.alternatives(0)] == ["Hel", "x"]


async def test_arrays_and_documents(scene: Scene) -> None:
    async with httpx.AsyncClient() as client:
        body = {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 900}}
        array = await client.post(f"{scene.server.url}/v1beta/models/g:streamGenerateContent", json=body)
        document = await client.post(f"{scene.server.url}/v1beta/models/g:generateContent", json=body)
    never = [piece(word, {}, word == WORDS[-1]) for word in WORDS]
    assert (array.json(), document.json()) == (never, never[-1])
    assert [asked["generationConfig"]["maxOutputTokens"] for asked in scene.asked] == [100, 100]
    flows = await ended(scene.server, 2)
    for flow, words in zip(sorted(flows, key=lambda flow: flow.seq), (WORDS, WORDS[1:]), strict=True):
        reading = TokenReading(flow)
        assert not reading.pull(1.0)
        assert [token.text for token in reading.tokens] == list(words)
        assert [other.text for other in reading.alternatives(0)] == [words[0], "x"]
        assert Transcripts().of(flow).notes == []


@pytest.mark.parametrize("scene", [True], indirect=True)
async def test_who_refuses_is_asked_again_without(scene: Scene) -> None:
    assert [chunk.text for chunk in await scene.stream()] == list(WORDS)
    assert ["generationConfig" in asked for asked in scene.asked] == [True, False]
    assert [chunk.text for chunk in await scene.stream()] == list(WORDS)
    assert ["generationConfig" in asked for asked in scene.asked] == [True, False, False]
    flow = (await ended(scene.server, 2))[1]
    assert any("g at http" in note and "refused" in note for note in flow.notes)


def test_what_was_added_within_a_member_is_taken_out_again() -> None:
    names = ("generationConfig.responseLogprobs", "generationConfig.logprobs")
    before: Json = {"contents": [], "generationConfig": {"responseLogprobs": True, "logprobs": 2}}
    current = b'{"contents": [1], "generationConfig": {"responseLogprobs": true, "logprobs": 2}}'
    assert without(current, names, before, {"contents": []}) == b'{"contents": [1]}'
    mine = b'{"generationConfig": {"topP": 1.0, "responseLogprobs": true, "logprobs": 9}}'
    after: Json = {"generationConfig": {"topP": 1.0}}
    assert without(mine, names, before, after) == b'{"generationConfig": {"topP": 1.0, "logprobs": 9}}'
    assert [(each.before, each.after) for each in told(names, {"generationConfig": 1}, before)] == [
        ("", "true"),
        ("", "2"),
    ]


PARTS: tuple[Part, ...] = (Text(Growing("Hello you")), ToolCall("", "Read", Growing('{"a":1}')))


@pytest.mark.parametrize("path", [":streamGenerateContent?alt=sse", ":streamGenerateContent", ":generateContent"])
async def test_an_answer_by_rule_is_framed_as_the_client_asked(path: str) -> None:
    flow = Flow("f", Request("POST", f"https://host/v1beta/models/g{path}", Headers([])), 0.0, dialect="gemini")
    flow.request.body.append(0.0, b'{"contents": []}')
    given = build(flow, Reply(PARTS))
    flow.response = Response(200, Headers.from_raw(given.headers.raw))
    flow.response.body.append(1.0, await given.aread())
    flow.finish(2.0, Reason.DONE, "mock")
    answer = Transcripts().of(flow).answer
    assert answer.choices[0].parts == [PARTS[0], ToolCall("", "Read", Growing('{"a":1}'), done=True)]
    assert answer.complete
    sse = given.headers["content-type"].startswith("text/event-stream")
    assert sse == ("alt=sse" in path)
    assert bytes(flow.response.body).startswith(b"[") == path.endswith("streamGenerateContent")
