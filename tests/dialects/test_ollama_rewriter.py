"""Edited streams of Ollama's API: whatever is edited when, the client reads exactly the edited message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._ollama_rewriter import OllamaRewriter
from inspector.dialects._ollama_writer import OllamaWriter
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Part, Reasoning, Refusal, Text, ToolCall
from inspector.wire.event import Event
from tests.dialects.ollama_streams import (
    COUNTS,
    MESSAGES,
    WORDS,
    Loopback,
    call,
    call_entry,
    done,
    entry,
    events_of,
    generated,
    lines,
    loopback,
    message_of,
    payloads,
    said,
    said_by,
    text,
    thoughts,
)
from tests.dialects.recorded import Recorded, parameters, recorded

Json = dict[str, Any]

RECORDED = [
    recording for recording in recorded("ollama") if recording.row["stream"] and recording.row["url"].endswith("chat")
]
HELLO = lines(said("Hel"), said("lo "), said("you", logprobs=[entry("you")]), done())
CALLS = lines(
    said(thinking="Hm."),
    said("So: "),
    said(tool_calls=[call_entry("Read", {"x": 1}, 0, "a")]),
    said(tool_calls=[call_entry("Bash", {"y": 2}, 1, "b"), call_entry("Edit", {"z": 3}, 2, "c")]),
    done(),
)
"""The parts are thoughts, words, three calls."""


@dataclass
class Client:
    """What a client gets of a stream that is edited on its way."""

    upstream: bytes
    got: list[bytes] = field(default_factory=list)
    at: int = 0
    rewriter: OllamaRewriter | None = None

    def pass_on(self, count: int) -> None:
        """Let some events pass."""
        events = events_of(self.upstream)
        for event, raw in events[self.at : self.at + count]:
            given = self.rewriter.feed(event) if self.rewriter else None
            self.got += [raw] if given is None else given
        self.at = min(self.at + count, len(events))

    def edit(self, edits: Edits) -> None:
        """Edit what is to come."""
        if self.rewriter is None:
            self.rewriter = OllamaRewriter([event for event, _ in events_of(self.upstream)[: self.at]])
        self.rewriter.edit(edits)

    def end(self, *, early: bool = False) -> bytes:
        """Everything that the client got in the end."""
        if not early:
            self.pass_on(1 << 20)
        if self.rewriter is not None:
            self.got += self.rewriter.close()
        return b"".join(self.got)


def edited(upstream: bytes, edits: Edits, delivered: int = 0, *, early: bool = False) -> bytes:
    """A stream of which the client has some events when it is edited."""
    client = Client(upstream)
    client.pass_on(delivered)
    client.edit(edits)
    return client.end(early=early)


def indices(body: bytes) -> list[int]:
    """The indices of all calls."""
    found = [each["message"].get("tool_calls", []) for each in payloads(body)]
    return [made["function"]["index"] for calls in found for made in calls]


@pytest.fixture(scope="module")
def served() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.mark.parametrize("body", [HELLO, CALLS])
def test_without_edits_every_line_passes(body: bytes) -> None:
    for delivered in range(6):
        assert edited(body, Edits(), delivered) == body


def test_a_text_is_replaced_and_the_rest_stays() -> None:
    body = edited(HELLO, Edits({0: text("Good morning 👩‍👩‍👧!")}))
    *words, last = payloads(body)
    assert last == done()
    assert "".join(word["message"]["content"] for word in words) == "Good morning 👩‍👩‍👧!"
    assert len(words) > 2
    assert all(word == said(word["message"]["content"]) for word in words)


def test_a_text_is_changed_behind_what_the_client_has() -> None:
    body = edited(HELLO, Edits({0: text("Hello world")}), delivered=2)
    assert body.startswith(b"".join(raw for _, raw in events_of(HELLO)[:2]))
    assert message_of(body).text() == "Hello world"
    assert b"logprobs" not in body


def test_what_the_client_has_cannot_be_changed() -> None:
    client = Client(HELLO)
    client.pass_on(2)
    for wrong in (None, text("Help"), text("Hel"), call()):
        with pytest.raises(ValueError, match="the client has"):
            client.edit(Edits({0: wrong}, added=[text("more")]))
    assert client.end() == HELLO


def test_a_call_that_the_client_has_stays() -> None:
    client = Client(CALLS)
    client.pass_on(3)
    for wrong in (None, call("Read", '{"x":1} ', "a"), call("Read", '{"x":2}', "a"), call("Bash", '{"x":1}', "a")):
        with pytest.raises(ValueError, match="the client has"):
            client.edit(Edits({2: wrong}))
    client.edit(Edits({2: call("Read", '{"x":1}', "a"), 3: call("Bash", '{"y": 7}', "b")}))
    assert said_by(message_of(client.end()).parts)[2] == [("Read", {"x": 1}), ("Bash", {"y": 7}), ("Edit", {"z": 3})]


@pytest.mark.parametrize("wrong", [call(arguments="[1]"), call(arguments="{"), Refusal(), ToolCall(kind="web_search")])
def test_what_this_api_cannot_say(wrong: Part) -> None:
    for edits in (Edits({0: wrong}), Edits(added=[wrong])):
        with pytest.raises(ValueError, match=r"API|provider"):
            edited(HELLO, edits)


def test_behind_the_last_line_it_is_over() -> None:
    client = Client(HELLO)
    client.pass_on(4)
    for late in (Edits({0: text("Hello you too")}), Edits(added=[call()]), Edits(finish_reason="length")):
        with pytest.raises(ValueError, match="over"):
            client.edit(late)
    client.edit(Edits(final=True))
    assert client.end() == HELLO


@pytest.mark.parametrize("gone", [2, 3, 4])
def test_a_call_is_taken_out_and_those_behind_it_move_up(gone: int) -> None:
    body = edited(CALLS, Edits({gone: None}))
    kept = [name for index, name in enumerate(["Read", "Bash", "Edit"], 2) if index != gone]
    assert [name for name, _ in said_by(message_of(body).parts)[2]] == kept
    assert indices(body) == [0, 1]


def test_calls_are_changed_and_added(served: Loopback) -> None:
    body = edited(CALLS, Edits({3: text("no"), 4: call("Grep", "", "z")}, added=[call("Bash", '{"a": [1]}')]))
    assert said_by(message_of(body).parts) == served.reads(body)
    assert served.reads(body) == ("Hm.", "So: no", [("Read", {"x": 1}), ("Grep", {}), ("Bash", {"a": [1]})])
    assert indices(body) == [0, 1, 2]
    last = payloads(body)[-1]
    assert (last["done_reason"], last["message"]) == ("stop", {"role": "assistant", "content": ""})


def test_what_a_server_says_of_a_call_stays() -> None:
    body = lines(said(tool_calls=[{**call_entry("Read", {"x": 1}), "extra": 1}]), done())
    [first, _] = payloads(edited(body, Edits({0: call("Read", '{"x": 2}', "")})))
    assert first["message"]["tool_calls"] == [{**call_entry("Read", {"x": 2}), "extra": 1}]


def test_words_on_the_last_line_come_before_what_is_added() -> None:
    body = lines(said("Hel"), {**done(), "message": {"role": "assistant", "content": "lo"}})
    got = edited(body, Edits(added=[call()]))
    assert [(each["message"].get("content"), "tool_calls" in each["message"]) for each in payloads(got)] == [
        ("Hel", False),
        ("lo", False),
        ("", True),
        ("", False),
    ]
    *before, last = payloads(got)
    assert not any(name in each for each in before for name in COUNTS)
    assert last == done()


def test_the_answer_ends_with_what_the_person_wrote() -> None:
    for delivered in range(3):
        body = edited(HELLO, Edits(added=[text(" END")], final=True), delivered, early=True)
        had = "".join(["Hel", "lo "][:delivered])
        message = message_of(body)
        assert (message.text(), message.finish_reason) == (f"{had} END", "stop")
    assert message_of(edited(HELLO, Edits(added=[text("!")], final=True), 1)).text() == "Hel!"


def test_another_reason() -> None:
    body = edited(HELLO, Edits(finish_reason="length"), 1)
    assert payloads(body)[-1] == done("length")
    assert body.startswith(HELLO[: events_of(HELLO)[2][0].end])


def test_an_error_is_passed_on_unless_the_answer_is_over() -> None:
    failed = lines(said("Hel"), {"error": "no memory"})
    assert edited(failed, Edits({0: text("Hello")})) == lines(
        *(said(word) for word in ("Hello",)), {"error": "no memory"}
    )
    assert payloads(edited(failed, Edits(final=True), 1))[-1]["done"] is True


def test_generated_lines_keep_their_shape(served: Loopback) -> None:
    body = lines(
        generated("Hel", thinking="Hm"), generated("lo"), {**generated(""), **COUNTS, "done": True, "context": [1]}
    )
    got = edited(body, Edits({0: thoughts("Oh"), 1: text("Good day")}, added=[call()]))
    found = list(served.serve(got).generate("m", "x", stream=True))
    assert ("".join(each.thinking or "" for each in found), "".join(each.response or "" for each in found)) == (
        "Oh",
        "Good day",
    )
    assert said_by(message_of(got).parts)[2] == [("Bash", {"command": "ls"})]
    assert found[-1].context == [1]
    assert not any("message" in each for each in payloads(got))


@st.composite
def changes(draw: st.DrawFn, model: Sequence[Part]) -> tuple[Edits, list[Part]]:
    """Edits of a message of which nothing is out, and what it becomes."""
    final = draw(st.booleans())
    wanted: dict[int, Part | None] = {}
    for index, part in enumerate(model):
        if draw(st.booleans()):
            fresh: Part = call("New", json.dumps({"n": index}), f"new_{index}")
            if isinstance(part, Text | Reasoning):
                fresh = type(part)(text(draw(WORDS)).content)
            wanted[index] = draw(st.sampled_from([None, fresh]))
    added: list[Part] = draw(st.sampled_from([[], [text("+")], [call("Last", "{}", "last")]]))
    kept = [wanted.get(index, None if final else part) for index, part in enumerate(model)]
    return Edits(wanted, added, final=final), [part for part in [*kept, *added] if part is not None]


@settings(max_examples=100, deadline=None)
@given(st.data(), MESSAGES, st.booleans())
def test_the_client_reads_the_edited_message(
    served: Loopback, data: st.DataObject, model: list[Part], early: bool
) -> None:
    asked: Json = data.draw(st.sampled_from([{"messages": []}, {"prompt": "x"}]))
    body = b"".join(OllamaWriter().stream(Answer(model="m", choices=[Message("assistant", model)]), asked))
    edits, wanted = data.draw(changes(model))
    got = edited(body, edits, early=early and edits.final)
    assert said_by(message_of(got).parts) == said_by(wanted)
    if "messages" in asked:
        assert served.reads(got) == said_by(wanted)
        assert indices(got) == [*range(len(said_by(wanted)[2]))]


@settings(max_examples=100, deadline=None)
@given(st.data(), MESSAGES)
def test_whatever_is_edited_when_what_the_client_has_stays(data: st.DataObject, model: list[Part]) -> None:
    body = b"".join(OllamaWriter().stream(Answer(model="m", choices=[Message("assistant", model)]), {"messages": []}))
    client = Client(body)
    for _ in range(3):
        client.pass_on(data.draw(st.integers(0, 4)))
        before = b"".join(client.got)
        edits, _ = data.draw(changes(model))
        try:
            client.edit(edits)
        except ValueError as error:
            assert "the client" in str(error)
        assert b"".join(client.got) == before
    message = message_of(client.end())
    assert message.finish_reason == "stop"
    assert len([each for each in payloads(b"".join(client.got)) if each["done"]]) == 1


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_a_recorded_stream_is_edited(recording: Recorded, served: Loopback) -> None:
    body = recording.response
    model = said_by(message_of(body).parts)
    place = next(index for index, part in enumerate(message_of(body).parts) if isinstance(part, Text))
    got = edited(body, Edits({place: text("Something else.")}, added=[call()]))
    wanted = (model[0], "Something else.", [*model[2], ("Bash", {"command": "ls"})])
    assert served.reads(got) == said_by(message_of(got).parts) == wanted
    assert payloads(got)[-1] == payloads(body)[-1]


def test_malformed_lines_pass() -> None:
    body = b"nonsense\n" + HELLO + b"[1]\n"
    assert edited(body, Edits({0: text("x")})).startswith(b"nonsense\n")
    rewriter = OllamaRewriter([])
    rewriter.edit(Edits({0: text("x")}))
    assert rewriter.feed(Event(b"", "comment")) is None
