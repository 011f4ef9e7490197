"""The profile dialog: what it shows holds, and what is typed holds from then on."""

from __future__ import annotations

import pytest
from textual.widgets import Checkbox, Input

from inspector.rules.capture import CAPTURE, CaptureProfile, CaptureSettings
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.header import HeaderLine
from inspector.tui.profile_dialog import ProfileDialog
from tests.tui.screens import HandListener, main, settle, text_of

pytestmark = pytest.mark.anyio


def app_with(settings: CaptureSettings) -> tuple[InspectorApp, Control]:
    """The program with a profile."""
    store, transcripts = FlowStore(), Transcripts()
    control = Control(store, transcripts, profile=CaptureProfile(settings))
    desk = Desk(store, transcripts, control)
    return InspectorApp(store, transcripts, desk=desk, listener=HandListener()), control


async def test_it_shows_what_holds_and_changes_it() -> None:
    app, control = app_with(CAPTURE)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("P")
        dialog = app.screen
        assert isinstance(dialog, ProfileDialog)
        assert dialog.query_one("#profile-max_tokens_cap", Input).value == "16384"
        assert dialog.query_one("#profile-token_ids", Checkbox).value
        dialog.query_one("#profile-top_logprobs", Input).value = "3"
        dialog.query_one("#profile-model", Input).value = " qwen "
        dialog.query_one("#profile-token_ids", Checkbox).value = False
        await pilot.press("ctrl+s")
        await settle(pilot)
    assert control.profile.settings == CaptureSettings(
        top_logprobs=3, max_tokens_cap=16384, translate_max_tokens=True, model_override="qwen"
    )


async def test_presets_and_the_header() -> None:
    app, control = app_with(CaptureSettings())
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        assert "observe" in text_of(main(pilot).query_one(HeaderLine))[0]
        await pilot.press("P")
        await pilot.click("#profile-capture")
        await pilot.click("#profile-go")
        await settle(pilot)
        assert control.profile.settings == CAPTURE
        assert "capture" in text_of(main(pilot).query_one(HeaderLine))[0]


@pytest.mark.parametrize(("field", "value"), [("top_logprobs", "21"), ("max_tokens_cap", "0"), ("top_logprobs", "-1")])
async def test_what_makes_no_sense_is_not_taken(field: str, value: str) -> None:
    app, control = app_with(CAPTURE)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("P")
        app.screen.query_one(f"#profile-{field}", Input).value = value
        await pilot.press("enter")
        assert isinstance(app.screen, ProfileDialog)
        assert app.screen.query_one("#profile-message").has_class("-error")
        await pilot.press("escape")
    assert control.profile.settings == CAPTURE
