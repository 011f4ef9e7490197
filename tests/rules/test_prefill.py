"""Requests that go on from the beginning of an answer: how each server wants them, and who knows none."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from inspector.demo.session import DemoServer
from inspector.dialects import detect
from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.model.token import Channel
from inspector.rules.prefill import Manner, manners, prefilled, refusal, taken
from inspector.rules.prefill_manners import ANY, ASSISTANT, BETA, CONTINUE, PREFIX, PROMPT, TRAILING
from inspector.store.token_reading import TokenReading
from inspector.store.transcripts import Transcripts

LOCAL = "http://127.0.0.1:8000"
ASK = {"role": "user", "content": "Capital?"}
JSON = [("content-type", "application/json")]


def flow_of(url: str, answer: bytes = b"", **body: Any) -> Flow:
    """A flow that is done."""
    data = orjson.dumps({"model": "m", "messages": [ASK], "logprobs": True, "top_logprobs": 5, **body})
    request = Request("POST", url, Headers(JSON), Capture(data))
    flow = Flow("f", request, 1.0, dialect=detect(request).name, timing=Timing(received=1.0))
    flow.response = Response(200, Headers(JSON), "OK", Capture(answer))
    flow.end = End(Reason.DONE, "upstream")
    return flow


def chat(origin: str = LOCAL, answer: bytes = b"", **body: Any) -> Flow:
    """A flow of Chat Completions."""
    return flow_of(f"{origin}/v1/chat/completions", answer, **body)


def claude(model: str = "claude-haiku-4-5", **body: Any) -> Flow:
    """A flow of Anthropic Messages."""
    return flow_of("https://api.anthropic.com/v1/messages", model=model, max_tokens=9, **body)


def body_of(flow: Flow, beginning: str, manner: Manner | None = None) -> Any:
    """What is sent to go on."""
    return orjson.loads(prefilled(flow, beginning, manner).body)


BEGUN = {"role": "assistant", "content": "It is "}


def test_vllm_is_told_to_go_on() -> None:
    flow = chat()
    made = prefilled(flow, "It is ")
    before, after = orjson.loads(bytes(flow.request.body)), orjson.loads(made.body)
    assert after == {
        **before,
        "messages": [ASK, BEGUN],
        "continue_final_message": True,
        "add_generation_prompt": False,
    }
    assert [mutation.name for mutation in made.mutations] == [
        "messages[1]",
        "continue_final_message",
        "add_generation_prompt",
    ]
    assert not made.said
    assert bytes(flow.request.body) == orjson.dumps(before)


def test_the_other_manners() -> None:
    assert body_of(chat(), "It is ", TRAILING)["messages"] == [ASK, BEGUN]
    assert "continue_final_message" not in body_of(chat(), "It is ", TRAILING)
    marked = prefilled(chat("https://api.mistral.ai"), "It is ")
    assert orjson.loads(marked.body)["messages"] == [ASK, {**BEGUN, "prefix": True}]
    assert marked.said == ["the answer will say the beginning again"]


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions", "/beta/chat/completions"])
def test_deepseek_is_asked_at_its_beta(path: str) -> None:
    made = prefilled(flow_of(f"https://api.deepseek.com{path}"), "It is ")
    assert made.request.url == "https://api.deepseek.com/beta/chat/completions"
    assert orjson.loads(made.body)["messages"][-1] == {**BEGUN, "prefix": True}
    assert ("target" in [mutation.name for mutation in made.mutations]) == (not path.startswith("/beta"))


@pytest.mark.parametrize(
    ("origin", "answer", "first"),
    [
        (LOCAL, b"{}", CONTINUE),
        (LOCAL, b'data: {"choices":[{"finish_reason":"stop","stop_reason":null}]}', CONTINUE),
        (LOCAL, b'data: {"choices":[{"matched_stop":128009}]}', CONTINUE),
        (LOCAL, b'{"timings": {"prompt_n": 1}}', TRAILING),
        (LOCAL, b'{"system_fingerprint":"b6123-1a2b3c"}', TRAILING),
        (LOCAL, b'{"system_fingerprint":"fp_ollama"}', TRAILING),
        ("https://gateway.example", b'{"provider":"Groq","choices":[]}', TRAILING),
        ("https://openrouter.ai/api", b"", TRAILING),
        ("https://api.mistral.ai", b"", PREFIX),
        ("https://api.deepseek.com", b"", BETA),
    ],
)
def test_the_server_is_known_by_its_host_and_by_what_it_says(origin: str, answer: bytes, first: Manner) -> None:
    found = manners(chat(origin, answer))
    assert found[0] is first
    assert found == [first] or sorted(each.name for each in found) == sorted(each.name for each in ANY)


def test_words_of_an_answer_betray_no_server() -> None:
    said = orjson.dumps({"choices": [{"message": {"content": '{"timings": 1, "provider": "x"}'}}]})
    assert manners(chat(answer=said)) == list(ANY)


def test_a_beginning_that_is_there_is_gone_on_with() -> None:
    again = chat(messages=[ASK, BEGUN], continue_final_message=True)
    assert manners(again)[0] is CONTINUE
    assert body_of(again, "Canberra")["messages"] == [ASK, {"role": "assistant", "content": "It is Canberra"}]
    marked = chat(messages=[ASK, {**BEGUN, "prefix": True}])
    assert manners(marked)[0] is PREFIX
    assert body_of(marked, "It is not")["messages"][-1] == {**BEGUN, "content": "It is not", "prefix": True}
    blocks = claude(messages=[ASK, {"role": "assistant", "content": [{"type": "text", "text": "It"}]}])
    assert body_of(blocks, " is")["messages"][-1]["content"] == [{"type": "text", "text": "It is"}]
    image = claude(messages=[ASK, {"role": "assistant", "content": [{"type": "image"}]}])
    assert body_of(image, "It is")["messages"][-1]["content"] == [{"type": "image"}, {"type": "text", "text": "It is"}]
    called = chat(messages=[ASK, {**BEGUN, "tool_calls": [{"id": "c"}]}])
    assert body_of(called, "It is ")["messages"][2] == BEGUN


def test_anthropic_takes_a_last_message_without_white_space_at_its_end() -> None:
    flow = claude()
    made = prefilled(flow, "It is \n")
    assert orjson.loads(made.body)["messages"] == [ASK, {"role": "assistant", "content": "It is"}]
    assert made.said == ["the white space at the end of the beginning is left out: Anthropic refuses it"]
    assert taken(flow, "It is \n") == "It is" and taken(chat(), "It is \n") == "It is \n"
    assert prefilled(flow, "It is").said == []
    assert manners(flow) == [ASSISTANT]


def test_anthropic_takes_no_beginning_with_thinking() -> None:
    clear = {"type": "clear_thinking_20251015", "keep": "all"}
    uses = {"type": "clear_tool_uses_20250919"}
    thinking = {"type": "enabled", "budget_tokens": 2000}
    made = prefilled(claude(thinking=thinking, context_management={"edits": [clear]}), "It")
    assert {"thinking", "context_management"}.isdisjoint(orjson.loads(made.body))
    assert len(made.said) == 1 and "thinking is switched off" in made.said[0]
    made = prefilled(claude(thinking=thinking, context_management={"edits": [clear, uses]}), "It")
    assert orjson.loads(made.body)["context_management"] == {"edits": [uses]}
    off = prefilled(claude(thinking={"type": "disabled"}), "It")
    assert orjson.loads(off.body)["thinking"] == {"type": "disabled"} and not off.said


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("claude-haiku-4-5", False),
        ("claude-sonnet-4-20250514", False),
        ("claude-sonnet-4-5-20250929", False),
        ("claude-3-5-sonnet-20241022", False),
        ("claude-3-opus-20240229", False),
        ("claude-opus-4-6", True),
        ("us.anthropic.claude-opus-4-7-v1", True),
        ("anthropic/claude-sonnet-4.6", True),
        ("claude-sonnet-5", True),
        ("claude-fable-5-1", True),
        ("claude-mythos-preview", True),
    ],
)
def test_claude_from_4_6_on_takes_no_beginning(model: str, refused: bool) -> None:
    assert ("from Claude 4.6 on" in refusal(claude(model))) == refused
    assert bool(refusal(chat("https://openrouter.ai/api", model=model))) == refused


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (chat("https://api.openai.com"), "OpenAI's API cannot go on"),
        (chat("https://mine.openai.azure.com/openai"), "Azure OpenAI cannot go on"),
        (flow_of("https://api.openai.com/v1/responses", input="hi"), "Responses API cannot go on"),
        (flow_of("https://api.example/v1/other"), "no API that can go on"),
        (chat(messages="x"), "no list of messages"),
    ],
)
def test_who_cannot_go_on_is_told_of_in_words(flow: Flow, words: str) -> None:
    assert words in refusal(flow)
    with pytest.raises(ValueError, match=words):
        prefilled(flow, "It is")


@pytest.mark.parametrize("channel", ["tool_name", "tool_arguments", "reasoning", "refusal"])
def test_only_text_is_gone_on_with(channel: Channel) -> None:
    assert "cannot be gone on from" in refusal(chat(), channel)
    assert refusal(chat(), "content") == refusal(chat()) == ""


def test_what_cannot_stay_is_said() -> None:
    thought = {"choices": [{"message": {"role": "assistant", "reasoning_content": "Hm.", "content": "It is"}}]}
    flow = chat(answer=orjson.dumps(thought), response_format={"type": "json_object"})
    shape, thoughts = prefilled(flow, "It").said
    assert "JSON of a given shape" in shape and "had thought is not sent along" in thoughts
    for empty in ("", " "):
        with pytest.raises(ValueError, match="no beginning"):
            prefilled(claude(), empty)


async def asked(request: Request) -> Flow:
    """The flow of a request that a real server answers."""
    flow = Flow("f", request, 1.0, dialect=detect(request).name, timing=Timing(received=1.0))
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(request.url, content=bytes(request.body), headers=dict(request.headers))
    flow.response = Response(answer.status_code, Headers.from_raw(answer.headers.raw), "", Capture(answer.content))
    flow.end = End(Reason.DONE, "upstream")
    return flow


def text_of(flow: Flow) -> str:
    """The answer's words."""
    message = Transcripts().of(flow).answer.message
    return message.text() if message is not None else ""


@pytest.mark.anyio
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_real_server_goes_on_with_what_it_would_have_said(path: str, stream: bool) -> None:
    """At temperature 0 an answer is the same, wherever it is gone on with."""
    limits: dict[str, Any] = {"temperature": 0, "max_tokens": 24, "stream": stream}
    about = {"role": "user", "content": "Tell me about the harbour."}
    async with DemoServer() as demo:
        whole = await asked(flow_of(demo.url + path, model="demo-small", messages=[about], **limits).request)
        text = text_of(whole)
        for end in range(len(text) // 4, len(text), len(text) // 4):
            cut = text.rfind(" ", 0, end)
            rest = await asked(prefilled(whole, text[:cut]).request)
            assert rest.response is not None and rest.response.status == 200
            assert (text[:cut] + text_of(rest)).startswith(text) and text_of(rest).startswith(" ")


@pytest.mark.anyio
async def test_tokens_come_with_what_follows_and_have_their_probabilities() -> None:
    async with DemoServer() as demo:
        about = {"role": "user", "content": "Tell me about the harbour."}
        limits: dict[str, Any] = {"temperature": 0, "max_tokens": 24, "stream": True}
        readings = [TokenReading(await asked(chat(demo.url, model="demo-small", messages=[about], **limits).request))]
        readings[0].pull(1.0)
        readings.append(TokenReading(await asked(prefilled(readings[0].flow, readings[0].text_before(9)).request)))
        readings[1].pull(1.0)
        again = await asked(prefilled(readings[1].flow, readings[1].text_before(3)).request)
    whole, rest = ([(token.data, token.logprob) for token in reading.tokens] for reading in readings)
    assert len(whole) == 24 and rest[: 24 - 9] == whole[9:]
    assert text_of(again).startswith("".join(token.text for token in readings[1].tokens[3:12]))


def completion(origin: str = LOCAL, path: str = "/v1/completions", **body: Any) -> Flow:
    """A flow of Completions."""
    data = orjson.dumps({"model": "m", "max_tokens": 5, **body})
    request = Request("POST", f"{origin}{path}", Headers(JSON), Capture(data))
    flow = Flow("f", request, 1.0, dialect=detect(request).name, timing=Timing(received=1.0))
    flow.response = Response(200, Headers(JSON), "OK", Capture(b'{"choices":[{"text":" upon a time","index":0}]}'))
    flow.end = End(Reason.DONE, "upstream")
    return flow


@pytest.mark.parametrize("origin", [LOCAL, "https://api.openai.com", "https://x.openai.azure.com"])
def test_a_prompt_is_gone_on_with(origin: str) -> None:
    flow = completion(origin, prompt="Once", suffix="end")
    assert (manners(flow), refusal(flow)) == ([PROMPT], "")
    made = prefilled(flow, " upon \n")
    assert orjson.loads(made.body) == {"model": "m", "max_tokens": 5, "prompt": "Once upon \n", "suffix": "end"}
    assert ([mutation.name for mutation in made.mutations], made.said) == (["prompt"], [])
    assert body_of(completion(prompt=["Once"]), " upon")["prompt"] == ["Once upon"]
    assert body_of(completion(path="/completion", prompt="Once", n_predict=3), " upon")["prompt"] == "Once upon"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prompt": ["a", "b"]}, "several prompts"),
        ({"prompt": [1, 2]}, "no text"),
        ({"prompt": [[1, 2]]}, "no text"),
        ({}, "no text"),
        ({"prompt": "a", "echo": True}, "echo"),
    ],
)
def test_prompts_that_nothing_can_be_put_behind(body: dict[str, Any], words: str) -> None:
    assert words in refusal(completion(**body))
    with pytest.raises(ValueError, match=words):
        prefilled(completion(**body), " upon")


def test_a_word_of_the_prompt_is_no_place_to_go_on_from() -> None:
    assert "word of the prompt" in refusal(completion(prompt="a"), "prompt")
    assert "tool call" in refusal(completion(prompt="a"), "tool_name")
