"""Editing a request: what was not touched stays byte for byte, nothing is lost, nothing wrong is sent by accident."""

from __future__ import annotations

import asyncio
import gzip
import json
from dataclasses import replace
from typing import Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from inspector.dialects import by_name
from inspector.model.flow import Flow, Hold, Moment
from inspector.proxy.held import Step
from inspector.proxy.replay import Replayer
from inspector.proxy.tasks import spawn
from inspector.proxy.upstream import AiohttpTransport
from inspector.tui.edit_outcome import Edited, Purpose
from inspector.tui.hold_line import HoldLine
from inspector.tui.message_list import MessageList
from inspector.tui.request_editor import RequestEditor
from inspector.tui.request_editor_changes import Change, changes
from inspector.tui.request_editor_document import Draft, RequestDocument
from inspector.tui.request_editor_head import head_text, read_head
from inspector.tui.request_editor_lines import ChangesView, EditorHead
from inspector.tui.request_editor_pieces import pieces_of
from inspector.tui.spans import plain
from inspector.tui.styled_line import RuleLine
from inspector.tui.text_editor import Drafts, EditArea
from tests.handmade import chat_chunks, done_chat
from tests.tui.detail_app import HOSTILE
from tests.tui.editing import AGENT_BODY, KEY, EditApp, KeysScreen, agent_flow, bench, desk_of, words
from tests.upstreams import plain as fixed
from tests.upstreams import response, upstream

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab \n", max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
RESPONSES: dict[str, Any] = {
    "model": "gpt-5",
    "instructions": "Be terse.",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "Fix it."}]},
        {"type": "function_call", "call_id": "c1", "name": "Bash", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "done"},
    ],
}
GEMINI: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
CONVERSE: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
CHAT: dict[str, Any] = {
    "model": "gpt-5",
    "messages": [
        {"role": "system", "content": "Be terse."},
        {"role": "user", "content": "Fix it."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
    ],
    "tools": [{"type": "function", "function": {"name": "Bash", "description": "Runs.", "parameters": {}}}],
}


class Sent(list[Edited]):
    """What the editor gave."""

    refuses = ""

    def __call__(self, edited: Edited) -> None:
        """Take it, or refuse it."""
        if self.refuses:
            raise ValueError(self.refuses)
        self.append(edited)

    @property
    def body(self) -> bytes:
        """The only body that was sent."""
        (edited,) = self
        return bytes(edited.request.body)


async def open_editor(
    pilot: Pilot[None], flow: Flow, sent: Sent, drafts: Drafts[Draft] | None = None, **settings: Any
) -> RequestEditor:
    """The editor on a flow."""
    held = drafts if drafts is not None else Drafts()
    editor = RequestEditor(flow, settings.pop("purpose", Purpose.REPLAY), held, sent, **settings)
    await pilot.app.push_screen(editor)
    await pilot.pause()
    return editor


def area(editor: RequestEditor) -> EditArea:
    return editor.query_one(EditArea)


async def go_to(pilot: Pilot[None], editor: RequestEditor, words_of_it: str) -> None:
    """Put the list's cursor on the piece that says something."""
    listing = editor.query_one(MessageList)
    listing.focus()
    async with asyncio.timeout(10):
        while True:
            for index in range(listing.line_count()):
                listing.set_cursor(index)
                if listing.piece is not None and words_of_it in listing.piece.words:
                    await pilot.pause()
                    return
            await pilot.pause(0.02)


def raw(flow: Flow) -> bytes:
    return bytes(flow.request.body)


# What changes


@given(JSON, JSON)
@settings(max_examples=150)
def test_changes_are_found_where_there_are_some(before: object, after: object) -> None:
    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert (changes(before, after) == []) is same
    for change in changes(before, after):
        went, came = change.sizes
        assert len((change.before or "").encode()) - went + came == len((change.after or "").encode())
        assert all(plain(line).isprintable() for line in change.lines())


def test_an_inserted_message_changes_none_behind_it() -> None:
    before = [{"role": "user", "content": word} for word in ("one", "two", "three")]
    after = [before[0], {"role": "user", "content": "new"}, *before[1:]]
    (change,) = changes({"messages": before}, {"messages": after})
    assert change == Change(("messages", 1), None, '{"role": "user", "content": "new"}')
    (gone,) = changes(before, [before[0], before[2]])
    assert gone.path == (1,)
    assert gone.after is None


def test_only_the_words_that_differ_are_marked() -> None:
    went, came = Change((), "rm -rf /build && make", "rm -rf build && make all").lines()
    assert "".join(text for style, text in went if style == "gone-word") == "/"
    assert "".join(text for style, text in came if style == "come-word") == " all"
    assert plain(came).startswith("+ rm -rf build")


# Pieces


@pytest.mark.parametrize(
    ("dialect", "body", "texts"),
    [
        (
            "anthropic-messages",
            AGENT_BODY,
            ["Be terse.", "Folder: /home", "Fix the parser.", "I'll run the tests.", "2 failed", "Runs a command."],
        ),
        ("openai-responses", RESPONSES, ["Be terse.", "Fix it.", "{}", "done"]),
        ("openai-chat", CHAT, ["Be terse.", "Fix it.", "{}", "done", "Runs."]),
    ],
)
def test_whatever_is_words_is_edited_as_words(dialect: str, body: dict[str, Any], texts: list[str]) -> None:
    document = RequestDocument(agent_flow(body).request, dialect)
    pieces = document.pieces()
    said = [document.piece_text(piece) for piece in pieces if piece.text is not None and piece.kind != "setting"]
    assert said == texts
    for piece in pieces:
        document.take_piece(piece, document.piece_text(piece))
        assert document.data == document.original
    for index, text in enumerate(texts):
        piece = [piece for piece in document.pieces() if piece.text is not None and piece.kind != "setting"][index]
        document.take_piece(piece, f"{text} \u2014 “\n”")
    assert document.data.decode().count(" \\u2014 ") + document.data.decode().count(" — ") == len(texts)
    assert len(document.changes()) == len(texts)


@given(st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(("content", "messages", "type")), inner)))
@settings(max_examples=100)
def test_no_body_is_too_odd_for_the_list(value: object) -> None:
    for dialect in ("anthropic-messages", "openai-chat", "openai-responses"):
        writer = by_name(dialect).writer
        assert writer is not None
        body = {"messages": [value], "input": [value], "system": value, "tools": [value], "model": value}
        for piece in pieces_of(body, writer.sections(body)):
            assert piece.words.isprintable()


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("anthropic-messages", AGENT_BODY),
        ("openai-responses", RESPONSES),
        ("openai-chat", CHAT),
        ("gemini", GEMINI),
        ("gemini", {**GEMINI, "generationConfig": {"topK": 3}, "tools": []}),
        ("bedrock-converse", CONVERSE),
        ("bedrock-converse", {**CONVERSE, "system": [{"text": "x"}], "toolConfig": {"tools": []}}),
    ],
)
def test_everything_that_is_offered_can_be_put_in(dialect: str, body: dict[str, Any]) -> None:
    request = agent_flow(body).request
    for number, template in enumerate(RequestDocument(request, dialect).templates(("messages", 0))):
        document = RequestDocument(request, dialect)
        path = document.insert(document.templates(("messages", 0))[number])
        (change,) = document.changes()
        place = (*template.path, *(() if template.behind is None else (template.behind,)))
        assert change.path == place == path[: len(place)]
        document.delete(next(piece for piece in document.pieces() if piece.path == path))
        assert document.data == document.original or path != place
    assert number >= 4


# Target and headers


def test_secrets_are_masked_and_survive() -> None:
    request = replace(agent_flow().request, url="https://x.dev/v1?key=AIzaSy0123456789abcdefg&a=1")
    text = head_text(request)
    assert KEY not in text
    assert "AIzaSy0123456789" not in text
    assert read_head(text, request) == request
    edited = read_head(text.replace("x.dev", "y.dev").replace("a=1", "a=2") + "\nX-New: 1", request)
    assert edited.url == "https://y.dev/v1?key=AIzaSy0123456789abcdefg&a=2"
    assert edited.headers.get("x-api-key") == KEY
    assert edited.headers.get("X-New") == "1"
    assert read_head(text.replace("sk-a...ghij", "other-key"), request).headers.get("x-api-key") == "other-key"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("POST https", "POST ftp", "line 1"),
        ("x-api-key: sk-a", "x-api-key: sk-b", "line 2"),
        ("x-api-key:", "x", "line"),
    ],
)
def test_a_head_that_cannot_be_meant_is_refused(before: str, after: str, why: str) -> None:
    request = agent_flow().request
    with pytest.raises(ValueError, match=why):
        read_head(head_text(request).replace(before, after), request)


# The screen


@pytest.mark.anyio
async def test_one_message_is_changed_and_all_else_stays() -> None:
    flow, sent = agent_flow(), Sent()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        await go_to(pilot, editor, "Fix the parser.")
        assert area(editor).text == "Fix the parser."
        await pilot.press("enter", "end", "!", "ctrl+g")
        editor.action_compare()
        await pilot.pause()
        assert "messages[0].content" in words(editor.query_one(ChangesView))
        assert "1 place" in words(editor.query_one("#request-changes-title"))
        assert "Fix the parser.!" in words(editor.query_one(MessageList))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen is not editor
    assert sent.body == raw(flow).replace(b"Fix the parser.", b"Fix the parser.!")
    assert sent[0].request.headers.get("Content-Length") == str(len(sent.body))
    assert sent[0].request.headers.get("x-api-key") == KEY


@pytest.mark.anyio
async def test_all_views_show_one_document() -> None:
    flow, sent = agent_flow(), Sent()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        await pilot.press("f3")
        text = area(editor).text
        area(editor).replace_all(text.replace("Fix the parser.", "Break it."))
        await pilot.press("f2")
        await go_to(pilot, editor, "Break it.")
        area(editor).replace_all("Mend it.")
        await pilot.press("f4")
        area(editor).replace_all(area(editor).text.replace("beta=true", "beta=false"))
        await pilot.press("f3")
        assert '"Mend it."' in area(editor).text
        await pilot.press("ctrl+s")
    assert sent.body == raw(flow).replace(b"Fix the parser.", b"Mend it.")
    assert sent[0].request.url.endswith("?beta=false")


@pytest.mark.anyio
async def test_wrong_json_is_marked_and_sent_only_when_asked_twice() -> None:
    flow, sent = agent_flow(), Sent()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        await pilot.press("f3", "down", "end", ",")
        assert "line 2" in words(editor.query_one(ChangesView))
        assert "not valid" in words(editor.query_one("#request-what", RuleLine))
        await pilot.press("up", "ctrl+s")
        assert not sent
        assert pilot.app.screen is editor
        assert area(editor).cursor_location[0] == 1
        assert "again" in words(editor.query_one(ChangesView))
        typed = area(editor).text
        await pilot.press("f2")
        assert area(editor).text == typed
        await pilot.press("ctrl+s")
        await pilot.pause()
    assert sent.body == typed.encode()


@pytest.mark.anyio
async def test_wrong_json_cannot_be_made_sticky_and_is_sent_all_the_same() -> None:
    flow, sent = agent_flow(), Sent()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent, purpose=Purpose.SEND_ON, can_stick=True)
        await go_to(pilot, editor, "Fix the parser.")
        area(editor).replace_all("Fix the lexer.")
        await pilot.press("ctrl+t", "f3", ",", "ctrl+s", "ctrl+s")
        await pilot.pause()
    assert sent.body.startswith(b",")
    assert not sent[0].sticky


@pytest.mark.anyio
async def test_a_hold_that_is_over_is_told_above_the_text() -> None:
    flow = agent_flow()
    flow.hold = Hold(Moment.REQUEST, "hand", 0.0)
    async with EditApp(desk_of()).run_test(size=(80, 24)) as pilot:
        editor = await open_editor(pilot, flow, Sent(), purpose=Purpose.SEND_ON)
        line = editor.query_one(HoldLine)
        assert "HELD" in words(line) and "NOT HELD" not in words(line)
        flow.hold = None
        line.show(flow)
        await pilot.pause()
        assert "NOT HELD" in words(line)


@pytest.mark.anyio
async def test_a_piece_of_wrong_json_can_be_sent_as_it_is_typed() -> None:
    flow, sent = agent_flow(), Sent()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        await go_to(pilot, editor, '{"command": "pytest"}')
        area(editor).replace_all('{"type": broken')
        await pilot.press("up")
        assert area(editor).text == '{"type": broken'
        await pilot.press("ctrl+s", "ctrl+s")
        await pilot.pause()
    whole = json.dumps(AGENT_BODY["messages"][1]["content"][1]).encode()
    assert sent.body == raw(flow).replace(whole, b'{"type": broken')


@pytest.mark.anyio
async def test_leaving_loses_nothing() -> None:
    flow, sent, drafts = agent_flow(), Sent(), Drafts[Draft]()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent, drafts)
        await go_to(pilot, editor, "Fix the parser.")
        await pilot.press("enter", "end", "!", "escape", "escape")
        await pilot.pause()
        assert pilot.app.screen is not editor
        editor = await open_editor(pilot, flow, sent, drafts)
        assert area(editor).text == "Fix the parser.!"
        await pilot.press("f3", "down", "end", ",", "escape")
        await pilot.pause()
        editor = await open_editor(pilot, flow, sent, drafts)
        assert area(editor).problem
        assert "Fix the parser.!" in area(editor).text
        await pilot.press("ctrl+r")
        assert "!" not in area(editor).text
        await pilot.press("escape")
        await pilot.pause()
    assert drafts.get(f"replay {flow.id}") is None
    assert not sent


@pytest.mark.anyio
async def test_pieces_are_put_in_taken_out_and_moved() -> None:
    flow, sent = agent_flow(), Sent()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        await go_to(pilot, editor, "Fix the parser.")
        await pilot.press("i", "enter", "Q", "escape")
        await go_to(pilot, editor, "Q")
        await pilot.press("shift+up")
        await go_to(pilot, editor, "Folder")
        await pilot.press("delete")
        await go_to(pilot, editor, "2 failed")
        await pilot.press("c", "shift+down", "ctrl+s")
        await pilot.pause()
    before = AGENT_BODY
    new = {"role": "user", "content": "Q"}
    messages = [new, *before["messages"], before["messages"][2]]
    assert json.loads(sent.body) == {**before, "system": before["system"][:1], "messages": messages}
    assert b'"temperature": 0.1' in sent.body


@pytest.mark.anyio
async def test_an_encoded_body_is_edited_decoded() -> None:
    flow, sent = agent_flow(gzip.compress(json.dumps(AGENT_BODY).encode()), **{"Content-Encoding": "gzip"}), Sent()
    async with EditApp(desk_of()).run_test() as pilot:
        editor = await open_editor(pilot, flow, sent)
        await go_to(pilot, editor, "Fix")
        area(editor).replace_all("Mend it.")
        await pilot.press("ctrl+s")
    assert json.loads(sent.body)["messages"][0]["content"] == "Mend it."
    assert "content-encoding" not in sent[0].request.headers


def test_what_is_no_text_is_refused_in_words() -> None:
    for flow in (agent_flow(b"\xff\xfe\x00"), agent_flow(b"no gzip", **{"Content-Encoding": "gzip"})):
        flow.request.body.data += b"\xff" * 9
        with pytest.raises(ValueError, match="body"):
            RequestDocument(flow.request, flow.dialect)


@pytest.mark.anyio
async def test_hostile_text_is_inert_on_a_small_screen() -> None:
    body = {**AGENT_BODY, "model": HOSTILE, "messages": [{"role": HOSTILE, "content": HOSTILE}], HOSTILE: HOSTILE}
    flow, sent = agent_flow(body), Sent()
    async with EditApp(desk_of()).run_test(size=(40, 12)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        for key in ("down", "ctrl+l", "ctrl+l"):
            await pilot.press(key)
            for widget in (editor.query_one(EditorHead), editor.query_one(MessageList), area(editor)):
                assert words(widget).replace("\n", "").isprintable()
        await pilot.press("ctrl+s")
    assert sent[0].request is flow.sent


@pytest.mark.anyio
async def test_what_is_refused_stays_in_the_editor() -> None:
    flow, sent = agent_flow(), Sent()
    sent.refuses = "flow 42 is not held any more"
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert pilot.app.screen is editor
        assert "not held any more" in words(editor.query_one(ChangesView))
        assert "not valid" not in words(editor.query_one("#request-what", RuleLine))


@pytest.mark.anyio
async def test_a_big_body_is_compared_when_asked() -> None:
    body = {**AGENT_BODY, "messages": [{"role": "user", "content": "x" * 900 + str(n)} for n in range(1300)]}
    flow, sent = agent_flow(body), Sent()
    async with EditApp(desk_of()).run_test(size=(110, 34)) as pilot:
        editor = await open_editor(pilot, flow, sent)
        await go_to(pilot, editor, "Folder")
        await pilot.press("enter", "M")
        assert "ctrl+g" in words(editor.query_one("#request-changes-title"))
        await pilot.press("ctrl+g")
        assert "system[1].text" in words(editor.query_one(ChangesView))
        await pilot.press("ctrl+s")
    assert sent.body == raw(flow).replace(b"Folder", b"MFolder")


# The keys, with a real proxy and real clients


@pytest.mark.anyio
async def test_the_upstream_gets_the_edited_request_of_an_unmodified_client() -> None:
    answer = response(b"".join(chat_chunks(("Done",))), "Content-Type: text/event-stream")
    async with (
        upstream(fixed(answer)) as model,
        bench(model.url) as at,
        openai.AsyncOpenAI(base_url=f"{at.server.url}/v1", api_key="k", max_retries=0, timeout=20) as client,
    ):
        asking = spawn(ask(client), "client")
        await at.held()
        await at.pilot.press("e")
        await at.pilot.pause()
        editor = at.pilot.app.screen
        assert isinstance(editor, RequestEditor)
        await go_to(at.pilot, editor, "Say hello")
        await at.pilot.press("enter", "end", "!", "ctrl+t", "ctrl+s")
        assert await asking == "Done"
        at.control.hold_requests = False
        assert await ask(client) == "Done"
    first, second = (json.loads(received.body) for received in model.received)
    assert first["messages"] == [{"role": "user", "content": "Say hello!"}]
    assert second["messages"] == first["messages"]
    flow, _ = at.desk.store
    assert [mutation.name for mutation in flow.mutations if mutation.by == "hand"][:1] == ["body"]
    assert json.loads(bytes(flow.request.body))["messages"][0]["content"] == "Say hello"
    assert [str(edit) for edit in at.control.sticky]


async def ask(client: openai.AsyncOpenAI) -> str:
    """One streamed question."""
    messages: Any = [{"role": "user", "content": "Say hello"}]
    stream = await client.chat.completions.create(model="gpt-5", messages=messages, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


@pytest.mark.anyio
async def test_a_finished_flow_is_edited_and_sent_again() -> None:
    answer = response(b"".join(chat_chunks(("Again",))), "Content-Type: text/event-stream")
    async with upstream(fixed(answer)) as model, AiohttpTransport() as transport:
        flow = done_chat()
        flow.request = flow.request.copy(url=f"{model.url}/v1/chat/completions")
        desk = desk_of(flow)
        desk.replayer = Replayer(desk.store, transport, {})
        async with EditApp(desk).run_test() as pilot:
            await pilot.press("e")
            await pilot.pause()
            editor = pilot.app.screen
            assert isinstance(editor, RequestEditor)
            await go_to(pilot, editor, "Say hello")
            await pilot.press("enter", "end", "!", "ctrl+s")
            screen = pilot.app.screen_stack[0]
            while len(desk.store) < 2 or any(each.end is None for each in desk.store):
                await pilot.pause(0.01)
        await desk.replayer.aclose()
    child = list(desk.store)[1]
    assert isinstance(screen, KeysScreen)
    assert screen.shown == (child, "diff")
    assert child.parent == flow.id
    assert child.mutations[0].name == "body"
    assert model.received[0].body == bytes(flow.request.body).replace(b"Say hello", b"Say hello!")


@pytest.mark.anyio
async def test_a_key_is_offered_only_where_it_does_something() -> None:
    flow = agent_flow()
    desk = desk_of(flow)
    assert desk.control is not None
    async with EditApp(desk).run_test() as pilot:
        screen = pilot.app.screen
        assert not {"e", "a"} & set(screen.active_bindings)
        held = desk.control.holds.begin(flow, Moment.HEAD, "hand")
        assert {"e", "a"} & set(screen.active_bindings) == {"a"}
        desk.control.holds.end(held)
        held = desk.control.holds.begin(flow, Moment.REQUEST, "hand")
        assert {"e", "a"} <= set(screen.active_bindings)
        await pilot.press("e")
        await pilot.pause()
        desk.control.holds.end(held)
        await pilot.press("ctrl+s")
        assert isinstance(pilot.app.screen, RequestEditor)


@pytest.mark.anyio
async def test_an_unchanged_request_just_goes_on() -> None:
    flow = agent_flow()
    desk = desk_of(flow)
    assert desk.control is not None
    held = desk.control.holds.begin(flow, Moment.REQUEST, "hand")
    async with EditApp(desk).run_test() as pilot:
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("ctrl+s")
        assert await held.next_step() is Step.GO_ON
    assert flow.mutations == []
    assert flow.forwarded is None
