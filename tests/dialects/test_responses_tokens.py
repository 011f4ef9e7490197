"""The tokens of answers of the Responses API: each once, whatever tells of it again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._responses_tokens import ResponsesTokens
from inspector.dialects.openai_responses import OpenAIResponses
from inspector.model.token import Token
from inspector.wire.event import Event
from tests.dialects.chat_streams import chunk
from tests.dialects.read_tokens import Json, bodies, found, read_tokens, told, with_logprobs
from tests.dialects.recorded import Recorded, events_of, parameters, pieces, read, recorded, sse

RESPONSES = "openai-responses"
RECORDED = with_logprobs(recorded(RESPONSES))


def entries(*words: str) -> list[Json]:
    """Tokens as the API tells of them."""
    return [{"token": word, "logprob": -0.5, "bytes": list(word.encode()), "top_logprobs": []} for word in words]


def step(kind: str, *words: str, output: int = 0, content: int = 0, **fields: object) -> Json:
    """An event about a piece of text."""
    place = {"output_index": output, "content_index": content, "item_id": f"i{len(words)}"}
    return {"type": f"response.{kind}", **place, "logprobs": entries(*words), **fields}


def part(*words: str, kind: str = "output_text") -> Json:
    """A whole part of an item."""
    return {"type": kind, "text": "".join(words), "logprobs": entries(*words)}


def item(*parts: Json) -> Json:
    return {"type": "message", "role": "assistant", "content": list(parts)}


def response(*items: Json) -> Json:
    return {"object": "response", "status": "completed", "output": list(items)}


def tokens(*events: Json) -> list[Token]:
    """The tokens of a stream, of which the transcript counts as many."""
    data = sse(*events)
    found = [token for token, _ in read_tokens(RESPONSES, [data])]
    assert read(OpenAIResponses(), [data]).answer.certainty.tokens == len(found)
    return found


def texts(*events: Json) -> list[str]:
    return [token.text for token in tokens(*events)]


def expected(recording: Recorded) -> list[Any]:
    """The tokens that came with deltas; all others of a recording tell the same again."""
    deltas = [body for body in bodies(recording) if body["type"] == "response.output_text.delta"]
    return [told(each) for body in deltas for each in body["logprobs"]]


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recorded_tokens_are_those_of_the_payload(recording: Recorded) -> None:
    wanted = expected(recording)
    given = read_tokens(RESPONSES, [recording.response])
    assert wanted
    assert [found(each) for each in given] == wanted
    (done,) = [body for body in bodies(recording) if body["type"] == "response.output_text.done"]
    assert [told(each) for each in done["logprobs"]] == wanted
    assert b"".join(token.data for token, _ in given).decode() == done["text"]
    answer = read(OpenAIResponses(), [recording.response]).answer
    assert (answer.certainty.tokens, answer.certainty.lowest) == (len(wanted), min(each[1] for each in wanted))


@pytest.mark.skipif(not RECORDED, reason="no recorded traffic")
@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 99), cuts=st.lists(st.integers(0, 1 << 20), max_size=8))
def test_recorded_tokens_are_the_same_split_anywhere(number: int, cuts: list[int]) -> None:
    recording = RECORDED[number % len(RECORDED)]
    given = read_tokens(RESPONSES, pieces(recording.response, cuts), recording.content_type)
    assert [found(each) for each in given] == expected(recording)


@pytest.mark.skipif(not RECORDED, reason="no recorded traffic")
@pytest.mark.parametrize("left_out", ["delta", "output_text", "content_part.done", "output_item.done"])
def test_what_did_not_come_before_comes_with_the_whole(left_out: str) -> None:
    """Without its deltas, a recording still tells its tokens once, down to the whole response alone."""
    order = ["delta", "output_text", "content_part.done", "output_item.done"]
    gone = order[: order.index(left_out) + 1]
    for recording in RECORDED:
        kept = [body for body in bodies(recording) if not any(word in body["type"] for word in gone)]
        assert [found(each) for each in read_tokens(RESPONSES, [sse(*kept)])] == expected(recording)


def test_a_whole_brings_what_its_deltas_left_out() -> None:
    first = step("output_text.delta", "a", delta="a")
    done = step("output_text.done", "a", "b", text="ab")
    read = tokens(first, done, {**step("content_part.done"), "part": part("a", "b", "c")})
    assert [(token.text, token.place) for token in read] == [("a", 0), ("b", 1), ("c", 2)]
    whole = {"type": "response.output_item.done", "output_index": 0, "item": item(part("a", "b"), part("x"))}
    assert texts(first, done, whole, {"type": "response.completed", "response": response(item(part("z")))}) == [
        "a",
        "b",
        "x",
    ]
    assert texts({"type": "response.completed", "response": response(item(part("z")))}) == ["z"]


def test_parts_are_told_apart_by_their_place_alone() -> None:
    read = texts(
        step("output_text.delta", "a", item_id="1"),
        step("output_text.delta", "b", item_id="2"),
        step("output_text.delta", "c", content=1),
        step("output_text.done", "a", "b", item_id="3"),
        step("output_text.delta", "d", output=1),
        step("output_text.done", "c", content=1),
        step("output_text.done", "d", "e", output=1),
    )
    assert read == ["a", "b", "c", "d", "e"]


def test_refusals_and_thoughts() -> None:
    read = tokens(
        step("reasoning_text.delta", "hm", delta="hm"),
        step("refusal.delta", "No", output=1),
        {**step("content_part.done", output=1), "part": part("No", ".", kind="refusal")},
        {**step("content_part.done", output=2), "part": part("so", kind="reasoning_text")},
        step("function_call_arguments.delta", "{}", output=3),
    )
    assert [(token.text, token.channel) for token in read] == [
        ("hm", "reasoning"),
        ("No", "refusal"),
        (".", "refusal"),
        ("so", "reasoning"),
    ]


def test_a_document() -> None:
    given = response(item(part("a", "b"), part("c", kind="refusal")), {"type": "reasoning"}, item(part("d")))
    read = read_tokens(RESPONSES, [json.dumps(given).encode()], "application/json")
    assert [(token.text, token.channel, token.place) for token, _ in read] == [
        ("a", "content", 0),
        ("b", "content", 1),
        ("c", "refusal", 2),
        ("d", "content", 3),
    ]


def test_a_number_has_the_text_of_its_delta() -> None:
    named = {"token": "token_id:7", "logprob": -1.0, "top_logprobs": [{"token": "token_id:7", "logprob": -1.0}]}
    given = step("output_text.delta", delta="cat", logprobs=[named])
    ((token, alternatives),) = read_tokens(RESPONSES, [sse(given)])
    assert (token.data, token.id) == (b"cat", 7)
    assert [(other.data, other.id) for other in alternatives] == [(b"", 7)]
    assert [
        (other.data, other.id) for other, _ in read_tokens(RESPONSES, [sse({**given, "logprobs": [named] * 2})])
    ] == [
        (b"", 7),
        (b"", 7),
    ]


def test_a_gateway_may_answer_in_another_shape() -> None:
    given = chunk({"content": "a"})
    top = [{"token": "b", "logprob": -2.0}]
    given["choices"][0]["logprobs"] = {"content": [{**entries("a")[0], "top_logprobs": top}]}
    data = b"data: " + json.dumps(given).encode() + b"\n\ndata: [DONE]\n\n"
    ((token, alternatives),) = read_tokens(RESPONSES, [data])
    assert (token.text, [other.text for other in alternatives]) == ("a", ["b"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        events_of(
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
            keys="logprobs token logprob top_logprobs bytes part item response output content output_index delta",
        ),
        max_size=4,
    )
)
def test_nonsense_never_raises(events: list[Json]) -> None:
    reader = ResponsesTokens()
    for body in events:
        event = Event(json.dumps(body).encode())
        read = reader.event(event)
        assert [token.place for token in read] == sorted({token.place for token in read})
        for token in read:
            reader.alternatives(event, token.place)
        assert reader.alternatives(event, 1 << 20) == ()


@pytest.mark.parametrize("data", [b"", b"[DONE]", b"{}"])
def test_events_without_tokens(data: bytes) -> None:
    assert ResponsesTokens().event(Event(data)) == []
    assert ResponsesTokens().alternatives(Event(data), 0) == ()
