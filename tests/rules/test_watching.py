"""Breakpoints on answers: what is stopped, what is kept back, and what goes by untouched."""

from __future__ import annotations

import asyncio
import json
import math

import httpx
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message as AnthropicMessage
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects import by_name
from inspector.model.flow import Flow
from inspector.model.headers import Headers
from inspector.model.message import Answer, Growing, Message, Part, Reasoning, Text, ToolCall, Transcript, Usage
from inspector.proxy.held import Step
from inspector.proxy.hooks import Context, Decision, Halt, Hooks, Verdict
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.rules.breakpoints import Breakpoints
from inspector.rules.replies import Reply, build
from inspector.rules.watching import AnswerWatch, watch
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.wire.body import BodyReader
from inspector.wire.event import Event
from inspector.wire.sse import SSE
from tests.dialects.read_tokens import probable
from tests.dialects.recorded import pieces, recorded
from tests.handmade import chat_chunks, chat_flow, respond

DIALECTS = ("anthropic-messages", "openai-chat", "openai-responses")
RM = 'event tool:Bash arg.command~"rm "'


def call(name: str, arguments: str) -> ToolCall:
    """A call that is whole."""
    return ToolCall(f"call_{name}", name, Growing(arguments), done=True)


def written(dialect: str, *parts: Part) -> bytes:
    """A stream that says these parts, as the provider's own API says it."""
    writer = by_name(dialect).writer
    assert writer is not None
    answer = Answer("a1", "m", [Message("assistant", list(parts))], Usage(5, 5), complete=True)
    return b"".join(writer.stream(answer, {"stream": True, "model": "m"}))


def asked(dialect: str = "openai-chat") -> Flow:
    """A flow whose head has come."""
    flow = respond(chat_flow(agent="claude-code"))
    flow.dialect = dialect
    return flow


def watching(flow: Flow, *texts: str) -> tuple[AnswerWatch, Breakpoints]:
    """A watch for breakpoints of which one at least can match."""
    breakpoints = Breakpoints(texts)
    made = watch(flow, breakpoints, Transcripts())
    assert made is not None
    return made, breakpoints


def decided(made: AnswerWatch, events: list[Event]) -> list[Decision]:
    return [made.event(event) for event in events]


def halts(decisions: list[Decision]) -> list[int]:
    """The events at which the answer is stopped."""
    return [number for number, decision in enumerate(decisions) if isinstance(decision, Halt)]


def kept_back(decisions: list[Decision]) -> int:
    """How many events wait in the end, or would without a halt."""
    waiting = 0
    for decision in decisions:
        waiting = waiting + 1 if decision is Verdict.WITHHOLD else 0
    return waiting


def read(dialect: str, events: list[Event]) -> Transcript:
    """What these events say."""
    transcript = Transcript()
    reader = by_name(dialect).reader(transcript)
    for event in events:
        try:
            reader.event(event)
        except ValueError as error:
            transcript.note(str(error))
    return transcript


def calls_of(dialect: str, events: list[Event]) -> list[ToolCall]:
    """The calls in them."""
    return [part for choice in read(dialect, events).answer.choices for part in choice.tool_calls()]


BASH = (Text(Growing("I clean up.")), call("Bash", '{"command": "cd /tmp && rm -rf x", "timeout": 5}'))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_call_is_stopped_while_it_is_written(dialect: str) -> None:
    events = SSE().feed(written(dialect, *BASH))
    made, breakpoints = watching(asked(dialect), RM)
    decisions = decided(made, events)
    (at,) = halts(decisions)
    assert decisions[at] == Halt(RM)
    assert [each.hits for each in breakpoints] == [1]
    begun = decisions.index(Verdict.WITHHOLD)
    assert not calls_of(dialect, events[:begun])
    assert [each.name for each in calls_of(dialect, events[: begun + 1])] == ["Bash"]
    assert set(decisions[begun:at]) == {Verdict.WITHHOLD}
    (before,), (then,) = calls_of(dialect, events[:at]), calls_of(dialect, events[: at + 1])
    assert "rm " not in str(before.arguments)
    assert "rm " in str(then.arguments)
    assert not then.done
    assert set(decisions[at + 1 :]) == {Verdict.PASS}
    assert made.end() == ""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("command", "name"), [("ls -la", "Bash"), ("rm -rf x", "Edit")])
def test_a_call_that_does_not_match_passes_whole(dialect: str, command: str, name: str) -> None:
    events = SSE().feed(written(dialect, Text(Growing("rm it")), call(name, f'{{"command": "{command}"}}')))
    made, breakpoints = watching(asked(dialect), RM)
    decisions = decided(made, events)
    assert not halts(decisions)
    assert kept_back(decisions) == 0
    assert Verdict.WITHHOLD in decisions
    # A call of another tool is let go as soon as its name is known.
    assert (decisions.count(Verdict.WITHHOLD) > 2) is (name == "Bash")
    assert [each.hits for each in breakpoints] == [0]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_call_is_judged_by_itself_and_stopped_once(dialect: str) -> None:
    parts = [
        call("Bash", '{"command": "ls"}'),
        call("Edit", '{"command": "rm x"}'),
        call("Bash2", '{"command": "rm "}'),
    ]
    made, breakpoints = watching(asked(dialect), RM)
    decisions = decided(made, SSE().feed(written(dialect, *parts)))
    assert len(halts(decisions)) == 1
    made, breakpoints = watching(asked(dialect), "event tool:*", RM)
    decisions = decided(made, SSE().feed(written(dialect, *parts)))
    assert [each.hits for each in breakpoints] == [3, 1]
    assert len(halts(decisions)) == 4
    assert kept_back(decisions) == 0


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", ['tool:Bash -arg.command~"^git "', "arg.timeout:<10", "arg.command~x$"])
def test_what_may_still_change_is_judged_when_the_call_is_whole(dialect: str, text: str) -> None:
    events = SSE().feed(written(dialect, *BASH))
    made, _ = watching(asked(dialect), text)
    (at,) = halts(decided(made, events))
    (before,), (then,) = calls_of(dialect, events[:at]), calls_of(dialect, events[: at + 1])
    assert (before.done, then.done) == (False, True)
    git = SSE().feed(written(dialect, call("Bash", '{"command": "git xy", "timeout": 10}')))
    made, _ = watching(asked(dialect), text)
    assert not halts(decided(made, git))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text", ["text:clean", "event tokens:>2", '"clean up"', "reasoning~hm text:I", "event model:m"]
)
def test_an_answer_is_stopped_once_for_what_it_says(dialect: str, text: str) -> None:
    made, breakpoints = watching(asked(dialect), f"event {text.removeprefix('event ')}")
    decisions = decided(made, SSE().feed(written(dialect, Reasoning(Growing("hm, rm?")), *BASH)))
    assert len(halts(decisions)) == 1
    assert Verdict.WITHHOLD not in decisions
    assert [each.hits for each in breakpoints] == [1]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("logprob<-3", [3]),
        ("event logprob:<-3", [3]),
        ("event entropy>2", [2]),
        ("entropy>2 or logprob<-3", [2]),
        ("event p<50%", [3]),
        ("event perplexity>4", [3]),
        ("logprob<-3 text:nothing", []),
        ("logprob<-9", []),
        ("tool:Bash logprob<-3", []),
    ],
)
def test_an_answer_is_stopped_at_the_token_that_is_not_sure(text: str, at: list[int]) -> None:
    even = [math.log(0.15)] * 6
    chunks = [probable("a", -0.1), probable("b", None), probable("c", *even), probable("d", -5.0), probable("e", -6.0)]
    made, breakpoints = watching(asked(), text)
    decisions = decided(made, SSE().feed(b"".join(chunks)))
    assert halts(decisions) == at
    assert [each.hits for each in breakpoints] == [len(at)]
    if "tool:" not in text:
        assert Verdict.WITHHOLD not in decisions
    plain, _ = watching(asked(), text)
    assert not halts(decided(plain, SSE().feed(b"".join(chat_chunks()))))


def test_an_answer_of_the_responses_api_is_stopped_at_its_token() -> None:
    def told(logprob: float) -> bytes:
        body = {"type": "response.output_text.delta", "delta": "a", "logprobs": [{"token": "a", "logprob": logprob}]}
        return b"data: " + json.dumps(body).encode() + b"\n\n"

    made, _ = watching(asked("openai-responses"), "logprob<-3")
    assert halts(decided(made, SSE().feed(b"".join(map(told, (-0.1, -2.9, -3.1, -4.0)))))) == [2]


def test_what_the_head_settles_stops_at_the_first_event() -> None:
    made, _ = watching(asked(), "event agent:claude")
    events = [Event(b"", "comment"), *SSE().feed(b"".join(chat_chunks()))]
    assert halts(decided(made, events)) == [1]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_at_the_end_everything_is_kept_back(dialect: str) -> None:
    events = SSE().feed(written(dialect, *BASH))
    made, breakpoints = watching(asked(dialect), "end tool:Bash finish:*", "end tool:Edit")
    assert set(decided(made, events)) == {Verdict.WITHHOLD}
    assert made.end() == "end tool:Bash finish:*"
    assert [each.hits for each in breakpoints] == [1, 0]


def test_what_is_switched_off_stops_nothing_any_more() -> None:
    events = SSE().feed(written("anthropic-messages", *BASH))
    made, breakpoints = watching(asked("anthropic-messages"), RM, "end", "head")
    assert made.event(events[0]) is Verdict.WITHHOLD
    for breakpoint in list(breakpoints)[1:]:
        breakpoints.switch(breakpoint)
    breakpoints.remove(next(iter(breakpoints)))
    assert set(decided(made, events[1:])) == {Verdict.PASS}
    assert (made.end(), made.head()) == ("", "")


def test_an_answer_is_stopped_at_its_head() -> None:
    flow = asked()
    assert flow.response is not None
    flow.response.status = 529
    made, breakpoints = watching(flow, "status:>=500", "head status:4xx or agent:claude")
    assert made.head() == "head status:>=500"
    assert [each.hits for each in breakpoints] == [1, 1]
    assert set(decided(made, SSE().feed(b"".join(chat_chunks())))) == {Verdict.PASS}


@pytest.mark.parametrize(
    "texts", [(), ("request agent:claude",), ("agent:codex tool:Bash",), ("head status:500", "end -agent:claude")]
)
def test_a_flow_that_nothing_can_stop_is_not_watched(texts: tuple[str, ...]) -> None:
    assert watch(asked(), Breakpoints(texts), Transcripts()) is None


def test_signs_of_life_pass_unless_something_waits_before_them() -> None:
    events = SSE().feed(written("anthropic-messages", *BASH))
    signs = [Event(b"", "comment"), Event(b'{"type": "ping"}', name="ping"), Event(b'{"type":"ping"}')]
    made, _ = watching(asked("anthropic-messages"), "tool:Bash arg.command:never")
    assert decided(made, signs) == [Verdict.PASS] * 3
    for event in events:
        if made.event(event) is Verdict.WITHHOLD:
            break
    assert decided(made, signs) == [Verdict.WITHHOLD] * 3


def test_a_document_is_one_event() -> None:
    writer = by_name("anthropic-messages").writer
    assert writer is not None
    body = writer.document(Answer("a1", "m", [Message("assistant", [*BASH, *BASH])], Usage(5, 5)), {})
    made, breakpoints = watching(asked("anthropic-messages"), RM, "text:nothing")
    assert made.event(Event(body, "document")) == Halt(RM)
    assert [each.hits for each in breakpoints] == [1, 0]


def test_an_event_that_cannot_be_read_does_not_end_the_watch() -> None:
    events = SSE().feed(written("anthropic-messages", *BASH))
    made, _ = watching(asked("anthropic-messages"), RM)
    assert made.event(Event(b"{broken")) is Verdict.PASS
    assert len(halts(decided(made, events))) == 1


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DIALECTS), st.lists(st.integers(0, 10_000), max_size=12))
def test_it_decides_the_same_however_the_stream_is_cut(dialect: str, cuts: list[int]) -> None:
    stream = written(dialect, *BASH, call("Bash2", '{"command": "rm \\u0020x"}'))
    framing = SSE()
    events = [event for piece in pieces(stream, cuts) for event in framing.feed(piece)]
    whole, cut = watching(asked(dialect), RM)[0], watching(asked(dialect), RM)[0]
    assert decided(cut, events) == decided(whole, SSE().feed(stream))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_recorded_answers_are_stopped_at_every_call_of_the_client(dialect: str) -> None:
    streams = [each for each in recorded(dialect) if each.stream]
    if not streams:
        pytest.skip("the recorded traffic is not here")
    for each in streams:
        body = BodyReader(Headers([("content-type", each.content_type)]))
        events = [*body.feed(each.response, 0.0), *body.close(0.0)]
        made, breakpoints = watching(asked(dialect), "event tool:*")
        decisions = decided(made, events)
        transcript = read(dialect, events)
        calls = [part for choice in transcript.answer.choices for part in choice.tool_calls() if part.name]
        # Several calls that one event brings are stopped together.
        assert bool(halts(decisions)) is bool(calls)
        assert len(halts(decisions)) <= len(calls), each.row["name"]
        assert [found.hits for found in breakpoints] == [len(halts(decisions))]
        if transcript.answer.complete:
            assert kept_back(decisions) == 0, each.row["name"]


class Control(Hooks):
    """Answers with a call, and watches what it answers."""

    def __init__(self, breakpoints: Breakpoints) -> None:
        self.breakpoints = breakpoints

    async def request(self, context: Context) -> httpx.Response | None:
        """The answer."""
        return build(context.flow, Reply(BASH))

    def watch(self, context: Context, response: httpx.Response) -> AnswerWatch | None:
        """The watch on it."""
        return watch(context.flow, self.breakpoints, Transcripts())


@pytest.mark.anyio
@pytest.mark.parametrize("text", [RM, "end tool:Bash", "event text:clean"])
async def test_an_agent_waits_at_a_breakpoint_and_goes_on_unharmed(text: str) -> None:
    breakpoints = Breakpoints([text])
    config = ProxyConfig(port=0, upstream="http://127.0.0.1:9")
    async with (
        ProxyServer(config, FlowStore(), hooks=Control(breakpoints)) as server,
        AsyncAnthropic(base_url=server.url, api_key="none", max_retries=0, timeout=10) as client,
    ):
        asking = spawn(_ask(client), "agent")
        async with asyncio.timeout(10):
            while not len(server.holds):
                await asyncio.sleep(0.005)
        (held,) = server.holds
        assert held.by == text
        assert held.stream is not None
        assert "rm -rf" not in str(held.stream.delivered)
        assert not asking.done()
        held.step(Step.GO_ON)
        message = await asking
    assert [block.input for block in message.content if block.type == "tool_use"] == [
        {"command": "cd /tmp && rm -rf x", "timeout": 5}
    ]
    assert [each.hits for each in breakpoints] == [1]


async def _ask(client: AsyncAnthropic) -> AnthropicMessage:
    async with client.messages.stream(
        max_tokens=9, model="m", messages=[{"role": "user", "content": "hi"}]
    ) as streaming:
        return await streaming.get_final_message()
