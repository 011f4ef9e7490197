"""The list: it follows until the person moves, and then the cursor stays on its flow, whatever arrives."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual import events
from textual.widgets import Input

from inspector.model.flow import Flow, Mutation, Reason
from inspector.model.headers import Headers
from inspector.store import price_list
from inspector.store.summary import Summary
from inspector.tui.list_heads import ListHeads
from inspector.tui.rows import cells
from tests.dialects.read_tokens import probable
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream
from tests.tui.screens import app_on, flow_list, main, settle, text_of

SIZE = (120, 30)


def flows(number: int) -> list[Flow]:
    """Flows that are done."""
    return [done_chat(f"f{index}", prompt=f"question {index}") for index in range(1, number + 1)]


@pytest.mark.anyio
async def test_it_follows_the_newest_flow_until_the_person_moves() -> None:
    app, store = app_on(flows(3))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        shown = flow_list(pilot)
        assert shown.current is store.get("f3")
        store.add(done_chat("f4"))
        await settle(pilot)
        assert shown.current is store.get("f4")
        await pilot.press("k")
        assert shown.current is store.get("f3")
        for number in range(5, 60):
            store.add(done_chat(f"f{number}"))
        await settle(pilot)
        assert shown.current is store.get("f3")
        assert shown.newer == 56
        await pilot.press("G")
        assert shown.current is store.get("f59")
        store.add(done_chat("f60"))
        await settle(pilot)
        assert shown.current is store.get("f60")
        assert "60" in text_of(shown)[-1]


@pytest.mark.anyio
async def test_new_rows_do_not_move_what_the_person_looks_at() -> None:
    app, store = app_on(flows(50))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("home", "pagedown", "pagedown", "k")
        shown = flow_list(pilot)
        before = shown.current
        assert before is not None
        line = next(index for index, text in enumerate(text_of(shown)) if text.startswith("▌"))
        for number in range(51, 80):
            store.add(done_chat(f"f{number}"))
        await settle(pilot)
        assert shown.current is before
        assert text_of(shown)[line].startswith("▌")


@pytest.mark.anyio
async def test_the_cursor_returns_to_its_flow_after_a_filter_hid_it() -> None:
    app, store = app_on(flows(9))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("home", "j", "j", "j")
        shown = flow_list(pilot)
        assert shown.current is store.get("f4")
        main(pilot).query_one(Input).value = "seq:7..9"
        await settle(pilot)
        assert shown.current is store.get("f7")
        main(pilot).query_one(Input).value = ""
        await settle(pilot)
        assert shown.current is store.get("f4")


@pytest.mark.anyio
async def test_a_live_row_tells_how_far_it_is() -> None:
    flow = chat_flow("f1", agent="codex", model="gpt-5-mini-2025-08-07")
    app, store = app_on([flow])
    async with app.run_test(size=(180, 30)) as pilot:
        await settle(pilot)
        assert "○ waiting" in text_of(flow_list(pilot))[0]
        respond(flow)
        stream(flow, chat_chunks(["The loop ", "keeps the last token"], usage=None, finish=None))
        store.touch(flow)
        await settle(pilot)
        row = text_of(flow_list(pilot))[0]
        assert "● stream" in row
        assert "~8" in row
        assert row.rstrip().endswith("The loop keeps the last token")
        assert "codex" in row
        assert "gpt-5-mini " in row
        stream(flow, chat_chunks([], tool=("Bash", '{"command": "ls"}'), finish="tool_calls"), start=600.0)
        finish(flow)
        store.touch(flow)
        await settle(pilot)
        row = text_of(flow_list(pilot))[0]
        assert "✓ tool_calls" in row
        assert " 20 " in row
        assert "80%" in row
        assert "Bash" in row


@pytest.mark.anyio
async def test_a_refusal_says_when_to_ask_again_and_an_answer_what_it_cost() -> None:
    price_list.prepare(wait=True)
    refused = respond(chat_flow("refused", prompt="Another"), 429, "application/json")
    assert refused.response is not None
    refused.response.headers = Headers([("retry-after", "12")])
    stream(refused, [b'{"error": {"type": "rate_limit", "message": "slow down"}}'])
    app, _ = app_on([finish(refused), done_chat("dear", chunks=chat_chunks(usage=(1_000_000, 10_000, 0)))])
    async with app.run_test(size=(160, 12)) as pilot:
        await settle(pilot)
        rows = text_of(flow_list(pilot))
        assert "✗ 429" in rows[0] and "retry in 12s · rate_limit: slow down" in rows[0]
        assert "retry" not in rows[1] and "$0.270" in rows[1]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reason", "status", "shown"),
    [
        (Reason.DONE, 529, "✗ 529"),
        (Reason.UPSTREAM_RESET, 200, "✗ cut"),
        (Reason.UPSTREAM_UNREACHABLE, None, "✗ unreachable"),
        (Reason.UNROUTED, None, "✗ no route"),
        (Reason.CLIENT_GONE, 200, "⊘ cancelled"),
        (Reason.DONE, 200, "✓ 200"),
    ],
)
async def test_each_end_has_a_glyph_and_a_word(reason: Reason, status: int | None, shown: str) -> None:
    flow = chat_flow()
    flow.dialect = "raw"
    if status is not None:
        respond(flow, status, "text/plain")
    app, _ = app_on([finish(flow, reason)])
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert shown in text_of(flow_list(pilot))[0]


@pytest.mark.anyio
async def test_hostile_text_is_inert() -> None:
    hostile = "[red]not red[/red] \x1b[31mcolour\x1b]52;c;aGk=\x07 \u202edesrever\u2066 \x00\r\n end"
    flow = done_chat("f1", chunks=chat_chunks([hostile]), agent="[b]agent\x1b[2J", model="\u202emodel", prompt=hostile)
    app, _ = app_on([flow])
    async with app.run_test(size=(220, 30)) as pilot:
        await settle(pilot)
        row = text_of(flow_list(pilot))[0]
        assert "[red]not red[/red]" in row
        assert "[b]agent␛[" in row
        assert "␛[31m" in row
        assert "‹U+202E›" in row
        for screen_row in range(30):
            for segment in app.screen._compositor.render_strips()[screen_row]:
                assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in segment.text)
                assert not set("\u202e\u2066\u200b") & set(segment.text)


@pytest.mark.anyio
@pytest.mark.parametrize("width", [20, 40, 79, 80, 131, 200])
async def test_wide_characters_keep_the_columns_in_line(width: int) -> None:
    words = "数える漢字👩‍👩‍👧 e\u0301 " * 20
    app, _ = app_on([done_chat("f1", chunks=chat_chunks([words]), agent="日本語の代理人です", model="模型" * 20)])
    async with app.run_test(size=(width, 24)) as pilot:
        await settle(pilot)
        shown = flow_list(pilot)
        assert all(cell_len(line) == shown.width for line in text_of(shown))


@pytest.mark.anyio
async def test_the_mouse_selects_and_opens() -> None:
    app, store = app_on(flows(5))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        shown = flow_list(pilot)
        await pilot.click(shown, offset=(10, 1))
        assert shown.current is store.get("f2")
        assert not main(pilot).zoomed
        await pilot.click(shown, offset=(10, 1), times=2)
        assert main(pilot).zoomed


@pytest.mark.anyio
async def test_looking_back_with_the_wheel_ends_the_following() -> None:
    app, store = app_on(flows(60))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        shown = flow_list(pilot)
        top = shown.scroll_offset.y
        assert top > 0
        shown.post_message(events.MouseScrollUp(shown, 5, 2, 0, -1, 0, False, False, False))
        await pilot.pause()
        await pilot.wait_for_animation()
        assert not shown.following
        store.add(done_chat("f61"))
        await settle(pilot)
        assert shown.scroll_offset.y < top


@pytest.mark.anyio
async def test_tokens_have_columns_as_soon_as_a_flow_tells_of_them() -> None:
    app, store = app_on(flows(2))
    async with app.run_test(size=(190, 30)) as pilot:
        await settle(pilot)
        heads = main(pilot).query_one(ListHeads)
        before = text_of(heads)[0].split()
        assert "ppl" not in before
        store.add(done_chat("f3", chunks=[probable("a", 0.0), probable("b", -2.0)]))
        for _ in range(3):
            await settle(pilot)
        told = text_of(heads)[0].split()
        assert [word for word in told if word not in before] == ["p", "ppl"]
        first, _, third = text_of(flow_list(pilot))[:3]
        assert "  57%   2.72  " in third
        assert "  –      –  " in first


def test_how_sure_a_model_was_takes_few_cells() -> None:
    def shown(perplexity: float | None) -> str:
        return cells(chat_flow(), Summary(perplexity=perplexity), 0.0)["ppl"].text

    numbers = (None, 1.0, 9.99, 9.996, 123.4, 52_000.0, 1e300)
    assert [shown(number) for number in numbers] == ["–", "1.00", "9.99", "10", "123", "52k", "∞"]


def test_a_model_that_was_asked_in_the_place_of_another() -> None:
    summary = Summary(model="openai/gpt-5-mini", asked_model="claude-opus-4-5-20251101")
    cell = cells(chat_flow(), summary, 0.0)["model"]
    assert (cell.text, cell.tail) == ("opus-4-5→gpt-5-mini", True)


def test_marked_and_edited_flows_have_a_sign_before_their_number() -> None:
    flow = chat_flow()
    flow.seq = 42
    assert cells(flow, Summary(), 0.0)["seq"].text == "42"
    flow.mutations.append(Mutation("credential", "config"))
    assert cells(flow, Summary(), 0.0)["seq"].text == "42"
    flow.mutations.append(Mutation("tool call", "hand"))
    assert cells(flow, Summary(), 0.0)["seq"].text == "✎42"
    flow.marked, flow.label = True, "42.1"
    assert cells(flow, Summary(), 0.0)["seq"].text == "*42.1"
