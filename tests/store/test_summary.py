"""Summaries: a flow in one line."""

from __future__ import annotations

import math

import pytest

from inspector.model.flow import Capture, Flow, Mutation, Reason
from inspector.model.message import (
    Answer,
    Growing,
    Media,
    Message,
    Other,
    Prompt,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
)
from inspector.store.summary import Summary, has_substance, one_line, pace, part_text, summarise, url_host, url_path
from inspector.store.transcripts import Transcripts
from tests.dialects.read_tokens import probable
from tests.handmade import chat_chunks, chat_flow, chat_request, done_chat, finish, respond, stream


def summary_of(flow: Flow) -> Summary:
    """A flow's summary."""
    return summarise(flow, Transcripts().of(flow))


def test_a_whole_flow() -> None:
    chunks = chat_chunks(("I'll\nlook ", "now."), tool=("Bash", '{"command": "ls"}'), finish="tool_calls")
    summary = summary_of(done_chat(prompt="Fix  the\nparser", chunks=chunks))
    assert summary.model == "gpt-5-mini"
    assert summary.response_model == "gpt-5-mini-1"
    assert (summary.input_tokens, summary.output_tokens, summary.output_estimated) == (100, 20, False)
    assert (summary.cache_read_tokens, summary.cache) == (80, 0.8)
    assert summary.ttft == 500.0
    assert summary.tokens_per_second == pytest.approx(20 / 0.05)
    assert summary.tools == ("Bash",)
    assert summary.finish == "tool_calls"
    assert summary.words == '{"command": "ls"}'
    assert summary.prompt == "Fix the parser"
    assert summary.error is None


def test_how_sure_the_model_was() -> None:
    summary = summary_of(done_chat(chunks=[probable("a", 0.0), probable("b", -2.0)]))
    assert summary.mean_probability == pytest.approx((1 + math.exp(-2)) / 2)
    assert summary.perplexity == pytest.approx(math.e)
    unknown = summary_of(done_chat())
    assert (unknown.mean_probability, unknown.perplexity) == (None, None)


def test_the_model_that_the_client_asked_for_where_another_was_sent() -> None:
    flow = done_chat(model="gpt-5-mini")
    assert summary_of(flow).asked_model == ""
    flow.mutations += [Mutation("logprobs", "capture"), Mutation("model", "capture", "gpt-5-mini", "gpt-4.1")]
    flow.forwarded = flow.request.with_body(chat_request(model="gpt-4.1"))
    summary = summary_of(flow)
    assert (summary.asked_model, summary.model) == ("gpt-5-mini", "gpt-4.1")
    flow.forwarded = None
    assert summary_of(flow).asked_model == ""


def test_output_is_estimated_until_it_is_counted() -> None:
    flow = stream(respond(chat_flow()), chat_chunks(("x" * 30, "ü" * 5))[:2])
    summary = summary_of(flow)
    assert (summary.output_tokens, summary.output_estimated, summary.input_tokens) == (9, True, None)
    assert summary_of(respond(chat_flow())).output_tokens is None


def test_an_opening_count_is_no_answer_yet() -> None:
    flow = chat_flow()
    flow.dialect = "anthropic-messages"
    start = b'data: {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}\n\n'
    begun = b'data: {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}\n\n'
    text = (
        b'data: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "1234567890"}}\n\n'
    )
    stream(respond(flow), [start])
    assert (summary_of(flow).output_tokens, summary_of(flow).output_estimated) == (1, False)
    stream(flow, [begun, text])
    assert (summary_of(flow).output_tokens, summary_of(flow).output_estimated) == (3, True)
    assert summary_of(flow).input_tokens == 9


def test_words_are_the_last_ones() -> None:
    long = " ".join(str(number) for number in range(1000))
    words = summary_of(done_chat(chunks=chat_chunks((long,)))).words
    assert words.endswith("998 999")
    assert len(words) == 200
    assert summary_of(done_chat(chunks=chat_chunks(("a\n\tb",)))).words == "a b"


def test_an_error_has_the_word() -> None:
    flow = stream(respond(chat_flow()), chat_chunks()[:1])
    flow.error = "connection\nreset"
    summary = summary_of(finish(flow, Reason.UPSTREAM_RESET))
    assert (summary.error, summary.words) == ("connection\nreset", "connection reset")


def test_other_traffic_shows_its_path() -> None:
    flow = respond(chat_flow())
    flow.dialect = "raw"
    assert summary_of(flow).words == "POST /v1/chat/completions"
    assert summary_of(chat_flow()).words == ""


def test_the_last_user_message_with_words_is_the_prompt() -> None:
    flow = chat_flow()
    body = b'{"model": "m", "messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},'
    flow.request = flow.request.copy(body=Capture(body + b'{"role": "user", "content": ""}]}'))
    assert summary_of(flow).prompt == "one"


def test_pace_tells_bursts_from_gaps() -> None:
    assert pace(Capture()) == ()
    assert pace(Capture(b"all at once")) == (1.0,)
    body = Capture()
    for at, size in ((100, 10), (101, 10), (499, 20), (900, 40)):
        body.append(at, b"x" * size)
    assert pace(body) == (0.5, 0.5, 0.0, 1.0)
    body = Capture()
    for at in range(100):
        body.append(at, b"x")
    assert len(pace(body)) == 8
    assert min(pace(body)) > 0.8
    empty = Capture()
    empty.append(1, b"")
    empty.append(2, b"")
    assert pace(empty) == (0.0, 0.0)


def test_substance_and_text_of_parts() -> None:
    assert not has_substance(Text())
    assert not has_substance(ToolCall())
    assert not has_substance(Reasoning(signature="s"))
    assert has_substance(ToolCall(name="Bash"))
    assert has_substance(Reasoning(encrypted="s"))
    assert has_substance(Media("image"))
    assert has_substance(ToolResult(content="42")) and not has_substance(ToolResult("1"))
    assert has_substance(Other("compaction"))
    assert part_text(Media("audio", transcript=Growing("hi"))) == "hi"
    assert part_text(Other("compaction")) == ""


def test_a_call_of_a_tools_server() -> None:
    prompt = Prompt(messages=[Message("assistant", [ToolCall("1", "add", Growing("{}"))])])
    said = Message("tool", [Text(Growing("half way")), ToolResult("1", "the sum:\n42", name="add"), Other("x")])
    summary = summarise(chat_flow(), Transcript(prompt, Answer(choices=[said])))
    assert (summary.tools, summary.words, summary.output_tokens) == (("add",), "the sum: 42", None)
    assert summarise(chat_flow(), Transcript(prompt)).tools == ("add",)
    provided = Message("assistant", [Text(Growing("Look")), ToolResult("1", "42")])
    assert summarise(chat_flow(), Transcript(answer=Answer(choices=[provided]))).words == "Look"


def test_reasoning_counts_as_words_until_there_is_more() -> None:
    answer = Answer(choices=[Message("assistant", [Reasoning(Growing("let me think")), Text()])])
    assert summarise(chat_flow(), Transcript(answer=answer)).words == "let me think"


def test_one_line_is_bounded() -> None:
    assert one_line("  a \n b ") == "a b"
    assert one_line("x" * 1000, 10) == "x" * 10


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://h:8080/a/b?x=/c#d", "h:8080", "/a/b"),
        ("http://user:secret@h/", "h", "/"),
        ("http://h", "h", "/"),
        ("http://h?x=1", "h", "/"),
        ("/a/b?c", "", "/a/b"),
        ("", "", "/"),
    ],
)
def test_urls_are_taken_apart(url: str, host: str, path: str) -> None:
    assert (url_host(url), url_path(url)) == (host, path)
