"""Completions: asking for tokens, reading them in each spelling, and taking them out again so that nobody notices."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._completions_logprobs import CompletionsLogprobs
from inspector.dialects._logprobs import Wish
from inspector.model.token import Alternative
from tests.dialects.completions_streams import DIALECT, HEAD, chunk, native, parallel, stream
from tests.dialects.read_tokens import Read, read_tokens
from tests.dialects.recorded import pieces, read
from tests.dialects.token_streams import Framing, framings, words

Json = dict[str, Any]

API = CompletionsLogprobs()
NAME = "openai-completions"


def tokens(*events: Json) -> list[Read]:
    return read_tokens(NAME, [stream(*events)])


def of_document(body: object) -> list[Read]:
    return read_tokens(NAME, [json.dumps(body).encode()], "application/json")


def brief(found: list[Read]) -> list[tuple[str, str, float | None, int | None]]:
    return [(token.text, token.channel, token.logprob, token.id) for token, _ in found]


def test_parallel_lists() -> None:
    given = parallel(("He", -0.25), ("llo", -1.5), top=2)
    (first, others), (second, _) = tokens(chunk("Hello", index=1, logprobs=given))
    assert (first.data, first.logprob, first.choice, first.place, second.place) == (b"He", -0.25, 1, 0, 1)
    assert others == (Alternative(b"He", -0.25), Alternative(b"He0", -5.0), Alternative(b"He1", -6.0))
    assert first.entropy is not None


def test_bytes_that_are_no_character() -> None:
    given = parallel(("bytes:\\xf0\\x9f", -1.0), ("bytes:\\x91\\x8d", -2.0), top=0)
    (first, others), (second, _) = tokens(chunk("👍", logprobs=given))
    assert first.data + second.data == "👍".encode()
    assert others[0].data == b"\xf0\x9f"


def test_numbers_in_the_place_of_texts() -> None:
    given = parallel(("token_id:314", -1.0))
    given["top_logprobs"] = [{"token_id:314": -1.0, "token_id:15": -2.0}]
    ((token, others),) = tokens(chunk(" pi", logprobs=given))
    assert (token.data, token.id) == (b" pi", 314)
    assert [(other.id, other.logprob) for other in others] == [(314, -1.0), (15, -2.0)]


def test_numbers_beside_the_texts() -> None:
    assert brief(tokens(chunk("ab", logprobs=parallel(("a", -1.0), ("b", -2.0)), token_ids=[5, 6]))) == [
        ("a", "content", -1.0, 5),
        ("b", "content", -2.0, 6),
    ]
    assert brief(tokens(chunk("ab", token_ids=[5]))) == [("ab", "content", None, 5)]


def test_as_in_chat() -> None:
    entry = {"id": 3, "token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}
    assert brief(tokens(chunk("a", logprobs={"content": [entry]}))) == [("a", "content", -1.0, 3)]


def test_an_echoed_prompt() -> None:
    echoed = parallel(("Once", None), (" upon", -8.0), (" a", -0.5))
    kinds = ["prompt", "prompt", "content"]
    whole = {**chunk("Once upon a", "stop", logprobs=echoed), "usage": {"prompt_tokens": 2}}
    assert [token.channel for token, _ in of_document(whole)] == kinds
    several = [{**chunk("", logprobs=echoed, index=index)["choices"][0]} for index in (0, 1)]
    same = {**HEAD, "choices": several, "usage": {"prompt_tokens": 2}}
    assert [token.channel for token, _ in of_document(same)] == kinds * 2
    assert [
        token.channel for token, _ in tokens(chunk("", logprobs=echoed), chunk("b", logprobs=parallel(("b", -1.0))))
    ] == [
        *kinds,
        "content",
    ]
    numbered = chunk("", logprobs=echoed, prompt_token_ids=[1, 2, 3, 4])
    more = chunk("", logprobs=parallel((" b", -1.0), (" c", -1.0)))
    assert [token.channel for token, _ in tokens(numbered, more)] == ["prompt"] * 4 + ["content"]


def test_the_prompts_tokens_by_themselves() -> None:
    told = {
        "15": {"logprob": -3.0, "rank": 2, "decoded_token": " upon"},
        "9": {"logprob": -0.5, "decoded_token": " more"},
    }
    choice: Json = {"prompt_logprobs": [None, told], "prompt_token_ids": [4, 15], "logprobs": parallel((" a", -0.5))}
    found = of_document(chunk(" a", "stop", **choice))
    assert brief(found) == [
        ("", "prompt", None, 4),
        (" upon", "prompt", -3.0, 15),
        (" a", "content", -0.5, None),
    ]
    assert [other.text for other in found[1][1]] == [" more", " upon"]


def test_llama_cpps_own() -> None:
    now = {
        "id": 3,
        "token": "a",
        "bytes": [97],
        "logprob": -1.0,
        "top_logprobs": [{"id": 4, "token": "b", "logprob": -2.0}],
    }
    sampled = {"id": 3, "token": "a", "bytes": [97], "prob": 1.0, "top_probs": [{"id": 4, "token": "b", "prob": 0.0}]}
    old = {"content": "a", "probs": [{"tok_str": "a", "prob": 1.0}, {"tok_str": "b", "prob": 0.0}]}
    for entry, expected in (
        (now, ("a", "content", -1.0, 3)),
        (sampled, ("a", "content", 0.0, 3)),
        (old, ("a", "content", 0.0, 7)),
    ):
        found = tokens(native("a", completion_probabilities=[entry]))
        assert brief(found) == [expected]
        assert "b" in [other.text for other in found[0][1]]
    listed = [{"content": "a", "stop": True, "completion_probabilities": [now]}, {"content": "b", "stop": True}]
    assert brief(of_document(listed)) == [("a", "content", -1.0, 3)]
    assert brief(tokens(native("a"))) == [("a", "content", None, 7)]


@settings(max_examples=60)
@given(st.lists(st.tuples(words.filter(bool), st.floats(-9, -0.01)), min_size=1, max_size=5))
def test_the_texts_of_the_tokens_are_that_of_the_answer(said: list[tuple[str, float]]) -> None:
    events = [
        chunk(word, index=place % 2, logprobs=parallel((word, logprob))) for place, (word, logprob) in enumerate(said)
    ]
    found = [token for token, _ in tokens(*events)]
    assert [token.logprob for token in found] == [logprob for _, logprob in said]
    answer = read(DIALECT, [stream(*events)]).answer
    for index, choice in enumerate(answer.choices):
        assert choice.text() == "".join(token.text for token in found if token.choice == index)
    assert answer.certainty.tokens == len(said)


@pytest.mark.parametrize(
    ("body", "wish", "fields"),
    [
        ({"model": "m", "prompt": "x"}, Wish(20), {"logprobs": 5}),
        ({"model": "m", "prompt": "x", "logprobs": None}, Wish(3), {"logprobs": 3}),
        ({"model": "m", "prompt": "x", "logprobs": 0}, Wish(3), {}),
        ({"model": "m", "prompt": "x"}, Wish(0), {"logprobs": 0}),
        ({"model": "m", "prompt": "x"}, Wish(None, token_ids=True), {"return_token_ids": True}),
        ({"model": "m", "prompt": "x"}, Wish(None), {}),
        ({"prompt": "x", "n_predict": 9}, Wish(20, token_ids=True), {"n_probs": 20}),
        ({"prompt": "x", "n_predict": 9}, Wish(0), {"n_probs": 1}),
        ({"prompt": "x", "n_probs": 2}, Wish(5), {}),
    ],
)
def test_asking(body: Json, wish: Wish, fields: Json) -> None:
    given_body = json.dumps(body).encode()
    changed, added = API.ask(given_body, wish)
    assert json.loads(changed) == {**body, **fields}
    assert added == tuple(fields)
    assert fields or changed == given_body


SAID = st.lists(st.tuples(st.integers(0, 2), words), max_size=5)


def answered(said: list[tuple[int, str]], asked: bool, *, omits: bool, ids: bool, chat: bool = False) -> list[Json]:
    """A stream of a server that was asked for tokens, or was not. An end without words has none."""
    events = []
    for index, word in [(0, ""), *said, (0, "")]:
        event = chunk(word, index=index)
        (choice,) = event["choices"]
        entry = {
            "id": 1,
            "token": word,
            "logprob": -1.0,
            "bytes": [],
            "top_logprobs": [{"token": "}", "logprob": -3.0}],
        }
        given = {"content": [entry]} if chat else parallel((word, -1.0), top=2)
        choice["logprobs"] = given if asked and word else None
        if ids:
            choice |= {
                "token_ids": [1] if asked and word else None,
                "prompt_token_ids": [2] if asked and word else None,
            }
        if omits and choice["logprobs"] is None:
            del choice["logprobs"]
        events.append(event)
    return events


@settings(max_examples=120)
@given(SAID, framings, st.booleans(), st.booleans(), st.booleans(), st.lists(st.integers(0, 3000), max_size=8))
def test_a_client_gets_what_a_server_sends_that_was_never_asked(
    said: list[tuple[int, str]], framing: Framing, omits: bool, ids: bool, chat: bool, cuts: list[int]
) -> None:
    asked = framing.write(answered(said, True, omits=omits, ids=ids, chat=chat))
    never = framing.write(answered(said, False, omits=omits, ids=ids, chat=chat))
    for body in (asked, never):
        strip = API.strip(("logprobs", "return_token_ids"))
        assert b"".join([*map(strip.feed, pieces(body, cuts)), strip.close()]) == never


@pytest.mark.parametrize("known", [{}, {"timings": {}}, {"system_fingerprint": "b6123-1a2b3c"}])
def test_null_is_what_stands_there_else(known: Json) -> None:
    entry = {"id": 1, "token": "a", "logprob": -1.0, "bytes": [97], "top_logprobs": []}
    asked = {**chunk("a", "stop", logprobs={"content": [entry]}), **known}
    never = {**chunk("a", "stop"), **known}
    strip = API.strip(("logprobs",))
    assert json.loads(strip.document(json.dumps(asked).encode())) == never
    assert strip.feed(stream(asked)) + strip.close() == stream(never)


@settings(max_examples=60)
@given(st.lists(words, max_size=4), framings, st.lists(st.integers(0, 2000), max_size=6))
def test_llama_cpp_leaves_out_what_it_was_not_asked_for(said: list[str], framing: Framing, cuts: list[int]) -> None:
    entry = {"id": 3, "token": "a", "bytes": [97], "logprob": -1.0, "top_logprobs": [{"token": "}", "logprob": -2.0}]}
    asked = [native(word, completion_probabilities=[{**entry, "token": word}]) for word in said]
    body, never = framing.write(asked), framing.write([native(word) for word in said])
    strip = API.strip(("n_probs",))
    assert b"".join([*map(strip.feed, pieces(body, cuts)), strip.close()]) == never
    listed, bare = json.dumps(asked).encode(), json.dumps([native(word) for word in said]).encode()
    assert API.strip(("n_probs",)).document(listed) == bare
