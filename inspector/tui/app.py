"""The terminal program: themes, keys that work everywhere, and the main screen."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.dom import DOMNode
from textual.driver import Driver
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widget import Widget

from inspector.formats.redaction import Redaction
from inspector.model.headers import mask_url
from inspector.proxy.held import Step
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.store.watch import Watched
from inspector.tui.desk import Desk
from inspector.tui.dialogs import DIALOGS
from inspector.tui.driver import patient
from inspector.tui.header import Listener
from inspector.tui.inert import Inert
from inspector.tui.keymap import unknown_ids
from inspector.tui.keys_screen import KeysScreen, help_on
from inspector.tui.log_screen import Log, LogScreen
from inspector.tui.palette import Actions
from inspector.tui.quit_dialog import Leave, QuitDialog
from inspector.tui.screen import MainScreen
from inspector.tui.text import one_line, printable
from inspector.tui.themes import DARK, LIGHT, THEMES

__all__ = ["InspectorApp", "Listener"]

logger = logging.getLogger("inspector.screen")


class InspectorApp(App[None]):
    """Shows the flows of a store: those that pass a listener, or those of a file."""

    TITLE = "inspector"
    CSS_PATH = "inspector.tcss"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {Actions}
    BINDING_GROUP_TITLE = "Program"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", id="app.help", tooltip="The keys of the focused part"),
        Binding("ctrl+p", "command_palette", "actions", id="app.actions", tooltip="Every action by name"),
        Binding("d", "dark", "dark", show=False, id="app.dark", tooltip="Dark or light"),
        Binding("T", "change_theme", "theme", show=False, id="app.theme", tooltip="Choose among all themes"),
        Binding("l", "log", "log", show=False, id="app.log", tooltip="What the program itself had to say"),
        Binding("q", "quit", "quit", id="app.quit", tooltip="Leave the program"),
    ]

    def __init__(
        self,
        store: FlowStore,
        transcripts: Transcripts,
        *,
        listener: Listener | None = None,
        profile: str = "observe",
        keymap: Mapping[str, str] | None = None,
        title: str = "",
        theme: str | None = None,
        log_lines: Log | None = None,
        watched: tuple[Watched, ...] = (),
        desk: Desk | None = None,
    ) -> None:
        """`desk` is what can act on the flows; without it they are only shown.

        `keymap` gives bindings other keys, as `{"flow.export": "ctrl+e"}`; `title` names the file that is shown;
        `watched` are columns beside the usual ones.
        """
        super().__init__()
        for own in THEMES:
            self.register_theme(own)
        self._wanted_theme = theme or DARK.name
        self.theme = self._wanted_theme if self._wanted_theme in self.available_themes else DARK.name
        self._keys = dict(keymap or {})
        self.set_keymap(self._keys)
        self._log_lines = log_lines
        self.desk = desk or Desk(store, transcripts)
        self._main = MainScreen(
            self.desk, listener=listener, profile=profile, title=title, log=log_lines, watched=watched
        )
        self._clashes: set[str] = set()
        self._inert = Inert()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own, and one behind which nothing acts on the terminal."""
        return [*super().get_line_filters(), self._inert]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme of Textual's own may lack of the colours that are used here."""
        return {"foreground-disabled": "ansi_bright_black"}

    def get_driver_class(self) -> type[Driver]:
        """Textual's own; on Unix one that ends with its terminal."""
        return patient(super().get_driver_class())

    def get_default_screen(self) -> Screen[object]:
        """The main screen is the only one that stays."""
        return self._main

    def _fatal_error(self) -> None:
        # Textual's own shows the values of all local variables, keys and prompts among them, as they are.
        self.bell()
        hidden = Redaction().hide(mask_url(traceback.format_exc()).encode("utf-8", "replace")).decode()
        lines = hidden.split("\n")
        self.panic(Text("\n".join(printable(line) for line in lines)))

    def on_mount(self) -> None:
        """Say what in the settings means nothing."""
        nodes: list[type[DOMNode]] = [type(node) for node in self._main.walk_children(Widget, with_self=True)]
        if unknown := unknown_ids(self._keys, [type(self), *DIALOGS, *nodes]):
            self._warn(f"The keymap names actions that do not exist: {', '.join(unknown)}")
        if self.theme != self._wanted_theme:
            self._warn(f"There is no theme {self._wanted_theme}; T lists all")

    def _warn(self, text: str) -> None:
        self.notify(text, severity="warning", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        return self._log_lines is not None if action == "log" else True

    async def run_action(self, *arguments: Any, **settings: Any) -> bool:
        """Do what a key, a click or the palette asks for. What goes wrong is told: it must not end the program."""
        try:
            return await super().run_action(*arguments, **settings)
        except Exception as error:  # the border to all that can be done
            logger.error("an action failed: %s", arguments[0], exc_info=error)
            self.notify(f"That failed: {one_line(str(error)) or type(error).__name__}", severity="error", markup=False)
            return True

    async def action_quit(self) -> None:
        """Leave, when what is on its way has ended; at once if asked again. What becomes of held flows is asked."""
        control, server = self.desk.control, self.desk.server
        if control is None or not len(control.holds):
            if server is not None and server.patience is not None:
                server.leave(0)
            self._leave()
            return

        def leave(wanted: Leave | None) -> None:
            if wanted is not None:
                for held in control.holds:
                    held.step(Step.END if wanted == "release" else Step.DROP)
                self._leave()

        self.push_screen(QuitDialog(len(control.holds)), leave)

    def _leave(self) -> None:
        server = self.desk.server
        if server is None:
            self.exit()
            return
        first = server.patience is None
        server.leave(server.config.drain)
        if self._leave_when_done() and first:
            one = server.in_flight == 1
            self.notify(
                f"Waiting for {server.in_flight} request{'' if one else 's'} in flight,"
                f" up to {server.config.drain:g} s. q leaves at once.",
                markup=False,
            )
            self.set_interval(0.1, self._leave_when_done)

    def _leave_when_done(self) -> bool:
        """Whether there is something left to wait for; where there is not, leave."""
        server = self.desk.server
        if server is not None and server.in_flight and server.patience:
            return True
        self.exit()
        return False

    def action_log(self) -> None:
        """Show the log."""
        if self._log_lines is not None:
            self._main.log_seen()
            self.push_screen(LogScreen(self._log_lines))

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: DOMNode) -> None:
        """A keymap gave one key to two actions: say so, once."""
        names = ", ".join(sorted(binding.id or binding.action for binding in clashed_bindings))
        if names not in self._clashes:
            self._clashes.add(names)
            self._warn(f"In the keymap, another action took the key of: {names}")

    def action_dark(self) -> None:
        """Turn from dark to light, and back."""
        self.theme = LIGHT.name if self.current_theme.dark else DARK.name

    def action_help(self) -> None:
        """Show the keys of the focused part."""
        if not isinstance(self.screen, KeysScreen):
            self.push_screen(help_on(self, self._keys))
