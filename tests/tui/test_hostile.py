"""What is shown cannot steer the terminal: hostile text in every field of a flow, on every screen."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from collections.abc import Sequence
from typing import Any

import pytest
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widget import Widget

from inspector.formats import COPIES, EXPORTERS
from inspector.model.flow import Capture, Flow, Mutation, Request, Response
from inspector.model.headers import Headers
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.inert import Inert
from inspector.tui.tabs import TABS
from tests.handmade import chat_chunks, done_chat
from tests.tui.detail_app import HOSTILE, DetailApp, anthropic_flow, begin, read_all, text_events
from tests.tui.screens import app_on, main, settle

pytestmark = pytest.mark.anyio

WALKS = {*"123456789dT", "q", "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "ctrl+q", "f1"}
"""Keys that show nothing new: those of the tabs, of places in a list, and of themes."""
DIALOGS = ("C", "S", "v")

KEPT = {"id", "dialect", "method"}
"""Fields that choose how the others are read; their hostile forms are shown in a test of their own."""


def poisoned(value: Any, name: str = "") -> Any:
    """A copy with hostile text in every string below it, and in every header."""
    if isinstance(value, Headers):
        return Headers([*value, ("x-" + HOSTILE, HOSTILE), (HOSTILE, HOSTILE)])
    if isinstance(value, Capture) or name in KEPT:
        return value
    if type(value) is str:
        return value + HOSTILE
    if isinstance(value, list | tuple):
        return type(value)(poisoned(each) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: poisoned(getattr(value, field.name), field.name) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


def spoilt(document: Any) -> Any:
    """The same of a JSON document: its names and its texts."""
    if isinstance(document, dict):
        return {**{key: spoilt(value) for key, value in document.items()}, HOSTILE: HOSTILE}
    if isinstance(document, list):
        return [spoilt(each) for each in document]
    plain = {"user", "assistant", "system", "tool", "text", "function", "tool_use", "tool_result"}
    return document + HOSTILE if isinstance(document, str) and document not in plain else document


def chat() -> Flow:
    """A Chat Completions flow that failed, with hostile text wherever text may stand."""
    flow = done_chat(chunks=chat_chunks([HOSTILE, "x"], tool=(HOSTILE, json.dumps({HOSTILE: HOSTILE}))))
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"properties": {"a": {}}}}}
    messages = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "t"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
        {"role": HOSTILE, "content": "t"},
    ]
    body = {"model": "m", "stream": True, "messages": messages, "tools": [tool], "stop": ["s"], "user": "u"}
    flow.request.body = Capture(json.dumps(spoilt(body)).encode())
    flow.mutations.append(Mutation("n", "b", "before", "after"))
    flow.error, flow.label, flow.agent = "error", "1.1", "agent"
    flow.forwarded = flow.request.copy()
    assert flow.response is not None
    flow.delivered = dataclasses.replace(flow.response, status=500)
    flow.note("note")
    changed: Flow = poisoned(flow)
    return changed


def messages() -> Flow:
    """A Messages flow whose stream ends in control characters as they are."""
    flow = begin(anthropic_flow([{"role": "user", "content": HOSTILE}], system=HOSTILE, flow_id="f2"))
    assert flow.response is not None
    for number, event in enumerate(text_events([HOSTILE])):
        flow.response.body.append(float(number), event)
    flow.response.body.append(9.0, f"event: {HOSTILE}\ndata: {HOSTILE}\n\n: {HOSTILE}\n\n".encode())
    changed: Flow = poisoned(flow)
    return changed


def unread() -> Flow:
    """One that no dialect knows, with bytes for a method and a body."""
    request = Request("GE\x1b[2JT", f"http://{HOSTILE}/{HOSTILE}?{HOSTILE}", Headers(), Capture(HOSTILE.encode()))
    response = Response(599, Headers([("content-type", HOSTILE)]), HOSTILE, Capture(b"\x1b]0;title\x07\x9b\xff"))
    flow = Flow("f3" + HOSTILE, request, 0.0, dialect=HOSTILE, response=response, parent=HOSTILE)
    flow.note(HOSTILE)
    return flow


class Witness(Inert):
    """In the place of the guard before the terminal: sees what widgets draw, and stops nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.acting: list[Segment] = []

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Keep every text, and what would act on the terminal."""
        self.seen.update(segment.text for segment in segments)
        self.acting += [segment for segment in segments if acts(segment)]
        return segments


def acts(segment: Segment) -> bool:
    """Whether a terminal would do anything but print it."""
    printed = (each.isprintable() or unicodedata.category(each) == "Zs" for each in segment.text)
    return not all(printed) or bool(segment.control) or bool(segment.style and segment.style.link)


class WitnessedDetail(DetailApp):
    """The detail, and what it draws."""

    def __init__(self, *flows: Flow) -> None:
        super().__init__(*flows)
        self.witness = Witness()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """The witness comes last."""
        return [*super().get_line_filters(), self.witness]


def witnessed(*flows: Flow, title: str = "") -> tuple[InspectorApp, Witness]:
    """The program without its guard."""
    app, _ = app_on(flows, title=title)
    app._inert = witness = Witness()
    return app, witness


@pytest.mark.parametrize("make", [chat, messages, unread])
async def test_no_tab_is_steered(make: Any) -> None:
    """So high that every line of every tab is drawn."""
    app = WitnessedDetail(make())
    async with app.run_test(size=(100, 400)) as pilot:
        for tab in TABS:
            app.detail.active = tab.tab_id
            app.detail.tab.pane.focus()
            await read_all(pilot)
            assert isinstance(app.detail.tab, tab)
            for step in ("enter", "end", "enter"):
                await pilot.press(step)
                app.detail.pull()
        await pilot.pause()
    seen = "".join(app.witness.seen)
    assert not app.witness.acting
    assert "‹U+202E›" in seen and "␛" in seen and "could not be drawn" not in seen


async def test_no_list_and_no_dialog_is_steered() -> None:
    """Every key on one flow, and the dialogs on the other one, too."""
    app, witness = witnessed(chat(), unread(), title=HOSTILE)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        app.animation_level = "none"
        await settle(pilot)
        await pilot.press("end")
        assert [await shows_a_screen(pilot, key) for key in DIALOGS] == [True] * len(DIALOGS)
        await pilot.press("home")
        keys = {active.binding.key for active in main(pilot).active_bindings.values() if active.binding.id}
        for key in sorted(keys - WALKS):
            await shows_a_screen(pilot, key)
        await settle(pilot)
    seen = "".join(witness.seen)
    assert not witness.acting
    assert "‹U+202E›" in seen and "could not be drawn" not in seen


async def shows_a_screen(pilot: Pilot[None], key: str) -> bool:
    """Press a key, and close what it opened."""
    await pilot.press(key)
    opened = len(pilot.app.screen_stack) > 1
    while len(pilot.app.screen_stack) > 1:
        await pilot.pause()
        pilot.app.pop_screen()
    main(pilot).tick()
    return opened


class Forgetful(Widget):
    """A widget that shows the words of others as they are."""

    def render_line(self, y: int) -> Strip:
        """Hostile, in every way that a segment can be."""
        link = Style(link="http://x", bold=True)
        return Strip([Segment(HOSTILE), Segment("字\x1b", link), Segment("b", None, [(ControlType.BELL,)])])


async def test_what_a_widget_forgets_stops_before_the_terminal() -> None:
    app, _ = app_on()
    async with app.run_test(size=(140, 10)) as pilot:
        await main(pilot).mount(Forgetful(id="forgetful"))
        await pilot.pause()
        strips = app.screen._compositor.render_strips(app.size)
        drawn = [segment for strip in strips for segment in strip]
        assert "[31mred" in "".join(segment.text for segment in drawn)
        assert not [segment for segment in drawn if acts(segment)]
        assert {strip.cell_length for strip in strips} == {140}


@pytest.mark.parametrize("make", [chat, messages, unread])
def test_markdown_is_inert_and_so_is_curl(make: Any) -> None:
    flow = make()
    texts = [EXPORTERS["markdown"].lines([flow], Transcripts())(flow).decode()]
    if make is not unread:
        texts += [COPIES[name].data(flow, Transcripts()).decode() for name in ("curl", "python")]
    for text in texts:
        assert not [each for each in text if unicodedata.category(each) == "Cc" and each not in "\n\t"]
        assert "\u202e" not in texts[0] and "\u2066" not in texts[0]
