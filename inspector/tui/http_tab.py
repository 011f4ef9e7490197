"""Request and Response: what passed, as bytes that a person can read."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from inspector.tui.http_head import Message, request_message, response_message
from inspector.tui.http_pane import HttpPane
from inspector.tui.line_pane import LinePane
from inspector.tui.status_line import StatusLine
from inspector.tui.tab import Tab
from inspector.tui.text import one_line


class HttpTab(Tab):
    """A message, and below it the path of what the cursor is on."""

    reads = False

    def __init__(self, transcripts: Transcripts) -> None:
        super().__init__(transcripts)
        self._pane = HttpPane()
        self._status = StatusLine()
        self._turned = False
        """The other side of a message with two is shown."""

    @property
    def pane(self) -> HttpPane:
        """The message."""
        return self._pane

    @property
    def unfinished(self) -> bool:
        """Whether the body is still being read."""
        return self._pane.busy

    def compose(self) -> ComposeResult:
        """The message and the line below it."""
        yield self._pane
        yield self._status

    def message(self, flow: Flow) -> Message | None:
        """What to show of the flow."""
        raise NotImplementedError

    def two_sided(self, flow: Flow) -> bool:
        """Whether what came in is not what went out."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There are two sides only where something was changed."""
        return self.flow is not None and self.two_sided(self.flow) if action == "turn" else True

    def action_turn(self) -> None:
        """Show the other side."""
        if self.flow is not None:
            self._turned = not self._turned
            self.open(self.flow)

    def open(self, flow: Flow) -> None:
        """Show another flow's message."""
        self._pane.show_message(self.message(flow), "no response yet" if flow.live else "no response came")
        self._pane.enter(flow.id, at_end=False)
        self._say()
        self.refresh_bindings()

    def grow(self, flow: Flow) -> None:
        """Show what came."""
        message = self.message(flow)
        if message is None or not self._pane.shows(message):
            self.open(flow)
        else:
            self._pane.grow_message(message)

    @on(LinePane.CursorMoved)
    def _say(self) -> None:
        self._status.set([("key", one_line(self._pane.place(), 1000))])


class RequestTab(HttpTab):
    """The request as it was received; where it was changed on its way, also as it was sent on."""

    tab_id = "request"
    title = "Request"
    short = "Req"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "turn", "received or forwarded", id="http.forwarded", tooltip="As received, or as sent on"),
    ]

    def message(self, flow: Flow) -> Message:
        """The request, on the side that was chosen."""
        return request_message(flow, self._turned and self.two_sided(flow))

    def two_sided(self, flow: Flow) -> bool:
        """Whether something was changed."""
        return flow.forwarded is not None


class ResponseTab(HttpTab):
    """The response, while it comes and after; where the client got another one, also that."""

    tab_id = "response"
    title = "Response"
    short = "Resp"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "turn", "came or delivered", id="http.delivered", tooltip="As it came, or as the client got it"),
    ]

    def message(self, flow: Flow) -> Message | None:
        """The response as far as it came, or what the client got."""
        return response_message(flow, self._turned and self.two_sided(flow))

    def two_sided(self, flow: Flow) -> bool:
        """Whether something was changed. What an answer comes to that is still growing is not asked at every frame."""
        return not flow.live and flow.response is not None and (flow.delivered is not None or bool(flow.injected))
