"""An unmodified agent whose tool call is held and edited: it runs the edited call, and its next request carries it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from inspector.dialects import by_name
from inspector.model.edits import Edits
from inspector.model.flow import Moment
from inspector.model.message import Answer, Growing, Message, Part, Text, ToolCall, Usage
from inspector.proxy.held import Held, Step
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.upstreams import Received, response, upstream

pytestmark = pytest.mark.anyio

DANGER, SAFE = {"command": "rm -rf /build"}, {"command": "ls build"}


@dataclass
class Model:
    """Calls Bash at first, and then says that it is done."""

    dialect: str
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        """Answer one request of the loop."""
        asked = json.loads(received.body)
        self.asked.append(asked)
        words = Text(Growing("I will clean up: "))
        call = ToolCall("call_1", "Bash", Growing(json.dumps(DANGER)), done=True)
        parts: list[Part] = [words, call] if len(self.asked) == 1 else [Text(Growing("Done."))]
        answer = Answer(id="a1", model="m", choices=[Message("assistant", parts)], usage=Usage(10, 20))
        writing = by_name(self.dialect).writer
        assert writing is not None
        if asked.get("stream"):
            body, kind = b"".join(writing.stream(answer, asked)), "text/event-stream"
        else:
            body, kind = writing.document(answer, asked), "application/json"
        writer.write(response(body, f"Content-Type: {kind}"))
        await writer.drain()


Loop = Callable[[str, bool], Awaitable[tuple[list[Any], str]]]
"""Runs an agent on a base URL, streaming or not; gives the arguments of the calls that it ran, and its last words."""


async def chat_loop(url: str, stream: bool) -> tuple[list[Any], str]:
    """A tool loop on Chat Completions."""
    ran: list[Any] = []
    messages: list[Any] = [{"role": "user", "content": "clean up"}]
    tools: list[Any] = [{"type": "function", "function": {"name": "Bash", "parameters": {"type": "object"}}}]
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        while True:
            if stream:
                async with client.chat.completions.stream(model="m", messages=messages, tools=tools) as streamed:
                    message: Any = (await streamed.get_final_completion()).choices[0].message
            else:
                completion = await client.chat.completions.create(model="m", messages=messages, tools=tools)
                message = completion.choices[0].message
            if not message.tool_calls:
                return ran, message.content
            calls = [
                {"id": call.id, "type": "function", "function": {"name": "Bash", "arguments": call.function.arguments}}
                for call in message.tool_calls
            ]
            messages.append({"role": "assistant", "content": message.content, "tool_calls": calls})
            for call in message.tool_calls:
                ran.append(json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": "ok"})


async def responses_loop(url: str, stream: bool) -> tuple[list[Any], str]:
    """A tool loop on Responses."""
    ran: list[Any] = []
    items: list[Any] = [{"role": "user", "content": "clean up"}]
    tools: list[Any] = [{"type": "function", "name": "Bash", "parameters": {"type": "object"}, "strict": False}]
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        while True:
            if stream:
                async with client.responses.stream(model="m", input=items, tools=tools) as streamed:
                    answer: Any = await streamed.get_final_response()
            else:
                answer = await client.responses.create(model="m", input=items, tools=tools)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return ran, answer.output_text
            for call in calls:
                ran.append(json.loads(call.arguments))
                items.append(
                    {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
                )
                items.append({"type": "function_call_output", "call_id": call.call_id, "output": "ok"})


async def messages_loop(url: str, stream: bool) -> tuple[list[Any], str]:
    """A tool loop on Anthropic Messages."""
    ran: list[Any] = []
    messages: list[Any] = [{"role": "user", "content": "clean up"}]
    ask: dict[str, Any] = {
        "model": "claude-opus-4-5",
        "max_tokens": 100,
        "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
    }
    async with AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as client:
        while True:
            if stream:
                async with client.messages.stream(messages=messages, **ask) as streamed:
                    message: Any = await streamed.get_final_message()
            else:
                message = await client.messages.create(messages=messages, **ask)
            calls = [block for block in message.content if block.type == "tool_use"]
            if not calls:
                return ran, message.content[0].text
            ran += [call.input for call in calls]
            given = [block.model_dump(include={"type", "id", "name", "input", "text"}) for block in message.content]
            messages.append({"role": "assistant", "content": given})
            results = [{"type": "tool_result", "tool_use_id": call.id, "content": "ok"} for call in calls]
            messages.append({"role": "user", "content": results})


LOOPS: dict[str, Loop] = {
    "openai-chat": chat_loop,
    "openai-responses": responses_loop,
    "anthropic-messages": messages_loop,
}


@contextlib.asynccontextmanager
async def controlled(model: Model, *breakpoints: str) -> AsyncIterator[tuple[ProxyServer, Control]]:
    """A proxy in front of a model, with breakpoints."""
    store = FlowStore()
    control = Control(store, Transcripts())
    for text in breakpoints:
        control.breakpoints.add(text)
    async with upstream(model.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            yield server, control


async def holding(control: Control, count: int = 1) -> list[Held]:
    """The holds, once there are so many."""
    async with asyncio.timeout(10):
        while len(control.holds) < count:
            await asyncio.sleep(0.005)
    return list(control.holds)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("dialect", list(LOOPS))
async def test_the_agent_runs_the_edited_call(dialect: str, stream: bool) -> None:
    model = Model(dialect)
    async with controlled(model, 'tool:Bash arg.command~"rm "') as (server, control):
        agent = asyncio.ensure_future(LOOPS[dialect](server.url, stream))  # noqa: TID251
        (held,) = await holding(control)
        assert held.moment is Moment.EVENT
        transcript = Transcripts().of(held.flow)
        assert transcript.answer.message is not None
        parts = transcript.answer.message.parts
        place = next(index for index, part in enumerate(parts) if isinstance(part, ToolCall))
        edited = ToolCall("call_1", "Bash", Growing(json.dumps(SAFE)), done=True)
        held.edit(Edits(replaced={place: edited}))
        held.step(Step.GO_ON)
        ran, words = await asyncio.wait_for(agent, 10)
        assert ran == [SAFE]
        assert words == "Done."
        first, second = server.store
        assert [(mutation.name, mutation.by) for mutation in first.mutations] == [("tool call", "hand")]
        assert "rm -rf" in first.mutations[0].before and "ls build" in first.mutations[0].after
        assert b"ls build" in bytes(second.request.body)
        assert first.response is not None and b"ls build" not in bytes(first.response.body)
        (breakpoint,) = control.breakpoints
        assert breakpoint.hits == 1
    assert "ls build" in json.dumps(model.asked[1])
    assert "rm -rf" not in json.dumps(model.asked[1])


@pytest.mark.parametrize("dialect", list(LOOPS))
async def test_many_agents_are_held_at_once_and_let_go_in_any_order(dialect: str) -> None:
    model = Model(dialect)
    async with controlled(model, "request") as (server, control):
        loops = [asyncio.ensure_future(LOOPS[dialect](server.url, False)) for _ in range(5)]  # noqa: TID251
        held = await holding(control, 5)
        for each in reversed(held):
            each.step(Step.END)
        async with asyncio.timeout(10):
            while not all(loop.done() for loop in loops):
                for each in control.holds:
                    each.step(Step.GO_ON)
                await asyncio.sleep(0.005)
        assert len(control.holds) == 0
