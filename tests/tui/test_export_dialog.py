"""The export: what is listed goes to a file, and a file is never lost by accident."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Checkbox, Input, Select, Static

from inspector.formats import jsonl
from inspector.formats.trace import read_trace
from inspector.model.flow import Flow
from inspector.tui.export_dialog import ExportDialog
from tests.formats.traces import chunk, entry, events
from tests.handmade import chat_chunks, chat_flow, done_chat, respond, stream
from tests.tui.screens import app_on, main, settle

SIZE = (100, 30)


def read(path: Path) -> list[str]:
    """The ids of the flows in a file."""
    with path.open("rb") as file:
        found = list(jsonl.read(file))
    assert all(isinstance(flow, Flow) for flow in found)
    return [flow.id for flow in found if isinstance(flow, Flow)]


class Interrupted(list[Flow]):
    """Flows of which the fourth that is written is followed by the person's change of mind."""

    dialog: ExportDialog | None = None
    given = 0

    def __iter__(self) -> Iterator[Flow]:
        for flow in super().__iter__():
            self.given += self.dialog is not None
            if self.given == 4 and self.dialog is not None:
                self.dialog.action_cancel()
            yield flow


async def export_to(pilot: Pilot[None], path: Path) -> ExportDialog:
    """Open the dialog and ask for a file."""
    await pilot.press("x")
    await pilot.pause()
    dialog = pilot.app.screen
    assert isinstance(dialog, ExportDialog)
    dialog.query_one(Input).value = str(path)
    await pilot.press("enter")
    await pilot.pause()
    return dialog


async def done(pilot: Pilot[None], dialog: ExportDialog) -> None:
    """Wait for the writing to end."""
    for worker in [worker for worker in pilot.app.workers if worker.node is dialog]:
        await worker.wait()
    await pilot.pause()


@pytest.mark.anyio
async def test_it_writes_what_is_listed(tmp_path: Path) -> None:
    live = stream(respond(chat_flow("live")), chat_chunks(usage=None, finish=None))
    app, _ = app_on([*(done_chat(f"f{number}") for number in range(1, 6)), live])
    async with app.run_test(size=SIZE) as pilot:
        main(pilot).query_one(Input).value = "seq:>3"
        await settle(pilot)
        dialog = await export_to(pilot, tmp_path / "out.jsonl")
        await done(pilot, dialog)
        assert pilot.app.screen is main(pilot)
    assert read(tmp_path / "out.jsonl") == ["f4", "f5", "live"]
    assert b"0123456789abcdefghij" not in (tmp_path / "out.jsonl").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.anyio
async def test_a_trace_has_the_turns_only(tmp_path: Path) -> None:
    other = done_chat("f2")
    other.dialect = "raw"
    app, _ = app_on([done_chat("f1"), other])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause()
        dialog = pilot.app.screen
        assert isinstance(dialog, ExportDialog)
        dialog.query_one(Select).value = "markdown"
        await pilot.pause()
        assert dialog.query_one(Input).value.endswith(".md")
        dialog.query_one(Select).value = "trace"
        await pilot.pause()
        assert dialog.query_one(Input).value.endswith(".jsonl")
        assert dialog.query_one(Checkbox).disabled
        assert "Turns with a model only" in str(dialog.query_one("#export-message", Static).content)
        dialog.query_one(Input).value = str(tmp_path / "t.jsonl")
        await pilot.press("enter")
        await done(pilot, dialog)
        told = [str(toast.message) for toast in app._notifications]
    assert [record["turn"] for record in read_trace(tmp_path / "t.jsonl")] == [1]
    assert told == [f"Wrote 1 flow to {tmp_path / 't.jsonl'}"]


@pytest.mark.anyio
async def test_an_archive_is_whole(tmp_path: Path) -> None:
    flows = [done_chat(f"f{number}") for number in range(3)]
    flows[1].comment = "look"
    app, _ = app_on(flows)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause()
        dialog = pilot.app.screen
        assert isinstance(dialog, ExportDialog)
        dialog.query_one(Select).value = "har"
        await pilot.pause()
        assert dialog.query_one(Input).value.endswith(".har")
        dialog.query_one(Input).value = str(tmp_path / "t.har")
        await pilot.press("enter")
        await done(pilot, dialog)
    entries = json.loads((tmp_path / "t.har").read_bytes())["log"]["entries"]
    assert [entry.get("comment") for entry in entries] == [None, "look", None]


@pytest.mark.anyio
async def test_a_lane_is_a_trace(tmp_path: Path) -> None:
    app, _ = app_on([done_chat("f1", prompt="One thing"), done_chat("f2", prompt="Another thing")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause()
        dialog = pilot.app.screen
        assert isinstance(dialog, ExportDialog)
        dialog.query_one(Select).value = "otlp"
        dialog.query_one(Input).value = str(tmp_path / "t.jsonl")
        await pilot.press("enter")
        await done(pilot, dialog)
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_bytes().splitlines()]
    spans = [line["resourceSpans"][0]["scopeSpans"][0]["spans"][0] for line in lines]
    told = [{each["key"]: each["value"] for each in span["attributes"]} for span in spans]
    assert [each["gen_ai.conversation.id"] for each in told] == [{"stringValue": "f1"}, {"stringValue": "f2"}]


@pytest.mark.anyio
async def test_tokens_are_written_where_the_person_wants_them(tmp_path: Path) -> None:
    app, _ = app_on([done_chat("f1", chunks=events(chunk({"content": "a"}, [entry("a")], "stop")))])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x", "tab", "tab", "space", "shift+tab", "shift+tab")
        dialog = pilot.app.screen
        assert isinstance(dialog, ExportDialog)
        dialog.query_one(Input).value = str(tmp_path / "t.jsonl")
        await pilot.press("enter")
        await done(pilot, dialog)
    (token,) = json.loads((tmp_path / "t.jsonl").read_bytes())["tokens"]
    assert (token["text"], len(token["top"])) == ("a", 2)


@pytest.mark.anyio
async def test_a_file_is_replaced_only_when_asked_twice(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_text("precious")
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        dialog = await export_to(pilot, path)
        assert path.read_text() == "precious"
        assert "exists" in str(dialog.query_one("#export-message", Static).content)
        await pilot.press("enter")
        await done(pilot, dialog)
    assert read(path) == ["f1"]


@pytest.mark.anyio
async def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        dialog = await export_to(pilot, tmp_path / "nowhere" / "out.jsonl")
        await done(pilot, dialog)
        assert "Not written" in str(dialog.query_one("#export-message", Static).content)
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is main(pilot)


@pytest.mark.anyio
async def test_a_cancelled_export_leaves_nothing(tmp_path: Path) -> None:
    app, _ = app_on()
    cancelled = Interrupted(done_chat(f"f{number}") for number in range(10))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        cancelled.dialog = dialog = ExportDialog(cancelled, str(tmp_path / "out.jsonl"))
        await app.push_screen(dialog)
        await pilot.press("enter")
        await done(pilot, dialog)
        assert pilot.app.screen is main(pilot)
    assert cancelled.given == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
async def test_nothing_to_export_is_not_offered() -> None:
    app, _ = app_on()
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause()
        assert pilot.app.screen is main(pilot)


@pytest.mark.anyio
async def test_only_what_is_marked_is_written_where_the_person_says_so(tmp_path: Path) -> None:
    flows = [done_chat(f"f{number}") for number in range(4)]
    flows[1].marked = flows[2].marked = True
    app, _ = app_on(flows)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause()
        dialog = app.screen
        assert isinstance(dialog, ExportDialog)
        assert str(dialog.query_one("#export-title", Static).content) == "Export 4 flows"
        await pilot.click("#export-marked")
        await pilot.pause()
        assert str(dialog.query_one("#export-title", Static).content) == "Export 2 flows"
        dialog.query_one(Input).value = str(tmp_path / "marked.jsonl")
        await pilot.press("shift+tab", "shift+tab", "shift+tab", "enter")
        await done(pilot, dialog)
    assert read(tmp_path / "marked.jsonl") == ["f1", "f2"]


@pytest.mark.anyio
async def test_without_marks_nothing_is_asked_about_them() -> None:
    app, _ = app_on([done_chat("f1")])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("x")
        await pilot.pause()
        assert not app.screen.query("#export-marked")
