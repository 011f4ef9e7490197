"""Answering by hand: an unmodified agent gets exactly what was written, as its model's answer or as a fault."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from inspector.model.flow import Moment
from inspector.model.message import Growing, Text, Tool, ToolCall
from inspector.proxy.held import Step
from inspector.proxy.tasks import spawn
from inspector.rules.replies import Reply
from inspector.rules.spoiling import Fault
from inspector.tui.answer_dialog import AnswerDialog
from inspector.tui.answer_dialog_list import SaidList
from inspector.tui.answer_dialog_parts import (
    HOWS,
    ReplyDraft,
    Said,
    call_of,
    callable_tools,
    reply_of,
    template,
)
from inspector.tui.text_editor import Drafts, EditArea
from tests.tui.detail_app import HOSTILE
from tests.tui.editing import AGENT_BODY, Bench, EditApp, agent_flow, bench, desk_of, words
from tests.tui.held import HandStream, call_flow

NOWHERE = "http://127.0.0.1:9"
BASH = Tool("Bash", "Runs a command.", AGENT_BODY["tools"][0]["input_schema"])
CHAT_TOOL: dict[str, Any] = {"type": "function", "function": {"name": "Bash", "parameters": BASH.schema}}
SCHEMAS = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(("string", "integer", "number", "boolean", "null", "array"))}),
    lambda inner: st.builds(
        lambda properties, required: {
            "type": "object",
            "properties": properties,
            "required": list(properties)[:required],
        },
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
        st.integers(0, 3),
    ),
    max_leaves=6,
)
KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
}


class Given(list[Reply]):
    """What the dialog gave."""

    refuses = ""

    def __call__(self, reply: Reply) -> None:
        """Take it, or refuse it."""
        if self.refuses:
            raise ValueError(self.refuses)
        self.append(reply)


async def open_dialog(
    pilot: Pilot[None], given: Given, drafts: Drafts[ReplyDraft] | None = None, *tools: Tool, begun: bool = False
) -> AnswerDialog:
    """The dialog on a flow that declares tools."""
    dialog = AnswerDialog(
        agent_flow(), tools or (BASH,), drafts if drafts is not None else Drafts(), given, begun=begun
    )
    await pilot.app.push_screen(dialog)
    await pilot.pause()
    return dialog


def fits(value: object, schema: dict[str, Any]) -> bool:
    """Whether a value is what a schema asks for."""
    if schema["type"] != "object":
        return isinstance(value, KINDS[schema["type"]])
    properties = schema["properties"]
    return isinstance(value, dict) and all(
        name in value and fits(value[name], properties[name]) for name in schema["required"] or properties
    )


@given(SCHEMAS.filter(lambda schema: schema["type"] == "object"))
@settings(max_examples=80)
def test_a_template_fits_the_tools_schema(schema: dict[str, Any]) -> None:
    assert fits(template(schema), schema)
    assert json.loads(call_of(Tool("t", schema=schema)).text) == template(schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, {}),
        ({"type": "object"}, {}),
        ({"properties": {"unit": {"enum": ["C", "F"]}}}, {"unit": "C"}),
        ({"properties": {"n": {"type": "integer", "default": 20}}}, {"n": 20}),
        ({"properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, {"x": ""}),
        ({"properties": {"x": {"type": ["string", "null"]}, "y": {"type": "string"}}, "required": ["x"]}, {"x": ""}),
        ({"properties": {"x": {"type": 7}, "y": True}, "required": "x"}, {"x": None, "y": None}),
    ],
)
def test_a_template_of_an_odd_schema(schema: object, expected: object) -> None:
    assert template(schema) == expected


def test_every_fault_becomes_a_reply() -> None:
    parts = (Text(Growing("Hi")),)
    expected = [
        Reply(parts),
        Reply(parts, fault=Fault(tokens_per_second=7)),
        Reply(parts, fault=Fault(cut_after=7)),
        Reply(parts, fault=Fault(cut_after=7, silence=True)),
        Reply(parts, fault=Fault(silence=True)),
        Reply(parts, fault=Fault(cut_after=7, malformed=True)),
        Reply(status=429, message="busy", retry_after=7),
        Reply(status=529, message="busy", retry_after=7),
        Reply(status=500, message="busy"),
    ]
    made = [reply_of(ReplyDraft([Said("text", "Hi")], how, "7", Said("text", " busy\n"))) for how in range(len(HOWS))]
    assert made == expected
    assert all(reply.answers for reply in made)
    assert reply_of(ReplyDraft(how=6)).retry_after == HOWS[6].usual


@pytest.mark.parametrize("draft", [ReplyDraft(), ReplyDraft([Said("text", "x")], 1, "0"), ReplyDraft([], 6, "soon")])
def test_what_is_no_answer_yet_is_refused(draft: ReplyDraft) -> None:
    with pytest.raises(ValueError, match=r"written|range|number"):
        reply_of(draft)


def test_only_tools_of_the_agents_own_are_offered() -> None:
    tools = [BASH, Tool("web", kind="web_search_20250305"), Tool("patch", kind="custom")]
    assert [tool.name for tool in callable_tools(tools)] == ["Bash", "patch"]
    assert call_of(tools[2]).json is False


# The screen


@pytest.mark.anyio
async def test_a_text_and_a_call_are_written_with_keys_alone() -> None:
    given = Given()
    async with EditApp(desk_of()).run_test(size=(80, 24)) as pilot:
        dialog = await open_dialog(pilot, given)
        await pilot.press("L", "ctrl+n", "down", "down", "enter")
        await pilot.pause()
        area = dialog.query_one(EditArea)
        assert area.text == '{\n  "command": ""\n}'
        await pilot.press("down", "end", "left", *"ls")
        assert "1 tool call" in words(dialog.query_one("#reply-message"))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen is not dialog
    (reply,) = given
    text, call = reply.parts
    assert isinstance(text, Text)
    assert str(text.content) == "L"
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(str(call.arguments))) == ("Bash", {"command": "ls"})


@pytest.mark.anyio
async def test_wrong_arguments_are_given_only_when_asked_twice() -> None:
    given = Given()
    async with EditApp(desk_of()).run_test(size=(80, 24)) as pilot:
        dialog = await open_dialog(pilot, given)
        await pilot.press("ctrl+n", "down", "down", "enter")
        await pilot.pause()
        await pilot.press("end", ",", "ctrl+s")
        assert not given
        assert "line 1" in words(dialog.query_one("#reply-message"))
        await pilot.press("ctrl+s")
    (call,) = given[0].parts
    assert isinstance(call, ToolCall)
    assert str(call.arguments).startswith("{,")


@pytest.mark.anyio
async def test_an_answer_that_was_left_is_there_again() -> None:
    given, drafts = Given(), Drafts[ReplyDraft]()
    async with EditApp(desk_of()).run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot, given, drafts)
        await pilot.press("W", "ctrl+t", *["down"] * 6, "enter", *"15", "escape", "escape")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, AnswerDialog)
        dialog = await open_dialog(pilot, given, drafts)
        assert "429 · 15 seconds" in words(dialog.query_one("#reply-message"))
        await pilot.press("ctrl+t", "home")
        assert "W" in words(dialog.query_one(SaidList))
        await pilot.press("ctrl+s")
    assert given == [Reply((Text(Growing("W")),))]
    assert drafts.get("f1") is None


@pytest.mark.anyio
async def test_parts_are_moved_and_taken_out() -> None:
    given = Given()
    async with EditApp(desk_of()).run_test(size=(80, 24)) as pilot:
        await open_dialog(pilot, given)
        await pilot.press("1", "ctrl+n", "enter", "2", "ctrl+n", "down", "enter", "3")
        await pilot.press("escape", "shift+up", "shift+up", "down", "delete", "ctrl+s")
    said = [str(part.content) for part in given[0].parts if not isinstance(part, ToolCall)]  # type: ignore[union-attr]
    assert said == ["3", "2"]


@pytest.mark.anyio
async def test_what_cannot_be_given_stays() -> None:
    given = Given()
    given.refuses = "flow 42 is not held any more"
    async with EditApp(desk_of()).run_test(size=(80, 24)) as pilot:
        dialog = await open_dialog(pilot, given)
        await pilot.press("ctrl+s")
        assert "nothing is written" in words(dialog.query_one("#reply-message"))
        await pilot.press("x", "ctrl+s")
        assert "not held any more" in words(dialog.query_one("#reply-message"))
        assert pilot.app.screen is dialog


@pytest.mark.anyio
async def test_hostile_names_are_inert() -> None:
    async with EditApp(desk_of()).run_test(size=(80, 24)) as pilot:
        dialog = await open_dialog(pilot, Given(), None, Tool(HOSTILE, HOSTILE, {"properties": {HOSTILE: {}}}))
        await pilot.press("ctrl+n", "down", "down", "enter")
        await pilot.pause()
        for widget in (dialog.query_one(SaidList), dialog.query_one(EditArea), dialog.query_one("#reply-message")):
            assert words(widget).replace("\n", "").isprintable()


# With a real proxy and real clients, whose upstream does not exist


async def answer(at: Bench, *keys: str) -> None:
    """Wait for the held request and answer it with keys."""
    await at.held()
    await at.pilot.press("a")
    await at.pilot.pause()
    assert isinstance(at.pilot.app.screen, AnswerDialog)
    await at.pilot.press(*keys, "ctrl+s")
    await at.pilot.pause()
    assert not isinstance(at.pilot.app.screen, AnswerDialog)


CALL = ("L", "ctrl+n", "down", "down", "enter", "down", "end", "left", *"ls")
LIMIT = ("ctrl+t", *["down"] * 6, "enter", *"15")


@pytest.mark.anyio
@pytest.mark.parametrize("streamed", [True, False])
async def test_an_anthropic_agent_gets_the_written_call(streamed: bool) -> None:
    asked: dict[str, Any] = {key: AGENT_BODY[key] for key in ("model", "max_tokens", "messages", "tools")}
    async with (
        bench(NOWHERE) as at,
        anthropic.AsyncAnthropic(base_url=at.server.url, api_key="k", max_retries=0, timeout=20) as client,
    ):

        async def ask() -> anthropic.types.Message:
            if not streamed:
                message: anthropic.types.Message = await client.messages.create(**asked)
                return message
            async with client.messages.stream(**asked) as stream:
                return await stream.get_final_message()

        asking = spawn(ask(), "agent")
        await answer(at, *CALL)
        message = await asking
    text, call = message.content
    assert text.type == "text"
    assert text.text == "L"
    assert call.type == "tool_use"
    assert (call.name, call.input, message.stop_reason) == ("Bash", {"command": "ls"}, "tool_use")
    (flow,) = at.desk.store
    assert [mutation.by for mutation in flow.mutations] == ["hand"]


@pytest.mark.anyio
async def test_an_openai_agent_gets_the_written_call() -> None:
    async with (
        bench(NOWHERE) as at,
        openai.AsyncOpenAI(base_url=f"{at.server.url}/v1", api_key="k", max_retries=0, timeout=20) as client,
    ):

        async def ask() -> Any:
            messages: Any = [{"role": "user", "content": "List."}]
            tools: Any = [CHAT_TOOL]
            return await client.chat.completions.create(model="gpt-5", messages=messages, tools=tools)

        asking = spawn(ask(), "agent")
        await answer(at, *CALL)
        choice = (await asking).choices[0]
    assert choice.message.content == "L"
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"command": "ls"}
    assert choice.finish_reason == "tool_calls"


@pytest.mark.anyio
async def test_an_agent_is_told_to_wait() -> None:
    async with (
        bench(NOWHERE) as at,
        anthropic.AsyncAnthropic(base_url=at.server.url, api_key="k", max_retries=0, timeout=20) as client,
    ):
        asking = spawn(
            client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]), "agent"
        )
        await answer(at, *LIMIT)
        with pytest.raises(anthropic.RateLimitError) as caught:
            await asking
    assert caught.value.response.headers["retry-after"] == "15"


@pytest.mark.anyio
async def test_in_mid_answer_the_parts_end_it() -> None:
    flow, parts = call_flow()
    desk = desk_of(flow)
    assert desk.control is not None
    stream = HandStream(flow, 5, parts)
    held = desk.control.holds.begin(flow, Moment.EVENT, "hand", stream)
    async with EditApp(desk).run_test(size=(80, 24)) as pilot:
        await pilot.press("a")
        await pilot.pause()
        assert not pilot.app.screen.query_one("#reply-fault").display
        await pilot.press("N", "ctrl+s")
        assert await held.next_step() is Step.GO_ON
    (edits,) = stream.edited
    assert edits.final
    assert edits.added == [Text(Growing("N"))]
