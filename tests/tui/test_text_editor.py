"""What every editor is made of: texts that come out as they went in, mistakes marked, $EDITOR, drafts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver

from inspector.tui.text_editor import WRAPPED, Drafts, EditArea, edit_outside
from tests.tui.detail_app import HOSTILE


class EditApp(App[object]):
    """Nothing but an area."""

    def __init__(self, text: str = "", json: bool = False) -> None:
        super().__init__()
        self.area = EditArea(text, json=json)

    def compose(self) -> ComposeResult:
        """The area."""
        yield self.area


@settings(max_examples=200)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=[chr(code) for code in range(0xFDD0, 0xFDF0)]))
)
def test_a_text_comes_out_as_it_went_in(text: str) -> None:
    assert EditArea(text).text == text


@pytest.mark.parametrize("text", ["a\r\nb\nc\rd", "a\u2028b\x85c\x0cd\n", "\r\r\n"])
def test_odd_line_breaks_survive_editing(text: str) -> None:
    area = EditArea(text)
    area.insert("x", (0, 0))
    assert area.text == f"x{text}"


def test_a_line_that_is_endless_is_not_wrapped() -> None:
    area = EditArea("short\n" + "x" * WRAPPED)
    assert not area.soft_wrap
    area.load_text("short")
    assert area.soft_wrap
    area.replace_all("x" * WRAPPED)
    assert not area.soft_wrap


@pytest.mark.anyio
async def test_what_a_terminal_would_act_on_is_only_shown() -> None:
    app = EditApp(HOSTILE)
    async with app.run_test(size=(120, 5)):
        shown = "".join(app.area.render_line(y).text for y in range(5))
    assert shown.isprintable()
    assert "\x1b" not in shown and "␛" in shown
    assert app.area.text == HOSTILE


@pytest.mark.anyio
async def test_a_mistake_is_named_and_marked_where_it_is() -> None:
    app = EditApp('{\n  "a": 1\n  "b": 2\n}', json=True)
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        assert app.area.problem.startswith("line 3, column 3")
        marked = app.area.get_component_rich_style("edit--problem").bgcolor
        line = app.area.render_line(2)
        assert [segment.text for segment in line if segment.style and segment.style.bgcolor == marked] == ['"']
        app.area.go_to_problem()
        assert app.area.cursor_location == (2, 2)
        app.area.insert(",", (1, 8))
        assert app.area.problem == ""


@pytest.mark.anyio
async def test_a_settled_beginning_is_grey_over_several_lines() -> None:
    app = EditApp("one\ntwo\nthree")
    async with app.run_test(size=(40, 6)) as pilot:
        app.area.move_cursor((2, 0))
        app.area.fixed = len("one\ntw")
        app.area.notify_style_update()
        await pilot.pause()
        grey = app.area.get_component_rich_style("edit--muted").color
        shown = [
            "".join(
                segment.text for segment in app.area.render_line(y) if segment.style and segment.style.color == grey
            )
            for y in range(3)
        ]
    assert shown == ["one", "tw", ""]


@pytest.mark.anyio
async def test_text_that_need_not_be_json_has_no_problem() -> None:
    assert EditArea("{").problem == ""
    area = EditArea("{", json=True)
    assert area.problem
    area.json = False
    assert area.problem == ""


@pytest.fixture
def suspended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A driver that gives up the terminal, and what was asked of it."""
    asked: list[str] = []
    monkeypatch.setattr(HeadlessDriver, "can_suspend", property(lambda self: True))
    monkeypatch.setattr(HeadlessDriver, "suspend_application_mode", lambda self: asked.append("suspend"))
    monkeypatch.setattr(HeadlessDriver, "resume_application_mode", lambda self: asked.append("resume"))
    return asked


def editor(tmp_path: Path, code: str) -> str:
    """A command that edits the file whose name it is given."""
    script = tmp_path / "editor.py"
    script.write_text(f"import os, sys\npath = sys.argv[1]\n{code}\n")
    return f"{sys.executable} {script}"


@pytest.mark.anyio
async def test_the_editor_gets_a_private_file_that_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suspended: list[str]
) -> None:
    told = tmp_path / "told"
    code = f"""
text = open(path, newline="").read()
open({str(told)!r}, "w").write(f"{{path}} {{os.stat(path).st_mode & 0o777:o}} {{text!r}}")
open(path, "w", newline="").write(text + " edited\\n")"""
    monkeypatch.setenv("VISUAL", editor(tmp_path, code))
    app = EditApp()
    async with app.run_test():
        assert await edit_outside(app, "a\r\nb ü", ".json") == "a\r\nb ü edited"
    path, mode, text = told.read_text().split(" ", 2)
    assert path.endswith(".json") and not Path(path).exists() and not Path(path).parent.exists()
    assert (mode, text) == ("600", repr("a\r\nb ü"))
    assert suspended == ["suspend", "resume"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("code", "words"), [("sys.exit(3)", "status 3"), ("open(path, 'wb').write(b'\\xff')", "decode")]
)
async def test_an_editor_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suspended: list[str], code: str, words: str
) -> None:
    monkeypatch.setenv("VISUAL", editor(tmp_path, code))
    app = EditApp()
    async with app.run_test() as pilot:
        assert await edit_outside(app, "text") is None
        await pilot.pause()
        assert [words in notice.message for notice in app._notifications] == [True]
    assert suspended == ["suspend", "resume"]


@pytest.mark.anyio
async def test_without_an_editor_the_person_is_told(monkeypatch: pytest.MonkeyPatch, suspended: list[str]) -> None:
    monkeypatch.setenv("VISUAL", "/nonexistent/editor")
    app = EditApp()
    async with app.run_test() as pilot:
        assert await edit_outside(app, "text") is None
        await pilot.pause()
        assert ["No such file" in notice.message for notice in app._notifications] == [True]


def test_only_the_newest_drafts_are_kept() -> None:
    drafts: Drafts[str] = Drafts(most=2)
    for key in "abac":
        drafts.keep(key, key.upper())
    assert [drafts.get(key) for key in "abc"] == ["A", None, "C"]
    drafts.forget("a")
    assert drafts.get("a") is None
