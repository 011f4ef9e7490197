"""The Diff tab: what a flow is compared with, and what is shown of the difference."""

from __future__ import annotations

import pytest

from inspector.model.flow import Capture, Flow, Response
from inspector.store.flows import FlowStore
from inspector.tui.detail import Detail
from tests.tui.detail_app import HOSTILE, DetailApp, anthropic_flow, begin, feed, frames, seen, sse, text_events

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
    assert "#2 against its original, #1" in text
    assert "- I run rm -rf /build" in text and "+ I run rm -rf build" in text
    assert "1 of 1 differ" in text
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
    assert "against before it was changed" in text
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
        assert "marked #2" in seen(app.detail.tab.pane)[0]
        app.detail.show(first)
        app.detail.show(third)
        await frames(pilot)
        assert "marked #2" in seen(app.detail.tab.pane)[0]


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
