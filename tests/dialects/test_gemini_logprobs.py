"""Tokens of the Gemini API: asked for, read, and taken out again so that nobody notices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects import by_name
from inspector.dialects._gemini_logprobs import GeminiLogprobs
from inspector.dialects._logprobs import Wish
from inspector.model.token import Certainty
from tests.dialects.gemini_sdk import DIALECT
from tests.dialects.read_tokens import read_tokens
from tests.dialects.recorded import Recorded, parameters, pieces, read, recorded
from tests.dialects.token_streams import Framing, framings

Json = dict[str, Any]

API = GeminiLogprobs()
WHOLE, TOP = "generationConfig.responseLogprobs", "generationConfig.logprobs"


@pytest.mark.parametrize(
    ("body", "wish", "asked", "added"),
    [
        (
            b'{"contents": []}',
            Wish(5),
            b'{"contents": [], "generationConfig": {"responseLogprobs":true,"logprobs":5}}',
            (WHOLE, TOP),
        ),
        (
            b'{"generationConfig": {"topP": 1.0}, "contents": []}',
            Wish(3),
            b'{"generationConfig": {"topP": 1.0, "responseLogprobs": true, "logprobs": 3}, "contents": []}',
            (WHOLE, TOP),
        ),
        (
            b'{"contents":[],"generation_config":{"response_logprobs":true}}',
            Wish(5),
            b'{"contents":[],"generation_config":{"response_logprobs":true,"logprobs":5}}',
            ("generation_config.logprobs",),
        ),
        (
            b'{"contents":[],"generationConfig":null}',
            Wish(0),
            b'{"contents":[],"generationConfig":{"responseLogprobs":true}}',
            (WHOLE,),
        ),
        (b'{"contents":[],"generationConfig":{"responseLogprobs":false}}', Wish(5), b"", ()),
        (b'{"contents":[],"generationConfig":{"responseLogprobs":true,"logprobs":1}}', Wish(5), b"", ()),
        (b'{"contents":[]}', Wish(None, token_ids=True), b"", ()),
        (b'{"model":"m","request":{"contents":[]}}', Wish(5), b"", ()),
    ],
)
def test_asking(body: bytes, wish: Wish, asked: bytes, added: tuple[str, ...]) -> None:
    got, names = API.ask(body, wish)
    assert json.loads(got) == json.loads(asked or body)
    assert names == added
    if not asked:
        assert got == body


def test_every_other_byte_of_a_request_stays() -> None:
    body = b'{ "contents" : [1.50],\n "generationConfig": {"topP": 1.0}, "x":"\\u00e9" }'
    got, _ = API.ask(body, Wish(5))
    assert got == body.replace(b'{"topP": 1.0}', b'{"topP": 1.0, "responseLogprobs": true, "logprobs": 5}')
    with pytest.raises(ValueError, match="object"):
        API.ask(b"[]", Wish(5))


def tokens(words: list[str], top: int) -> Json:
    """What a candidate that says these words tells of them."""
    chosen = [{"token": word, "tokenId": at, "logProbability": -0.5 - at} for at, word in enumerate(words)]
    tops = [
        {"candidates": [entry, *({"token": f"x{n}", "logProbability": -2.0 - n} for n in range(top))]}
        for entry in chosen
    ]
    return {"chosenCandidates": chosen, **({"topCandidates": tops} if top else {})}


def answers(words: list[list[str]], top: int | None) -> list[Json]:
    """The pieces of an answer; None tells nothing of the tokens."""
    told = []
    for each in words:
        candidate: Json = {"content": {"parts": [{"text": "".join(each)}], "role": "model"}}
        if top is not None:
            candidate["logprobsResult"] = tokens(each, top)
        told.append({"candidates": [{**candidate, "avgLogprobs": -0.25, "index": 0}], "usageMetadata": {}})
    return told


WORDS = st.lists(st.lists(st.sampled_from(["a", " é漢", '"logprobsResult":{', "👍", "}"]), max_size=3), max_size=4)
CUTS = st.lists(st.integers(0, 4000), max_size=8)


def stripped(body: bytes, added: tuple[str, ...], cuts: list[int]) -> bytes:
    strip = API.strip(added)
    return b"".join([*(strip.feed(piece) for piece in pieces(body, cuts)), strip.close()])


@given(WORDS, framings, CUTS)
def test_a_client_gets_what_is_sent_to_one_that_never_asked(
    words: list[list[str]], framing: Framing, cuts: list[int]
) -> None:
    asked, client, never = (framing.write(answers(words, top)) for top in (2, 0, None))
    assert stripped(asked, (WHOLE, TOP), cuts) == never
    assert stripped(never, (WHOLE, TOP), cuts) == never
    assert stripped(asked, (TOP,), cuts) == client
    assert stripped(asked, (), cuts) == asked


@given(WORDS, st.sampled_from([None, 2]), st.booleans())
def test_documents_and_arrays(words: list[list[str]], indent: int | None, wrapped: bool) -> None:
    def written(top: int | None) -> bytes:
        bodies = answers(words, top)
        return json.dumps([{"response": body} for body in bodies] if wrapped else bodies, indent=indent).encode()

    assert API.strip((WHOLE, TOP)).document(written(3)) == written(None)
    assert API.strip((TOP,)).document(written(3)) == written(0)


@given(WORDS, st.sampled_from([0, 2]), st.booleans())
def test_tokens_are_read(words: list[list[str]], top: int, stream: bool) -> None:
    bodies = answers(words, top)
    kind = "text/event-stream" if stream else "application/json"
    body = b"".join(b"data: %b\r\n\r\n" % json.dumps(each).encode() for each in bodies)
    body = body if stream else json.dumps(bodies).encode()
    found = read_tokens("gemini", [body], kind)
    assert [(token.text, token.id, token.logprob, token.channel) for token, _ in found] == [
        (word, at, -0.5 - at, "content") for each in words for at, word in enumerate(each)
    ]
    for token, alternatives in found:
        assert len(alternatives) == (top + 1 if top else 0)
        assert (token.entropy is None) == (not alternatives)
        assert not alternatives or token.id in {other.id for other in alternatives}
    certainty = Certainty()
    for token, _ in found:
        certainty.add(token.logprob, token.entropy)
    assert read(DIALECT, [body], kind).answer.certainty == certainty


def test_to_what_a_token_belongs() -> None:
    parts = [
        {"text": "hm", "thought": True},
        {"text": "Yes"},
        {"executableCode": {"code": "1"}},
        {"functionCall": {"name": "run", "args": {}}},
    ]
    said = {"content": {"parts": parts}, "logprobsResult": tokens(["hm", "Yes", "run", "(", ")"], 0)}
    more = {"content": {"parts": [{"functionCall": {"name": "go"}}]}, "logprobsResult": tokens(["go"], 0)}
    body = json.dumps([{"candidates": [said]}, {"candidates": [more]}, {"candidates": [{**more, "index": 1}]}]).encode()
    found = [token for token, _ in read_tokens("gemini", [body], "application/json")]
    assert [(token.text, token.channel, token.call, token.choice) for token in found] == [
        ("hm", "reasoning", -1, 0),
        ("Yes", "content", -1, 0),
        ("run", "tool_name", 1, 0),
        ("(", "tool_arguments", 1, 0),
        (")", "tool_arguments", 1, 0),
        ("go", "tool_name", 2, 0),
        ("go", "tool_name", 0, 1),
    ]
    assert [token.place for token in found] == list(range(7))


ALL = [*recorded("gemini-stream"), *recorded("gemini-unary")]


@pytest.mark.parametrize("recording", parameters(ALL))
def test_recorded_answers_lose_nothing_else(recording: Recorded) -> None:
    strip = API.strip((WHOLE, TOP))
    body = recording.response
    got = strip.feed(body) + strip.close() if recording.stream else strip.document(body)
    if b"logprobsResult" not in body:
        assert got == body
        return
    plain = json.loads(body)
    told = plain["candidates"][0].pop("logprobsResult")
    assert json.loads(got) == plain
    found = read_tokens("gemini", [body], "application/json")
    assert [(token.text, token.id) for token, _ in found] == [
        (entry["token"], entry["tokenID"]) for entry in told["chosenCandidates"]
    ]
    assert by_name("gemini").logprobs is not None
