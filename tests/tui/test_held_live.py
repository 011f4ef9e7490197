"""An agent's SDK, the proxy and the screen in one loop: a call is held, edited by keys, and run as edited."""

from __future__ import annotations

import asyncio

import anthropic
import pytest

from inspector.model.flow import State
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.answer_editor import AnswerEditor
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from inspector.tui.text_editor import EditArea
from tests.tui.held import call_flow
from tests.tui.screens import settle
from tests.upstreams import Received, plain, response, upstream


class Waits:
    """An upstream that sends the beginning of its answer, and the rest when it is told."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.told = asyncio.Event()

    async def answer(self, _: Received, writer: asyncio.StreamWriter) -> None:
        """Write, wait, write."""
        writer.write(self.parts[0])
        await writer.drain()
        await self.told.wait()
        writer.write(self.parts[1])


async def ask(url: str) -> anthropic.types.Message:
    """Ask as an agent does, streaming."""
    async with (
        anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0) as client,
        client.messages.stream(
            model="claude-haiku-4-5", max_tokens=100, messages=[{"role": "user", "content": "Rebuild."}]
        ) as stream,
    ):
        return await stream.get_final_message()


@pytest.mark.anyio
async def test_the_agent_gets_the_call_as_it_was_edited_on_the_screen() -> None:
    answer, _ = call_flow()
    assert answer.response is not None
    body = bytes(answer.response.body)
    store, transcripts = FlowStore(), Transcripts()
    control = Control(store, transcripts)
    control.breakpoints.add('event tool:Bash arg.command~"rm "')
    body = response(body, "content-type: text/event-stream")
    async with asyncio.timeout(30), upstream(plain(body)) as model:
        config = ProxyConfig(port=0, upstreams={"anthropic": model.url})
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            app = InspectorApp(store, transcripts, listener=server, desk=Desk(store, transcripts, control, server))
            async with app.run_test(size=(120, 40)) as pilot:
                asking = spawn(ask(server.url), "agent")
                while not len(control.holds) and not asking.done():
                    await pilot.pause(0.01)
                await settle(pilot)
                await pilot.press("e")
                await pilot.pause()
                assert isinstance(app.screen, AnswerEditor)
                area = app.screen.query_one(EditArea)
                assert '"command": "rm -rf build && make"' in area.text
                area.replace_all(area.text.replace("rm -rf build && ", ""))
                await pilot.press("ctrl+s")
                message = await asking
                await settle(pilot)
    text, call = message.content
    assert text.type == "text" and text.text == "The build folder is stale. I'll remove it and build again."
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("Bash", {"command": "make", "description": "Rebuild from scratch"})
    (flow,) = store
    assert flow.state is State.DONE
    assert [each.name for each in flow.mutations if each.by == "hand"] == ["tool call"]


@pytest.mark.anyio
async def test_a_live_stream_is_held_and_let_go_by_hand() -> None:
    answer, _ = call_flow()
    assert answer.response is not None
    whole = response(bytes(answer.response.body), "content-type: text/event-stream")
    begun = Waits(
        whole[: whole.index(b"event: content_block_stop")], whole[whole.index(b"event: content_block_stop") :]
    )
    store, transcripts = FlowStore(), Transcripts()
    control = Control(store, transcripts)
    async with asyncio.timeout(30), upstream(begun.answer) as model:
        config = ProxyConfig(port=0, upstreams={"anthropic": model.url})
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            app = InspectorApp(store, transcripts, listener=server, desk=Desk(store, transcripts, control, server))
            async with app.run_test(size=(120, 40)) as pilot:
                asking = spawn(ask(server.url), "agent")
                while not (flows := [flow for flow in store if flow.state is State.STREAMING]):
                    await pilot.pause(0.01)
                await settle(pilot)
                await pilot.press("space")
                begun.told.set()
                while not (control.holds.get(flows[0]) and flows[0].hold and flows[0].hold.upstream_done):
                    await pilot.pause(0.01)
                await settle(pilot)
                assert app.screen.query_one(Detail).shows_held and not asking.done()
                await pilot.press("g")
                assert (await asking).stop_reason == "tool_use"
    assert flows[0].state is State.DONE
