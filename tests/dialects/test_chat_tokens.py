"""The tokens of Chat Completions answers: equal to the payload's, and of the right channel."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._logprob_entries import data_of, entropy_of, logprob_of
from inspector.dialects._openai_chat_tokens import ChatTokens, Said, Voice, lay_over
from inspector.dialects.openai_chat import OpenAIChat
from inspector.model.token import Token
from inspector.wire.event import Event
from tests.dialects.chat_streams import chunk, part, stream, whole
from tests.dialects.read_tokens import Json, bodies, found, read_tokens, told, with_logprobs
from tests.dialects.recorded import Recorded, parameters, pieces, read, recorded

CHAT = "openai-chat"
RECORDED = with_logprobs(recorded(CHAT))
LISTS = ("reasoning_content", "content", "refusal")


def entry(token: str, logprob: float | None = -0.5, **fields: object) -> Json:
    """A token as OpenAI tells of it."""
    return {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": [], **fields}


def said(delta: Json | None, *words: str, place: str = "content", **fields: object) -> Json:
    """An event that brings tokens beside its delta."""
    given = chunk(delta)
    given["choices"][0] |= {"logprobs": {place: [entry(word) for word in words]}, **fields}
    return given


def tokens(*chunks: Json) -> list[Token]:
    """The tokens of a stream."""
    return [token for token, _ in read_tokens(CHAT, [stream(*chunks)])]


def places(read: list[Token]) -> list[tuple[str, str, int]]:
    """What each token is, its channel and its call."""
    return [(token.text, token.channel, token.call) for token in read]


def document(message: Json, *words: str, **fields: object) -> list[Token]:
    """The tokens of an answer in one piece."""
    body = json.loads(whole(message))
    body["choices"][0] |= {"logprobs": {"content": [entry(word) for word in words]}, **fields}
    return [token for token, _ in read_tokens(CHAT, [json.dumps(body).encode()], "application/json")]


def expected(recording: Recorded) -> list[Any]:
    """Every entry of an answer's payloads, in their order."""
    choices = [choice for body in bodies(recording) for choice in body["choices"] if choice.get("logprobs")]
    return [told(each) for choice in choices for name in LISTS for each in choice["logprobs"].get(name) or ()]


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recorded_tokens_are_those_of_the_payload(recording: Recorded) -> None:
    wanted = expected(recording)
    given = read_tokens(CHAT, [recording.response], recording.content_type)
    assert wanted
    assert [found(each) for each in given] == wanted
    answer = read(OpenAIChat(), [recording.response], recording.content_type).answer
    assert answer.certainty.tokens == len(wanted)
    assert answer.certainty.lowest == min(logprob for _, logprob, _, _ in wanted)
    assert answer.certainty.logprob_sum == pytest.approx(sum(logprob for _, logprob, _, _ in wanted))
    if not any("<think>" in token.text for token, _ in given):
        assert b"".join(token.data for token, _ in given).decode() in answer.choices[0].text()


@pytest.mark.skipif(not RECORDED, reason="no recorded traffic")
@settings(max_examples=40, deadline=None)
@given(number=st.integers(0, 99), cuts=st.lists(st.integers(0, 1 << 20), max_size=8))
def test_recorded_tokens_are_the_same_split_anywhere(number: int, cuts: list[int]) -> None:
    recording = RECORDED[number % len(RECORDED)]
    given = read_tokens(CHAT, pieces(recording.response, cuts), recording.content_type)
    assert [found(each) for each in given] == expected(recording)


def test_thoughts_and_refusals_have_their_own_lists() -> None:
    chunks = [
        said({"reasoning_content": "hm"}, "h", "m", place="reasoning_content"),
        said({"content": "No"}, "No"),
        said({"refusal": "I can't"}, "I", " can't", place="refusal"),
    ]
    chunks[0]["choices"][0]["logprobs"]["content"] = None
    assert places(tokens(*chunks)) == [
        ("h", "reasoning", -1),
        ("m", "reasoning", -1),
        ("No", "content", -1),
        ("I", "refusal", -1),
        (" can't", "refusal", -1),
    ]
    both = said(None, "b")
    both["choices"][0]["logprobs"]["reasoning_content"] = [entry("a")]
    read = read_tokens(CHAT, [stream(both)])
    assert [(token.text, token.channel, token.place) for token, _ in read] == [
        ("a", "reasoning", 0),
        ("b", "content", 1),
    ]


def test_a_chunk_says_to_what_its_tokens_belong() -> None:
    read = tokens(
        said({"role": "assistant", "content": ""}),
        said({}, "Hi"),
        said({"reasoning": "so"}, "so"),
        said({}, "…"),
        said({"content": "Hi"}, "Hi"),
        said({"tool_calls": [part(0, "a", "Bash", "")]}, "<call>", "Bash"),
        said({"tool_calls": [part(0, args='{"x"')]}, '{"', 'x"'),
        said(None, ":"),
        said({"tool_calls": [part(1, "b", "Edit")]}, "Edit"),
        said({"tool_calls": [part(1, args="{}")]}, "{}"),
        said({"tool_calls": [part(0, args="1}")]}, "1}"),
    )
    assert places(read) == [
        ("Hi", "content", -1),
        ("so", "reasoning", -1),
        ("…", "reasoning", -1),
        ("Hi", "content", -1),
        ("<call>", "tool_name", 0),
        ("Bash", "tool_name", 0),
        ('{"', "tool_arguments", 0),
        ('x"', "tool_arguments", 0),
        (":", "tool_arguments", 0),
        ("Edit", "tool_name", 1),
        ("{}", "tool_arguments", 1),
        ("1}", "tool_arguments", 0),
    ]


def test_a_whole_call_in_one_chunk_is_split_at_its_name() -> None:
    words = ["<tool>", '{"name": "', "Ba", "sh", '", "arguments": ', '{"a"', ": 1}", "}"]
    read = tokens(said({"tool_calls": [part(0, "a", "Bash", '{"a": 1}')]}, *words))
    channels = ["tool_arguments"] * 2 + ["tool_name"] * 2 + ["tool_arguments"] * 4
    assert [token.channel for token in read] == channels
    assert {token.call for token in read} == {0}


def test_a_name_that_comes_with_every_fragment_was_written_once() -> None:
    fragments = [part(0, "a", "Bash", '{"a'), part(0, "a", "Bash", '": 1}')]
    first, second = (
        said({"tool_calls": [each]}, *words)
        for each, words in zip(fragments, [("Bash", '{"a'), ('": 1}',)], strict=True)
    )
    assert places(tokens(first, second)) == [
        ("Bash", "tool_name", 0),
        ('{"a', "tool_arguments", 0),
        ('": 1}', "tool_arguments", 0),
    ]


def test_calls_without_an_index_are_told_apart_by_their_heads() -> None:
    read = tokens(
        said({"tool_calls": [part(None, "a", "Bash", "{}")]}, "Bash", "{}"),
        said({"tool_calls": [part(None, "b", "Edit", "{}")]}, "Edit", "{}"),
        said({"function_call": {"name": "old"}}, "old"),
    )
    assert [token.call for token in read] == [0, 0, 1, 1, 2]


def test_one_chunk_may_end_the_thoughts_and_begin_the_words() -> None:
    read = tokens(said({"reasoning": "so.", "content": "Yes"}, "so", ".", "</think>", "\n\n", "Yes"))
    assert [token.channel for token in read] == ["reasoning"] * 4 + ["content"]


@pytest.mark.parametrize(
    ("message", "words", "channels"),
    [
        ({"content": "Yes."}, ["Yes", ".", "<end>"], ["content"] * 3),
        (
            {"content": "Yes.", "reasoning_content": "Is it? Yes."},
            ["Is", " it", "? ", "Yes.", "</think>", "\n\nYes", "."],
            ["reasoning"] * 5 + ["content"] * 2,
        ),
        (
            {"content": "Yes.", "reasoning": "told otherwise"},
            ["<think>", "hm", "</think>", "Yes."],
            ["reasoning"] * 3 + ["content"],
        ),
        ({"content": "Yes.", "reasoning": "hm"}, ["Yes", "."], ["content"] * 2),
        (
            {"content": None, "tool_calls": [part(0, "a", "ls", '{"a":1}')]},
            ['{"name":"', "ls", '","a', 'rguments":', '{"a":1}', "}"],
            ["tool_arguments", "tool_name"] + ["tool_arguments"] * 4,
        ),
        (
            {"content": "Go", "tool_calls": [part(0, "a", "ls", "{}")]},
            ["Go", "<call>", "ls", "{}"],
            ["content", "tool_arguments", "tool_name", "tool_arguments"],
        ),
        ({"content": "spoken otherwise"}, ["Yes"], ["content"]),
        ({"content": None}, ["Yes"], ["content"]),
    ],
)
def test_the_tokens_of_a_document_are_laid_over_its_message(
    message: Json, words: list[str], channels: list[str]
) -> None:
    assert [token.channel for token in document(message, *words)] == channels


def test_the_calls_of_a_document_stand_one_after_another() -> None:
    calls = [part(0, "a", "ls", '{"a": 1}'), part(1, "b", "cat", '{"b": 2}')]
    words = ["<c>", "ls", ' {"a": 1', "}", "</c>", "<c>", "cat", ' {"b":', " 2}"]
    read = document({"content": "", "tool_calls": calls}, *words)
    assert [token.call for token in read] == [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert [token.text for token in read if token.channel == "tool_name"] == ["ls", "cat"]
    otherwise = [part(0, "a", "ls", '{"a":1}'), part(1, "b", "cat", "{}")]
    read = document({"content": "", "tool_calls": otherwise}, *words)
    assert [token.call for token in read] == [0] * 6 + [1] * 3


@given(
    texts=st.lists(st.text(alphabet="abé漢", min_size=1, max_size=6), min_size=2, max_size=4),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
def test_tokens_of_joined_pieces_fall_to_their_own(texts: list[str], cuts: list[int]) -> None:
    marks = [f"<{number}>" for number in range(len(texts))]
    given = [
        Said(Voice("tool_arguments", number), mark + text)
        for number, (mark, text) in enumerate(zip(marks, texts, strict=True))
    ]
    data = "".join(each.text for each in given).encode()
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    voices = lay_over([data[start:end] for start, end in pairwise(edges)], given)
    ends = [len("".join(each.text for each in given[: number + 1]).encode()) for number in range(len(given))]
    assert [voice.call for voice in voices] == [
        next(number for number, end in enumerate(ends) if last <= end) for last in edges[1:]
    ]


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"token": "é", "bytes": [195, 169]}, "é".encode()),
        ({"token": "\ufffd", "bytes": [240, 159]}, b"\xf0\x9f"),
        ({"token": "\\xf0\\x9f", "bytes": [240, 159]}, b"\xf0\x9f"),
        ({"token": "\\xf0\\x9f"}, b"\xf0\x9f"),
        ({"token": "bytes:\\xf0\\x9f"}, b"\xf0\x9f"),
        ({"token": "bytes: \\xf0\\x9f"}, b" \xf0\x9f"),
        ({"token": "\\x41"}, b"\\x41"),
        ({"token": "a\\xff"}, b"a\\xff"),
        ({"token": "é", "bytes": None}, "é".encode()),
        ({"token": "é", "bytes": []}, "é".encode()),
        ({"token": "é", "bytes": [1000]}, "é".encode()),
        ({"token": "é", "bytes": ["x"]}, "é".encode()),
        ({"token": "\ud800", "bytes": None}, b"?"),
        ({"token": "token_id:7", "bytes": list(b"token_id:7")}, None),
        ({"token": "token_id:7"}, None),
        ({"token": "token_id:7", "bytes": list(b" cat")}, b" cat"),
        ({"token": "token_id:x"}, b"token_id:x"),
        ({"token": 5}, b""),
        ({}, None),
    ],
)
def test_bytes_come_from_where_they_are_told_best(given: Json, data: bytes | None) -> None:
    assert data_of(given) == data


def test_characters_may_be_spread_over_tokens() -> None:
    halves = [entry("\ufffd", bytes=[0xF0, 0x9F]), entry("\\x91\\x8d", bytes=[0x91, 0x8D])]
    given = chunk({"content": "👍"})
    given["choices"][0]["logprobs"] = {"content": halves}
    assert b"".join(token.data for token in tokens(given)) == "👍".encode()


NAN, FAR = float("nan"), -9999.0


@pytest.mark.parametrize(
    ("given", "number"),
    [(-0.5, -0.5), (0, 0.0), (FAR, FAR), (None, None), (NAN, None), (-math.inf, None), ("-1", None), (True, None)],
)
def test_a_logprob_is_a_number_or_not_known(given: object, number: float | None) -> None:
    assert logprob_of({"logprob": given}) == number


def alternative(token: str, logprob: float | None, **fields: object) -> Json:
    return {"token": token, "logprob": logprob, **fields}


HALF = math.log(0.5)


@pytest.mark.parametrize(
    ("top", "bits"),
    [
        ([alternative("a", HALF), alternative("b", HALF)], 1.0),
        ([alternative("b", HALF)], 1.0),
        ([alternative("a", HALF)], 1.0),
        ([alternative("a", HALF), alternative("a", HALF), alternative("b", HALF)], 1.0),
        ([alternative("a", HALF, id=1), alternative("a", HALF, id=2)], 1.0),
        ([alternative("a", HALF), alternative("b", HALF), alternative("c", FAR), alternative("d", None)], 1.0),
        ([alternative("a", 0.0), alternative("b", FAR)], 0.0),
        ([alternative("a", math.log(0.25)), alternative("b", math.log(0.25))], 1.5),
        (["x", {"token": [], "logprob": "y"}, alternative("b", HALF)], 1.0),
        ([], None),
        (None, None),
        ("abc", None),
        (5, None),
    ],
)
def test_entropy_counts_each_token_once_and_the_rest_as_one(top: object, bits: float | None) -> None:
    found = entropy_of({"token": "a", "logprob": HALF, "top_logprobs": top})
    assert found == (None if bits is None else pytest.approx(bits))


def test_nothing_known_is_no_entropy() -> None:
    assert entropy_of({"token": "a", "logprob": FAR, "top_logprobs": [alternative("b", FAR)]}) is None
    assert entropy_of({"token": "a", "top_logprobs": [alternative("a", None)]}) is None


def test_alternatives_are_ordered_and_named_once() -> None:
    top = [
        alternative("b", -3.0),
        alternative("c", None),
        alternative("a", -0.5),
        alternative("a", -0.5),
        alternative("\ufffd", -3.0, bytes=[240]),
        alternative("\ufffd", -3.0, bytes=[241]),
        alternative("token_id:9", -2.0),
    ]
    given = chunk({"content": "z"})
    given["choices"][0]["logprobs"] = {"content": [entry("z", top_logprobs=top)]}
    ((_, alternatives),) = read_tokens(CHAT, [stream(given)])
    assert [(other.data, other.logprob, other.id) for other in alternatives] == [
        (b"a", -0.5, None),
        (b"", -2.0, 9),
        (b"b", -3.0, None),
        (b"\xf0", -3.0, None),
        (b"\xf1", -3.0, None),
        (b"c", None, None),
    ]


def numbered(*numbers: int, **fields: object) -> Json:
    """An event of vLLM that was asked for numbers in place of texts."""
    names = [f"token_id:{number}" for number in numbers]
    given = chunk({"content": "cat"})
    given["choices"][0] |= {"logprobs": {"content": [entry(name) for name in names]}, **fields}
    return given


def test_numbers_in_place_of_texts() -> None:
    (token,) = tokens(numbered(7))
    assert (token.data, token.id, token.logprob) == (b"cat", 7, -0.5)
    assert [(token.data, token.id) for token in tokens(numbered(7, 8))] == [(b"", 7), (b"", 8)]
    real = numbered(7)
    real["choices"][0]["logprobs"]["content"][0]["bytes"] = list(b"at")
    assert [(token.data, token.id) for token in tokens(real)] == [(b"at", 7)]


def test_numbers_beside_the_tokens() -> None:
    for fields in ({"token_id": 5}, {"id": 5}, {"token_id": None, "id": 5}):
        given = said({"content": "a"}, "a")
        given["choices"][0]["logprobs"]["content"][0] |= fields
        assert [token.id for token in tokens(given)] == [5]
    assert [token.id for token in tokens(said({"content": "ab"}, "a", "b", token_ids=[3, 4]))] == [3, 4]
    assert [token.id for token in tokens(said({"content": "ab"}, "a", "b", token_ids=[3]))] == [None, None]
    assert [token.id for token in tokens(said({"content": "ab"}, "a", "b", token_ids=[3, "x"]))] == [3, None]
    assert [token.id for token in document({"content": "ab"}, "a", "b", token_ids=[3, 4])] == [3, 4]


@pytest.mark.parametrize("logprobs", [None, {"content": []}, {"content": None}, "x", []])
def test_numbers_alone(logprobs: object) -> None:
    (one,) = tokens(said({"content": "cat"}, token_ids=[3], logprobs=logprobs))
    assert (one.data, one.id, one.logprob, one.entropy) == (b"cat", 3, None, None)
    two = tokens(said({"reasoning": "cat"}, token_ids=[3, 4], logprobs=logprobs))
    assert [(token.data, token.id, token.channel) for token in two] == [(b"", 3, "reasoning"), (b"", 4, "reasoning")]
    ((_, alternatives),) = read_tokens(CHAT, [stream(said({"content": "cat"}, token_ids=[3], logprobs=logprobs))])
    assert alternatives == ()


@pytest.mark.skipif(not recorded(CHAT), reason="no recorded traffic")
def test_recorded_numbers_of_together() -> None:
    (recording,) = [each for each in recorded(CHAT) if b'"token_id"' in each.response]
    deltas = [choice["delta"] for body in bodies(recording) for choice in body["choices"]]
    read = read_tokens(CHAT, [recording.response])
    assert [(token.text, token.id) for token, _ in read] == [(each["content"], each["token_id"]) for each in deltas]


def test_parallel_lists() -> None:
    given = chunk({"content": "ab"})
    given["choices"][0]["logprobs"] = {
        "tokens": ["a", "bytes:\\xc3", "token_id:9"],
        "token_logprobs": [None, -0.5, -1.0],
        "top_logprobs": [None, {"b": -0.5, "c": -2.0}],
        "token_ids": [4],
    }
    read = read_tokens(CHAT, [stream(given)])
    assert [(token.data, token.logprob, token.id) for token, _ in read] == [
        (b"a", None, 4),
        (b"\xc3", -0.5, None),
        (b"", -1.0, 9),
    ]
    assert [[(other.text, other.logprob) for other in others] for _, others in read] == [
        [],
        [("b", -0.5), ("c", -2.0)],
        [],
    ]


def test_choices_are_kept_apart() -> None:
    one, two = said({"content": "a"}, "a"), said({"tool_calls": [part(0, "x", "f")]}, "f")
    two["choices"][0]["index"] = 1
    one["choices"] += two["choices"]
    after = said({}, "c")
    after["choices"][0]["index"] = 1
    read = tokens(one, after)
    assert [(token.choice, token.channel, token.place) for token in read] == [
        (0, "content", 0),
        (1, "tool_name", 1),
        (1, "tool_name", 0),
    ]


KEYS = (
    *("token", "logprob", "bytes", "top_logprobs", "id", "token_id", "token_ids", "tokens", "token_logprobs"),
    *("content", "refusal", "reasoning", "tool_calls", "index", "function", "name", "arguments"),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "token_id:5", "\\xff", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(logprobs=values, delta=values, ids=values)
def test_nonsense_never_raises_and_the_sums_agree(logprobs: object, delta: object, ids: object) -> None:
    body = {"choices": [{"index": 0, "delta": delta, "logprobs": logprobs, "token_ids": ids}]}
    event = Event(json.dumps(body).encode())
    reader = ChatTokens()
    read = reader.event(event)
    for token in read:
        reader.alternatives(event, token.place)
    assert reader.alternatives(event, len(read)) == ()
    certainty = read_certainty(event)
    assert certainty == sum(token.probability is not None for token in read)


def read_certainty(event: Event) -> int:
    """For how many tokens the transcript knows the probability."""
    return read(OpenAIChat(), [b"data: " + event.data + b"\n\n"]).answer.certainty.tokens


@pytest.mark.parametrize("data", [b"", b"[DONE]", b'{"error": {"message": "x"}}', b'{"choices": null}'])
def test_events_without_tokens(data: bytes) -> None:
    assert ChatTokens().event(Event(data)) == []
    assert ChatTokens().alternatives(Event(data), 0) == ()


def test_what_is_no_object_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        ChatTokens().event(Event(b"5"))
