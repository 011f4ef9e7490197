"""Cohere's Chat API: asking for tokens, reading them, and taking them out again so that nobody notices."""

from __future__ import annotations

import asyncio
import json
from random import Random

import cohere
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects._cohere_logprobs import CohereLogprobs
from inspector.dialects._fields import text_part
from inspector.dialects._logprobs import Wish
from inspector.dialects.cohere import Cohere
from inspector.dialects.delivered import delivered_body
from inspector.formats.tokens import tokens_json
from inspector.model.message import Part, Reasoning, Text, ToolCall
from inspector.model.token import Token
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.capture import CAPTURE, CaptureProfile
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.wire.event import Event
from tests.dialects.cohere_streams import ASKED, framed, joined, plain_stream, read_events, sdk_client, shape, spoken
from tests.dialects.recorded import Json, Recorded, parameters, pieces, read, recorded, sse
from tests.upstreams import Received, ended, response, upstream

API = CohereLogprobs()
DIALECT = Cohere()
ADDED = ("logprobs",)


def with_tokens(events: list[Json]) -> list[Json]:
    """The same stream from a server that was asked: a token with each piece of text."""
    found = []
    for number, event in enumerate(events):
        if event["type"] == "content-delta":
            text = next(iter(event["delta"]["message"]["content"].values()))
            event = {**event, "logprobs": {"text": text, "token_ids": [number], "logprobs": [-0.5 - number]}}
        found.append(event)
    return found


def tokens_of(events: list[Event]) -> list[Token]:
    """The tokens of these events."""
    reader = API.reader()
    return [token for event in events for token in reader.event(event)]


@given(st.lists(spoken, max_size=4), st.booleans(), st.lists(st.integers(0, 9000), max_size=8))
def test_a_client_gets_what_a_server_sends_that_was_never_asked(
    written: list[Part], plan: bool, cuts: list[int]
) -> None:
    never = plain_stream(written, "COMPLETE", plan)
    asked, plainly = b"".join(framed(with_tokens(never))), b"".join(framed(never))
    strip = API.strip(ADDED)
    assert b"".join([*(strip.feed(piece) for piece in pieces(asked, cuts)), strip.close()]) == plainly
    assert API.strip(()).feed(asked) == asked
    tokens = tokens_of(read_events([asked]))
    planned = plan and isinstance(next(iter(written), None), Reasoning)
    texts = [(part, str(part.content)) for part in written[planned:] if isinstance(part, Text | Reasoning)]
    assert b"".join(token.data for token in tokens).decode("utf-8", "replace") == "".join(text for _, text in texts)
    kinds = "".join("c" if isinstance(part, Text) else "r" for part, text in texts for _ in range(0, len(text), 4))
    assert "".join(token.channel[0] for token in tokens) == kinds
    certainty = read(DIALECT, [asked]).answer.certainty
    assert certainty.tokens == len(tokens)


def test_a_document() -> None:
    logprobs = [
        {"text": "H", "token_ids": [1], "logprobs": [-0.1]},
        {"text": "m", "token_ids": [2], "logprobs": [-0.2]},
        {"text": "ab", "token_ids": [3, 4], "logprobs": [-0.3]},
        {"token_ids": [5]},
    ]
    content = [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "ab"}]
    plain: Json = {"id": "a", "message": {"role": "assistant", "content": content, "x": {"logprobs": [1]}}, "usage": {}}
    asked = json.dumps({**plain, "logprobs": logprobs}).encode()
    assert API.strip(ADDED).document(asked) == json.dumps(plain).encode()
    tokens = tokens_of([Event(asked, "document")])
    assert [(token.text, token.id, token.logprob, token.channel, token.place) for token in tokens] == [
        ("H", 1, -0.1, "reasoning", 0),
        ("m", 2, -0.2, "reasoning", 1),
        ("ab", 3, -0.3, "content", 2),
        ("", 4, None, "content", 3),
        ("", 5, None, "content", 4),
    ]
    assert API.reader().alternatives(Event(asked, "document"), 0) == ()
    theirs = sdk_client(asked, streamed=False).chat(**ASKED)
    assert theirs.logprobs is not None
    assert [item.token_ids for item in theirs.logprobs] == [[1], [2], [3, 4], [5]]
    assert read(DIALECT, [asked], "application/json").answer.certainty.tokens == 3


def test_tokens_of_calls_and_plans() -> None:
    item = {"token_ids": [7], "logprobs": [-1]}
    call = {"tool_calls": {"function": {"arguments": "{"}}}
    body = sse(
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I"}}, "logprobs": item},
        {"type": "tool-call-delta", "index": 1, "delta": {"message": call}, "logprobs": {**item, "text": "{"}},
        {"type": "content-delta", "delta": 5, "logprobs": [3]},
    )
    tokens = tokens_of(read_events([body, b": x\n\n", b"data: [DONE]\n\n"]))
    assert [(token.text, token.channel, token.call) for token in tokens] == [
        ("I", "reasoning", -1),
        ("{", "tool_arguments", 1),
    ]


@pytest.mark.parametrize(
    ("body", "wish", "asked"),
    [
        (b'{"messages": [], "model": "x"}', Wish(), b'{"messages": [], "model": "x", "logprobs": true}'),
        (b'{"messages":[],"logprobs":null}', Wish(3, True), b'{"messages":[],"logprobs":true}'),
        (b'{"messages":[],"logprobs":false}', Wish(), None),
        (b'{"messages":[]}', Wish(None, True), None),
        (b'{"message":"Hi"}', Wish(), None),
    ],
)
def test_asking(body: bytes, wish: Wish, asked: bytes | None) -> None:
    assert API.ask(body, wish) == ((body, ()) if asked is None else (asked, ADDED))


@pytest.mark.anyio
async def test_the_capture_profile_and_the_sdk_that_notices_nothing() -> None:
    words: list[Part] = [text_part("Hello, world!")]
    never = plain_stream(words, "COMPLETE")

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        asked = json.loads(received.body).get("logprobs") is True
        body = b"".join(framed(with_tokens(never) if asked else never))
        writer.write(response(body, "Content-Type: text/event-stream"))
        await writer.drain()

    store = FlowStore()
    control = Control(store, Transcripts(), profile=CaptureProfile(CAPTURE))
    async with upstream(answer) as behind, httpx.AsyncClient(trust_env=False) as http:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            client = cohere.AsyncClientV2("k", base_url=server.url, httpx_client=http)
            events = [event async for event in client.chat_stream(**ASKED, max_tokens=32000)]
            (flow,) = await ended(server)
    assert joined(events)[0] == [shape(part) for part in words]
    assert all(getattr(event, "logprobs", None) is None for event in events)
    assert flow.injected == ADDED
    assert json.loads(behind.received[0].body)["max_tokens"] == 16384
    assert delivered_body(flow) == b"".join(framed(never))
    tokens = tokens_json(flow)
    assert "".join(token["text"] for token in tokens) == "Hello, world!"
    assert tokens[0]["logprob"] is not None


def test_asking_where_there_is_no_object() -> None:
    with pytest.raises(ValueError, match="object"):
        API.ask(b"[]", Wish())


@pytest.mark.parametrize("recording", parameters(recorded("cohere-chat")))
def test_recordings(recording: Recorded) -> None:
    body, random = recording.response, Random(7)
    for _ in range(3):
        strip = API.strip(ADDED)
        cuts = [random.randrange(len(body) + 1) for _ in range(40)]
        assert b"".join([*(strip.feed(piece) for piece in pieces(body, cuts)), strip.close()]) == body


def test_a_call_is_a_part_that_brings_no_words() -> None:
    assert tokens_of(read_events(framed(plain_stream([ToolCall("a", "f")], "TOOL_CALL")))) == []
