"""The line in which a breakpoint is typed: coloured and judged while one types, its keys completed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.highlighter import Highlighter
from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from inspector.model.flow import Moment
from inspector.store.filters import complete, parse

_MOMENTS = tuple(Moment)


class _Spans(Highlighter):
    """Colours a breakpoint: its moment, and its filter by the spans that the parser found."""

    def __init__(self, styles: Callable[[], Mapping[str, Style]]) -> None:
        self._styles = styles

    def highlight(self, text: Text) -> None:
        """Colour one text."""
        styles, at = self._styles(), filter_start(text.plain)
        text.stylize(styles["moment"], 0, at)
        for span in parse(text.plain[at:]).spans:
            text.stylize(styles[span.kind], at + span.start, at + span.end)


class _Words(Suggester):
    """Offers the rest of the word that is being typed: a moment, a key, or a value that was seen."""

    def __init__(self, values: Callable[[], Mapping[str, Sequence[str]]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._values = values

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line as it could be."""
        if not value or value[-1].isspace():
            return None
        if " " not in value and (moment := next((each for each in _MOMENTS if each.startswith(value)), None)):
            return f"{moment} "
        at = filter_start(value)
        for choice in complete(value[at:], len(value) - at, self._values()):
            line = value[: at + choice.start] + choice.text
            if line.startswith(value) and line != value:
                return line
        return None


class RuleInput(Input):
    """Where a breakpoint is typed."""

    BINDING_GROUP_TITLE = "Breakpoint"
    HELP = """\
A moment and a filter: `event tool:Bash arg.command~"rm "`.

`request`: before it goes upstream. `head`: before the answer begins. `event`: in the middle of the answer, as soon as
it means what the filter says. `end`: before the end of the answer. Without a moment it is the first that makes sense.
"""
    KINDS: ClassVar[tuple[str, ...]] = ("key", "value", "operator", "text", "error", "moment")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"rule--{kind}" for kind in KINDS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", id="rule.complete", tooltip="Take what is offered"),
        Binding("escape", "leave", "leave", id="rule.leave", tooltip="Back to the list; nothing is made"),
    ]

    class Left(Message):
        """The person wants no breakpoint."""

    def __init__(self, values: Callable[[], Mapping[str, Sequence[str]]], *, id: str | None = None) -> None:
        super().__init__(
            placeholder='event tool:Bash arg.command~"rm "',
            highlighter=_Spans(self._styles),
            suggester=_Words(values),
            compact=True,
            select_on_focus=False,
            id=id,
        )

    def action_complete(self) -> None:
        """Take what is offered."""
        self.action_cursor_right()

    def action_leave(self) -> None:
        """Back to the list."""
        self.post_message(self.Left())

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Which keys are typed and do nothing else. Textual does not know which character this one makes."""
        return key == "backslash" or super().check_consume_key(key, character)

    def _styles(self) -> Mapping[str, Style]:
        return {kind: self.get_component_rich_style(f"rule--{kind}", partial=True) for kind in self.KINDS}


def filter_start(text: str) -> int:
    """Where the filter of a breakpoint begins: behind its moment, if it names one."""
    lead = len(text) - len(text.lstrip())
    word, blank, rest = text[lead:].partition(" ")
    if word.lower() not in _MOMENTS:
        return lead
    return lead + len(word) + len(blank) + len(rest) - len(rest.lstrip())
