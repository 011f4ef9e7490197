"""A stream of Converse that is changed on its way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._converse_rewriter import ConverseRewriter
from inspector.dialects._converse_writer import ConverseWriter
from inspector.dialects._fields import text_part
from inspector.dialects.bedrock_converse import BedrockConverse
from inspector.model.edits import Edits
from inspector.model.message import Answer, Message, Other, Part, ToolCall, Usage
from inspector.wire.eventstream import event_frame
from tests.dialects.bedrock_streams import FRAMES, block_shape, read_events, sdk_message, shape, shapes, visible
from tests.dialects.messages_streams import call, spoken, thoughts
from tests.dialects.recorded import Recorded, answer_of, parameters, read, recorded
from tests.dialects.test_anthropic_rewriter import changes, expected, merged

DIALECT = BedrockConverse()
STREAMS = [each for each in recorded("bedrock-converse-stream") if each.row["response_file"].endswith(".bin")]


class Way:
    """A stream on its way to a client, changed by a rewriter from some place on."""

    def __init__(self, events: list[bytes], delivered: int) -> None:
        self.waiting = events[delivered:]
        self.client = events[:delivered]
        self.rewriter = ConverseRewriter(read_events(self.client))

    def feed(self, count: int) -> None:
        """Let the next events pass."""
        for raw in self.waiting[:count]:
            pieces = self.rewriter.feed(read_events([raw])[0])
            self.client += [raw] if pieces is None else pieces
        self.waiting = self.waiting[count:]

    def finish(self) -> bytes:
        """Let everything pass; all that the client got."""
        self.feed(len(self.waiting))
        return self.close()

    def close(self) -> bytes:
        """All that the client got."""
        self.client += self.rewriter.close()
        return b"".join(self.client)


def stream(written: list[Part], reason: str | None = None) -> list[bytes]:
    """An answer as it comes from Bedrock."""
    answer = Answer("", "m", [Message("assistant", written, reason)], Usage(12, 34))
    return ConverseWriter().stream(answer, {})


def got(body: bytes) -> Message:
    """What the client has, by our reader; by the SDK it is the same."""
    transcript, theirs = read(DIALECT, [body], FRAMES), sdk_message(body)
    assert transcript.notes == [] and transcript.answer.complete
    message = answer_of(transcript)
    assert [each for block in theirs["blocks"] if (each := block_shape(block)) != ("text", "", 0)] == shapes(message)
    assert theirs["reason"] == message.finish_reason
    assert theirs["usage"] is not None
    return message


@given(st.data(), st.lists(spoken, max_size=4), st.integers(0, 60))
@settings(max_examples=150, deadline=None)
def test_the_client_reads_exactly_the_edited_message(data: st.DataObject, written: list[Part], delivered: int) -> None:
    written = visible(written)
    calls = any(isinstance(part, ToolCall) for part in written)
    reason = "tool_use" if calls else data.draw(st.sampled_from(["end_turn", "max_tokens"]))
    events = stream(written, reason)
    passing, taken = Way(events, delivered % (len(events) + 1)), Edits()
    for edits in data.draw(st.lists(changes(written), min_size=1, max_size=3)):
        try:
            passing.rewriter.edit(edits)
        except ValueError:
            pass
        else:
            merged(taken, edits)
        passing.feed(data.draw(st.integers(0, 20)))
    body = passing.finish()
    if not taken:
        assert body == b"".join(events)
        return
    after, message = expected(written, taken), got(body)
    assert shapes(message) == [shape(part) for part in visible(after)]
    has = any(isinstance(part, ToolCall) for part in after)
    follows = "tool_use" if has and not calls else "end_turn" if calls and not has else reason
    assert message.finish_reason == (taken.finish_reason or follows)
    assert sdk_message(body)["usage"]["totalTokens"] == 46


@given(st.data(), st.lists(spoken, max_size=4), st.integers(0, 60), st.booleans())
@settings(max_examples=100, deadline=None)
def test_an_answer_that_ends_early_has_what_the_client_had_and_what_was_written(
    data: st.DataObject, written: list[Part], delivered: int, fed: bool
) -> None:
    events = stream(visible(written))
    passing, edits = Way(events, delivered % (len(events) - 1)), data.draw(changes(visible(written)))
    edits.final = True
    had = read(DIALECT, passing.client, FRAMES).answer.message
    try:
        passing.rewriter.edit(edits)
    except ValueError:
        assert passing.finish() == b"".join(events)
        return
    body = passing.finish() if fed else passing.close()
    message = answer_of(read(DIALECT, [body], FRAMES))
    after = expected(had.parts if had else [], edits)
    names = [(type(part), getattr(part, "name", "")) for part in visible(message.parts)]
    assert names == [(type(part), getattr(part, "name", "")) for part in visible(after)]
    theirs = sdk_message(body)
    assert theirs["usage"]["totalTokens"] == (46 if fed and b"metadata" in b"".join(events) else 0)
    follows = "tool_use" if any(isinstance(part, ToolCall) for part in after) else "end_turn"
    assert theirs["reason"] == (edits.finish_reason or follows)


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_a_recorded_stream_is_changed_in_one_part_only(recording: Recorded) -> None:
    came = recording.response
    events = [came[event.start : event.end] for event in read_events([came])]
    untouched = Way(events, 3)
    assert untouched.finish() == came
    before = answer_of(read(DIALECT, [came], FRAMES))
    passing, last = Way(events, 1), len(before.parts) - 1
    passing.rewriter.edit(Edits({last: call("look", '{"a": 1}', "t9")}, [text_part("And so on.")]))
    message = got(passing.finish())
    assert shapes(message) == [*shapes(before)[:-1], ("call", "t9", "look", {"a": 1}), ("text", "And so on.", 0)]
    assert message.finish_reason == "tool_use" or not before.tool_calls()
    assert passing.client[-1] == events[-1]


def test_a_text_goes_on_differently_behind_what_the_client_has() -> None:
    events = stream([text_part("I will run rm -rf /"), call("Bash", "{}")])
    passing = Way(events, 2)
    with pytest.raises(ValueError, match="only what follows can change: …I wil"):
        passing.rewriter.edit(Edits({0: text_part("No")}))
    passing.rewriter.edit(Edits({0: text_part("I will not"), 1: None}))
    body = passing.finish()
    assert [shape(part) for part in got(body).parts] == [("text", "I will not", 0)]
    assert got(body).finish_reason == "end_turn"


def test_what_only_converse_has_moves_up_with_its_block() -> None:
    image = b'{"contentBlockIndex":1,"delta":{"image":{"source":{"bytes":"AAEC"}}}}'
    events = [
        *stream([text_part("Look")])[:3],
        event_frame("contentBlockStart", b'{"contentBlockIndex":1,"start":{"image":{"format":"png"}}}'),
        event_frame("contentBlockDelta", image),
        event_frame("contentBlockStop", b'{"contentBlockIndex":1}'),
        *stream([])[1:],
    ]
    passing = Way(events, 1)
    passing.rewriter.edit(Edits({0: None}))
    body = passing.finish()
    assert read(DIALECT, [body], FRAMES).answer.choices[0].parts[0].size == 3  # type: ignore[union-attr]
    assert image.replace(b'"contentBlockIndex":1', b'"contentBlockIndex":0') in body


def test_the_end_of_a_stream_that_broke_off_is_written() -> None:
    events = stream([text_part("Hello there")])
    passing = Way(events[:3], 1)
    passing.rewriter.edit(Edits(added=[thoughts("hm"), text_part("Bye")]))
    message = got(passing.finish())
    assert [shape(part) for part in message.parts] == [
        ("text", "Hello ther", 0),
        ("thinking", "hm", ""),
        ("text", "Bye", 0),
    ]
    assert Way(events[:3], 1).finish() == b"".join(events[:3])


def test_what_cannot_be_said_in_a_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="only texts, thoughts, calls and results"):
        Way(stream([]), 0).rewriter.edit(Edits(added=[Other("fallback", {})]))


def test_nothing_can_be_changed_behind_the_end() -> None:
    passing = Way(stream([text_part("Hello")]), 4)
    with pytest.raises(ValueError, match="whole answer already"):
        passing.rewriter.edit(Edits(added=[text_part("more")]))
