"""A conversation as lines: what is folded, what is joined, and how little is made anew while it grows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import End, Flow, Reason, Request, Response
from inspector.model.headers import Headers
from inspector.model.message import (
    Answer,
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Transcript,
    Usage,
)
from inspector.model.message import Growing as G
from inspector.store.transcripts import Transcripts
from inspector.tui.chat_blocks import HISTORY_LINES
from inspector.tui.chat_laid import json_lines
from inspector.tui.chat_lines import ChatLines
from inspector.tui.spans import cut, plain, width_of
from inspector.tui.text import clean, printable
from tests.captures import capture_flows


def flow(live: bool = True) -> Flow:
    """A flow whose response has begun."""
    made = Flow("f1", Request("POST", "http://host/v1", Headers()), 0.0)
    made.response = Response(200, Headers())
    made.end = None if live else End(Reason.DONE, "upstream")
    return made


def shown(chat: ChatLines) -> list[str]:
    """All lines as text."""
    return [plain(chat.line(index)).rstrip() for index in range(len(chat))]


def chat_of(transcript: Transcript, of: Flow | None = None, width: int = 80) -> ChatLines:
    """The lines of a transcript."""
    chat = ChatLines(width)
    chat.update(of or flow(live=False), transcript)
    return chat


def said(*parts: Part, finish: str | None = None) -> Transcript:
    """A transcript with nothing but an answer."""
    return Transcript(answer=Answer(choices=[Message("assistant", list(parts), finish)]))


def asked(*messages: Message, tools: list[Tool] | None = None) -> Transcript:
    """A transcript with nothing but a prompt."""
    return Transcript(Prompt("m", list(messages), tools or []))


def test_system_and_tools_take_a_line_each_until_they_are_unfolded() -> None:
    system = Message("system", [Text(G("You are careful.\n" * 200))])
    chat = chat_of(asked(system, Message("user", [Text(G("hello"))]), tools=[Tool("Bash"), Tool("Edit")]))
    lines = shown(chat)
    assert lines[1].startswith(" system   You are careful. You") and lines[1].endswith("~850 tok  ⊞")
    assert lines[2].startswith(" tools    Bash, Edit  2")
    assert lines[3] == " user     hello"
    assert chat.fold(1)
    assert shown(chat)[1].endswith("⊟") and shown(chat)[2] == "          You are careful."
    assert chat.fold(1)
    assert shown(chat) == lines


def test_a_call_is_joined_with_its_result() -> None:
    call = ToolCall("c1", "Bash", G('{"command": "ls"}'), done=True)
    result = ToolResult("c1", "\n".join(f"file {n}" for n in range(40)))
    lines = shown(chat_of(asked(Message("assistant", [call]), Message("tool", [result, ToolResult("c9", "stray")]))))
    assert lines[1:5] == [
        " tool     Bash ls",
        "        │ file 0",
        "        │ file 1",
        "        │ file 2   ← 37 more lines ⊞",
    ]
    assert lines[5:7] == [" tool     result c9", "        │ stray"]


def test_arguments_stand_as_indented_json_and_failures_in_red() -> None:
    call = ToolCall("c1", "Edit", G('{"path":"a","old":"x\\ny"}'), done=True)
    chat = chat_of(
        asked(Message("assistant", [call]), Message("tool", [ToolResult("c1", "no such file", is_error=True)]))
    )
    lines = shown(chat)
    assert lines[1] == " tool     Edit  failed"
    assert [line.strip() for line in lines[2:7]] == ["{", '"path": "a",', '"old": "x\\n', 'y"', "}"]
    assert ("error", "no such file") in chat.line(7)


@pytest.mark.parametrize(("text", "word"), [('{"a": "b', "valid so far"), ('{"a" "b', "not valid JSON")])
def test_arguments_while_they_are_written(text: str, word: str) -> None:
    lines = shown(chat_of(said(ToolCall("toolu_1", "Edit", G(text))), flow()))
    assert lines[0] == f" tool     Edit toolu_1  writing arguments · {len(text)} bytes · {word}"
    assert lines[1] == f"        │ {text}▌"


def test_every_kind_of_part_is_shown() -> None:
    parts: list[Part] = [
        Reasoning(G("let me think")),
        Reasoning(encrypted="x" * 2345),
        Text(G("words"), citations=[{}, {}]),
        Refusal(G("I will not")),
        Media("image", "image/png", size=34_500),
        Media("file", uri="file-123"),
        ToolCall("w", "web_search", G("{}"), kind="web_search_call", done=True),
        Other("weird", {"a": 1}),
    ]
    transcript = said(*parts, finish="end_turn")
    transcript.answer.usage = Usage(41_900, 87, 41_000)
    transcript.answer.error = "overloaded_error: Overloaded"
    transcript.note("event 3: what is this")
    text = "\n".join(shown(chat_of(transcript)))
    expected = [
        "let me think",
        "(sealed, 2.3kB)",
        "words",
        "2 citations",
        "refused",
        "I will not",
        "▣ image  image/png · 34.5kB",
    ]
    expected += [
        "▣ file  file-123",
        "web_search  web_search_call, run by the provider",
        "weird",
        "error    overloaded_error",
    ]
    for piece in [*expected, "event 3: what is this", "✓ end_turn   in 41.9k (98% cached) · out 87"]:
        assert piece in text, piece


def test_several_choices_are_told_apart() -> None:
    answer = Answer(choices=[Message("assistant", [Text(G("one"))]), Message("assistant", [Text(G("two"))])])
    lines = [line.strip() for line in shown(chat_of(Transcript(answer=answer)))]
    assert lines[:4] == ["choice 1 of 2", "model    one", "choice 2 of 2", "model    two"]


def test_only_the_end_of_what_grows_is_new() -> None:
    part = Text(G("".join(f"line {n}\n" for n in range(1000))))
    transcript, growing = said(part), flow()
    transcript.prompt = Prompt("m", [Message("user", [Text(G("go"))])])
    chat = chat_of(transcript, growing)
    before = len(chat)
    part.content.append("and on\nand on")
    assert chat.update(growing, transcript) == before - 1
    assert len(chat) == before + 1
    assert chat.update(growing, transcript) is None
    assert shown(chat)[-1].endswith("and on▌")


def test_growing_gives_the_same_lines_as_the_whole() -> None:
    pieces = ["Hel", "lo ⚠", "\ufe0f wor", "ld\r", "\nnext ", "字" * 50, "\n", "x" * 200]
    part, growing = Text(), flow()
    transcript = said(part)
    chat = chat_of(transcript, growing, width=40)
    for piece in pieces:
        part.content.append(piece)
        chat.update(growing, transcript)
    assert shown(chat) == shown(chat_of(said(Text(G("".join(pieces)))), growing, width=40))


def test_what_is_left_of_a_last_line_is_counted_from_where_it_is_cut() -> None:
    short = "\n".join("ab" for _ in range(HISTORY_LINES - 1))
    for tail, said_so in ((90, ""), (150, ""), (400, "more ⊞")):
        lines = shown(chat_of(asked(Message("user", [Text(G(f"{short}\n{'x' * tail}"))])), width=100))
        more = [line for line in lines if "⊞" in line]
        assert [line.split("← ")[1].startswith("3") for line in more] == ([True] if said_so else [])


def test_long_history_is_folded_and_long_lines_too() -> None:
    message = Message("user", [Text(G("x" * 100_000))])
    chat = chat_of(asked(message))
    assert len(chat) < 20 and "kB more ⊞" in shown(chat)[12]
    chat.fold_all()
    while chat.busy:
        chat.advance(0.05)
    assert "".join(line[10:] for line in shown(chat)).count("x") == 100_000
    chat.fold_all()
    assert len(chat) < 20


def test_what_holds_the_pattern_is_unfolded() -> None:
    needle = "\n".join(f"row {n}" for n in range(100)) + "\nNEEDLE"
    chat = chat_of(asked(Message("user", [Text(G(needle))]), Message("user", [Text(G(needle.replace("NEEDLE", "")))])))
    assert list(chat.seek("needle")).count(True) == 1
    assert sum("NEEDLE" in line for line in shown(chat)) == 1
    assert sum("more lines" in line for line in shown(chat)) == 1


@given(st.text(max_size=300), st.text(max_size=300), st.integers(6, 120), st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_line_is_wider_than_the_screen_or_acts_on_it(text: str, arguments: str, width: int, opened: bool) -> None:
    call = ToolCall("c", text, G(arguments), done=True)
    history = asked(
        Message("system", [Text(G(text))]), Message("assistant", [call]), Message("tool", [ToolResult("c", text)])
    )
    history.answer = said(Text(G(text)), ToolCall(text, text, G(arguments))).answer
    chat = chat_of(history, flow(), width)
    if opened:
        chat.fold_all()
    for index in range(len(chat)):
        line = cut(chat.line(index), width)
        assert width_of(line) <= width
        assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in plain(line))


JSON_VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(JSON_VALUES, st.integers(5, 60))
@settings(max_examples=150, deadline=None)
def test_json_lines_lose_nothing(value: Any, width: int) -> None:
    lines = json_lines(json.dumps({"value": value}), width)
    pretty = json.dumps({"value": value}, ensure_ascii=False, indent=2)
    assert "".join(map(plain, lines)) == "".join(map(clean, pretty.split("\n")))
    assert all(width_of(line) <= width for line in lines)


def test_every_capture_can_be_shown() -> None:
    transcripts = Transcripts()
    for captured in capture_flows():
        chat = ChatLines(100)
        chat.update(captured, transcripts.of(captured))
        folded = len(chat)
        chat.fold_all()
        assert len(chat) >= folded > 0
        for index in range(len(chat)):
            text = plain(chat.line(index))
            assert printable(text) == text
