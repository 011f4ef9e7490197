"""The Tokens tab on real answers: what it shows, where its keys go, and that it keeps up with long and live ones."""

from __future__ import annotations

import math

import pytest
from rich.style import Style
from textual.pilot import Pilot

from inspector.model.flow import Flow
from inspector.tui.detail import Detail
from inspector.tui.tab_line import TabLine
from inspector.tui.token_legend import TokenLegend
from inspector.tui.token_pane import TokenPane
from inspector.tui.token_panel import TokenPanel
from inspector.tui.token_words import limit_at
from inspector.tui.tokens_tab import TokensTab
from tests.handmade import done_chat, finish, stream
from tests.tui.detail_app import HOSTILE, DetailApp, anthropic_flow, begin, feed, frames, read_all, seen
from tests.tui.screens import app_on, main, settle
from tests.tui.token_flows import Chosen, answered, asking, chunk, chunks, entry

WIDE, SMALL = (140, 40), (80, 24)
KANGAROO = "🦘".encode()
ANSWER: list[Chosen] = [
    *((b"The", 0.9), (b" capital", 0.3), (b" is", 0.95), (b" Canberra", 0.97), (b".", 0.9), (b"\n\n", 0.8)),
    *((b" construction", 0.36), (KANGAROO[:2], 0.5), (KANGAROO[2:], 0.99), (b" began", 0.2), (b"\tdone", 0.9)),
]


class TokensApp(DetailApp):
    """Keeps what the tab asks for, and what is copied."""

    def __init__(self, *flows: Flow, theme: str = "inspector-dark") -> None:
        super().__init__(*flows, theme=theme)
        self.forks: list[TokensTab.Fork] = []
        self.breaks: list[TokensTab.Break] = []
        self.copied: list[str] = []

    def on_tokens_tab_fork(self, message: TokensTab.Fork) -> None:
        """Somebody wants to go on from a token."""
        self.forks.append(message)

    def on_tokens_tab_break(self, message: TokensTab.Break) -> None:
        """Somebody wants a breakpoint."""
        self.breaks.append(message)

    def copy_to_clipboard(self, text: str) -> None:
        """Keep it."""
        self.copied.append(text)


async def opened(pilot: Pilot[None]) -> TokenPane:
    """Open the tab and read everything."""
    app = pilot.app
    assert isinstance(app, DetailApp)
    app.detail.active = "tokens"
    await read_all(pilot)
    pane = app.detail.query_one(TokenPane)
    pane.focus()
    await pilot.pause()
    return pane


def panel(app: DetailApp) -> str:
    """What the panel says."""
    return "\n".join(seen(app.detail.query_one(TokenPanel)))


@pytest.mark.anyio
@pytest.mark.parametrize("size", [WIDE, SMALL])
@pytest.mark.parametrize("theme", ["inspector-dark", "inspector-light"])
async def test_the_answer_and_the_token_under_the_cursor(size: tuple[int, int], theme: str) -> None:
    app = TokensApp(answered(ANSWER), theme=theme)
    async with app.run_test(size=size) as pilot:
        pane = await opened(pilot)
        assert [line for line in seen(pane) if line] == [
            *("  The capital is Canberra.↵", "  ↵", "   construction·🦘 began⇥   done"),
        ]
        await pilot.press(*["right"] * 6)
        assert "token 7 of 11" in panel(app)
        assert "p 0.36" in panel(app) and "surprisal 1.47 bits" in panel(app) and "margin 0.04" in panel(app)
        chosen = next(line for line in panel(app).splitlines() if "▸" in line)
        assert "␣construction" in chosen and "█" in chosen and "0.36" in chosen
        assert "␣the" in panel(app) and "  the" in panel(app) and "‹f0 9f›" in panel(app)
        assert ("along the answer" in panel(app)) is (size is WIDE)
        await pilot.press("right")
        assert "bytes f0 9f" in panel(app)


@pytest.mark.anyio
async def test_doubtful_tokens_are_underlined_and_the_cursor_is_amber(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    app = TokensApp(answered(ANSWER))
    async with app.run_test(size=WIDE) as pilot:
        pane = await opened(pilot)
        before = styles(pane)
        assert {text for text, style in before.items() if style.underline} == {" capital", " construction", " began"}
        assert len({before[text].bgcolor for text in ("The", " capital", " is")}) == 3
        await pilot.press("right", "right", *["greater_than_sign"] * 3)
        after = styles(pane)
        assert after[" is"].bgcolor == before["The"].bgcolor == pane.get_component_rich_style("pane--chosen").bgcolor
        assert after["·"].underline and not before["·"].underline
        assert "below 0.55" in app.detail.query_one(TokenLegend).render_line(0).text
        await pilot.press(*["less_than_sign"] * 20)
        assert not any(style.underline for style in styles(pane).values())


def styles(pane: TokenPane) -> dict[str, Style]:
    """The style of each text that is seen."""
    segments = (segment for y in range(pane.size.height) for segment in pane.render_line(y))
    return {segment.text: segment.style for segment in segments if segment.style is not None}


@pytest.mark.anyio
async def test_moving_about() -> None:
    app = TokensApp(answered(ANSWER))
    async with app.run_test(size=WIDE) as pilot:
        pane = await opened(pilot)
        places = []
        keys = ("n", "n", "n", "n", "N", "end", "left", "up", "up", "home", "dollar_sign", "down", "down", "pageup")
        for key in keys:
            await pilot.press(key)
            places.append(pane.token)
        assert places == [1, 6, 9, 1, 9, 10, 9, 5, 5, 0, 5, 10, 10, 5]
        await pilot.click(pane, offset=(8, 1))
        assert pane.token == 1
        await pilot.press("circumflex_accent")
        assert pane.token == 0


@pytest.mark.anyio
async def test_while_something_is_searched_for_n_belongs_to_the_search() -> None:
    app = TokensApp(answered(ANSWER * 3))
    async with app.run_test(size=WIDE) as pilot:
        pane = await opened(pilot)
        await pilot.press("slash", *"canberra.", "enter")
        await frames(pilot)
        assert pane.token == 3
        await pilot.press("left")
        assert [text for text, style in styles(pane).items() if style.bgcolor == matched(pane)] == ["Canberra", "."]
        await pilot.press("n")
        assert pane.token == 3
        await pilot.press("n")
        assert pane.token == 3 + len(ANSWER)
        await pilot.press("escape", "n")
        assert pane.token == 6 + len(ANSWER)


def matched(pane: TokenPane) -> object:
    """The background of what was found."""
    return pane.get_component_rich_style("pane--match").bgcolor


@pytest.mark.anyio
async def test_what_is_asked_for_at_a_token() -> None:
    flow = answered(ANSWER)
    app = TokensApp(flow)
    async with app.run_test(size=WIDE) as pilot:
        pane = await opened(pilot)
        await pilot.press("n", "enter", "t", "b")
        assert [(fork.flow, fork.index, fork.typed) for fork in app.forks] == [(flow, 1, False), (flow, 1, True)]
        assert app.forks[0].reading is pane.reading
        assert [stop.expression for stop in app.breaks] == ["logprob<-1.20"]
        await pilot.press("Y", "y")
        assert app.copied == [" capital", "".join(["The capital is Canberra.\n\n construction🦘 began\tdone"])]


@pytest.mark.parametrize("logprob", [-0.004, -0.01, -0.5, -1.02, -1.0217, -20.0, -9998.0])
def test_a_token_meets_the_breakpoint_that_is_made_of_it(logprob: float) -> None:
    words = limit_at(logprob)
    assert words == "" or logprob < float(words.removeprefix("logprob<")) <= logprob + 0.0101
    assert bool(words) is (logprob < -0.01)


@pytest.mark.anyio
async def test_it_follows_a_live_answer_until_the_person_looks_back() -> None:
    flow, told = asking(), list(chunks(ANSWER * 30))
    app = TokensApp(flow)
    async with app.run_test(size=WIDE) as pilot:
        pane = await opened(pilot)
        assert "has not come yet" in "".join(seen(pane))
        feed(flow, app.store, *told[:200])
        await frames(pilot)
        assert pane.token == 199 and "token 200 of 200" in panel(app)
        assert pane.cursor in pane.visible_lines
        await pilot.press("left")
        feed(flow, app.store, *told[200:300])
        await frames(pilot)
        assert pane.token == 198 and "token 199 of 300" in panel(app)
        await pilot.press("G")
        feed(flow, app.store, *told[300:])
        finish(flow)
        app.store.touch(flow)
        await read_all(pilot)
        assert pane.token == len(told) - 1 and pane.cursor in pane.visible_lines


@pytest.mark.anyio
async def test_a_flow_is_found_again_where_it_was_left_and_at_any_size() -> None:
    one, other = answered(ANSWER * 400), answered(ANSWER, "f2")
    app = TokensApp(one, other)
    async with app.run_test(size=WIDE) as pilot:
        pane = await opened(pilot)
        pane.go_to(2500)
        app.detail.show(other)
        await read_all(pilot)
        assert pane.token == 0
        app.detail.show(one)
        await read_all(pilot)
        assert pane.token == 2500 and pane.cursor in pane.visible_lines
        for size in (SMALL, (30, 10), WIDE):
            await pilot.resize_terminal(*size)
            await frames(pilot)
            assert pane.token == 2500 and pane.cursor in pane.visible_lines
        app.detail.show(None)
        assert not pane.has_tokens


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (done_chat(), "--profile capture"),
        (finish(asking()), "the provider sent none"),
        (finish(begin(anthropic_flow([]))), "Anthropic's Messages API gives no"),
        (anthropic_flow([]), "Nothing came yet"),
    ],
)
async def test_why_there_are_no_tokens(flow: Flow, words: str) -> None:
    app = TokensApp(flow)
    async with app.run_test(size=SMALL) as pilot:
        pane = await opened(pilot)
        assert words in " ".join(" ".join(seen(pane)).split())
        assert not app.detail.query_one(TokenPanel).display
        await pilot.press("right", "n", "down", "enter", "b", "a", "y", "end", "slash", *"came", "enter", "n")
        assert not (app.forks or app.breaks or app.copied)


@pytest.mark.anyio
async def test_the_tab_line_tells_how_sure_the_model_was() -> None:
    app = TokensApp(answered(ANSWER))
    async with app.run_test(size=(170, 40)) as pilot:
        await opened(pilot)
        line = app.detail.query_one(TabLine)
        perplexity = f"perplexity {math.exp(-sum(math.log(p) for _, p in ANSWER) / 11):.2f}"
        mean = f"mean p {sum(p for _, p in ANSWER) / 11:.2f}"
        whole = f"#1 · vllm · Qwen3-8B · 11 tokens · {perplexity} · {mean}"
        assert line.render_line(0).text.rstrip().endswith(whole)
        for width, end in ((118, f"11 tokens · {perplexity}"), (80, "#1"), (60, perplexity)):
            await pilot.resize_terminal(width, 24)
            await frames(pilot)
            assert line.render_line(0).text.rstrip().endswith(f"  {end}")
        await pilot.press("1")
        app.detail.active = "chat"
        await frames(pilot)
        assert "perplexity" not in line.render_line(0).text


@pytest.mark.anyio
async def test_several_choices() -> None:
    told = [each for pair in zip(chunks(ANSWER[:4]), chunks(ANSWER[6:10], 1), strict=True) for each in pair]
    app = TokensApp(finish(stream(asking(), told)))
    async with app.run_test(size=WIDE) as pilot:
        pane = await opened(pilot)
        assert [line for line in seen(pane) if line] == [
            *("  choice 1", "  The capital is Canberra", "  choice 2", "   construction·🦘 began")
        ]
        await pilot.press(*["right"] * 4, "y")
        assert pane.token == 1 and "token 2 of 8" in panel(app)
        assert app.copied == [" construction🦘 began"]


@pytest.mark.anyio
async def test_hostile_tokens_stay_inert() -> None:
    texts = [
        HOSTILE.encode(),
        b"\xff\xfe",
        b"",
        "e\u0301\u0301".encode(),
        b"x" * 50_000,
        "字".encode() * 100,
        b"\r\n\t",
    ]
    app = TokensApp(answered([(text, 0.1) for text in texts]))
    async with app.run_test(size=(60, 20)) as pilot:
        pane = await opened(pilot)
        for _ in texts:
            text = "".join([*seen(pane), panel(app)]).replace("\n", "")
            assert not set(text) & set("\x1b\x07\x9b\u202e\u2066\t\r")
            await pilot.press("right")
        assert pane.token == len(texts) - 1


@pytest.mark.anyio
async def test_a_long_answer_is_read_in_slices() -> None:
    entries = [entry(f" {number % 97}".encode(), 0.3 + number % 7 / 10, {}) for number in range(100)]
    app = TokensApp(finish(stream(asking(), [chunk(entries)] * 300)))
    async with app.run_test(size=WIDE) as pilot:
        app.detail.active = "tokens"
        await pilot.pause()
        pane = app.detail.query_one(TokenPane)
        assert app.detail.tab.unfinished
        assert 0 < pane.lines.count < 30_000 and seen(pane)[1]
        pane.focus()
        await pilot.press("end")
        await read_all(pilot)
        assert pane.lines.count == 30_000 and pane.token == 29_999
        assert "token 30,000 of 30,000" in panel(app)
        assert pane.visible_lines[-1] == pane.line_count() - 1


@pytest.mark.anyio
async def test_the_keys_of_the_screen_give_way_while_the_tokens_have_the_focus() -> None:
    app, _ = app_on([answered(ANSWER)])
    async with app.run_test(size=WIDE) as pilot:
        await settle(pilot)
        await pilot.press("3", "enter")
        assert main(pilot).query_one(Detail).active == "tokens"
        offered = {name: each.binding.id for name, each in main(pilot).active_bindings.items()}
        assert (offered["b"], offered["t"], offered["a"]) == ("tokens.break", "tokens.type", "tokens.all")
        assert (offered["n"], offered["enter"], offered["escape"]) == ("tokens.doubtful", "tokens.fork", "view.back")


@pytest.mark.anyio
async def test_all_alternatives_in_a_small_terminal() -> None:
    others = {b"o%d" % place: 0.3 / 2**place for place in range(16)}
    app = TokensApp(finish(stream(asking(), [chunk([entry(b"yes", 0.36, others)])])))
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        assert "o3" in panel(app) and "o9" not in panel(app) and "12 more" in panel(app)
        await pilot.press("a")
        await frames(pilot)
        assert all(f"o{place}" in panel(app) for place in range(16))
        await pilot.press("a")
        await frames(pilot)
        assert "o9" not in panel(app)
