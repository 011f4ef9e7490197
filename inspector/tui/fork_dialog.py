"""Where a conversation is to be cut: behind one of its messages, or behind the answer."""

from __future__ import annotations

from typing import ClassVar

import orjson
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from inspector.dialects import by_name
from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from inspector.tui.text import one_line
from inspector.wire.body import decoded

WORDS = 300
"""Characters of a message that its line shows at most."""


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
        self._lines = _lines(flow)
        message = transcripts.of(flow).answer.message
        if message is not None and message.parts:
            calls = ", ".join(call.name for call in message.tool_calls())
            self._lines.append(f"the answer   {one_line(message.text() or calls, WORDS)}")

    def compose(self) -> ComposeResult:
        """A line for each message, the last under the cursor."""
        with Vertical(id="fork"):
            yield Static(f"Branch off #{self._flow.number}: cut the conversation behind", id="fork-title", markup=False)
            yield OptionList(*(Option(Content(line)) for line in self._lines), id="fork-lines", compact=True)

    def on_mount(self) -> None:
        """The end is what one mostly wants."""
        lines = self.query_one(OptionList)
        lines.highlighted = len(self._lines) - 1
        lines.focus()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_index)


def _lines(flow: Flow) -> list[str]:
    """The request's messages, each on a line."""
    writer = by_name(flow.dialect).writer
    data, _ = decoded(flow.sent.headers, bytes(flow.sent.body))
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        body = None
    if writer is None or not isinstance(body, dict):
        raise ValueError("this request has no list of messages to be cut")
    messages = [section for section in writer.sections(body) if section.kind == "message"]
    lines = []
    for number, section in enumerate(messages, 1):
        value = body
        for key in section.path:
            value = value[key]
        lines.append(f"{number:3}  {section.label:12} {one_line(_words(value), WORDS)}")
    return lines


def _words(value: object) -> str:
    """The first words of a message."""
    match value:
        case str():
            return value
        case list():
            return " ".join(_words(each) for each in value[:4])
        case dict():
            found = next(
                (value[key] for key in ("content", "text", "output", "arguments", "input") if value.get(key)), ""
            )
            return f"{value.get('name', '')} {_words(found)}".strip()
    return ""
