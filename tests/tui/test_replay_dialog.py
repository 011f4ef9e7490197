"""The dialog that asks how a flow is sent again."""

from __future__ import annotations

import pytest
from textual.widgets import Input, Select, Static

from inspector.tui.replay_dialog import ReplayDialog, parameters_of
from tests.tui.replaying import bench, chat

pytestmark = pytest.mark.anyio


def message(screen: object) -> str:
    """What the dialog says."""
    assert isinstance(screen, ReplayDialog)
    return str(screen.query_one("#replay-message", Static).render())


async def test_what_is_wrong_is_said_before_it_is_sent() -> None:
    async with bench(size=(80, 24)) as b:
        await b.press("R")
        screen = b.pilot.app.screen
        for name, text, words in [
            ("upstream", "nowhere", "known by name are"),
            ("parameters", "temperature", "parameters are written name=value, not temperature"),
            ("times", "0", "times is a number from 1 to 1000"),
            ("at-once", "x", "at once is a number from 1 to 64"),
        ]:
            field = screen.query_one(f"#replay-{name}", Input)
            field.value = text
            await b.until(lambda words=words: words in message(screen))  # type: ignore[misc]
            await b.press("ctrl+s")
            assert b.pilot.app.screen is screen and not b.children
            field.value = ""
        await b.until(lambda: message(screen).startswith("goes to http"))
        assert screen.query_one("#replay-go").region.bottom <= 24
        await b.press("escape")
        assert not b.children


async def test_what_another_api_cannot_say_is_said_before_it_is_sent() -> None:
    async with bench(chat(seed=7, logit_bias={"1": 2})) as b:
        await b.press("R", *"demo-large")
        screen = b.pilot.app.screen
        screen.query_one(Select).value = "anthropic-messages"
        await b.until(lambda: "not said:" in message(screen) and "seed" in message(screen))
        await b.press("ctrl+s")
        (child,) = b.children
        assert child.dialect == "anthropic-messages" and child.request.url.endswith("/v1/messages")
        await b.until(lambda: child.end is not None)
        assert b.desk.transcripts.of(child).prompt.model == "demo-large"


async def test_a_parameter_and_a_model_are_changed_by_keys_alone() -> None:
    async with bench(size=(80, 24)) as b:
        await b.press("R", *"demo-tiny", "tab", "tab", "tab", *"temperature", "equals_sign", *"0", "enter")
        (child,) = b.children
        assert {change.name for change in child.mutations} == {"model", "temperature"}
        assert b.desk.transcripts.of(child).prompt.parameters["temperature"] == 0


async def test_hostile_names_are_inert() -> None:
    async with bench(chat(model="[bold]x\x1b[31m\u202e")) as b:
        b.flow.label = "[red]\x1b9"
        await b.press("R")
        shown = "\n".join(line.text for line in b.pilot.app.screen._compositor.render_strips())
        assert "[bold]x␛[31m" in shown and "Send #1 again" in shown
        assert "\x1b" not in shown and "[red]" not in shown, "such a label is no name"


def test_parameters_are_json_values_or_words() -> None:
    assert parameters_of('temperature=0 stop="a b" effort=high top_p= n=[1]') == {
        "temperature": 0,
        "stop": "a b",
        "effort": "high",
        "top_p": None,
        "n": [1],
    }
    with pytest.raises(ValueError, match="not word"):
        parameters_of("a=1 word")
