"""The `x` key: write the listed flows to a file, with progress, without stopping anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, ProgressBar, Select, Static

from inspector.formats import EXPORTERS, Exporter
from inspector.model.flow import Flow
from inspector.store.lane import Place
from inspector.store.private_files import fresh, take_place
from inspector.store.transcripts import Transcripts
from inspector.tui.text import printable


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to."""

    path: Path
    flows: int
    """How many flows were written: a format need not have a place for all."""


class ExportDialog(ModalScreen[Exported | None]):
    """Asks for a file name, writes, and gives back what was written; None where nothing was."""

    BINDING_GROUP_TITLE = "Export"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="export.cancel", tooltip="Stop, and keep nothing of the file"),
    ]

    def __init__(self, flows: Sequence[Flow], name: str, known: Transcripts | None = None) -> None:
        """`known` has the places of the flows among the lanes, where somebody sorts them."""
        super().__init__()
        self._known = known or Transcripts()
        self._listed = flows
        self._marked = [flow for flow in flows if flow.marked]
        self._name = name
        self._agreed: Path | None = None
        """An existing file that the person agreed to replace."""
        self._writing = False
        self._cancelled = False

    def compose(self) -> ComposeResult:
        """The name, the format, the progress, and two buttons."""
        formats = [(exporter.title, name) for name, exporter in EXPORTERS.items()]
        with Vertical(id="export"):
            yield Static(_title(len(self._listed)), id="export-title", markup=False)
            yield Input(self._name, id="export-name", compact=True)
            with Horizontal(id="export-how"):
                yield Select(formats, value=formats[0][1], allow_blank=False, compact=True, id="export-format")
                yield Checkbox("tokens with alternatives", compact=True, id="export-tokens")
            if self._marked:
                yield Checkbox(f"only the {len(self._marked)} marked", compact=True, id="export-marked")
            yield ProgressBar(show_eta=False, id="export-progress")
            yield Static("", id="export-message", markup=False)
            with Horizontal(id="export-buttons"):
                yield Button("Export", variant="primary", id="export-go", compact=True)
                yield Button("Cancel", id="export-stop", compact=True)

    def on_mount(self) -> None:
        """The name is what one wants to change."""
        self.query_one("#export-name", Input).focus()

    @property
    def flows(self) -> Sequence[Flow]:
        """What is written: the listed flows, or those of them that are marked."""
        return (
            self._marked if any(box.value for box in self.query("#export-marked").results(Checkbox)) else self._listed
        )

    @on(Checkbox.Changed, "#export-marked")
    def _narrowed(self) -> None:
        self.query_one("#export-title", Static).update(_title(len(self.flows)))

    @property
    def exporter(self) -> Exporter:
        """The format that is chosen."""
        return EXPORTERS[str(self.query_one("#export-format", Select).value)]

    @on(Select.Changed, "#export-format")
    def _chosen(self) -> None:
        self.query_one("#export-tokens", Checkbox).disabled = not self.exporter.takes_tokens
        self._say(self.exporter.remark)
        name = self.query_one("#export-name", Input)
        if name.value == self._name:
            self._name = name.value = str(Path(self._name).with_suffix(self.exporter.suffix))

    @on(Input.Submitted, "#export-name")
    @on(Button.Pressed, "#export-go")
    def _begin(self) -> None:
        name = self.query_one("#export-name", Input).value.strip()
        path = Path(name).expanduser()
        if self._writing:
            return
        if not name or path.is_dir():
            self._say("A file name is needed.", error=True)
        elif path.exists() and path != self._agreed:
            self._agreed = path
            self._say("This file exists. Once more to replace it.", error=True)
        else:
            self._write(path)

    @on(Button.Pressed, "#export-stop")
    def action_cancel(self) -> None:
        """Stop writing, or leave where nothing is written yet."""
        if self._writing:
            self._cancelled = True
        else:
            self.dismiss(None)

    @work(exclusive=True)
    async def _write(self, path: Path) -> None:
        self._writing = True
        self.query_one("#export-go", Button).disabled = True
        self.query_one(ProgressBar).display = True
        part = path.with_name(path.name + ".part")
        try:
            with fresh(part) as file:
                written = await self._write_flows(file)
            if self._cancelled:
                part.unlink()
            else:
                take_place(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            self._writing = False
            self.query_one("#export-go", Button).disabled = False
            self._say(f"Not written: {error.strerror or error}", error=True)
            return
        self.dismiss(None if self._cancelled else Exported(path, written))

    async def _write_flows(self, file: BinaryIO) -> int:
        """Write flow by flow: in a thread where it ended and changes no more, a live one between two chunks."""
        progress, exporter, flows, written = self.query_one(ProgressBar), self.exporter, self.flows, 0
        progress.update(total=max(1, len(flows)))
        tokens = exporter.takes_tokens and self.query_one("#export-tokens", Checkbox).value
        own = Transcripts(limit=1)
        line = exporter.lines(flows, own, tokens=tokens)
        file.write(exporter.head)
        for number, flow in enumerate(flows, start=1):
            if self._cancelled:
                break
            own.placed_by = _at(self._known.place(flow))
            data = line(flow) if flow.live else await asyncio.to_thread(line, flow)
            file.write(data)
            written += bool(data)
            progress.update(progress=number)
            await asyncio.sleep(0)
        file.write(exporter.foot)
        return written

    def _say(self, text: str, error: bool = False) -> None:
        message = self.query_one("#export-message", Static)
        message.set_class(error, "-error")
        message.update(Content(printable(text)))


def _at(place: Place | None) -> Callable[[Flow], Place | None]:
    """What tells the place of one flow in a thread, too: those who know the places of all are not asked there."""
    return lambda flow: place


def _title(count: int) -> str:
    return f"Export {count} flow{'' if count == 1 else 's'}"
