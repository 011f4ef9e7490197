"""The `P` key: what the proxy changes of each request by itself, from now on."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, Static

from inspector.rules.capture import CAPTURE, CaptureSettings

MOST_ALTERNATIVES = 20
"""What OpenAI takes at most for `top_logprobs`."""
_NUMBERS = (
    ("top_logprobs", "alternatives", "empty: no log-probabilities are asked for"),
    ("max_tokens_cap", "most tokens", "empty: as many as the agent asks for"),
)
_SWITCHES = (
    ("token_ids", "token ids", "ask local servers for the tokens' numbers"),
    ("translate_max_tokens", "translate", "max_tokens becomes max_completion_tokens for models that insist on it"),
    ("disable_thinking", "no thinking", "switch it off where the chat template can"),
)


class ProfileDialog(ModalScreen[CaptureSettings | None]):
    """Gives back the settings that shall hold; None where nothing changes."""

    BINDING_GROUP_TITLE = "Profile"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "apply", "apply", id="profile.apply", tooltip="Let it hold from now on", priority=True),
        Binding("escape", "dismiss(None)", "cancel", id="profile.cancel", tooltip="Change nothing"),
    ]

    def __init__(self, settings: CaptureSettings) -> None:
        super().__init__()
        self._settings = settings

    def compose(self) -> ComposeResult:
        """A field a line, the two presets, and two buttons."""
        with Vertical(id="profile"):
            yield Static("What is changed of each request from now on", id="profile-title", markup=False)
            for name, label, hint in _NUMBERS:
                with Horizontal(classes="profile-line"):
                    yield Static(label, classes="profile-label", markup=False)
                    yield Input(placeholder=hint, id=f"profile-{name}", type="integer", compact=True)
            with Horizontal(classes="profile-line"):
                yield Static("model", classes="profile-label", markup=False)
                yield Input(placeholder="empty: the one that the agent asks for", id="profile-model", compact=True)
            for name, label, hint in _SWITCHES:
                yield Checkbox(f"{label:13}{hint}", id=f"profile-{name}", compact=True)
            yield Static("", id="profile-message", markup=False)
            with Horizontal(id="profile-buttons"):
                yield Button("Observe", id="profile-observe", compact=True)
                yield Button("Capture", id="profile-capture", compact=True)
                yield Button("Apply", variant="primary", id="profile-go", compact=True)
                yield Button("Cancel", id="profile-stop", compact=True)

    def on_mount(self) -> None:
        """Show what holds now."""
        self._fill(self._settings)
        self.query_one("#profile-top_logprobs", Input).focus()

    @on(Button.Pressed, "#profile-observe")
    def _observe(self) -> None:
        self._fill(CaptureSettings())

    @on(Button.Pressed, "#profile-capture")
    def _capture(self) -> None:
        self._fill(CAPTURE)

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _changed(self) -> None:
        try:
            settings = self._read()
        except ValueError as error:
            self._say(str(error), "-error")
        else:
            self._say(_words(settings), "")

    @on(Input.Submitted)
    @on(Button.Pressed, "#profile-go")
    def action_apply(self) -> None:
        """Take it, if it can be taken."""
        try:
            self.dismiss(self._read())
        except ValueError as error:
            self._say(str(error), "-error")

    @on(Button.Pressed, "#profile-stop")
    def _stop(self) -> None:
        self.dismiss(None)

    def _fill(self, settings: CaptureSettings) -> None:
        for name, _, _ in _NUMBERS:
            value = getattr(settings, name)
            self.query_one(f"#profile-{name}", Input).value = "" if value is None else str(value)
        self.query_one("#profile-model", Input).value = settings.model_override or ""
        for name, _, _ in _SWITCHES:
            self.query_one(f"#profile-{name}", Checkbox).value = getattr(settings, name)

    def _read(self) -> CaptureSettings:
        """The settings as they stand in the fields. ValueError, in words, where one makes no sense."""
        return CaptureSettings(
            top_logprobs=self._number("top_logprobs", "alternatives", 0, MOST_ALTERNATIVES),
            max_tokens_cap=self._number("max_tokens_cap", "most tokens", 1, None),
            model_override=self.query_one("#profile-model", Input).value.strip() or None,
            **{name: self.query_one(f"#profile-{name}", Checkbox).value for name, _, _ in _SWITCHES},
        )

    def _number(self, name: str, label: str, least: int, most: int | None) -> int | None:
        text = self.query_one(f"#profile-{name}", Input).value.strip()
        if not text:
            return None
        if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
            raise ValueError(f"{label}: a number from {least}" + (f" to {most}" if most is not None else " up"))
        return int(text)

    def _say(self, text: str, kind: str) -> None:
        message = self.query_one("#profile-message", Static)
        message.set_classes(kind)
        message.update(text)


def _words(settings: CaptureSettings) -> str:
    """What the settings come to."""
    if not settings.on:
        return "Nothing is changed: both directions pass byte for byte."
    if settings.top_logprobs is None:
        return "Each change stands on its flow."
    return "Each change stands on its flow. The agent gets its answers as if nobody had asked for more."
