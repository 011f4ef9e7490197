"""Responses: asking for tokens, and taking them out again so that nobody notices."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects._logprobs import Wish
from inspector.dialects._responses_logprobs import ResponsesLogprobs
from inspector.dialects._responses_strip import WANTED
from tests.dialects.recorded import Recorded, parameters, payloads, pieces, recorded
from tests.dialects.responses_answers import outputs
from tests.dialects.token_streams import Framing, framings, responses_events

Json = dict[str, Any]

API = ResponsesLogprobs()
ALL = ("include", "top_logprobs")
ADDITIONS = [ALL, ALL[:1], ALL[1:]]
RECORDED = recorded("openai-responses")


def stripped(body: bytes, added: tuple[str, ...], cuts: list[int] | None = None) -> bytes:
    """What the client gets of a stream that comes in these pieces."""
    strip = API.strip(added)
    return b"".join([*(strip.feed(piece) for piece in pieces(body, cuts or [])), strip.close()])


@given(outputs, st.booleans(), framings, st.lists(st.integers(0, 9000), max_size=8))
def test_a_client_gets_what_a_server_sends_that_was_never_asked(
    output: list[Json], vllm: bool, framing: Framing, cuts: list[int]
) -> None:
    asked = framing.write(responses_events(output, 2, asked=True, vllm=vllm))
    never = framing.write(responses_events(output, 2, asked=False, vllm=vllm))
    assert stripped(asked, ALL, cuts) == never
    assert stripped(never, ALL, cuts) == never


@given(outputs, framings, st.lists(st.integers(0, 9000), max_size=8))
def test_only_alternatives_go_where_the_client_asked_for_the_rest(
    output: list[Json], framing: Framing, cuts: list[int]
) -> None:
    asked = framing.write(responses_events(output, 3, asked=True))
    client = framing.write(responses_events(output, 0, asked=True))
    assert stripped(asked, ALL[1:], cuts) == client


@given(outputs)
def test_only_the_lists_go_where_the_client_gave_a_number(output: list[Json]) -> None:
    framing = Framing()
    asked = framing.write(responses_events(output, 3, asked=True))
    client = framing.write(responses_events(output, 0, asked=False)).replace(b'"top_logprobs":0', b'"top_logprobs":3')
    assert stripped(asked, ALL[:1]) == client


def test_a_document_and_the_echo_of_the_request() -> None:
    token = {"token": "x", "logprob": -1.5, "bytes": [120], "top_logprobs": [{"token": "y", "logprob": -2}]}
    content = {"type": "output_text", "text": '"logprobs":[', "annotations": [], "logprobs": [token]}
    items = [{"type": "message", "content": [content]}, {"type": "x", "content": [{"type": "x", "logprobs": [1]}]}]
    asked = {
        "object": "response",
        "include": ["a", WANTED],
        "top_logprobs": 5,
        "output": items,
        "metadata": {"include": WANTED},
    }
    never = {**asked, "include": ["a"], "top_logprobs": 0}
    never["output"] = [{**items[0], "content": [{**content, "logprobs": []}]}, items[1]]
    body, plain = json.dumps(asked).encode(), json.dumps(never).encode()
    assert API.strip(ALL).document(body) == plain
    assert stripped(body, ALL, [3]) == plain
    error = b'{"error": {"message": "top_logprobs", "logprobs": [1]}, "include": 5}'
    assert API.strip(ALL).document(error) == error


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recordings(recording: Recorded) -> None:
    body, random = recording.response, Random(7)
    for added in ADDITIONS:
        if not recording.stream:
            assert API.strip(added).document(body) == body
            continue
        whole = stripped(body, added)
        for _ in range(2):
            assert stripped(body, added, [random.randrange(len(body) + 1) for _ in range(40)]) == whole
        if b'"logprob":' not in body or "include" not in added:
            assert whole == body
        else:
            expected = json.loads(json.dumps(payloads(body)), object_hook=_emptied)
            assert payloads(whole) == expected != payloads(body)


def _emptied(value: Json) -> Json:
    return {**value, "logprobs": []} if "logprobs" in value else value


includes = (
    st.none() | st.just("x") | st.lists(st.sampled_from(["reasoning.encrypted_content", "é", WANTED]), max_size=3)
)


@given(
    st.booleans(),
    includes,
    st.sampled_from([..., None, 0, 3]),
    st.sampled_from([None, 0, 5]),
    st.sampled_from([None, 2]),
    st.sampled_from(["", "\n"]),
)
def test_asking(
    has: bool, include: object, client_top: object, top: int | None, indent: int | None, space: str
) -> None:
    tools = [{"parameters": {"properties": {"include": {"type": "array"}, "top_logprobs": None}}}]
    body: Json = {"input": 'the "include" of', "tools": tools}
    body |= {"include": include} if has else {}
    body |= {"top_logprobs": client_top} if client_top is not ... else {}
    raw = json.dumps(body, indent=indent) + space
    asking, added = API.ask(raw.encode(), Wish(top, token_ids=True))
    expected: Json = {}
    entries = body.get("include") or [] if body.get("include") is None or isinstance(include, list) else None
    if top is not None and entries is not None and WANTED not in entries:
        expected["include"] = [*entries, WANTED]
    if top and body.get("top_logprobs") is None:
        expected["top_logprobs"] = top
    assert json.loads(asking) == {**body, **expected}
    assert added == tuple(expected)
    if not expected:
        assert asking == raw.encode()
    elif indent is None:
        assert asking.decode().replace('","', '", "') == json.dumps({**body, **expected}) + space


def test_asking_refuses_what_is_no_object() -> None:
    for wrong in (b"", b"[]", b"{"):
        with pytest.raises(ValueError):
            API.ask(wrong, Wish())
