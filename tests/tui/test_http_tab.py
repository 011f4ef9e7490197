"""Request and Response: headers masked, bodies as trees, text or hex, however large, and both sides of a change."""

from __future__ import annotations

import gzip
import json

import pytest

from inspector.model.flow import Capture, Flow, Mutation, Reason
from inspector.model.headers import Headers
from inspector.tui.body_lines import HexLines, TextLines, TreeLines, body_lines
from inspector.tui.decoded_copy import DecodedCopy
from inspector.tui.http_pane import MOST_COPIED, HttpPane
from inspector.tui.json_tree import ROW_LIMIT
from inspector.tui.spans import plain
from inspector.tui.status_line import StatusLine
from tests.captures import capture_flows
from tests.tui.detail_app import HOSTILE, DetailApp, anthropic_flow, begin, feed, frames, read_all, seen, sse

SIZE = (100, 40)


def screen_of(app: DetailApp) -> str:
    """What the open tab shows."""
    return "\n".join(seen(app.detail.tab.pane))


def answered(body: bytes, content_type: str = "application/json", encoding: str = "") -> Flow:
    """A flow with a whole response."""
    flow = begin(anthropic_flow([]), content_type, {"content-encoding": encoding} if encoding else {})
    assert flow.response is not None
    if body:
        flow.response.body.append(100.0, body)
    flow.finish(200.0, Reason.DONE, "upstream")
    return flow


@pytest.mark.anyio
async def test_a_request_with_its_headers_and_tree() -> None:
    app = DetailApp(anthropic_flow([{"role": "user", "content": "first line\nsecond line"}]))
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "request"
        await read_all(pilot)
        text = screen_of(app)
        assert "POST https://api.anthropic.com/v1/messages" in text
        assert "sk-a...ghij" in text and "0123456789" not in text
        assert 'model  "claude-opus-4-5"' in text
        await pilot.press("end", "enter", "down", "down", "enter")
        await frames(pilot)
        assert app.detail.tab.query_one(StatusLine).render_line(0).text.strip() == "messages[0].content"
        assert "│ first line\n" in screen_of(app) and "│ second line" in screen_of(app)
        await pilot.press("y")
        assert app.clipboard == "first line\nsecond line"
        await pilot.press("Y")
        assert app.clipboard == "messages[0].content"
        await pilot.press("z", "z")
        await read_all(pilot)
        assert "│ first line" not in screen_of(app)


@pytest.mark.anyio
async def test_both_sides_of_a_changed_request() -> None:
    flow = anthropic_flow([{"role": "user", "content": "before"}])
    flow.forwarded = flow.request.copy(
        headers=flow.request.headers.set("x-added", "by us"), body=Capture(b'{"changed": true}')
    )
    flow.mutations.append(Mutation("body", "rule", "before", "after"))
    app = DetailApp(flow, anthropic_flow([], flow_id="f2"))
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "request"
        await read_all(pilot)
        assert "as received" in screen_of(app) and "✎ body changed by rule  before → after" in screen_of(app)
        assert "x-added" not in screen_of(app)
        await pilot.press("o")
        await read_all(pilot)
        assert "as forwarded" in screen_of(app) and "x-added" in screen_of(app) and "changed  true" in screen_of(app)
        app.detail.show(app.store.get("f2"))
        await read_all(pilot)
        assert app.detail.tab.check_action("turn", ()) is False
        assert "as received" not in screen_of(app)


@pytest.mark.anyio
async def test_a_response_that_grows_becomes_a_tree_when_it_is_whole() -> None:
    flow = anthropic_flow([])
    app = DetailApp(flow)
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "response"
        await frames(pilot)
        assert "no response yet" in screen_of(app)
        begin(flow, "application/json")
        feed(flow, app.store, b'{"content": [{"text": "Hel')
        await frames(pilot)
        assert '{"content": [{"text": "Hel' in screen_of(app) and "growing" in screen_of(app)
        feed(flow, app.store, b'lo"}]}')
        flow.finish(300.0, Reason.DONE, "upstream")
        app.store.touch(flow)
        await read_all(pilot)
        assert '▸ 0  {1} {"text": "Hello"}' in screen_of(app)


@pytest.mark.anyio
async def test_a_stream_is_shown_as_text_and_grows() -> None:
    flow = begin(anthropic_flow([]))
    app = DetailApp(flow)
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "response"
        for number in range(3):
            feed(flow, app.store, sse("ping", number=number))
            await frames(pilot)
        text = screen_of(app)
        assert text.count("event: ping") == 3 and '"number": 2' in text


@pytest.mark.anyio
async def test_a_large_body_is_seen_before_it_is_read() -> None:
    body = json.dumps({"messages": [{"role": "user", "content": "word " * 400} for _ in range(6000)]}).encode()
    app = DetailApp(answered(body))
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "response"
        await pilot.pause()
        assert "▸ 0" in screen_of(app)
        await read_all(pilot)
        pane = app.detail.query_one("#response HttpPane", HttpPane)
        assert pane.line_count() > 6000
        await pilot.press("end")
        await frames(pilot)
        assert "5999" in seen(pane)[-1]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"a": 1}', TreeLines),
        (b" \n[1, 2]", TreeLines),
        (b"plain words", TextLines),
        (b'{"a": \xff}', HexLines),
        (b"\x89PNG\r\n\x00\x00", HexLines),
        ("Grüße".encode(), TextLines),
        (b'"a string"', TextLines),
    ],
)
def test_what_a_body_is_shown_as(body: bytes, kind: type) -> None:
    assert isinstance(body_lines(bytearray(body), "", True, 80), kind)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (gzip.compress(b'{"packed": true}', mtime=0), "gzip", "packed  true"),
        (b'{"plain": true}', "gzip", "plain  true"),
        (b'{"plain": true}', "martian", "plain  true"),
        (b"", "", "no body"),
        (b"\x00\x01" * 100_000, "", "00 01 00 01"),
    ],
)
async def test_encodings_wrong_labels_and_empty_bodies(body: bytes, encoding: str, expected: str) -> None:
    app = DetailApp(answered(body, encoding=encoding))
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "response"
        await read_all(pilot)
        assert expected in screen_of(app)
        if body.startswith(b"\x00"):
            await pilot.press("end")
            await frames(pilot)
            assert "… the first 65.5kB of 200kB" in screen_of(app)


def test_it_is_said_that_not_everything_is_unfolded() -> None:
    lines = body_lines(bytearray(b"[" + b"1," * (ROW_LIMIT + 5) + b"1]"), "", True, 80)
    while lines.busy:
        lines.advance(0.05)
    assert lines.note == "only the first 200,000 values are unfolded"
    assert body_lines(bytearray(b"[1]"), "", True, 80).note == ""


def test_a_copy_is_decoded_piece_by_piece_and_to_the_same_bytes() -> None:
    packed = gzip.compress(b"words " * 5000, mtime=0)
    body = Capture()
    flow = answered(b"", encoding="gzip")
    assert flow.response is not None
    copy = DecodedCopy(flow.response.headers, body)
    for start in range(0, len(packed), 7):
        body.append(float(start), packed[start : start + 7])
        copy.update(ended=False)
    copy.update(ended=True)
    assert (bytes(copy.data), copy.note) == (b"words " * 5000, "")


def test_a_copy_that_breaks_off_says_so() -> None:
    flow = answered(gzip.compress(b"words " * 5000, mtime=0)[:-9], encoding="gzip")
    assert flow.response is not None
    copy = DecodedCopy(flow.response.headers, flow.response.body)
    copy.update(ended=True)
    assert copy.data.startswith(b"words ") and copy.note


@pytest.mark.anyio
@pytest.mark.parametrize("size", [(100, 40), (20, 5)])
async def test_hostile_text_is_inert(size: tuple[int, int]) -> None:
    flow = anthropic_flow([{"role": "user", "content": HOSTILE}], system=HOSTILE)
    flow.request.headers = flow.request.headers.set("x-evil", HOSTILE)
    app = DetailApp(flow)
    async with app.run_test(size=size) as pilot:
        app.detail.active = "request"
        await pilot.press("z")
        await read_all(pilot)
        pane = app.detail.tab.pane
        for index in range(pane.line_count()):
            text = plain(pane.line(index, pane.width))
            assert not set(text) & set("\x1b\x07\x9b\u202e\u2066"), text


def test_every_capture_has_a_body_to_read() -> None:
    for flow in capture_flows():
        assert flow.response is not None
        for body in (flow.request.body, flow.response.body):
            lines = body_lines(body.data, "", True, 80)
            while lines.busy:
                lines.advance(0.05)
            assert len(lines) >= bool(len(body))
            assert all(lines.line(index) for index in range(min(len(lines), 50)) if lines.search_text(index))


@pytest.mark.anyio
async def test_what_the_client_got_where_more_was_asked_for() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "logprobs": {"content": []}}
    choice["logprobs"] = {"content": [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}]}
    flow = answered(json.dumps({"object": "chat.completion", "choices": [choice]}).encode())
    flow.dialect, flow.injected = "openai-chat", ("logprobs",)
    app = DetailApp(flow)
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "response"
        await read_all(pilot)
        assert "as it came" in screen_of(app)
        await pilot.press("z")
        await read_all(pilot)
        assert "-0.5" in screen_of(app)
        await pilot.press("o")
        await read_all(pilot)
        assert "as the client got it" in screen_of(app)
        assert '"logprobs": null' in screen_of(app) and "-0.5" not in screen_of(app)


@pytest.mark.anyio
async def test_rate_limits_stand_above_the_headers_as_words() -> None:
    flow = answered(b"{}")
    assert flow.response is not None
    told = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-unified-5h-utilization": "0.25",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-reset-tokens": "1m30s",
        "retry-after": "12",
    }
    flow.response.headers = Headers(told.items())
    app = DetailApp(flow)
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "response"
        await read_all(pilot)
        lines = screen_of(app).split("\n")
        words = "retry in 12s · requests 49 of 50 left · unified 5h 25% used · tokens 1k, whole in 90s"
        shown = " ".join(" ".join(lines[1:3]).split())
        assert shown == f"rate limits {words}"
        assert "anthropic-ratelimit-requests-limit" in "\n".join(lines[3:])


@pytest.mark.anyio
async def test_a_body_that_could_not_be_read_back_is_told_of() -> None:
    flow = answered(b'{"a": 1}')
    assert flow.response is not None

    def fetch(body: Capture, flow_id: str, side: str) -> Capture:
        found = body.nothing(f"the {side}'s body could not be read back: no such file \x1b[31m")
        body.put_back(found)
        return found

    flow.response.body.let_go(fetch, flow.id, "response")
    app = DetailApp(flow)
    async with app.run_test(size=SIZE) as pilot:
        for tab in ("chat", "stream", "tokens", "response"):
            app.detail.active = tab
            await read_all(pilot)
        text = screen_of(app)
        assert "the response's body could not be read back: no such file" in text and "\x1b" not in text


@pytest.mark.anyio
async def test_what_no_clipboard_takes_is_not_copied() -> None:
    app = DetailApp(anthropic_flow([{"role": "user", "content": "x" * (MOST_COPIED + 1)}]))
    async with app.run_test(size=SIZE) as pilot:
        app.detail.active = "request"
        await read_all(pilot)
        await pilot.press("end", "enter")
        await read_all(pilot)
        await pilot.press("end", "y")
        await pilot.pause()
        assert app.clipboard == ""
        await pilot.press("Y")
        assert app.clipboard == "messages[0].content"
