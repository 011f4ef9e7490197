"""What is shown cannot steer the terminal: hostile text in every field of a flow, on every screen."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from typing import Any

import pytest
from textual.pilot import Pilot

from inspector.formats import COPIES, EXPORTERS
from inspector.model.flow import Capture, Flow, Mutation, Request, Response
from inspector.model.headers import Headers
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, done_chat
from tests.tui.detail_app import HOSTILE, anthropic_flow, begin, text_events
from tests.tui.screens import app_on, main, settle

pytestmark = pytest.mark.anyio

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


def check(pilot: Pilot[None]) -> str:
    """Every segment of the screen as it is: nothing in it acts. Gives its text."""
    text = ""
    for strip in pilot.app.screen._compositor.render_strips(pilot.app.size):
        for segment in strip:
            assert not segment.control
            assert segment.style is None or not segment.style.link
            for character in segment.text:
                assert character.isprintable() or unicodedata.category(character) == "Zs", repr(segment.text)
            text += segment.text
    return text


@pytest.mark.parametrize(("make", "size"), [(chat, (80, 24)), (messages, (160, 50)), (unread, (120, 40))])
async def test_no_tab_is_steered(make: Any, size: tuple[int, int]) -> None:
    app, _ = app_on([make()], title=HOSTILE)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        seen = check(pilot)
        await pilot.press("enter")
        for key in "123456789":
            await pilot.press(key)
            await settle(pilot)
            seen += check(pilot)
            await pilot.press("pagedown", "enter")
            await settle(pilot)
            seen += check(pilot)
        assert "‹U+202E›" in seen and "␛" in seen and "could not be drawn" not in seen


@pytest.mark.parametrize("make", [chat, unread])
async def test_no_dialog_is_steered(make: Any) -> None:
    app, _ = app_on([make(), done_chat("plain")])
    async with app.run_test(size=(140, 45), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("home")
        bindings = {key for _, binding, *_ in main(pilot).active_bindings.values() for key in [binding.key]}
        for key in sorted(bindings - {"q", "ctrl+q", "ctrl+c", "ctrl+z", "f1"}):
            await pilot.press(key)
            await settle(pilot)
            check(pilot)
            while len(app.screen_stack) > 1:
                app.pop_screen()
                await pilot.pause()


@pytest.mark.parametrize("make", [chat, messages, unread])
def test_markdown_is_inert_and_so_is_curl(make: Any) -> None:
    flow = make()
    texts = [EXPORTERS["markdown"].lines([flow], Transcripts())(flow).decode()]
    if make is not unread:
        texts += [COPIES[name].data(flow, Transcripts()).decode() for name in ("curl", "python")]
    for text in texts:
        assert not [each for each in text if unicodedata.category(each) == "Cc" and each not in "\n\t"]
        assert "\u202e" not in texts[0] and "\u2066" not in texts[0]
