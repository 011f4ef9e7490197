"""The line in which a filter is typed: words coloured by what they are, wrong ones marked, completed as one types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.highlighter import Highlighter
from rich.style import Style
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, OptionList, Static

from inspector.store.filters import Completion, Filter, complete, parse
from inspector.tui.text import printable

Values = Callable[[], Mapping[str, Sequence[str]]]
"""Gives, for each key of the filter language, the values seen so far."""

_WIDE = 110
"""Cells from which on what is said beside the filter is a whole sentence."""
_CHOICES = 8
"""Completions offered at once."""


class _Spans(Highlighter):
    """Colours a filter's text by the spans that its parser found."""

    def __init__(self, styles: Callable[[], Mapping[str, Style]]) -> None:
        self._styles = styles

    def highlight(self, text: Text) -> None:
        """Colour one text."""
        styles = self._styles()
        for span in parse(text.plain).spans:
            text.stylize(styles[span.kind], span.start, span.end)


class FilterInput(Input):
    """The input itself. Keys of the completions act only while some are offered."""

    BINDING_GROUP_TITLE = "Filter"
    HELP = """\
Words search everything; `key:value` asks for one thing: `model:opus tool:Bash status:>=400 in:>50k -agent:codex`.

`key:=exact`  `key~"regex"`  `key:1..5k`, with `and`, `or`, `not`, `-` and parentheses.
"""
    KINDS: ClassVar[tuple[str, ...]] = ("key", "value", "operator", "text", "error")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"filter--{kind}" for kind in KINDS}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "accept", "complete", id="filter.complete", tooltip="Take the marked completion"),
        Binding("down", "choose(1)", "down", show=False, id="filter.next", tooltip="Next completion"),
        Binding("up", "choose(-1)", "up", show=False, id="filter.previous", tooltip="Previous completion"),
        Binding("enter", "leave", "to the list", id="filter.done", tooltip="Keep the filter and go to the list"),
        Binding("escape", "escape", "leave", id="filter.leave", tooltip="Close the completions, then leave the filter"),
        Binding("ctrl+l", "clear", "clear", id="filter.clear", tooltip="Show all flows"),
    ]

    class Left(Message):
        """The person is done with the filter."""

    def __init__(self, completions: OptionList) -> None:
        super().__init__(
            placeholder="words, or agent:  model:  tool:  status:>=400 …",
            highlighter=_Spans(self._styles),
            compact=True,
            select_on_focus=False,
        )
        self._completions = completions
        self._offered: list[Completion] = []

    def offer(self, completions: list[Completion]) -> None:
        """Offer these completions below the word that they would replace."""
        self._offered = completions[:_CHOICES]
        menu = self._completions
        menu.clear_options()
        menu.display = bool(self._offered)
        if self._offered:
            menu.add_options([Content(printable(completion.text)) for completion in self._offered])
            menu.highlighted = 0
            menu.styles.offset = (self.region.x + self._cells_before(self._offered[0].start) - 1, 1)
        self.refresh_bindings()

    @property
    def offering(self) -> bool:
        """Whether completions are shown."""
        return bool(self._offered)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Completion keys mean what they mean elsewhere while nothing is offered."""
        if action in ("accept", "choose"):
            return self.offering
        return super().check_action(action, parameters)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Which keys are typed and do nothing else. Textual does not know which character this one makes."""
        return key == "backslash" or super().check_consume_key(key, character)

    def action_accept(self) -> None:
        """Put the marked completion in the place of the word."""
        self.take(self._completions.highlighted or 0)

    def take(self, index: int) -> None:
        """Put a completion in the place of the word that it completes."""
        chosen = self._offered[index]
        self.offer([])
        self.value = self.value[: chosen.start] + chosen.text + self.value[chosen.end :]
        self.cursor_position = chosen.start + len(chosen.text)

    def action_choose(self, by: int) -> None:
        """Mark another completion."""
        self._completions.highlighted = ((self._completions.highlighted or 0) + by) % len(self._offered)

    def action_leave(self) -> None:
        """Go to the list."""
        self.offer([])
        self.post_message(self.Left())

    def action_escape(self) -> None:
        """Close the completions; where there are none, go to the list."""
        if self.offering:
            self.offer([])
        else:
            self.action_leave()

    def action_clear(self) -> None:
        """Empty the filter."""
        self.value = ""

    def on_blur(self) -> None:
        """Nothing is offered to somebody who is elsewhere."""
        self.offer([])

    def _cells_before(self, at: int) -> int:
        return cell_len(self.value[:at]) - int(self.scroll_offset.x)

    def _styles(self) -> Mapping[str, Style]:
        return {kind: self.get_component_rich_style(f"filter--{kind}", partial=True) for kind in self.KINDS}


class FilterBar(Horizontal):
    """The filter's line. The main screen asks it for a new filter (`take`) and tells it the outcome (`show_count`)."""

    DEFAULT_CSS = """
    FilterBar { height: 1; }
    FilterBar > #filter-prompt { width: 10; }
    FilterBar > FilterInput { width: 1fr; }
    FilterBar > #filter-status { width: auto; max-width: 60%; height: 1; padding: 0 1; }
    FilterBar > #filter-status { text-wrap: nowrap; text-overflow: ellipsis; }
    FilterBar > OptionList { overlay: screen; constrain: inside inside; width: auto; max-height: 8; display: none; }
    """

    def __init__(self, values: Values, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._values = values
        self._menu = OptionList(compact=True, markup=False)
        self._menu.can_focus = False
        self.input = FilterInput(self._menu)
        self._status = Static("", id="filter-status", markup=False)
        self._said = ""
        self._filter = parse("")
        self._changed = False

    def compose(self) -> ComposeResult:
        """Prompt, input, outcome, and the menu that lies over what is below."""
        yield self._menu
        yield Static("filter ▸", id="filter-prompt", markup=False)
        yield self.input
        yield self._status

    def take(self) -> Filter | None:
        """The filter as it stands now, once after each change; None where it did not change since."""
        if not self._changed:
            return None
        self._changed = False
        return self._filter

    def show_count(self, listed: int, here: int, left: int = 0, where: str = "") -> None:
        """Say how many of the flows that are here are listed, or what is wrong with the filter.

        `left` are those that are here no more, and lie `where` no filter looks: in the session, as a rule.
        """
        errors = self._filter.errors
        filtered = bool(self._filter.text.strip())
        said = errors[0].message if errors else f"{listed:,} of {here:,}" if filtered else ""
        if left and not errors:
            said = self._with_older(said, here, left, where)
        if said != self._said:
            self._said = said
            self._status.set_class(bool(errors), "-error")
            self._status.update(Content(printable(said)))

    def _with_older(self, said: str, here: int, left: int, where: str) -> str:
        wide = self.size.width >= _WIDE
        if said:
            return f"{said} · {left:,} older ones {'are ' * wide}{where}"
        end = f"flows · the older ones are {where}" if wide else f"· older: {where}"
        return f"{here:,} of {here + left:,} {end}"

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._filter = parse(event.value)
        self._changed = True
        cursor = self.input.cursor_position
        wanted = self.input.has_focus and bool(event.value[:cursor][-1:].strip())
        offered = complete(event.value, cursor, self._values()) if wanted else []
        self.input.offer([choice for choice in offered if choice.text != event.value[choice.start : choice.end]])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.input.take(event.option_index)
        self.input.focus()
