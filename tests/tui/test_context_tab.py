"""The Context tab: its verdict, its bars, the difference, the past; live, hostile, narrow and very large."""

from __future__ import annotations

import time
from copy import deepcopy
from types import SimpleNamespace

import pytest

from inspector.model.flow import Flow
from inspector.store import price_list
from inspector.store.transcripts import Transcripts
from inspector.tui import context_tab
from inspector.tui.detail import Detail
from inspector.tui.spans import width_of
from inspector.tui.text import printable
from tests.handmade import done_chat
from tests.store.turns import Json, answer_with, assistant, lane_of, message, result, text, turn, use, user
from tests.tui.detail_app import HOSTILE, DetailApp, frames, read_all, seen

pytestmark = pytest.mark.anyio

MARK = {"cache_control": {"type": "ephemeral"}}
TOOLS: list[Json] = [
    {"name": name, "description": f"Does {name}. " * 60, "input_schema": {}} for name in ("Read", "Bash", "Edit")
]


@pytest.fixture(autouse=True)
def prices() -> None:
    """Prices are known."""
    price_list.prepare(wait=True)


def usage(read: int, written: int) -> Json:
    """Anthropic's counts."""
    return {
        "input_tokens": 12,
        "output_tokens": 5,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
    }


def lane(
    *, altered: bool = False, answered: bool = True, words: str = "def parse(): return node\n" * 200
) -> list[Flow]:
    """Three turns, of which the last may send back another result than it got."""
    flows: list[Flow] = []
    messages = [user(text("Repair the parser"))]
    for number in (1, 2, 3):
        asked = deepcopy(messages)
        if altered and number == 3:
            asked[2]["content"][0]["content"] = words.replace("node", "None", 1)
        asked[-1]["content"][-1].update(MARK)
        body = {"system": [{**text("You are careful."), **MARK}], "tools": TOOLS, "messages": asked}
        blocks = [text(f"I look at it {number}."), use(f"toolu_{number}", file_path=f"parser{number}.py")]
        broken = altered and number == 3
        counts = usage(
            1000 if broken else 2000 * (number - 1), 2000 * number - (1000 if broken else 2000 * (number - 1))
        )
        answer = message(*blocks, usage=counts) if answered or number < 3 else None
        flows.append(turn("anthropic", body, answer, number=number, at=number * 20.0))
        messages += [assistant(*blocks), user(result(f"toolu_{number}", words))]
    return flows


class ContextApp(DetailApp):
    """The detail with its Context tab open on the last turn of a lane."""

    def __init__(self, *flows: Flow, transcripts: Transcripts | None = None, theme: str = "inspector-dark") -> None:
        super().__init__(*flows, theme=theme)
        self.detail = Detail(transcripts or lane_of(*flows), store=self.store)

    async def on_ready(self) -> None:
        """Show the last flow."""
        self.detail.show(list(self.store)[-1])
        self.detail.active = "context"


async def shown(*flows: Flow, size: tuple[int, int] = (100, 70), transcripts: Transcripts | None = None) -> str:
    """What the tab shows of the last of some flows."""
    app = ContextApp(*flows, transcripts=transcripts)
    async with app.run_test(size=size) as pilot:
        await read_all(pilot)
        return "\n".join(seen(app.detail.tab.pane))


async def test_a_turn_that_goes_on_is_said_to_be_well() -> None:
    words = await shown(*lane())
    assert words.startswith("6k tokens in the window · 67% from cache · prefix kept\n")
    assert "kept    all of #2's" in words
    assert "cache   read 4,000 of the 4,000 tokens left there" in words
    assert "all that was said and seen is sent back as it was" in words
    assert "new  since #2: ~" in words
    assert "messages[4].content[0].content" in words
    assert "turn 1 – 3, ▲ this one" in words


async def test_a_changed_result_breaks_the_cache_and_tells_where_and_for_how_much() -> None:
    words = await shown(*lane(altered=True), size=(120, 80))
    verdict = words.split("\n\n")[0]
    assert "cache broken at messages[2].content[0].content" in verdict
    assert "~3k tokens read again, $0.013 more" in verdict
    assert "history: 1 altered" in verdict
    assert "differs at messages[2].content[0].content  20 characters in, at byte" in words
    assert "-     #2 def parse(): return node" in words
    assert "+    now def parse(): return None" in words
    assert "altered       messages[2].content[0].content" in words
    assert "cost    ~3,000 tokens read again: $0.013 more than from the cache" in words


async def test_what_fills_the_window_is_told_by_kind_and_name() -> None:
    words = await shown(*lane())
    rows = [line.split() for line in words.splitlines()]
    kinds = [row[0] for row in rows if len(row) > 2 and row[1].startswith("~")]
    assert [kind for kind in kinds if kind in ("system", "user", "files", "model")] == [
        "system",
        "user",
        "files",
        "model",
    ]
    assert [kind for kind in kinds if kind in ("tools", "Read", "Bash", "Edit")][:4] == [
        "tools",
        "Read",
        "Bash",
        "Edit",
    ]
    assert "parser1.py" in words
    # The bar at the top has the kinds' names in it.
    assert any("▏tools" in line and "▏files" in line for line in words.splitlines())


async def test_a_live_turn_is_predicted_and_then_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_tab, "EVERY", 0.0)
    flows = lane(altered=True, answered=False)
    app = ContextApp(*flows)
    async with app.run_test(size=(140, 60)) as pilot:
        await read_all(pilot)
        words = "\n".join(seen(app.detail.tab.pane))
        assert "cache will be broken at messages[2].content[0].content" in words
        assert "tokens to be read again" in words
        assert words.startswith("~")
        answer_with(flows[-1], message(text("ok"), usage=usage(1000, 5000)))
        app.store.touch(flows[-1])
        await read_all(pilot)
        words = "\n".join(seen(app.detail.tab.pane))
        assert "cache broken at messages[2].content[0].content" in words
        assert words.startswith("6k tokens")


async def test_the_first_turn_and_a_flow_without_a_lane() -> None:
    flow = lane()[0]
    assert "the first turn" in await shown(flow)
    alone = await shown(flow, transcripts=Transcripts())
    assert "No earlier turn of this lane to compare with." in alone
    assert "growth by turn" not in alone


async def test_a_compaction_says_what_is_gone() -> None:
    first = lane()[2]
    second = turn("anthropic", {"messages": [user("Summary: it works now.")]}, number=4, at=100)
    words = await shown(first, second, transcripts=lane_of(first, second, compacted=True))
    assert "the history was compacted" in words
    assert "history replaced: 5 messages → 1" in words
    assert "the result of Read" in words


async def test_hostile_text_is_made_inert() -> None:
    flows = lane(words=f"{HOSTILE} {HOSTILE}")
    tools = [{"name": HOSTILE, "description": HOSTILE, "input_schema": {}}]
    messages = [
        user(text(HOSTILE)),
        assistant(text(HOSTILE[::-1]), use("t", HOSTILE, file_path=HOSTILE)),
        user(result("t", HOSTILE)),
    ]
    body = {"tools": tools, "messages": messages, HOSTILE: 1, "tool_choice": HOSTILE}
    hostile = turn("anthropic", body, number=4, at=90)
    app = ContextApp(*flows, hostile)
    async with app.run_test(size=(160, 90)) as pilot:
        await read_all(pilot)
        pane = app.detail.tab.pane
        for index in range(pane.line_count()):
            line = pane.line(index, pane.width)
            assert all(text == printable(text) for _, text in line)
        assert "␛[31m" in "\n".join(seen(pane))


@pytest.mark.parametrize("size", [(200, 50), (150, 40), (80, 24), (40, 20)])
async def test_it_fits_every_size(size: tuple[int, int]) -> None:
    app = ContextApp(*lane(altered=True))
    async with app.run_test(size=size) as pilot:
        await read_all(pilot)
        pane = app.detail.tab.pane
        shown_lines = seen(pane)
        assert "tokens in the window" in shown_lines[0]
        assert all(width_of([("", line)]) <= size[0] for line in shown_lines)
        if size[0] >= 150:
            assert any("fills the window" in line and "prefix and cache" in line for line in shown_lines)
        await pilot.resize_terminal(110, 60)
        await read_all(pilot)
        assert "prefix and cache" in "\n".join(seen(pane))


async def test_another_flow_shows_at_once_what_is_known_of_it() -> None:
    flows = lane()
    app = ContextApp(*flows, done_chat("c1"))
    async with app.run_test(size=(100, 40)) as pilot:
        for flow in (flows[2], flows[0], flows[2]):
            app.detail.show(flow)
            await read_all(pilot)
        assert "prefix kept" in seen(app.detail.tab.pane)[0]
        raw = done_chat("c2")
        raw.dialect = "raw"
        app.detail.show(raw)
        await frames(pilot)
        assert seen(app.detail.tab.pane)[0] == "This is no request to a model: it has no context."


async def test_a_long_prompt_is_worked_out_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [each for n in range(400) for each in (user(f"{n} " + "x" * 500), assistant(f"y{n}"))]
    first = turn("anthropic", {"messages": messages}, message(text("ok")))
    second = turn("anthropic", {"messages": [*messages, assistant("ok"), user("on")]}, message(text("ok")), number=2)
    clock = iter(range(10**9))
    # A frame's time is over at the first look: each one does a step, and a person sees that it goes on.
    timer = SimpleNamespace(perf_counter=lambda: next(clock) * 0.005, monotonic=time.monotonic)
    monkeypatch.setattr(context_tab, "time", timer)
    app = ContextApp(first, second)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert "reading the prompt" in "\n".join(seen(app.detail.tab.pane))
        assert app.detail.tab.unfinished
        count = 0
        while app.detail.tab.unfinished:
            app.detail.pull()
            count += 1
        assert count > 100
        await pilot.pause()
        assert "prefix kept" in seen(app.detail.tab.pane)[0]


async def test_a_request_that_still_comes_and_one_whose_history_the_provider_keeps() -> None:
    flow = lane(answered=False)[2]
    flow.timing.received = None
    app = ContextApp(flow)
    async with app.run_test(size=(100, 40)) as pilot:
        await frames(pilot)
        assert seen(app.detail.tab.pane)[0] == "the request is still coming"
        flow.timing.received = 1.0
        app.store.touch(flow)
        await read_all(pilot)
        assert "tokens in the window" in seen(app.detail.tab.pane)[0]
    ask = [{"role": "user", "content": "on"}]
    first = turn("responses", {"input": ask}, {"id": "r", "object": "response", "status": "completed", "output": []})
    second = turn("responses", {"input": ask, "previous_response_id": "r"}, number=2)
    words = await shown(first, second)
    assert "the provider keeps the history" in words
    assert "this request sends only what is new" in words
