"""An app that is nothing but the detail, and conversations to show in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widget import Widget

from inspector.model.flow import Capture, Flow, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.detail import Detail
from inspector.tui.themes import THEMES

HOSTILE = (
    "\x1b[31mred\x1b[0m [bold red]markup[/] \x1b]8;;http://x\x07link \x1b]52;c;aGk=\x07 \u202egnp.exe\u2066 \x9b2J\x07"
)
"""ANSI colours, Rich markup, OSC 8 and 52, bidi overrides, a C1 control and a bell."""


class DetailApp(App[None]):
    """The detail on a store of its own."""

    def __init__(self, *flows: Flow, theme: str = "inspector-dark") -> None:
        super().__init__()
        self.store = FlowStore()
        for flow in flows:
            self.store.add(flow)
        self.detail = Detail(Transcripts())
        self._wanted = theme

    def compose(self) -> ComposeResult:
        """Nothing else."""
        yield self.detail

    def on_mount(self) -> None:
        """Show the first flow."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._wanted
        self.detail.show(next(iter(self.store), None))
        self.detail.tab.pane.focus()


async def frames(pilot: Pilot[None], count: int = 2) -> None:
    """Draw some frames."""
    app = pilot.app
    assert isinstance(app, DetailApp)
    for _ in range(count):
        await pilot.pause()
        app.detail.pull()
    await pilot.pause()


async def read_all(pilot: Pilot[None]) -> None:
    """Draw frames until the open tab has read all that there is."""
    app = pilot.app
    assert isinstance(app, DetailApp)
    await frames(pilot)
    while app.detail.tab.unfinished:
        app.detail.pull()
    await frames(pilot)


def seen(widget: Widget) -> list[str]:
    """The lines of a widget as they stand on the screen."""
    return [widget.render_line(y).text.rstrip() for y in range(widget.size.height)]


def anthropic_flow(messages: list[dict[str, Any]], *, flow_id: str = "f1", **top: Any) -> Flow:
    """A Messages request whose response has not begun."""
    body = {"model": "claude-opus-4-5", "max_tokens": 100, "stream": True, **top, "messages": messages}
    headers = Headers(
        [("Host", "here"), ("x-api-key", "sk-ant-0123456789abcdefghij"), ("content-type", "application/json")]
    )
    request = Request("POST", "https://api.anthropic.com/v1/messages", headers, Capture(json.dumps(body).encode()))
    timing = Timing(received=1.0, forwarded=2.0)
    return Flow(flow_id, request, 0.0, dialect="anthropic-messages", timing=timing)


def begin(flow: Flow, content_type: str = "text/event-stream", headers: Mapping[str, str] | None = None) -> Flow:
    """Begin the response."""
    flow.response = Response(200, Headers({"content-type": content_type, **(headers or {})}.items()), "OK")
    return flow


def sse(name: str, **data: Any) -> bytes:
    """One event of the Messages API."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def text_events(words: Iterable[str], index: int = 0) -> list[bytes]:
    """A block of text, word by word."""
    start = sse("content_block_start", index=index, content_block={"type": "text", "text": ""})
    deltas = [sse("content_block_delta", index=index, delta={"type": "text_delta", "text": word}) for word in words]
    return [start, *deltas]


def feed(flow: Flow, store: FlowStore, *chunks: bytes, gap: float = 10.0) -> None:
    """Let chunks come."""
    assert flow.response is not None
    for chunk in chunks:
        body = flow.response.body
        body.append((body.times[-1] if body.chunks else 100.0) + gap, chunk)
        store.touch(flow)
