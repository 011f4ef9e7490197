"""Chat Completions: asking for tokens, and taking them out again so that nobody notices."""

from __future__ import annotations

import json
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects._logprobs import Wish
from inspector.dialects._openai_chat_logprobs import ChatLogprobs
from tests.dialects.recorded import Recorded, parameters, payloads, pieces, recorded
from tests.dialects.token_streams import MANNERS, Framing, Manner, Step, chat_events, framings, steps

Json = dict[str, Any]

API = ChatLogprobs()
ALL = ("logprobs", "top_logprobs", "return_token_ids")
ADDITIONS = [chosen for size in (1, 2, 3) for chosen in combinations(ALL, size)]
RECORDED = recorded("openai-chat")


def stripped(body: bytes, added: tuple[str, ...], cuts: list[int] | None = None) -> bytes:
    """What the client gets of a stream that comes in these pieces."""
    strip = API.strip(added)
    return b"".join([*(strip.feed(piece) for piece in pieces(body, cuts or [])), strip.close()])


@given(
    st.lists(steps, max_size=4),
    st.sampled_from(list(MANNERS.values())),
    framings,
    st.lists(st.integers(0, 5000), max_size=8),
)
def test_a_client_gets_what_a_server_sends_that_was_never_asked(
    said: list[Step], manner: Manner, framing: Framing, cuts: list[int]
) -> None:
    asked = framing.write(chat_events(said, manner, 2, asked=True))
    never = framing.write(chat_events(said, manner, 2, asked=False))
    assert stripped(asked, ALL, cuts) == never
    assert stripped(never, ALL, cuts) == never


@given(
    st.lists(steps, max_size=3),
    st.sampled_from(["openai", "deepseek", "llama.cpp", "azure"]),
    framings,
    st.lists(st.integers(0, 5000), max_size=6),
)
def test_only_alternatives_go_where_the_client_asked_for_the_rest(
    said: list[Step], manner: str, framing: Framing, cuts: list[int]
) -> None:
    asked = framing.write(chat_events(said, MANNERS[manner], 3, asked=True))
    client = framing.write(chat_events(said, MANNERS[manner], 0, asked=True))
    assert stripped(asked, ("top_logprobs",), cuts) == client


@pytest.mark.parametrize("manner", MANNERS.values(), ids=list(MANNERS))
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_byte_by_byte(manner: Manner, end: bytes) -> None:
    said = [
        Step(((0, ("é漢", '"logprobs":{')), (1, ("👍",)))),
        Step(((0, ()),)),
        Step(((0, ("x",)),), tool=True, extra=True),
    ]
    framing = Framing(end=end, bom=True, before=b"event: chunk")
    asked, never = (framing.write(chat_events(said, manner, 2, asked=asked)) for asked in (True, False))
    assert stripped(asked, ALL, list(range(len(asked)))) == never


@pytest.mark.parametrize(
    ("fields", "omitted"),
    [({}, False), ({"system_fingerprint": "fp_ollama"}, True), ({"timings": {}}, True), ({"model": "grok-3"}, True)],
)
def test_a_document(fields: Json, omitted: bool) -> None:
    tokens: Json = {"content": [{"token": "x", "logprob": -1.5, "bytes": None, "top_logprobs": []}], "refusal": None}
    choice = {"index": 0, "message": {"content": '"logprobs":{}'}, "logprobs": tokens, "token_ids": [1, 2]}
    asked = {"id": "c", "prompt_token_ids": [1], "choices": [choice, choice], **fields}
    plain = {**choice, "logprobs": None, "token_ids": None}
    if omitted:
        del plain["logprobs"]
    never = {**asked, "prompt_token_ids": None, "choices": [plain, plain]}
    for indent in (None, 2):
        body = json.dumps(asked, indent=indent).encode() + b"\n"
        assert API.strip(ALL).document(body) == json.dumps(never, indent=indent).encode() + b"\n"
        assert stripped(body, ALL, [5, 30]) == json.dumps(never, indent=indent).encode() + b"\n"
    enveloped = json.dumps({"status": 200, "data": asked}).encode()
    assert json.loads(API.strip(ALL).document(enveloped)) == {"status": 200, "data": never}


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"choices":[{"logprobs":{"content":null,"refusal":null}}]}\n\n',
        b'data: {"error":{"message":"no","logprobs":{"content":[1]}}}\n\n',
        b'data: {"choices":[{"delta":{"logprobs":{"content":[1]}}}],"logprobs":{"content":[1]}}\n\n',
        b'data: {"choices":[{"foo\\"logprobs":{"content":[1]}}]}\n\n',
        b'data: {"choices":{"logprobs":{"content":[1]}}}\n\n',
        b'data: {"choices":[{"logprobs":{"content":[1]}}]\n\n',
        b'data: "logprobs":[1]\n\n',
        b'data: [{"logprobs":[1]}]\n\n',
        b'data: {"choices":[{"logprobs":"\\u00000"}]}\n\n',
        b": logprobs\n\nretry: 1\n\ndata\n\n",
    ],
)
def test_what_is_no_answer_to_what_was_added_passes(body: bytes) -> None:
    assert stripped(body, ALL) == body
    assert stripped(body, ALL, list(range(len(body)))) == body


@pytest.mark.parametrize("value", [b"NaN", b"-Infinity", b'"\xff\xfe"', b'"\\ud83d"'])
def test_what_strict_parsers_refuse_is_stripped_too(value: bytes) -> None:
    body = b'data: {"choices":[{"delta":{"content":%s},"logprobs":{"content":[{"logprob":%s}]}}]}\n\n' % (value, value)
    assert stripped(body, ALL) == b'data: {"choices":[{"delta":{"content":%s},"logprobs":null}]}\n\n' % value


def test_a_value_that_looks_like_a_mark_does_no_harm() -> None:
    body = b'data: {"choices":[{"logprobs":{"content":[]}},{"logprobs":"\\u00000"},{"logprobs":"\\u0000%s"}]}\n\n' % (
        b"9" * 5000
    )
    assert stripped(body, ALL) == body.replace(b'{"content":[]}', b"null")


def test_a_server_that_writes_null_now_and_then_forgets_it() -> None:
    """As Alibaba does: what was seen to be null stays null."""
    said = [b'{"choices":[{"logprobs":null}]}', b'{"choices":[{}]}', b'{"choices":[{"logprobs":{"content":[{}]}}]}']
    body = b"".join(b"data: %s\n\n" % event for event in said)
    assert stripped(body, ALL) == body.replace(b'{"content":[{}]}', b"null")


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recordings(recording: Recorded) -> None:
    body, random = recording.response, Random(7)
    for added in ADDITIONS:
        strip = API.strip(added)
        if not recording.stream:
            _check_values([json.loads(body)], [json.loads(strip.document(body))], added)
            continue
        whole = stripped(body, added)
        for _ in range(2):
            assert stripped(body, added, [random.randrange(len(body) + 1) for _ in range(40)]) == whole
        events = [event + b"\n\n" for event in body.split(b"\n\n")]
        one_by_one = b"".join([*map(strip.feed, events), strip.close()])
        assert one_by_one.removesuffix(b"\n\n") == whole
        if b'"logprob":' not in body:
            assert whole == body
        else:
            _check_values(payloads(body), payloads(whole), added)


def _check_values(before: list[Any], after: list[Any], added: tuple[str, ...]) -> None:
    """Assert that just those values are gone."""
    for event in before:
        for choice in event.get("choices", []) if isinstance(event, dict) else []:
            logprobs = choice.get("logprobs") or {}
            lists = [tokens for tokens in logprobs.values() if isinstance(tokens, list)]
            if "logprobs" in added and lists:
                choice["logprobs"] = None
                if (event.get("system_fingerprint") or "").startswith("b") or "timings" in event:
                    del choice["logprobs"]
            elif "top_logprobs" in added:
                for token in [token for tokens in lists for token in tokens]:
                    token["top_logprobs"] = []
    assert after == before


names = st.sampled_from(["model", "messages", "logprobs", "top_logprobs", "return_token_ids", "n"])
values = (
    st.none()
    | st.booleans()
    | st.integers(0, 9)
    | st.sampled_from(['"logprobs":null', "é", {"logprobs": None, "top_logprobs": None}, [{"return_token_ids": None}]])
)


@given(
    st.dictionaries(names, values, max_size=6),
    st.sampled_from([None, 0, 5, 20]),
    st.booleans(),
    st.sampled_from([None, 2]),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.sampled_from(["", " ", "\r\n"]),
)
def test_asking(
    body: Json, top: int | None, numbers: bool, indent: int | None, separators: tuple[str, str], space: str
) -> None:
    separators = (",", separators[1]) if indent else separators
    raw = json.dumps(body, indent=indent, separators=separators)
    asking, added = API.ask((space + raw + space).encode(), Wish(top, numbers))
    logprobs = body.get("logprobs")
    expected: Json = {"logprobs": True} if top is not None and logprobs is None else {}
    if top and (logprobs is None or logprobs is True) and body.get("top_logprobs") is None:
        expected["top_logprobs"] = top
    if numbers and body.get("return_token_ids") is None:
        expected["return_token_ids"] = True
    assert added == tuple(expected)
    whole = json.dumps({**body, **expected}, indent=indent, separators=separators)
    if body:
        assert asking == (space + whole + space).encode()
    else:
        assert json.loads(asking) == expected


def test_asking_keeps_what_is_odd_in_a_body() -> None:
    odd = b'\xef\xbb\xbf{"a":1.50e+1,"a":"\\u00e9\\/","logprobs":true,"logprobs":null , "z":[1 ,2]} \n'
    new = odd.replace(b"null", b"true").replace(b"2]}", b'2],"top_logprobs":5}')
    assert API.ask(odd, Wish()) == (new, ("logprobs", "top_logprobs"))
    for wrong in (b"", b"[]", b"{", b'"x"', b"\xff"):
        with pytest.raises(ValueError):
            API.ask(wrong, Wish())
