"""Conversations of agents with models, written turn by turn in the shape of any of four APIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import orjson

from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.store.flows import FlowStore
from inspector.store.lane import Place
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts

Json = dict[str, Any]
STARTED = 1_763_712_000.0
URLS = {
    "openai-chat": "https://api.openai.com/v1/chat/completions",
    "openai-responses": "https://api.openai.com/v1/responses",
    "anthropic-messages": "https://api.anthropic.com/v1/messages",
    "gemini": "https://generativelanguage.googleapis.com/v1beta/models/gemini-3:generateContent",
}
DIALECTS = tuple(URLS)
TOOLS = ("Read", "Task")


@dataclass(frozen=True)
class Call:
    """A tool call: its id, the tool, its arguments."""

    id: str
    name: str
    arguments: Json


@dataclass(frozen=True)
class Said:
    """One step of a conversation: the user's words, the model's with its calls, or the result of a call."""

    who: str
    text: str
    calls: tuple[Call, ...] = ()
    call: Call | None = None


def user(text: str) -> Said:
    """The user's words."""
    return Said("user", text)


def model(text: str = "", *calls: Call) -> Said:
    """The model's answer."""
    return Said("model", text, calls)


def result(call: Call, text: str) -> Said:
    """What a tool gave."""
    return Said("tool", text, call=call)


@dataclass
class World:
    """A store, and a clock that moves on by a second with every request."""

    store: FlowStore = field(default_factory=FlowStore)
    now: float = STARTED
    made: int = 0

    def send(
        self,
        talk: Talk,
        answer: Said | None,
        *,
        status: int = 200,
        parameters: Json | None = None,
        store: bool = True,
        answer_id: str = "",
        ended: bool = True,
        **changes: Any,
    ) -> Flow:
        """Send a conversation as it stands; the answer comes at once, and is no part of the conversation yet."""
        self.made += 1
        self.now += 1.0
        body = orjson.dumps({**body_of(talk), **(parameters or {})})
        headers = Headers([("Content-Type", "application/json"), *talk.headers.items()])
        request = Request("POST", talk.url or URLS[talk.dialect], headers, Capture(body))
        flow = Flow(f"f{self.made}", request, self.now, agent=talk.agent, dialect=talk.dialect, **changes)
        flow.timing = Timing(received=1.0, forwarded=1.0)
        if ended:
            self.answer(flow, answer, status=status, answer_id=answer_id)
        if store:
            self.store.add(flow)
        return flow

    def answer(self, flow: Flow, answer: Said | None, *, status: int = 200, answer_id: str = "") -> None:
        """End a flow with an answer, or with an error where there is none."""
        reply = reply_of(flow.dialect, answer, answer_id or f"answer_{flow.id}") if answer else {"error": "no"}
        kind = Headers([("content-type", "application/json")])
        flow.response = Response(status if answer or status != 200 else 500, kind, body=Capture(orjson.dumps(reply)))
        flow.timing.ended = 500.0
        flow.end = End(Reason.DONE, "upstream")
        if self.store.get(flow.id) is not None:
            self.store.touch(flow)

    def step(self, talk: Talk, answer: Said, *then: Said, **how: Any) -> Flow:
        """Send a conversation and go on with the answer and what comes then."""
        flow = self.send(talk, answer, **how)
        talk.said += [answer, *then]
        return flow

    def get(self, talk: Talk, url: str, method: str = "GET") -> Flow:
        """Send a request without a body, of no dialect."""
        self.made, self.now = self.made + 1, self.now + 1.0
        flow = Flow(f"f{self.made}", Request(method, url, Headers()), self.now, agent=talk.agent)
        flow.timing = Timing(received=1.0, forwarded=1.0, ended=9.0)
        flow.response, flow.end = Response(200, Headers()), End(Reason.DONE, "upstream")
        self.store.add(flow)
        return flow


@dataclass
class Talk:
    """A conversation, as its agent keeps it."""

    dialect: str = "anthropic-messages"
    said: list[Said] = field(default_factory=list)
    system: str = "You are a careful agent."
    tools: Sequence[str] = TOOLS
    agent: str = "worker"
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def with_said(self, *said: Said) -> Talk:
        """A copy with another history."""
        return replace(self, said=list(said))


def body_of(talk: Talk) -> Json:
    """A request's body."""
    return _BODIES[talk.dialect](talk)


def reply_of(dialect: str, answer: Said, answer_id: str) -> Json:
    """A whole answer, with a usage of 100 and 10 tokens."""
    return _REPLIES[dialect](answer, answer_id)


def _chat(talk: Talk) -> Json:
    messages: list[Json] = [{"role": "system", "content": talk.system}]
    for said in talk.said:
        if said.call is not None:
            messages.append({"role": "tool", "tool_call_id": said.call.id, "content": said.text})
        else:
            messages.append(_chat_message(said))
    functions = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in talk.tools]
    return {"model": "gpt-5", "messages": messages, **({"tools": functions} if functions else {})}


def _chat_message(said: Said) -> Json:
    calls = [
        {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": orjson.dumps(c.arguments).decode()}}
        for c in said.calls
    ]
    role = "assistant" if said.who == "model" else "user"
    return {"role": role, "content": said.text or None, **({"tool_calls": calls} if calls else {})}


def _chat_reply(answer: Said, answer_id: str) -> Json:
    choice = {"index": 0, "message": _chat_message(answer), "finish_reason": "stop"}
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    return {"id": answer_id, "object": "chat.completion", "model": "gpt-5", "choices": [choice], "usage": usage}


def _responses(talk: Talk) -> Json:
    items = [item for said in talk.said for item in _items(said)]
    tools = [{"type": "function", "name": name, "parameters": {}} for name in talk.tools]
    return {
        "model": "gpt-5",
        "instructions": talk.system,
        "input": items,
        **({"tools": tools} if tools else {}),
    }


def _items(said: Said) -> list[Json]:
    if said.call is not None:
        return [{"type": "function_call_output", "call_id": said.call.id, "output": said.text}]
    role, kind = ("assistant", "output_text") if said.who == "model" else ("user", "input_text")
    words = [{"type": "message", "role": role, "content": [{"type": kind, "text": said.text}]}] if said.text else []
    return words + [
        {"type": "function_call", "call_id": c.id, "name": c.name, "arguments": orjson.dumps(c.arguments).decode()}
        for c in said.calls
    ]


def _responses_reply(answer: Said, answer_id: str) -> Json:
    usage = {"input_tokens": 100, "output_tokens": 10}
    return {
        "id": answer_id,
        "object": "response",
        "status": "completed",
        "model": "gpt-5",
        "output": _items(answer),
        "usage": usage,
    }


def _anthropic(talk: Talk) -> Json:
    messages: list[Json] = []
    for said in talk.said:
        role = "assistant" if said.who == "model" else "user"
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += _blocks(said)
        else:
            messages.append({"role": role, "content": _blocks(said)})
    if messages:
        messages[-1]["content"][-1]["cache_control"] = {"type": "ephemeral"}
    tools = [{"name": name, "input_schema": {}} for name in talk.tools]
    return {
        "model": "claude-sonnet-5",
        "max_tokens": 900,
        "system": talk.system,
        "messages": messages,
        **({"tools": tools} if tools else {}),
    }


def _blocks(said: Said) -> list[Json]:
    if said.call is not None:
        return [{"type": "tool_result", "tool_use_id": said.call.id, "content": said.text}]
    words = [{"type": "text", "text": said.text}] if said.text else []
    return words + [{"type": "tool_use", "id": c.id, "name": c.name, "input": c.arguments} for c in said.calls]


def _anthropic_reply(answer: Said, answer_id: str) -> Json:
    return {
        "id": answer_id,
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": _blocks(answer),
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 100, "output_tokens": 10},
    }


def _gemini(talk: Talk) -> Json:
    declared = [{"functionDeclarations": [{"name": name} for name in talk.tools]}] if talk.tools else []
    contents = [{"role": "model" if said.who == "model" else "user", "parts": _parts(said)} for said in talk.said]
    return {"contents": contents, "systemInstruction": {"parts": [{"text": talk.system}]}, "tools": declared}


def _parts(said: Said) -> list[Json]:
    if said.call is not None:
        return [{"functionResponse": {"name": said.call.name, "response": {"output": said.text}}}]
    words = [{"text": said.text}] if said.text else []
    return words + [{"functionCall": {"name": c.name, "args": c.arguments}} for c in said.calls]


def _gemini_reply(answer: Said, answer_id: str) -> Json:
    candidate = {"content": {"role": "model", "parts": _parts(answer)}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110}
    return {"responseId": answer_id, "candidates": [candidate], "usageMetadata": usage}


_BODIES = {"openai-chat": _chat, "openai-responses": _responses, "anthropic-messages": _anthropic, "gemini": _gemini}
_REPLIES = {
    "openai-chat": _chat_reply,
    "openai-responses": _responses_reply,
    "anthropic-messages": _anthropic_reply,
    "gemini": _gemini_reply,
}


READ = Call("toolu_read_9f3ab61c77d2", "Read", {"path": "parser.py"})
FIRST = "Please find out why the parser fails."
ORDER = "Your task is to write a detailed summary of this conversation so far, so that work can go on. " * 6
TITLER = Talk(system="Write a short title for this conversation. Answer with the title only.", tools=())
"""What asks for a title."""


def sorted_out(world: World) -> Lanes:
    """The lanes of all that was sent."""
    lanes = Lanes(world.store, Transcripts())
    lanes.update(inf)
    assert lanes.pending == 0
    return lanes


def placed(lanes: Lanes, flow: Flow) -> Place:
    """The place of a flow that has one."""
    place = lanes.place(flow)
    assert place is not None
    return place


def shown(lanes: Lanes, flow: Flow) -> tuple[str, str, int, str, bool, str, int, bool]:
    """A place in words: what two runs of the same history must agree on."""
    place = lanes.place(flow)
    if place is None:
        return ("", "", 0, "", False, "", 0, False)
    previous, first = place.previous, place.retry_of
    return (
        place.lane.id,
        place.work.value,
        place.turn,
        previous.id if previous else "",
        place.compacted,
        first.id if first else "",
        place.attempt,
        place.storm,
    )


def turns(world: World, talk: Talk, count: int = 3) -> list[Flow]:
    """A conversation of some turns, in each of which a tool is called."""
    flows = []
    for number in range(count):
        call = Call(f"{READ.id}{talk.agent}{talk.said[0].text[:9]}{number}x", "Read", {"path": f"{number}.py"})
        flows.append(world.step(talk, model(f"I read file number {number}.", call), result(call, f"the file {number}")))
    return flows


def task(number: int, prompt: str, **arguments: str) -> Call:
    """A call that gives work to a sub-agent."""
    return Call(f"toolu_task_{number}_5d1e88ab03", "Task", {"prompt": prompt, **arguments})


def helper(prompt: str, **how: Any) -> Talk:
    """A sub-agent's conversation."""
    return Talk(said=[user(prompt)], system="You are a sub-agent.", **how)


def nested(world: World) -> dict[str, list[Flow]]:
    """A conversation with a sub-agent that has one as well; then another conversation."""
    outer = task(1, "Explore the tests and report.", description="Explore tests")
    inner = task(2, "Read the file tests/test_lexer.py for me.")
    talk, sub, deep = Talk(said=[user(FIRST)]), helper(outer.arguments["prompt"]), helper(inner.arguments["prompt"])
    main = [world.step(talk, model("I look around.", outer))]
    below = [world.step(sub, model("I ask for help.", inner))]
    deepest = turns(world, deep, 2)
    sub.said.append(result(inner, "it is empty"))
    below.append(world.step(sub, model("The tests are empty.")))
    talk.said.append(result(outer, "The tests are empty."))
    main.append(world.step(talk, model("So they are.")))
    other = turns(world, Talk(said=[user("An entirely different thing to do.")]), 2)
    return {"main": main, "sub": below, "deep": deepest, "other": other}
