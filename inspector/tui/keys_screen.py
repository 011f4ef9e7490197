"""The `?` key: every key of the focused part, of the screen and of the program, over whatever is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.screen import ModalScreen
from textual.strip import Strip

from inspector.tui.keys_lines import KeyHelp, Section, lay_out, sections
from inspector.tui.line_view import LineView
from inspector.tui.spans import Line
from inspector.tui.styled_line import StyledLine

LOW = 32
"""Lines of height below which the help has the whole screen."""


class KeysView(LineView):
    """The lines of the help, as many columns of them as there is room for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "down", show=False, id="help.down", tooltip="One line down"),
        Binding("k", "scroll_up", "up", show=False, id="help.up", tooltip="One line up"),
    ]
    STYLES: ClassVar[tuple[str, ...]] = ("muted", "bold", "key", "faint")
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"keys--{name}" for name in STYLES}
    DEFAULT_CSS = """
    KeysView {
        height: 1fr; background: $surface;
        & > .keys--muted { color: $foreground-muted; }
        & > .keys--bold { color: $foreground; text-style: bold; }
        & > .keys--key { color: $secondary; text-style: bold; }
        & > .keys--faint { color: $foreground-disabled; }
    }
    """

    def __init__(self, words: str, found: list[Section]) -> None:
        super().__init__()
        self._about = words
        self._sections = found
        self._lines: tuple[int, list[Line]] = (-1, [])

    def line_count(self) -> int:
        """As many as there are at this width."""
        if self._lines[0] != self.width:
            self._lines = self.width, lay_out(self._about, self._sections, self.width)
        return max(1, len(self._lines[1]))

    def draw_line(self, index: int, width: int) -> Strip:
        """One line."""
        line = self._lines[1][index] if index < len(self._lines[1]) else []
        return Strip([Segment(text, self._style(name)) for name, text in line])

    def _style(self, name: str) -> Style | None:
        return self.get_component_rich_style(f"keys--{name}", partial=True) if name else None


class KeysScreen(ModalScreen[None]):
    """Shows the keys of the part that had the focus when it was asked for."""

    BINDING_GROUP_TITLE = "Help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss(None)", "close", id="help.close", tooltip="Back to what was shown"),
    ]
    DEFAULT_CSS = """
    KeysScreen { align: center bottom; background: $background 60%; }
    KeysScreen > Vertical { height: 80%; background: $surface; border-top: solid $border; padding: 0 1; }
    KeysScreen.-low > Vertical { height: 100%; border-top: none; }
    KeysScreen StyledLine { background: $surface; margin-bottom: 1; }
    """

    def __init__(self, title: str, words: str, keys: list[KeyHelp]) -> None:
        """`title` names the focused part, `words` explain it."""
        super().__init__()
        self._title = title
        self._view = KeysView(words, sections(keys))

    def compose(self) -> ComposeResult:
        """A heading and the keys."""
        name: Line = [("bold", "Keys"), ("muted", f"   {self._title}")]
        ways: Line = [("key", "ctrl+p"), ("muted", " actions by name   "), ("key", "esc"), ("muted", " closes")]
        with Vertical():
            yield StyledLine(name, ways)
            yield self._view

    def on_resize(self) -> None:
        """A low terminal gives all its lines."""
        self.set_class(self.size.height < LOW, "-low")


def help_on(app: App[None], keymap: Mapping[str, str]) -> KeysScreen:
    """The help on what has the focus in the screen that is shown. `keymap` are the keys that the person changed."""
    screen = app.screen
    nodes: list[DOMNode] = [*(screen.focused.ancestors_with_self if screen.focused is not None else (screen, app))]
    named = next((node for node in nodes if node.BINDING_GROUP_TITLE), screen)
    words = next((node.HELP for node in nodes if node.HELP), "")
    working: dict[str, list[Binding]] = {}
    for active in screen.active_bindings.values():
        if active.binding.id and active.enabled:
            working.setdefault(active.binding.id, []).append(active.binding)
    keys: dict[str, KeyHelp] = {}
    for node in nodes:
        for binding in _bindings_of(node):
            if binding.id and binding.id not in keys:
                works = working.get(binding.id)
                shown = works or [replace(binding, key=key) for key in keymap.get(binding.id, binding.key).split(",")]
                names = tuple(dict.fromkeys(app.get_key_display(each) for each in shown))
                keys[binding.id] = KeyHelp(binding.id, names, binding.tooltip, works is not None)
    return KeysScreen(str(named.BINDING_GROUP_TITLE or ""), words, list(keys.values()))


def _bindings_of(node: DOMNode) -> Iterator[Binding]:
    """What a node binds by itself and by what it is made of."""
    for kind in type(node).__mro__:
        yield from (each for each in vars(kind).get("BINDINGS", ()) if isinstance(each, Binding))
