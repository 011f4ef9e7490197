"""What the tests of replaying share: a screen with a proxy, a model behind it, and a flow that went through."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from textual.pilot import Pilot

from inspector.demo.session import DemoServer
from inspector.model.flow import Flow
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.detail import Detail
from tests.tui.screens import main, settle

ASK = {"role": "user", "content": "When is high water in the harbour today?"}


@dataclass
class Bench:
    """The program at work."""

    desk: Desk
    flow: Flow
    pilot: Pilot[None]

    @property
    def detail(self) -> Detail:
        """The lower half of the main screen."""
        return main(self.pilot).query_one(Detail)

    @property
    def children(self) -> list[Flow]:
        """The replays."""
        return [flow for flow in self.desk.store if flow.parent]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the program run until something is so."""
        async with asyncio.timeout(15):
            while not condition():
                await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        """Press keys, and draw."""
        await self.pilot.press(*keys)
        await settle(self.pilot)


def chat(*messages: dict[str, Any], model: str = "demo-small", **top: Any) -> dict[str, Any]:
    """A request of Chat Completions."""
    return {"model": model, "stream": True, "messages": list(messages or (ASK,)), **top}


@contextlib.asynccontextmanager
async def bench(
    body: dict[str, Any] | None = None, *, size: tuple[int, int] = (160, 45), pace: float = 0.0
) -> AsyncIterator[Bench]:
    """A screen on which one flow is done, and selected."""
    store, transcripts = FlowStore(), Transcripts()
    async with DemoServer() as model, DemoServer(pace=pace) as slow:
        config = ProxyConfig(port=0, upstreams={"openai": model.url, "anthropic": model.url, "slow": slow.url})
        async with ProxyServer(config, store) as server:
            async with httpx.AsyncClient(trust_env=False) as client:
                content = json.dumps(body or chat()).encode()
                headers = {"authorization": "Bearer sk-proj-0123456789abcdefghij", "content-type": "application/json"}
                answer = await client.post(f"{server.url}/v1/chat/completions", content=content, headers=headers)
                assert answer.status_code == 200
            replayer = Replayer(store, server.transport)
            desk = Desk(store, transcripts, None, server, replayer)
            app = InspectorApp(store, transcripts, listener=server, desk=desk)
            async with app.run_test(size=size) as pilot:
                await settle(pilot)
                (flow,) = store
                yield Bench(desk, flow, pilot)
            await replayer.aclose()
