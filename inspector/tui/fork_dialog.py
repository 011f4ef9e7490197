"""Where a conversation is to be cut: behind one of its messages, or behind the answer."""

from __future__ import annotations

from typing import ClassVar

import orjson
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static

from inspector.dialects import by_name
from inspector.model.flow import Flow
from inspector.rules.variants import fork
from inspector.store.transcripts import Transcripts
from inspector.tui.line_pane import LinePane
from inspector.tui.spans import Line
from inspector.tui.text import clip, one_line, printable
from inspector.wire.body import decoded

WORDS = 300
"""Characters of a message that its line shows at most."""
MOST = 20
"""Lines of messages that are seen at once."""
_LABEL = 13
_SETTLED = 0.15
"""Seconds without a key after which it is said what the cut leaves."""
_TURNS = ("messages", "input", "contents")
_TOLD = ("content", "text", "thinking", "output", "tool_calls", "function", "arguments", "input", "summary")
"""Where a message or a block has its words; the first that has some is shown."""
_STYLES = {"user": "key", "assistant": "ok", "system": "muted", "developer": "muted"}


class ForkLines(LinePane):
    """A line for each message. Below the cursor stands what the cut takes away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.cut", "cut here", id="fork.cut", tooltip="Cut behind this message, and edit the rest"),
    ]

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        super().__init__(id="fork-lines")
        self._lines = lines
        self.cursor = len(lines) - 1

    def line_count(self) -> int:
        """One line a message."""
        return len(self._lines)

    def line(self, index: int, width: int) -> Line:
        """Its place, who says it, and its first words."""
        label, words = self._lines[index]
        gone = index > self.cursor
        style = "faint" if gone else _STYLES.get(label, "accent")
        line: Line = [("faint", f" {index + 1:3} "), (style, f" {clip(label, _LABEL):{_LABEL}} ")]
        return [*line, ("faint" if gone else "", clip(words, max(0, width - _LABEL - 7)))]

    def cursor_moved(self) -> None:
        """What is cut away is drawn in another colour."""
        super().cursor_moved()
        self.lines_changed()


class ForkDialog(ModalScreen[int | None]):
    """Gives back the index of the message behind which to cut; the number of messages stands for the answer.

    ValueError where the flow's request has no list of messages.
    """

    BINDING_GROUP_TITLE = "Branch"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", id="fork.cancel", tooltip="Cut nothing"),
    ]

    def __init__(self, flow: Flow, transcripts: Transcripts) -> None:
        super().__init__()
        self._flow = flow
        lines = _lines(flow)
        self._messages = len(lines)
        message = transcripts.of(flow).answer.message
        if message is not None and message.parts:
            calls = ", ".join(call.name for call in message.tool_calls())
            lines.append(("the answer", one_line(message.text() or calls, WORDS)))
        self._lines = ForkLines(lines)
        self._said = Static("", id="fork-said", markup=False)
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """The messages, the last under the cursor, and what a cut there leaves."""
        self._lines.styles.height = min(MOST, self._lines.line_count())
        with Vertical(id="fork"):
            title = one_line(f"Branch off #{self._flow.number}: cut the conversation behind")
            yield Static(title, id="fork-title", markup=False)
            yield self._lines
            yield self._said

    def on_mount(self) -> None:
        """The end is what one mostly wants."""
        self._lines.focus()
        self.call_after_refresh(self._lines.scroll_line_into_view, self._lines.cursor)
        self._say()

    def on_line_pane_cursor_moved(self) -> None:
        """Another cut leaves something else."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_SETTLED, self._say)

    def action_cut(self) -> None:
        """Cut behind the message under the cursor."""
        self.dismiss(self._lines.cursor)

    def _say(self) -> None:
        index = self._lines.cursor
        try:
            said = fork(self._flow, index).said
        except ValueError as error:
            said = [str(error)]
        away = max(0, self._messages - index - 1)
        kept = f"{min(index + 1, self._messages)} of {self._messages} messages stay"
        words = (
            kept if away else "all messages stay, and the answer" if index >= self._messages else "all messages stay"
        )
        self._said.set_class(bool(said), "-warning")
        self._said.update(Content("\n".join([words, *(printable(f"• {each}") for each in said[:3])])))


def _lines(flow: Flow) -> list[tuple[str, str]]:
    """Who says each of the request's messages, and its first words."""
    writer = by_name(flow.dialect).writer
    data, _ = decoded(flow.sent.headers, bytes(flow.sent.body))
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = None
    if writer is None or not isinstance(body, dict):
        raise ValueError("this request has no list of messages to be cut")
    lines = []
    for section in writer.sections(body):
        if section.path[0] in _TURNS:
            value = body
            for key in section.path:
                value = value[key]
            lines.append((one_line(section.label, WORDS), one_line(_words(value), WORDS)))
    return lines


def _words(value: object) -> str:
    """The first words of a message."""
    match value:
        case str():
            return value
        case list():
            return " ".join(_words(each) for each in value[:4])
        case dict():
            found = next((value[key] for key in _TOLD if value.get(key)), "")
            words = orjson.dumps(found).decode() if found is value.get("input") else _words(found)
            return f"{value.get('name', '')} {words}".strip()
    return ""
