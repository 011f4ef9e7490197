"""The `C` key: a flow goes to the clipboard, or to a file that is never lost by accident."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from inspector.formats import COPIES
from inspector.model.flow import Capture, Flow
from inspector.store.transcripts import Transcripts
from inspector.tui.copy_actions import CLIPBOARD
from inspector.tui.copy_dialog import CopyDialog
from tests.handmade import chat_flow, done_chat, finish
from tests.tui.screens import app_on, main, settle

pytestmark = pytest.mark.anyio
SIZE = (100, 30)
FORMS = list(COPIES)


async def opened(pilot: Pilot[None], form: str = "curl") -> CopyDialog:
    """The dialog, with the cursor on a form."""
    await settle(pilot)
    await pilot.press("C")
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, CopyDialog)
    await pilot.press(*["down"] * FORMS.index(form))
    await pilot.pause()
    return dialog


async def done(pilot: Pilot[None], dialog: CopyDialog) -> list[str]:
    """Press enter and wait for what comes of it; what the person was told."""
    await pilot.press("enter")
    await pilot.pause()
    for worker in [worker for worker in pilot.app.workers if worker.node is dialog]:
        await worker.wait()
    await pilot.pause()
    return [str(toast.message) for toast in pilot.app._notifications]


def said(dialog: CopyDialog) -> str:
    """The dialog's remark."""
    return str(dialog.query_one("#copy-said", Static).content)


async def test_each_form_goes_to_the_clipboard() -> None:
    flow = done_chat("f1")
    app, _ = app_on([flow])
    async with app.run_test(size=SIZE) as pilot:
        for form in FORMS:
            told = await done(pilot, await opened(pilot, form))
            text = COPIES[form].data(flow, Transcripts()).decode()
            assert app.clipboard == text and pilot.app.screen is main(pilot)
            assert told[-1] == f"Copied as {COPIES[form].title}: {len(text):,} bytes"
        flow.end = None
        await done(pilot, await opened(pilot, "markdown"))
        assert app.clipboard == COPIES["markdown"].data(flow, Transcripts()).decode()


async def test_what_a_clipboard_may_lose_is_told() -> None:
    flow = done_chat("f1")
    app, _ = app_on([flow])
    async with app.run_test(size=SIZE) as pilot:
        for body, words in [
            (b"a\xff", "2 bytes, but it is no text"),
            (b"x" * (CLIPBOARD + 1), "74,995 bytes, but many"),
        ]:
            flow.request.body = Capture(body)
            told = await done(pilot, await opened(pilot, "request-body"))
            assert told[-1].startswith(f"Copied {words}")


async def test_it_is_saved_to_a_file_and_another_one_only_replaced_when_asked_twice(tmp_path: Path) -> None:
    flow, path = done_chat("f1"), tmp_path / "kept.py"
    path.write_text("precious")
    app, _ = app_on([flow])
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, "python")
        await pilot.press("s")
        name = dialog.query_one(Input)
        assert name.value == f"flow-{flow.number}.py" and name.has_focus
        await pilot.press("s")
        assert name.value == "s"
        name.value = str(path)
        assert await done(pilot, dialog) == []
        assert path.read_text() == "precious" and "exists" in said(dialog)
        told = await done(pilot, dialog)
        assert pilot.app.screen is main(pilot)
    written = path.read_bytes()
    assert written == COPIES["python"].data(flow, Transcripts())
    assert told == [f"Wrote {len(written):,} bytes to {path}"]
    assert app.clipboard == ""


async def test_what_does_not_go_is_said(tmp_path: Path) -> None:
    app, _ = app_on([finish(chat_flow("f1"))])
    async with app.run_test(size=SIZE) as pilot:
        dialog = await opened(pilot, "response-body")
        assert await done(pilot, dialog) == []
        assert said(dialog) == "Not copied: the response has no body"
        await pilot.press("up", "s")
        dialog.query_one(Input).value = str(tmp_path / "nowhere" / "x")
        await done(pilot, dialog)
        assert "Not written" in said(dialog)
        dialog.query_one(Input).value = ""
        await done(pilot, dialog)
        assert "name is needed" in said(dialog)
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 2 and not dialog.query_one(Input).display
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is main(pilot)
    assert app.clipboard == "" and not list(tmp_path.iterdir())


@pytest.mark.parametrize("flows", [[], [done_chat("f1")]])
async def test_it_is_offered_where_there_is_a_flow(flows: list[Flow]) -> None:
    app, _ = app_on(flows)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("C")
        await pilot.pause()
        assert isinstance(pilot.app.screen, CopyDialog) is bool(flows)
