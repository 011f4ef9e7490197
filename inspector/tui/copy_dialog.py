"""The `C` key: in which form a flow goes to the clipboard, or to a file of its own."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static

from inspector.formats import COPIES, Copy
from inspector.model.flow import Flow
from inspector.store.private_files import opened
from inspector.store.transcripts import Transcripts
from inspector.tui.text import one_line, printable

_FORMS: tuple[Copy, ...] = tuple(COPIES.values())
_HINT = "enter copies it, s saves it to a file"


@dataclass(frozen=True, slots=True)
class Copied:
    """A flow in the form that was chosen."""

    title: str
    """What the form is called."""
    data: bytes
    path: Path | None = None
    """The file that has it; None where it is meant for the clipboard."""


class CopyDialog(ModalScreen[Copied | None]):
    """Gives back what was chosen; what is saved is written before. None where nothing was chosen."""

    BINDING_GROUP_TITLE = "Copy"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "leave", id="copy.leave", tooltip="Copy nothing"),
        Binding("s", "save", "save", id="copy.save", tooltip="Save the form under the cursor to a file"),
    ]

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self._flow = flow
        self._agreed: Path | None = None
        """An existing file that the person agreed to replace."""
        self._forms = OptionList(*(Content(form.title) for form in _FORMS), compact=True, markup=False)
        self._file = Input(id="copy-name", compact=True)
        self._said = Static(_HINT, id="copy-said", markup=False)

    def compose(self) -> ComposeResult:
        """A heading, the forms, the name of a file once it is asked for, and a remark."""
        with Vertical(id="copy"):
            yield Static(one_line(f"Copy flow {self._flow.number} as"), id="copy-title", markup=False)
            yield self._forms
            yield self._file
            yield self._said

    def on_mount(self) -> None:
        """The first form is under the cursor."""
        self._file.display = False
        self._forms.highlighted = 0
        self._forms.focus()

    @property
    def form(self) -> Copy:
        """The form under the cursor."""
        return _FORMS[self._forms.highlighted or 0]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a name is typed, `s` is a letter of it."""
        return not self._file.display if action == "save" else True

    def action_back(self) -> None:
        """Ask for no file any more, or leave."""
        if self._file.display:
            self._ask_for_name(False)
            self._say(_HINT)
        else:
            self.dismiss(None)

    def action_save(self) -> None:
        """Ask for the name of a file."""
        number = re.sub(r"[^\w.-]", "-", self._flow.number)
        self._file.value = f"flow-{number}{self.form.suffix}"
        self._ask_for_name(True)
        self._say("enter writes it")

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self._build(None)

    @on(OptionList.OptionHighlighted)
    def _highlighted(self) -> None:
        self._ask_for_name(False)
        self._say(_HINT)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        name = self._file.value.strip()
        path = Path(name).expanduser()
        if not name or path.is_dir():
            self._say("A file name is needed.", error=True)
        elif path.exists() and path != self._agreed:
            self._agreed = path
            self._say("This file exists. Once more to replace it.", error=True)
        else:
            self._build(path)

    @work(exclusive=True)
    async def _build(self, path: Path | None) -> None:
        """Bring the flow into form: in a thread where it ended and changes no more."""
        form, flow, transcripts = self.form, self._flow, Transcripts(limit=1)
        try:
            data = form.data(flow, transcripts) if flow.live else await asyncio.to_thread(form.data, flow, transcripts)
            if path is not None:
                with opened(path, "wb") as file:
                    file.write(data)
        except ValueError as error:
            self._say(f"Not copied: {error}", error=True)
        except OSError as error:
            self._say(f"Not written: {error.strerror or error}", error=True)
        else:
            self.dismiss(Copied(form.title, data, path))

    def _ask_for_name(self, wanted: bool) -> None:
        self._file.display = wanted
        (self._file if wanted else self._forms).focus()

    def _say(self, text: str, error: bool = False) -> None:
        self._said.set_class(error, "-error")
        self._said.update(Content(printable(text)))
