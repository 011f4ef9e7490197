"""The Diff tab: what a flow is compared with, and what is shown of the difference."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow, Reason, Response
from inspector.model.message import Prompt
from inspector.store import transcripts
from inspector.store.alignment import Steps
from inspector.store.diff import Change, Piece, compare, compare_prompts
from inspector.store.flows import FlowStore
from inspector.store.lane import Lane, Place
from inspector.tui import diff_tab
from inspector.tui.detail import Detail
from inspector.tui.diff_lines import diff_lines
from inspector.tui.diff_tab import DiffPane
from inspector.tui.spans import plain, width_of
from inspector.tui.text import printable
from tests.tui.detail_app import (
    HOSTILE,
    DetailApp,
    anthropic_flow,
    begin,
    feed,
    frames,
    read_all,
    seen,
    sse,
    text_events,
)

pytestmark = pytest.mark.anyio


def answered(flow_id: str, *texts: str, parent: str | None = None, ask: str = "hello") -> Flow:
    """A flow that was asked something and answered."""
    flow = begin(anthropic_flow([{"role": "user", "content": ask}], flow_id=flow_id))
    flow.parent = parent
    feed(flow, store_of(flow), sse("message_start", message={"id": "m", "content": []}), *text_events(texts))
    return flow


def store_of(flow: Flow) -> FlowStore:
    """A store with one flow."""
    store = FlowStore()
    store.add(flow)
    flow.seq = 0
    return store


class DiffApp(DetailApp):
    """The detail with its Diff tab open on the last flow."""

    def __init__(self, *flows: Flow) -> None:
        super().__init__(*flows)
        self.detail = Detail(self.detail.tab.transcripts, store=self.store)

    async def on_ready(self) -> None:
        """Show the last flow."""
        self.detail.show(list(self.store)[-1])
        self.detail.active = "diff"


async def test_a_child_is_compared_with_its_original_by_word() -> None:
    app = DiffApp(
        answered("a", "I run ", "rm -rf /build", ask="go"), answered("b", "I run rm -rf build", parent="a", ask="go")
    )
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        text = "\n".join(seen(app.detail.tab.pane))
    assert text.startswith("- #1      its original") and "+ #2      this one" in text
    assert "- I run rm -rf /build" in text and "+ I run rm -rf build" in text
    assert "1 of 1 differ so far" in text
    assert "request  the same" in text


async def test_an_edited_flow_is_compared_with_what_it_would_have_been() -> None:
    flow = answered("a", "the upstream's words", ask="as asked")
    flow.forwarded = flow.request.with_body(bytes(flow.request.body).replace(b"as asked", b"as forwarded"))
    assert flow.response is not None
    changed = bytes(flow.response.body).replace(b"upstream's", b"person's")
    flow.delivered = Response(200, flow.response.headers, "OK", Capture(changed))
    app = DiffApp(flow)
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        text = "\n".join(seen(app.detail.tab.pane))
    assert text.startswith("-         before it was changed")
    assert "- the upstream's words" in text and "+ the person's words" in text
    assert "- as asked" in text and "+ as forwarded" in text


async def test_marked_flows_can_be_chosen_and_the_choice_stays() -> None:
    first, second, third = answered("a", "one"), answered("b", "two"), answered("c", "three", parent="a")
    second.marked = True
    app = DiffApp(first, second, third)
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        assert "#1" in seen(app.detail.tab.pane)[0]
        await pilot.press("c")
        await frames(pilot)
        assert "#2      marked" in seen(app.detail.tab.pane)[0]
        app.detail.show(first)
        app.detail.show(third)
        await frames(pilot)
        assert "#2      marked" in seen(app.detail.tab.pane)[0]


async def test_it_grows_with_the_answer() -> None:
    first, second = answered("a", "one two"), answered("b", "one ", parent="a")
    app = DiffApp(first, second)
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        feed(second, app.store, sse("content_block_delta", index=0, delta={"type": "text_delta", "text": "two"}))
        tab = app.detail.tab
        while tab.unfinished:
            await frames(pilot)
        assert "answer  the same" in "\n".join(seen(tab.pane))


async def test_alone_it_says_what_to_do() -> None:
    app = DiffApp(answered("a", "one"))
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        assert "Nothing to compare" in seen(app.detail.tab.pane)[0]
        await pilot.press("c")


async def test_hostile_words_are_shown_and_do_nothing() -> None:
    app = DiffApp(answered("a", HOSTILE), answered("b", HOSTILE + " more", parent="a"))
    async with app.run_test(size=(60, 30)) as pilot:
        await frames(pilot)
        text = "".join(seen(app.detail.tab.pane))
    assert "\x1b" not in text and "\u202e" not in text
    assert "␛[31mred" in text


async def test_what_has_not_come_yet_is_not_gone() -> None:
    app = DiffApp(answered("a", "one two three"), answered("b", "one two", parent="a"))
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        assert "answer  the same so far" in seen(app.detail.tab.pane)
        app.detail.flow.finish(500.0, Reason.DONE, "upstream")  # type: ignore[union-attr]
        app.store.touch(list(app.store)[-1])
        while app.detail.tab.unfinished:
            await frames(pilot)
        assert "  - one two three" in seen(app.detail.tab.pane)


async def test_settings_stand_on_one_line_and_arguments_are_compared_by_line() -> None:
    calls = [
        {"type": "tool_use", "id": "1", "name": "Bash", "input": {"command": word, "n": 1}} for word in ("ls", "rm")
    ]
    first, second = (
        begin(anthropic_flow([{"role": "assistant", "content": [call]}], flow_id=name, temperature=heat, model=name))
        for name, heat, call in zip("ab", (1, 0.2), calls, strict=True)
    )
    second.parent = "a"
    app = DiffApp(first, second)
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        text = "\n".join(seen(app.detail.tab.pane))
    assert "model changed  a  →  b" in text and "temperature changed  1  →  0.2" in text
    assert '-   "command": "ls",' in text and '+   "command": "rm",' in text


async def test_a_long_prompt_is_drawn_in_slices_and_to_its_end() -> None:
    def turns(word: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": f"{number} {word} " + "x y " * 200} for number in range(400)]

    first, second = (begin(anthropic_flow(turns(word), flow_id=word)) for word in ("a", "b"))
    second.parent = "a"
    app = DiffApp(first, second)
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        tab = app.detail.tab
        while tab.unfinished:
            await frames(pilot, 1)
        assert isinstance(tab.pane, DiffPane)
        assert sum(plain(line).startswith("  + ") for line in tab.pane.lines) == 400


@pytest.mark.parametrize("before", ["word " * 200_000, "line\n" * 200_000, '{"a":"' + "x\\n" * 300_000])
def test_a_megabyte_comes_to_few_lines(before: str) -> None:
    middle = len(before) // 2
    after = f"{before[:middle]} CHANGED {before[middle:]}"
    lines = list(diff_lines("request", compare([Piece("user", "", before)], [Piece("user", "", after)]), 80))
    assert len(lines) < 400
    assert "CHANGED" in "\n".join(plain(line) for line in lines)


@pytest.mark.parametrize("text", ["a" * 1_000_000, "line\n" * 200_000])
def test_a_megabyte_that_is_gone_is_cut(text: str) -> None:
    lines = list(diff_lines("request", compare([Piece("user", "", text)], []), 80))
    assert len(lines) < 600
    assert any("⋯" in plain(line) for line in lines)


@given(st.text("ab \n\t漢\x1b", max_size=60), st.text("ab \n\t漢\x1b", max_size=60), st.integers(12, 40))
def test_no_line_is_wider_than_the_pane(before: str, after: str, width: int) -> None:
    changes = compare([Piece("user", "", before)], [Piece("user", "", after)])
    for line in list(diff_lines("answer", changes, width))[2:]:
        assert width_of(line) <= max(width, 14)
        assert all(text == printable(text) for _, text in line)


@given(st.lists(st.sampled_from(["one", "two", " ", ",", "漢字"]), max_size=40), st.integers(20, 50))
def test_a_new_text_loses_no_word(pieces: list[str], width: int) -> None:
    text = "".join(pieces)
    lines = list(diff_lines("answer", compare([], [Piece("user", "", text)]), width))[2:-1]
    assert "".join("".join(plain(line)[4:] for line in lines).split()) == "".join(text.split())


async def test_a_turn_is_compared_with_the_one_before_it_the_prompt_first() -> None:
    talk = [{"role": "user", "content": f"message {number}"} for number in range(40)]
    more = [*talk, {"role": "assistant", "content": "the answer"}, {"role": "user", "content": "and more"}]
    first, second = (begin(anthropic_flow(each, flow_id=name)) for name, each in (("a", talk), ("b", more)))
    marked = answered("c", "one")
    marked.marked = True
    app = DiffApp(first, marked, second)
    lane = Lane("a", flows=[first, second])
    app.detail.tab.transcripts.placed_by = lambda flow: Place(lane, previous=first if flow is second else None)
    async with app.run_test(size=(80, 24)) as pilot:
        await frames(pilot, 4)
        lines = seen(app.detail.tab.pane)
        assert lines[0].startswith("- #1      last turn") and lines[2] == "c against marked #2  (1 of 2)"
        assert lines[4] == "request  2 of 45 differ"
        assert "  ⋯ 43 unchanged" in lines and "  + and more" in lines
        assert lines.index("  + and more") < next(i for i, line in enumerate(lines) if line.startswith("answer"))
        await pilot.press("c")
        await frames(pilot)
        assert seen(app.detail.tab.pane)[0].startswith("- #2      marked")


async def test_the_original_comes_before_the_last_turn() -> None:
    first, second = answered("a", "one"), answered("b", "two")
    third = answered("c", "three", parent="a")
    app = DiffApp(first, second, third)
    app.detail.tab.transcripts.placed_by = lambda flow: Place(Lane("a"), previous=second)
    async with app.run_test(size=(100, 30)) as pilot:
        await frames(pilot)
        assert "its original" in seen(app.detail.tab.pane)[0]
        await pilot.press("c")
        await frames(pilot)
        assert "#2      last turn" in seen(app.detail.tab.pane)[0]


async def test_large_flows_are_read_before_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.store.transcripts.LARGE", 1)
    app = DiffApp(answered("a", "one", ask="go"), answered("b", "two", parent="a", ask="go"))
    app.detail.tab.transcripts.ready(next(iter(app.store)))
    async with app.run_test(size=(100, 30)) as pilot:
        for _ in range(2000):
            await frames(pilot, 1)
            if not app.detail.tab.unfinished:
                break
            await asyncio.sleep(0.005)
        assert "request  the same" in "\n".join(seen(app.detail.tab.pane))


async def test_large_prompts_are_compared_beside_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "LARGE", 1)
    threads: list[str] = []

    def noted(*prompts: Prompt) -> Steps[list[Change]]:
        threads.append(threading.current_thread().name)
        return (yield from compare_prompts(*prompts))

    monkeypatch.setattr(diff_tab, "compare_prompts", noted)
    app = DiffApp(answered("a", "yes", ask="go"), answered("b", "yes", parent="a", ask="stop"))
    async with app.run_test(size=(100, 30)) as pilot:
        await read_all(pilot)
        text = "\n".join(seen(app.detail.tab.pane))
        assert "request  1 of 4 differ" in text, text
        assert "ahead" in threads
