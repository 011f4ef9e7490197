"""The small APIs beside the models' own: embeddings, lists of models, counted tokens."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.dialects import detect
from inspector.dialects._base import Dialect
from inspector.dialects.anthropic_count_tokens import AnthropicCountTokens
from inspector.dialects.models import Models
from inspector.dialects.openai_embeddings import OpenAIEmbeddings
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Message, Other, Transcript
from tests.dialects.completions_streams import text
from tests.dialects.recorded import Recorded, parameters, read, recorded

Json = dict[str, Any]

EMBEDDINGS, MODELS, COUNTS = OpenAIEmbeddings(), Models(), AnthropicCountTokens()
ALL: dict[str, Dialect] = {one.name: one for one in (EMBEDDINGS, MODELS, COUNTS)}
KEYS = ("data", "models", "embedding", "embeddings", "usage", "input_tokens", "id")
RECORDED = [
    each
    for name in ALL
    for each in recorded(name)
    # What stands in the list of models as a POST is a question to one of them.
    if each.row["method"] == ("GET" if name == "models" else "POST")
]


def request(method: str, url: str) -> Request:
    return Request(method, url, Headers())


def answered(dialect: Dialect, body: object) -> Transcript:
    return read(dialect, [json.dumps(body).encode()], "application/json")


def words(transcript: Transcript) -> list[str]:
    assert transcript.notes == [] and transcript.answer.complete
    return transcript.answer.choices[0].text().split("\n")


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        ("POST", "https://api.openai.com/v1/embeddings", "openai-embeddings"),
        ("POST", "https://h/openai/deployments/d/embeddings?api-version=1", "openai-embeddings"),
        ("GET", "https://h/v1/embeddings", "raw"),
        ("GET", "https://api.openai.com/v1/models", "models"),
        ("GET", "https://h/v1/models/meta-llama/Llama-3?x=1", "models"),
        ("GET", "https://h/v1beta/models", "models"),
        ("GET", "http://models/v1/x", "raw"),
        ("POST", "https://h/v1/models", "raw"),
        ("DELETE", "https://h/v1/models/m", "raw"),
        ("POST", "https://api.anthropic.com/v1/messages/count_tokens?beta=true", "anthropic-count-tokens"),
        ("POST", "https://h/v1/messages/batches", "raw"),
    ],
)
def test_the_path_tells(method: str, url: str, name: str) -> None:
    assert detect(request(method, url)).name == name


def test_what_is_embedded() -> None:
    body = {"model": "e", "input": ["a", "b"], "dimensions": 256}
    prompt = EMBEDDINGS.prompt(request("POST", "http://h/v1/embeddings"), json.dumps(body).encode())
    assert prompt.messages == [Message("user", [text("a")]), Message("user", [text("b")])]
    assert (prompt.model, prompt.parameters) == ("e", {"dimensions": 256})
    numbers = EMBEDDINGS.prompt(request("POST", "http://h/v1/embeddings"), b'{"input": [1, 2]}')
    assert numbers.messages == [Message("user", [Other("token_ids", [1, 2])])]


def test_vectors_are_told_by_their_beginnings() -> None:
    vector = [0.25, -0.5, 1.0, 2.0, 3.0]
    packed = base64.b64encode(struct.pack("<5f", *vector)).decode()
    data = [{"index": 0, "embedding": vector}, {"index": 1, "embedding": packed}]
    body = {"object": "list", "data": data, "model": "e-1", "usage": {"prompt_tokens": 7, "total_tokens": 7}}
    transcript = answered(EMBEDDINGS, body)
    head = "0.2500 -0.5000 1.0000 2.0000 …"
    assert words(transcript) == ["2 embeddings of 5 dimensions", head, head]
    assert transcript.answer.model == "e-1"
    assert transcript.answer.usage is not None and transcript.answer.usage.input_tokens == 7


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": []}, "0 embeddings"),
        ({"embedding": [1.0]}, "1 embedding of 1 dimensions"),
        ({"embeddings": [[1.0, 2.0], [1.0]]}, "2 embeddings of 2 or 1 dimensions"),
        ({"data": [{"embedding": "not base64"}]}, "1 embedding of 0 dimensions"),
        ({"data": [{"embedding": [None, "x"]}]}, "1 embedding of 2 dimensions"),
    ],
)
def test_odd_vectors(body: Json, expected: str) -> None:
    assert words(answered(EMBEDDINGS, body))[0] == expected


def test_models() -> None:
    listed = {"object": "list", "data": [{"id": "m-1", "max_model_len": 8192}, {"id": "m-2"}]}
    assert words(answered(MODELS, listed)) == ["2 models", "m-1: 8192 tokens", "m-2"]
    gemini = {"models": [{"name": "models/g", "inputTokenLimit": 10}], "nextPageToken": "x"}
    assert words(answered(MODELS, gemini)) == ["1 model", "models/g: 10 tokens", "and more"]
    assert words(answered(MODELS, [{"id": "a"}, {}])) == ["2 models", "a", "?"]
    assert words(answered(MODELS, {"id": "gpt-x", "object": "model"})) == ["gpt-x"]
    one = MODELS.prompt(request("GET", "https://h/v1/models/org/name?x=1"), b"")
    assert (one.model, MODELS.prompt(request("GET", "https://h/v1/models"), b"").model) == ("org/name", "")


def test_counted_tokens_cost_nothing() -> None:
    body = json.dumps({"model": "c", "messages": [{"role": "user", "content": "hi"}]}).encode()
    prompt = COUNTS.prompt(request("POST", "https://h/v1/messages/count_tokens"), body)
    assert prompt.messages == [Message("user", [text("hi")])]
    transcript = answered(COUNTS, {"input_tokens": 36, "context_management": {"original_input_tokens": 50}})
    usage = transcript.answer.usage
    assert words(transcript) == ["36 tokens"]
    assert usage is not None and (usage.input_tokens, usage.output_tokens, usage.cost) == (36, None, 0.0)


@pytest.mark.parametrize("dialect", ALL.values(), ids=list(ALL))
def test_errors(dialect: Dialect) -> None:
    answer = answered(dialect, {"type": "error", "error": {"type": "not_found_error", "message": "no"}}).answer
    assert (answer.error, answer.choices, answer.complete) == ("not_found_error: no", [], True)
    assert len(read(dialect, [b"Not Found"], "text/plain").notes) == 1


@given(
    st.sampled_from(list(ALL.values())),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4) | st.floats(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    ),
)
def test_nothing_is_raised(dialect: Dialect, body: object) -> None:
    assert all(note.startswith("event: ") for note in answered(dialect, body).notes)


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recorded(recording: Recorded) -> None:
    dialect = detect(recording.asked)
    assert dialect.name == recording.row["dialect"]
    transcript = read(dialect, [recording.response], recording.content_type)
    assert transcript.notes == [] and transcript.answer.complete
    if recording.request:
        assert dialect.prompt(recording.asked, recording.request).messages
    if recording.row["status"] == 200:
        assert words(transcript)[0]
        assert dialect is not EMBEDDINGS or transcript.answer.usage is not None
    else:
        assert transcript.answer.error
