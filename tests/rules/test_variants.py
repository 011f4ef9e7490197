"""Other versions of a request: what is changed, what stays, and what the person is told."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import detect
from inspector.model.flow import Capture, End, Flow, Mutation, Reason, Request, Timing
from inspector.model.headers import Headers
from inspector.proxy.routes import Routes
from inspector.rules.variants import Variant, fork, variant
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.handmade import STARTED, chat_chunks, chat_flow, finish, respond, stream

CHAT = "https://api.openai.com/v1/chat/completions"
CLAUDE = "https://api.anthropic.com/v1/messages"
KEY = "sk-proj-0123456789abcdefghij"
BODY = b"""{
  "model": "gpt-5-mini",
  "temperature": 1.0,
  "messages": [
    {"role": "system", "content": "Be brief."},
    {"role": "user",   "content": "H\\u00e9llo"}
  ],
  "x-unknown": [1e3, {"a" : null}]
}"""


def flow_of(body: bytes = BODY, url: str = CHAT, provider: str = "openai", headers: Any = ()) -> Flow:
    """A flow that is done."""
    pairs = headers or [("Content-Type", "application/json"), ("Authorization", f"Bearer {KEY}")]
    request = Request("POST", url, Headers(pairs), Capture(body))
    flow = Flow("f", request, STARTED, provider=provider, dialect=detect(request).name, timing=Timing(received=1.0))
    flow.end = End(Reason.DONE, "upstream")
    return flow


def said(made: Variant) -> Any:
    """What a variant's body says."""
    return orjson.loads(made.body)


def test_nothing_asked_for_is_nothing_changed() -> None:
    flow = flow_of()
    made = variant(flow)
    assert made.request is flow.request and made.body == BODY
    assert not made.mutations and not made.said


def test_another_model_leaves_every_other_byte() -> None:
    made = variant(flow_of(), model="gpt-6")
    assert made.body == BODY.replace(b"gpt-5-mini", b"gpt-6")
    assert made.mutations == [Mutation("model", "hand", '"gpt-5-mini"', '"gpt-6"')]


def test_parameters_and_sets() -> None:
    made = variant(
        flow_of(),
        parameters={"temperature": None, "max_tokens": 5},
        sets=[("messages[-1].content", "Bye"), ("messages[0].content", ["a"]), ("x-unknown[1].a", True)],
    )
    assert said(made) == {
        "model": "gpt-5-mini",
        "messages": [{"role": "system", "content": ["a"]}, {"role": "user", "content": "Bye"}],
        "x-unknown": [1e3, {"a": True}],
        "max_tokens": 5,
    }
    assert b'[1e3, {"a" : true}]' in made.body
    assert [mutation.name for mutation in made.mutations] == [
        *("temperature", "max_tokens", "messages[-1].content", "messages[0].content", "x-unknown[1].a")
    ]
    assert made.mutations[2].before == '"Héllo"' and made.mutations[2].after == '"Bye"'


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"sets": [("messages[7].content", 1)]}, "there is no"),
        ({"sets": [("a..b", 1)]}, "is no path"),
        ({"upstream": "nonsense"}, "known by name are anthropic, openai"),
        ({"dialect": "esperanto"}, "nothing can be said in esperanto"),
        ({"dialect": "raw"}, "nothing can be said in raw"),
        ({"dialect": "anthropic-messages"}, "anthropic does not know gpt-5-mini: name one"),
    ],
)
def test_what_cannot_be_done_is_said(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        variant(flow_of(), **asked)


def test_bodies_that_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="names no model"):
        variant(flow_of(b"{}"), model="m")
    with pytest.raises(ValueError, match="names no model"):
        variant(flow_of(b"no json"), model="m")
    unfinished = flow_of()
    unfinished.timing, unfinished.end = Timing(), End(Reason.CLIENT_GONE, "client")
    with pytest.raises(ValueError, match="did not come whole"):
        variant(unfinished)
    packed = flow_of(b"\xff" * 100, headers=[("content-encoding", "gzip")])
    with pytest.raises(ValueError, match="cannot be read"):
        variant(packed, model="m")


def test_a_given_body_comes_first() -> None:
    made = variant(flow_of(), body=b'{"model":"a","messages":[]}', model="b")
    assert made.body == b'{"model":"b","messages":[]}'
    assert [mutation.name for mutation in made.mutations] == ["body", "model"]


@pytest.mark.parametrize(
    ("url", "upstream", "expected"),
    [
        (CHAT, "https://gw.example/openai", "https://gw.example/openai/v1/chat/completions"),
        (CHAT, "http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/chat/completions"),
        ("https://openrouter.ai/api/v1/chat/completions", "openai", CHAT),
        (f"{CLAUDE}?beta=true", "https://gw.example", "https://gw.example/v1/messages?beta=true"),
        (CHAT, "mine", "http://mine:1/v1/chat/completions"),
        ("https://a.example/deep/v1/embeddings", "https://b.example/x", "https://b.example/x/v1/embeddings"),
    ],
)
def test_another_upstream(url: str, upstream: str, expected: str) -> None:
    made = variant(flow_of(url=url), upstream=upstream, routes=Routes(None, {"mine": "http://mine:1"}))
    assert made.request.url == expected
    (mutation,) = made.mutations
    assert (mutation.name, mutation.after) == ("target", f"POST {expected}")
    assert made.said[0].startswith("asked of ")


def test_an_account_of_one_provider_is_not_named_to_another() -> None:
    headers = [("OpenAI-Organization", "org-1"), ("content-type", "application/json")]
    made = variant(flow_of(headers=headers), upstream="https://gw.example")
    assert list(made.request.headers) == [("content-type", "application/json")]


def test_translated_to_another_provider() -> None:
    made = variant(flow_of(), dialect="anthropic-messages", model="claude-x")
    assert made.request.url == CLAUDE
    assert detect(made.request).name == "anthropic-messages"
    body = said(made)
    assert (body["model"], body["system"]) == ("claude-x", "Be brief.")
    assert body["max_tokens"] > 0
    assert made.request.headers.get("anthropic-version") == "2023-06-01"
    assert "authorization" not in made.request.headers
    assert [mutation.name for mutation in made.mutations] == ["api", "model", "target"]
    assert "asked of anthropic" in made.said


def test_a_gateway_is_asked_by_the_other_api_with_the_same_key() -> None:
    flow = flow_of(
        url="http://gw.example/llm/v1/messages?beta=true", provider="gw.example", headers=[("x-api-key", KEY)]
    )
    flow.request = flow.request.with_body(b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}')
    flow.request.headers = Headers([*flow.request.headers, ("anthropic-version", "x"), ("x-stainless-lang", "js")])
    made = variant(flow, dialect="openai-chat")
    assert made.request.url == "http://gw.example/llm/v1/chat/completions"
    assert list(made.request.headers) == [("authorization", f"Bearer {KEY}")]
    back = variant(
        flow_of(made.body, made.request.url, "gw.example", list(made.request.headers)), dialect="anthropic-messages"
    )
    assert dict(back.request.headers) == {"x-api-key": KEY, "anthropic-version": "2023-06-01"}


def test_a_provider_served_from_elsewhere_is_asked_there() -> None:
    routes = Routes(None, {"anthropic": "http://127.0.0.1:1", "openai": "http://127.0.0.1:2"})
    flow = flow_of(b'{"model":"a","input":"hi"}', "http://127.0.0.1:2/v1/responses")
    made = variant(flow, dialect="openai-chat", model="m", routes=routes)
    assert made.request.url == "http://127.0.0.1:2/v1/chat/completions"
    made = variant(flow_of(), dialect="anthropic-messages", model="m", routes=routes)
    assert made.request.url == "http://127.0.0.1:1/v1/messages"


def test_what_is_lost_in_translation_is_said() -> None:
    body = orjson.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "a"}], "logit_bias": {"5": 1}, "seed": 3}
    )
    made = variant(flow_of(body), dialect="anthropic-messages", model="claude-x")
    assert any(words.startswith("not said: ") for words in made.said)


def test_every_captured_request_can_be_made_with_another_model() -> None:
    count = 0
    for flow in capture_flows():
        try:
            before = orjson.loads(bytes(flow.request.body))
        except orjson.JSONDecodeError:
            continue
        if not isinstance(before, dict) or "model" not in before:
            continue
        made = variant(flow, model="another")
        assert said(made) == {**before, "model": "another"}
        count += 1
    assert count > 100


def conversation(count: int) -> Flow:
    """A chat of `count` messages, answered with a text and a call."""
    flow = chat_flow()
    messages = [{"role": ("user", "assistant")[index % 2], "content": f"m{index}"} for index in range(count)]
    flow.request = flow.request.with_body(orjson.dumps({"model": "m", "messages": messages, "n": 1}))
    chunks = chat_chunks(("Let me ", "look."), tool=("Bash", '{"command":"ls"}'), finish="tool_calls")
    return finish(stream(respond(flow), chunks))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(-8, 7))
def test_a_fork_keeps_what_stands_before_the_cut(count: int, index: int) -> None:
    flow = conversation(count)
    whole = orjson.loads(bytes(flow.request.body))
    if not -count <= index < count:
        if index != count:
            with pytest.raises(ValueError, match=f"has {count} messages"):
                fork(flow, index)
        return
    made = fork(flow, index)
    assert said(made) == {**whole, "messages": whole["messages"][: index % count + 1]}
    assert made.mutations[0] == Mutation("fork", "hand", f"{count} messages", f"{index % count + 1} messages")


def test_a_fork_behind_the_answer_has_it_in_its_messages() -> None:
    made = fork(conversation(3), 3)
    messages = said(made)["messages"]
    assert len(messages) == 4
    assert messages[3]["content"] == "Let me look."
    assert messages[3]["tool_calls"][0]["function"]["name"] == "Bash"
    assert made.said == ["the call of Bash has no result yet"]


def test_a_fork_may_be_edited() -> None:
    assert said(fork(conversation(3), 1, "other words"))["messages"][1] == {
        "role": "assistant",
        "content": "other words",
    }
    whole = {"role": "user", "content": "instead"}
    assert said(fork(conversation(3), 2, whole))["messages"][2] == whole


def test_forks_of_the_other_apis() -> None:
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    claude = flow_of(orjson.dumps({"model": "m", "max_tokens": 5, "messages": messages}), CLAUDE)
    assert said(fork(claude, 0))["messages"] == messages[:1]
    url = "https://api.openai.com/v1/responses"
    items = [{"role": "user", "content": "a"}, {"type": "function_call_output", "call_id": "c", "output": "1"}]
    responses = flow_of(orjson.dumps({"model": "m", "input": items}), url)
    assert said(fork(responses, 1, "2"))["input"][1]["output"] == "2"
    worded = flow_of(orjson.dumps({"model": "m", "input": "hello"}), url)
    assert said(fork(worded, 0, "bye"))["input"] == [{"role": "user", "content": "bye"}]


def test_what_cannot_be_forked() -> None:
    with pytest.raises(ValueError, match="no list of messages"):
        fork(flow_of(b"{}", "https://h/v1/embeddings"), 0)
    with pytest.raises(ValueError, match="no list of messages"):
        fork(flow_of(b'{"messages": 5}'), 0)
    with pytest.raises(ValueError, match="no answer"):
        fork(flow_of(), 2)


def test_a_fork_of_every_captured_answer_is_a_prompt_again() -> None:
    count = 0
    for flow in capture_flows():
        transcript = Transcripts().of(flow)
        answer = transcript.answer.message
        if flow.dialect == "raw" or answer is None or not (answer.text() or answer.tool_calls()):
            continue
        if transcript.prompt.messages:
            turns = orjson.loads(bytes(flow.request.body)).get(KEYS.get(flow.dialect, ""))
            if turns is None:
                continue
            made = fork(flow, len(turns) if isinstance(turns, list) else 1)
            prompt = detect(made.request).prompt(made.request, made.body)
            assert prompt.messages[-1].role == "assistant"
            assert len(prompt.messages) > len(transcript.prompt.messages)
            count += 1
    assert count > 50


KEYS = {
    "anthropic-messages": "messages",
    "openai-chat": "messages",
    "openai-responses": "input",
    "ollama": "messages",
}
