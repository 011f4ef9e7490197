"""What the tests of editing share: requests to edit, and a screen that is nothing but the keys for it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.pilot import Pilot
from textual.widget import Widget

import inspector.tui
from inspector.model.flow import Capture, Flow, Request, Timing
from inspector.model.headers import Headers
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.desk import Desk
from inspector.tui.edit_actions import EditActions
from inspector.tui.themes import THEMES
from tests.tui.detail_app import seen

KEY = "sk-ant-0123456789abcdefghij"
AGENT_BODY: dict[str, Any] = {
    "model": "claude-opus-4-5",
    "max_tokens": 8192,
    "temperature": 1e-1,
    "system": [{"type": "text", "text": "Be terse."}, {"type": "text", "text": "Folder: /home"}],
    "messages": [
        {"role": "user", "content": "Fix the parser."},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I'll run the tests."},
                {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "pytest"}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "2 failed"}]},
    ],
    "tools": [
        {
            "name": "Bash",
            "description": "Runs a command.",
            "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]},
        }
    ],
}


def agent_flow(body: object = AGENT_BODY, *, dialect: str = "anthropic-messages", **headers: str) -> Flow:
    """A request as an agent sends it: `body` as JSON, or its bytes. Spelled with blanks, as Python does."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"x-api-key": KEY, "content-type": "application/json", "Content-Length": str(len(data)), **headers}
    request = Request("POST", "https://api.anthropic.com/v1/messages?beta=true", Headers(lines.items()), Capture(data))
    return Flow("f1", request, 0.0, clock=time.perf_counter(), seq=42, dialect=dialect, timing=Timing(received=1.0))


class KeysScreen(EditActions):
    """The first flow of the store is selected."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("e", "edit_request", id="edit.request")]
    shown: tuple[Flow, str] | None = None

    @property
    def selected(self) -> Flow | None:
        """The only flow."""
        return next(iter(self.desk.store), None)

    def show_flow(self, flow: Flow, tab: str = "") -> None:
        """Remember what was to be shown."""
        self.shown = (flow, tab)


class EditApp(App[None]):
    """The keys of editing, and the dialogs over them."""

    CSS_PATH = Path(inspector.tui.__file__).parent / "inspector.tcss"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name

    def get_default_screen(self) -> KeysScreen:
        """Nothing but the keys."""
        return KeysScreen(self.desk)


def desk_of(flow: Flow | None = None) -> Desk:
    """A desk with control, and perhaps a flow."""
    store, transcripts = FlowStore(), Transcripts()
    if flow is not None:
        store.add(flow)
    return Desk(store, transcripts, Control(store, transcripts))


@dataclass
class Bench:
    """A screen over a proxy that holds every request."""

    desk: Desk
    control: Control
    server: ProxyServer
    pilot: Pilot[None]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let everything run until something is so."""
        async with asyncio.timeout(10):
            while not condition():
                await self.pilot.pause(0.01)

    async def held(self, count: int = 1) -> None:
        """Wait for so many requests to stand still."""
        await self.until(lambda: len(self.control.holds) == count)


@asynccontextmanager
async def bench(upstream: str) -> AsyncIterator[Bench]:
    """A proxy that holds every request on its way to `upstream`, and a screen to act on them."""
    desk = desk_of()
    assert desk.control is not None
    desk.control.hold_requests = True
    config = ProxyConfig(port=0, upstream=upstream)
    async with ProxyServer(config, desk.store, hooks=desk.control, holds=desk.control.holds) as server:
        desk.server = server
        app = EditApp(desk)
        async with app.run_test(size=(110, 34)) as pilot:
            yield Bench(desk, desk.control, server, pilot)


def words(widget: Widget) -> str:
    """What stands on a widget, as one text."""
    return "\n".join(seen(widget))
