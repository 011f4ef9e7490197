"""What every editor of the screen is made of: an area for text or JSON, the way out to $EDITOR, and kept drafts."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from rich.style import Style
from rich.text import Text
from textual.app import App, SuspendNotSupported
from textual.widgets import TextArea

from inspector.tui.json_text import json_problem
from inspector.tui.spans import json_line
from inspector.tui.text import LONG, printable
from inspector.wire.json_errors import JsonError

_BREAKS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_STANDINS = "".join(chr(0xFDD0 + index) for index in range(len(_BREAKS)))
"""Code points that no text may hold: in the place of breaks that a `TextArea` would all turn into one and the same."""
_INSIDE = str.maketrans(_BREAKS, _STANDINS)
_OUTSIDE = str.maketrans(_STANDINS, _BREAKS)
_OUTSIDE_OF = dict(zip(_STANDINS, _BREAKS, strict=True))


WRAPPED = 50_000
"""Characters of a line from which on none is wrapped: every key would wrap it anew, and all else would wait."""


def _wraps(text: str) -> bool:
    return max(map(len, text.split("\n"))) < WRAPPED


class EditArea(TextArea):
    """A text, or JSON with its colours and its first mistake marked where it is.

    The text comes out as it went in, down to odd line breaks, and what a terminal would act on is shown and not sent.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"edit--{name}" for name in ("key", "string", "number", "constant", "muted", "problem")),
    }
    DEFAULT_CSS = """
    EditArea {
        border: none; padding: 0; background: $background; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1;
        &:focus { border: none; }
        & .text-area--cursor-line { background: $surface; }
        & .text-area--gutter { color: $foreground-disabled; }
        & .text-area--cursor-gutter { color: $foreground-muted; background: $surface; text-style: none; }
        & > .edit--key { color: $secondary; }
        & > .edit--string { color: $success; }
        & > .edit--number, & > .edit--constant { color: $warning; }
        & > .edit--muted { color: $foreground-muted; }
        & > .edit--problem { background: $error; color: $background; }
    }
    """

    fixed = 0
    """Characters at the beginning that are settled: they are shown as such, and nothing more is done about them."""

    def __init__(self, text: str = "", *, json: bool = False, id: str | None = None) -> None:
        self._json = json
        self._judged: str | None = None
        self._found: JsonError | None = None
        super().__init__(text.translate(_INSIDE), id=id, show_line_numbers=True, highlight_cursor_line=False)
        self.soft_wrap = _wraps(text)

    @property
    def text(self) -> str:
        """The text as it stands now."""
        return super().text.translate(_OUTSIDE)

    @text.setter
    def text(self, value: str) -> None:
        self.load_text(value)

    def load_text(self, text: str) -> None:
        """Take another text; what could be undone is forgotten."""
        self.soft_wrap = _wraps(text)
        super().load_text(text.translate(_INSIDE))

    def replace_all(self, text: str) -> None:
        """Put another text in the place of the whole; this can be undone."""
        self.soft_wrap = _wraps(text)
        self.replace(text.translate(_INSIDE), (0, 0), self.document.end)

    @property
    def json(self) -> bool:
        """Whether it is to be JSON."""
        return self._json

    @json.setter
    def json(self, value: bool) -> None:
        self._json = value
        self._judged = None
        self.notify_style_update()

    @property
    def problem(self) -> str:
        """What is wrong with the JSON and where, in words; empty where it is valid, or need not be JSON."""
        found = self._problem()
        return str(found) if found is not None else ""

    def go_to_problem(self) -> None:
        """Put the cursor where the JSON is wrong."""
        if (found := self._problem()) is not None:
            self.move_cursor((found.line - 1, found.column - 1), center=True)

    def get_line(self, line_index: int) -> Text:
        """A line as it is shown: as many characters as it has, none of which a terminal would act on."""
        raw = self.document.get_line(line_index)
        line = Text("".join(map(_shown, raw)) if not raw.isprintable() else raw, end="", no_wrap=True)
        if self._json and len(raw) < LONG:
            at = 0
            for kind, text in json_line(line.plain):
                line.stylize(self._look(kind), at, at + len(text))
                at += len(text)
        self._mute_fixed(line, line_index)
        found = self._problem()
        if found is not None and found.line == line_index + 1:
            line.pad_right(max(0, found.column - len(line)))
            line.stylize(self._look("problem"), found.column - 1, found.column)
        return line

    def _mute_fixed(self, line: Text, line_index: int) -> None:
        if self.fixed:
            *above, last = self.text[: self.fixed].split("\n")
            row, column = len(above), len(last)
            line.stylize(self._look("muted"), 0, column if line_index == row else len(line) if line_index < row else 0)

    def _problem(self) -> JsonError | None:
        """The first mistake in the text as it stands; looked for again only where that changed."""
        if not self._json:
            return None
        text = self.text
        if text != self._judged:
            self._judged, self._found = text, json_problem(text)
        return self._found

    def _look(self, name: str) -> Style:
        """A component's own style; its translucent colours as they come out on the background."""
        own = self.get_component_rich_style(f"edit--{name}", partial=True)
        whole = self.get_component_rich_style(f"edit--{name}")
        return own + Style(color=own.color and whole.color, bgcolor=own.bgcolor and whole.bgcolor)


async def edit_outside(app: App[object], text: str, suffix: str = ".txt") -> str | None:
    """Let the person edit a text in $VISUAL, $EDITOR or vi, while the program gives up the terminal and goes on.

    The text lies in a file that only its owner can read, and is gone afterwards. None where nothing was taken over;
    why, the person has been told.
    """
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    try:
        with tempfile.TemporaryDirectory(prefix="inspector-") as folder:
            number, name = tempfile.mkstemp(suffix, "edit-", folder)
            with open(number, "wb") as file:
                file.write(text.encode("utf-8", "surrogatepass"))
            with app.suspend(), app.batch_update():
                process = await asyncio.create_subprocess_exec(*command, name)
                with _deaf():
                    status = await process.wait()
            if status:
                raise OSError(f"{command[0]} ended with status {status}")
            edited = Path(name).read_bytes().decode("utf-8", "surrogatepass")
    except (OSError, SuspendNotSupported, UnicodeDecodeError) as error:
        app.notify(f"Not edited: {printable(str(error))}", severity="error", markup=False)
        return None
    return edited if text.endswith("\n") else edited.removesuffix("\n")


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl+C is for the editor, which shares the terminal with us."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


T = TypeVar("T")


class Drafts(Generic[T]):
    """What was begun and left, by key: the newest `most` of them."""

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._kept: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        """The draft that was kept."""
        return self._kept.get(key)

    def keep(self, key: str, draft: T) -> None:
        """Keep a draft."""
        self._kept[key] = draft
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, key: str) -> None:
        """The draft was sent, or is not wanted."""
        self._kept.pop(key, None)


def _shown(character: str) -> str:
    """What stands on the screen for a character, in one character."""
    shown = printable(_OUTSIDE_OF.get(character, character))
    return shown if len(shown) == 1 else "�"
