"""Forking from a token by keys, with a proxy and a model behind the screen: as a new flow, and into a held answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import openai
import pytest
from textual.widgets import Button, Input, Select, Static

from inspector.demo.session import DemoServer
from inspector.model.flow import Flow, Moment, State
from inspector.model.message import Growing, Message, Text, ToolCall, Transcript
from inspector.model.token import Alternative, Token
from inspector.proxy.held import Held
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.rules.control import Control
from inspector.rules.prefill_manners import PREFIX, TRAILING
from inspector.store.flows import FlowStore
from inspector.store.token_reading import TokenReading
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.rule_input import RuleInput
from inspector.tui.rules_screen import RulesScreen
from inspector.tui.token_fork_dialog import TokenForkDialog
from inspector.tui.token_fork_lines import AlternativeLines
from inspector.tui.token_fork_words import Beginning, TokenFork, held_refusal
from inspector.tui.token_panel import TokenPanel
from inspector.tui.tokens_tab import TokensTab
from tests.handmade import done_chat
from tests.tui.held import HandStream
from tests.tui.replaying import Bench, bench, chat
from tests.tui.screens import app_on, main, settle, text_of

pytestmark = pytest.mark.anyio
ASKED = chat(logprobs=True, top_logprobs=5, seed=4)
SIZES = ((80, 24), (120, 40))


def read(flow: Flow) -> TokenReading:
    """All tokens of a flow."""
    reading = TokenReading(flow)
    while reading.pull(1.0):
        continue
    return reading


def made_of(*said: bytes, flow: Flow | None = None, **each: Any) -> TokenReading:
    """A reading of tokens made by hand, whose alternatives are the last token and one more."""

    class ByHand(TokenReading):
        def alternatives(self, index: int) -> tuple[Alternative, ...]:
            return Alternative(self.tokens[index].data, -0.5), Alternative(b" \x1b[31mred[/]", None)

    reading = ByHand(flow or done_chat())
    reading.tokens = [Token(data, -0.5, **each) for data in said]
    return reading


def words(dialog: TokenForkDialog) -> str:
    """What the dialog says, whole."""
    return " ".join(str(each.render()) for each in dialog.query(Static) if not isinstance(each, Input))


async def opened(b: Bench, reading: TokenReading, index: int, typed: bool = False) -> TokenForkDialog:
    """Ask for a fork as the Tokens tab does."""
    main(b.pilot).post_message(TokensTab.Fork(b.flow, reading, index, typed))
    await b.until(lambda: isinstance(b.pilot.app.screen, TokenForkDialog))
    await b.pilot.pause()
    dialog = b.pilot.app.screen
    assert isinstance(dialog, TokenForkDialog)
    return dialog


async def test_by_keys_from_the_tab_to_a_child_that_goes_on() -> None:
    async with bench(ASKED) as b:
        reading = read(b.flow)
        await b.press("3", "enter")
        assert main(b.pilot).query_one(TokensTab).pane.has_tokens
        await b.press(*["right"] * 5, "enter")
        dialog = b.pilot.app.screen
        assert isinstance(dialog, TokenForkDialog)
        lines = dialog.query_one(AlternativeLines)
        chosen = reading.tokens[5].data
        assert lines.has_focus and lines.alternative.data != chosen
        assert lines.alternative == next(each for each in reading.alternatives(5) if each.data != chosen)
        beginning = reading.text_before(5) + lines.alternative.text
        assert f"{reading.text_before(5)}␣{lines.alternative.text.strip()}" in words(dialog)
        await b.press("enter")
        await b.until(lambda: bool(b.children) and b.children[0].end is not None)
        await settle(b.pilot)
        (child,) = b.children
        assert main(b.pilot).selected is child and b.detail.active == "tokens"
        body = json.loads(bytes(child.request.body))
        assert body["messages"][-1] == {"role": "assistant", "content": beginning}
        assert body["continue_final_message"] is True and body["logprobs"] is True
        answer, tokens = Transcripts().of(child).answer.message, read(child).tokens
        assert answer is not None and child.state is State.DONE
        assert answer.text() == "".join(token.text for token in tokens) != ""
        assert {mutation.name for mutation in child.mutations} >= {"messages[1]", "continue_final_message"}


@pytest.mark.parametrize("size", SIZES)
async def test_a_text_is_typed_behind_the_blank_of_its_token(size: tuple[int, int]) -> None:
    async with bench(ASKED, size=size) as b:
        reading = read(b.flow)
        dialog = await opened(b, reading, 5, typed=True)
        assert dialog.query_one(Input).has_focus and dialog.query_one(Input).value == " "
        assert "type what stands" in words(dialog)
        await b.press("enter")
        assert b.pilot.app.screen is dialog
        await b.press(*"Zoë")
        await b.until(lambda: "vLLM, SGLang" in words(dialog))
        for widget in dialog.query("#token-fork-title, #token-fork-lines, Input, Select, Button"):
            assert dialog.region.contains_region(widget.region) and widget.region.area
        assert f"{reading.text_before(5)}␣Zoë" in words(dialog)
        await b.press("enter")
        await b.until(lambda: bool(b.children))
    assert json.loads(bytes(b.children[0].request.body))["messages"][-1]["content"] == reading.text_before(5) + " Zoë"


async def test_what_was_touched_last_counts_and_another_manner_is_chosen() -> None:
    async with bench(ASKED) as b:
        reading = read(b.flow)
        dialog = await opened(b, reading, 5)
        await b.press("t", *"Zoë")
        await b.press("shift+tab", "down")
        alternative = dialog.query_one(AlternativeLines).alternative
        assert dialog.query_one(AlternativeLines).cursor == 2
        dialog.query_one("#token-fork-manner", Select).value = 1
        await b.until(lambda: "llama.cpp" in words(dialog))
        expected = TokenFork(reading.text_before(5) + alternative.text, TRAILING)
        assert dialog._fork() == expected
        await b.press("escape")
        assert not b.children and b.pilot.app.screen_stack == [main(b.pilot)]
        dialog = await opened(b, reading, 5)
        dialog.query_one("#token-fork-manner", Select).value = 1
        await b.pilot.pause()
        dialog.query_one("#token-fork-go", Button).press()
        await b.until(lambda: bool(b.children))
    assert "continue_final_message" not in json.loads(bytes(b.children[0].request.body))


async def test_where_nothing_can_go_on_it_is_said_and_nothing_is_offered() -> None:
    async with bench({**ASKED, "reasoning_effort": "low"}, size=(80, 24)) as b:
        reading = read(b.flow)
        assert reading.tokens[2].channel == "reasoning"
        dialog = await opened(b, reading, 2)
        assert "Thoughts cannot be gone on from" in words(dialog)
        assert [str(button.label) for button in dialog.query(Button)] == ["Cancel"] and not dialog.query(Input)
        await b.press("ctrl+s")
        assert b.pilot.app.screen is dialog
        await b.press("enter")
        assert b.pilot.app.screen_stack == [main(b.pilot)]
        index = next(place for place, token in enumerate(reading.tokens) if token.channel == "content") + 3
        dialog = await opened(b, reading, index)
        await b.until(lambda: "had thought is not sent along" in words(dialog))
    assert not b.children


async def test_openai_is_known_to_begin_anew() -> None:
    app, _ = app_on([flow := done_chat()])
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(dialog := TokenForkDialog(flow, made_of(b"Hel", b"lo", flow=flow), 1, False, None))
        await pilot.pause()
        assert "OpenAI's API cannot go on from the beginning of an answer" in words(dialog)


def local(flow: Flow) -> Flow:
    """The same flow, of a server that nothing is known of."""
    flow.request = flow.request.copy(url="http://127.0.0.1:9/v1/chat/completions")
    return flow


async def test_hostile_tokens_are_inert() -> None:
    flow = local(done_chat())
    app, _ = app_on([flow])
    reading = made_of(b"\x1b[2J\n[red]", b"x", flow=flow)
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(dialog := TokenForkDialog(flow, reading, 1, False, None))
        await pilot.pause()
        said = words(dialog) + "".join(text_of(dialog.query_one(AlternativeLines)))
        assert "␛[2J↵ [red]" in said and "\x1b" not in said
        assert "␛[31mred[/]" in said and "not known" in said
        await pilot.press("t", *"[/b]")
        await pilot.pause()
        assert "[red][/b]" in words(dialog)


@pytest.mark.parametrize(
    ("said", "index", "data", "expected"),
    [
        ((b"a", b" b"), 1, b" c", "a c"),
        ((b"a \xf0\x9f", b"\x8c\x8a"), 1, b"\x8c\xa7", "a 🌧"),
        ((b"a \xf0\x9f", b"\x8c\x8a"), 1, b" b", None),
        ((b"a", b" b"), 1, b" \xf0\x9f", None),
        ((b"a", b" b"), 1, b"<|im_end|>", None),
        ((b"a", b" b"), 1, b"", None),
        ((b"a", b" b"), 1, b" <b>", "a <b>"),
        ((b"a", b" b"), 0, b"c", "c"),
    ],
)
def test_beginnings_are_whole_characters_that_something_follows(
    said: tuple[bytes, ...], index: int, data: bytes, expected: str | None
) -> None:
    beginning = Beginning(made_of(*said), index)
    if expected is None:
        with pytest.raises(ValueError, match=r"part of a character|ends the answer"):
            beginning.with_token(data)
    else:
        assert beginning.with_token(data) == expected


def test_only_the_token_s_own_channel_stands_before_it() -> None:
    reading = made_of(b"a", b"b", b"c")
    reading.tokens[1].channel = "reasoning"
    assert Beginning(reading, 2).with_text("!") == "a!"


@dataclass
class Delivered(HandStream):
    """A held answer of which the client has this message."""

    message: Message | None = None

    @property
    def delivered(self) -> Transcript:
        """What the client has."""
        transcript = Transcript()
        transcript.answer.choices = [self.message] if self.message else []
        return transcript


def held_with(flow: Flow, *parts: Text | ToolCall, editable: str = "") -> Held:
    """The hold of an answer of which the client has these parts."""
    stream = Delivered(flow, 0, (), editable, message=Message("assistant", list(parts)))
    return Held(flow, Moment.EVENT, "hand", stream, lambda: None)


async def test_what_the_agent_has_decides_where_it_goes_on() -> None:
    flow = local(done_chat())
    reading = made_of(b"Hel", b"lo", b"!", flow=flow)
    here, second = Beginning(reading, 1), Beginning(made_of(b"Hel", b"lo", flow=flow, choice=1), 1)
    assert held_refusal(held_with(flow), here) == ""
    assert held_refusal(held_with(flow, Text(Growing("Hel"))), here) == ""
    assert "goes beyond" in held_refusal(held_with(flow, Text(Growing("Hell"))), here)
    assert "tool call" in held_refusal(held_with(flow, ToolCall("1", "Bash")), here)
    assert "first choice" in held_refusal(held_with(flow), second)
    assert held_refusal(held_with(flow, editable="wait for it"), here) == "wait for it"
    assert "cannot be gone on" in held_refusal(Held(flow, Moment.REQUEST, "hand", None, lambda: None), here)
    app, _ = app_on([flow])
    async with app.run_test(size=(80, 24)) as pilot:
        results: list[TokenFork | None] = []
        app.push_screen(TokenForkDialog(flow, reading, 1, False, held_with(flow)), results.append)
        await pilot.press("up", "enter")
        dialog = TokenForkDialog(flow, reading, 1, False, held_with(flow, Text(Growing("Hello"))))
        app.push_screen(dialog, results.append)
        await pilot.press("up")
        assert "as a new flow: what the agent has goes beyond this token" in words(dialog)
        await pilot.press("ctrl+s")
        await pilot.pause()
    assert results[0] is not None and results[0].into_held and results[0].beginning == "Hello"
    assert results[1] is not None and not results[1].into_held


async def test_what_says_the_beginning_again_cannot_be_put_into_the_held_answer() -> None:
    flow = local(done_chat())
    flow.request = flow.request.copy(url="https://api.mistral.ai/v1/chat/completions")
    app, _ = app_on([flow])
    async with app.run_test(size=(80, 24)) as pilot:
        results: list[TokenFork | None] = []
        dialog = TokenForkDialog(flow, made_of(b"Hel", b"lo", flow=flow), 1, False, held_with(flow))
        app.push_screen(dialog, results.append)
        await pilot.press("up", "enter")
        assert "says the beginning again" in words(dialog) and not results
        dialog.query_one("#token-fork-into", Select).value = False
        await pilot.press("enter")
        await pilot.pause()
    assert results == [TokenFork("Hello", PREFIX)]


async def test_a_breakpoint_is_typed_for_the_person() -> None:
    app, _ = app_on()
    store, transcripts = FlowStore(), Transcripts()
    control = Control(store, transcripts)
    app = InspectorApp(store, transcripts, desk=Desk(store, transcripts, control))
    async with app.run_test(size=(100, 30)) as pilot:
        main(pilot).post_message(TokensTab.Break(done_chat(), "logprob<-0.92"))
        async with asyncio.timeout(10):
            while not isinstance(app.screen, RulesScreen) or not app.screen.has_class("-typing"):
                await pilot.pause(0.01)
        assert app.screen.query_one(RuleInput).value == "event logprob<-0.92"
        await pilot.press("enter")
        assert [str(each) for each in control.breakpoints] == ["event logprob<-0.92"]


async def test_where_nothing_can_be_sent_or_stopped_that_is_said() -> None:
    app, _ = app_on([flow := done_chat()])
    async with app.run_test(size=(100, 30)) as pilot:
        main(pilot).post_message(TokensTab.Fork(flow, made_of(b"a", flow=flow), 0, False))
        main(pilot).post_message(TokensTab.Break(flow, "logprob<-1"))
        await pilot.pause()
        await pilot.pause()
        said = "".join(each.message for each in app._notifications)
        assert "nothing can be sent from here" in said and "no proxy here" in said


async def ask(url: str) -> str:
    """Ask as an agent does, streaming; the words that it reads."""
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0) as client:
        stream = await client.chat.completions.create(**ASKED)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    return "".join(pieces)


async def test_a_held_answer_goes_on_for_the_agent_with_another_token() -> None:
    store, transcripts = FlowStore(), Transcripts()
    control = Control(store, transcripts)
    control.breakpoints.add('event "ferry"')
    async with asyncio.timeout(60), DemoServer() as model:
        config = ProxyConfig(port=0, upstreams={"openai": model.url})
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            replayer = Replayer(store, server.transport)
            desk = Desk(store, transcripts, control, server, replayer)
            app = InspectorApp(store, transcripts, listener=server, desk=desk)
            async with app.run_test(size=(80, 24)) as pilot:
                asking = spawn(ask(server.url), "agent")
                while not (flows := [each for each in store if each.hold and each.hold.upstream_done]):
                    assert not asking.done()
                    await pilot.pause(0.01)
                await settle(pilot)
                (flow,) = flows
                reading = read(flow)
                await pilot.press("3", "enter", "tab", "home")
                await settle(pilot)
                panel = main(pilot).query_one(TokenPanel)
                assert any("already with the agent" in line for line in text_of(panel))
                await pilot.press("end")
                assert any("not yet with the agent" in line for line in text_of(panel))
                index = next(place for place, token in enumerate(reading.tokens) if token.text == " ferry") + 2
                main(pilot).post_message(TokensTab.Fork(flow, reading, index, True))
                while not isinstance(app.screen, TokenForkDialog):
                    await pilot.pause(0.01)
                await pilot.pause()
                assert app.screen.query_one("#token-fork-into", Select).value is True
                await pilot.press(*"the harbour", "enter")
                said = await asking
            await replayer.aclose()
    child = next(each for each in store if each.parent == flow.id)
    beginning = json.loads(bytes(child.request.body))["messages"][-1]["content"]
    answer = Transcripts().of(child).answer.message
    assert answer is not None and answer.text()
    assert beginning == f"{reading.text_before(index)} the harbour"
    assert said == beginning + answer.text()
    assert flow.state is State.DONE
