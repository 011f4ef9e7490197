"""A stream of Cohere's Chat API that is changed on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._cohere_rewriter import CohereRewriter
from inspector.dialects._fields import text_part
from inspector.dialects.cohere import Cohere
from inspector.model.edits import Edits
from inspector.model.message import Growing, Media, Message, Other, Part, Reasoning, Text, ToolCall
from tests.dialects.cohere_streams import (
    CITATION,
    call,
    check_stream,
    framed,
    message_of,
    plain_stream,
    read_events,
    sdk_events,
    shape,
    spoken,
    thoughts,
)
from tests.dialects.recorded import Recorded, parameters, payloads, read, recorded

DIALECT = Cohere()
STREAMS = [recording for recording in recorded("cohere-chat") if recording.stream]
NOISE = [b": keep-alive\n\n", b'event: debug\ndata: {"type":"debug","prompt":"x"}\n\n']


class Way:
    """A stream on its way to a client, changed by a rewriter from some place on."""

    def __init__(self, events: list[bytes], delivered: int) -> None:
        self.waiting = events[delivered:]
        self.fed = events[:delivered]
        self.client = events[:delivered]
        self.rewriter = CohereRewriter(read_events(self.fed))

    def feed(self, count: int) -> None:
        """Let the next events pass."""
        for raw in self.waiting[:count]:
            (event,) = read_events([raw])
            pieces = self.rewriter.feed(event)
            self.client += [raw] if pieces is None else pieces
            self.fed.append(raw)
        self.waiting = self.waiting[count:]

    def finish(self) -> bytes:
        """Let everything pass."""
        self.feed(len(self.waiting))
        return self.close()

    def close(self) -> bytes:
        """All that the client got."""
        self.client += self.rewriter.close()
        return b"".join(self.client)


def way(written: list[Part], after: str = "", reason: str = "COMPLETE", plan: bool = False) -> Way:
    """A stream of which the client has everything up to the first event with these words in it."""
    events = framed(plain_stream(written, reason, plan))
    delivered = next(number for number, event in enumerate(events, 1) if after.encode() in event) if after else 0
    return Way(events, delivered)


def got(body: bytes) -> Message:
    """What the client has, by our reader; by the SDK it is the same."""
    check_stream(body)
    message = message_of(read(DIALECT, [body]))
    theirs, reason, _ = sdk_events(body)
    assert theirs == [shape(part) for part in message.parts]
    assert reason == message.finish_reason
    return message


@st.composite
def changes(draw: Any, written: list[Part]) -> Edits:
    """Edits of an answer; many of them only change how a part goes on."""
    edits = Edits()
    for index in draw(st.sets(st.integers(0, max(len(written) - 1, 0)), max_size=2)):
        part = draw(st.none() | spoken)
        if index < len(written) and draw(st.booleans()):
            part = draw(continued(written[index]))
        edits.replaced[index] = part
    edits.added = draw(st.lists(spoken, max_size=2))
    edits.finish_reason = draw(st.sampled_from([None, None, "MAX_TOKENS"]))
    return edits


@st.composite
def continued(draw: Any, part: Part) -> Part:
    """A part that begins as this one."""
    kept = draw(st.integers(0, 12))
    match part:
        case Text() | Reasoning():
            return replace(part, content=Growing(str(part.content)[:kept] + draw(st.text(max_size=5))))
        case ToolCall():
            return replace(part, arguments=Growing('{"a": [1, 2]}' if kept < 6 else str(part.arguments)))
        case _:
            return part


def merged(known: Edits, more: Edits) -> None:
    """Edits, in addition to earlier ones."""
    known.replaced.update(more.replaced)
    known.added += more.added
    known.finish_reason = more.finish_reason or known.finish_reason
    known.final = known.final or more.final


def expected(written: list[Part], edits: Edits) -> list[Part]:
    """The parts of an answer that was edited."""
    changed = [edits.replaced.get(index, part) for index, part in enumerate(written)]
    if edits.final:
        changed += [part for index, part in sorted(edits.replaced.items()) if index >= len(written)]
    return [part for part in changed if part is not None] + edits.added


def with_noise(events: list[bytes], places: list[tuple[int, bytes]]) -> list[bytes]:
    """Events with others between them."""
    events = list(events)
    for place, noise in places:
        events.insert(1 + place % len(events), noise)
    return events


noise = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(NOISE)), max_size=2)


@given(st.data(), st.lists(spoken, max_size=4), st.booleans(), noise, st.integers(0, 60), st.booleans())
@settings(max_examples=120, deadline=None)
def test_the_client_reads_exactly_the_edited_message(
    data: st.DataObject,
    written: list[Part],
    plan: bool,
    between: list[tuple[int, bytes]],
    delivered: int,
    ends_early: bool,
) -> None:
    calls = any(isinstance(part, ToolCall) for part in written)
    reason = "TOOL_CALL" if calls else data.draw(st.sampled_from(["COMPLETE", "MAX_TOKENS"]))
    events = [*with_noise(framed(plain_stream(written, reason, plan))[:-1], between), b"data: [DONE]\n\n"]
    passing, taken = Way(events, delivered % (len(events) + 1)), Edits()
    for number in range(data.draw(st.integers(1, 3))):
        edits = data.draw(changes(written))
        edits.final = ends_early and number > 0
        try:
            passing.rewriter.edit(edits)
        except ValueError:
            pass
        else:
            merged(taken, edits)
        if taken.final:
            break
        passing.feed(data.draw(st.integers(0, 20)))
    had = message_of(read(DIALECT, passing.fed)).parts
    body = passing.close() if taken.final else passing.finish()
    if not taken:
        assert body == b"".join(events)
        return
    after = expected(had if taken.final else written, taken)
    if taken.final:
        check_stream(body)
        message = message_of(read(DIALECT, [body]))
        assert [loosely(part) for part in message.parts] == [loosely(part) for part in after]
    else:
        message = got(body)
        assert [shape(part) for part in message.parts] == [shape(part) for part in after]
        usage = read(DIALECT, [body]).answer.usage
        assert usage is not None
        assert (usage.input_tokens, usage.output_tokens) == (500, 34)
    has = any(isinstance(part, ToolCall) for part in after)
    follows = "TOOL_CALL" if has else "COMPLETE" if taken.final or calls else reason
    assert message.finish_reason == (taken.finish_reason or follows)


def loosely(part: Part) -> object:
    """A part whose arguments may have been cut."""
    if isinstance(part, ToolCall):
        return part.id, part.name, str(part.arguments) or "{}"
    return shape(part)


def test_a_text_goes_on_differently_behind_what_the_client_has() -> None:
    passing = way([text_part("I will run rm -rf /"), call("Bash", "{}")], after="I wi", reason="TOOL_CALL")
    with pytest.raises(ValueError, match="only what follows can change: …I wi"):
        passing.rewriter.edit(Edits({0: text_part("No")}))
    with pytest.raises(ValueError, match="cannot be taken out any more"):
        passing.rewriter.edit(Edits({0: None}))
    with pytest.raises(ValueError, match="cannot become one of another kind"):
        passing.rewriter.edit(Edits({0: thoughts("I will")}))
    passing.rewriter.edit(Edits({0: text_part("I will not"), 1: None}))
    message = got(passing.finish())
    assert [shape(part) for part in message.parts] == [("text", "I will not", [])]
    assert message.finish_reason == "COMPLETE"


def test_a_plan_changes_and_ends_before_the_call_that_follows_it() -> None:
    passing = way(
        [thoughts("I will look"), call("Bash", '{"a": 1}', "b_1")], after="I wi", reason="TOOL_CALL", plan=True
    )
    passing.feed(2)
    passing.rewriter.edit(Edits({0: thoughts("I will look twice")}))
    body = passing.finish()
    assert [shape(part) for part in got(body).parts] == [
        ("thinking", "I will look twice"),
        ("call", "b_1", "Bash", {"a": 1}),
    ]
    kinds = [event["type"] for event in payloads(body)]
    assert "tool-plan-delta" not in kinds[kinds.index("tool-call-start") :]


def test_a_held_call_is_changed_and_keeps_its_id() -> None:
    passing = way([text_part("Look:"), call("Bash", '{"command": "rm"}', "b_9")], after="Look", reason="TOOL_CALL")
    passing.rewriter.edit(Edits({1: call("Read", '{"path": "a"}', "")}))
    assert shape(got(passing.finish()).parts[1]) == ("call", "b_9", "Read", {"path": "a"})
    passing = way([call("Bash", '{"command": "rm"}', "b_9")], after="Bash", reason="TOOL_CALL")
    with pytest.raises(ValueError, match="knows already that Bash is called"):
        passing.rewriter.edit(Edits({0: call("Read", '{"path": "a"}', "")}))


def test_numbers_move_up_where_a_part_was_taken_out_or_became_another() -> None:
    written: list[Part] = [thoughts("Hm"), text_part("Hi", [CITATION]), text_part("there", [CITATION]), call("f", "{}")]
    passing = way(written, reason="TOOL_CALL")
    passing.rewriter.edit(Edits({0: call("g", "{}", "g_1"), 1: None}))
    body = passing.finish()
    assert [shape(part) for part in got(body).parts] == [
        ("call", "g_1", "g", {}),
        ("text", "there", [CITATION]),
        ("call", "get_1", "f", {}),
    ]


def test_what_this_api_has_no_place_for_is_refused() -> None:
    rewriter = CohereRewriter([])
    for part in (Media("image"), Other("x"), ToolCall(kind="web_search_call")):
        with pytest.raises(ValueError, match="has words, thoughts and calls of functions"):
            rewriter.edit(Edits(added=[part]))
    passing = way([text_part("Hi")])
    passing.finish()
    with pytest.raises(ValueError, match="the whole answer already"):
        passing.rewriter.edit(Edits(added=[text_part("x")]))


def test_a_stream_of_the_first_version_passes_as_it_came() -> None:
    (event,) = read_events([b'data: {"event_type":"text-generation","text":"Hi"}\n\n'])
    rewriter = CohereRewriter([])
    assert rewriter.feed(event) is None
    with pytest.raises(ValueError, match="can only be edited as text"):
        rewriter.edit(Edits({0: text_part("Ho")}))
    assert rewriter.close() == []


def test_a_stream_that_broke_off_is_ended_where_it_was_changed() -> None:
    passing = way([text_part("Hello, world!")], after="Hell")
    passing.waiting = passing.waiting[:1]
    passing.rewriter.edit(Edits({0: text_part("Hello you")}))
    message = got(passing.finish())
    assert (message.text(), message.finish_reason) == ("Hello you", "COMPLETE")
    passing = way([text_part("Hello, world!")], after="Hell")
    passing.waiting = []
    assert passing.finish() == b"".join(passing.fed)
    final = CohereRewriter([])
    final.edit(Edits(added=[text_part("Stop.")], final=True))
    assert got(b"".join(final.close())).text() == "Stop."


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_of_a_recorded_stream_only_the_edited_part_differs(recording: Recorded) -> None:
    events = [recording.response[event.start : event.end] for event in read_events([recording.response])]
    before = message_of(read(DIALECT, events))
    assert Way(events, 0).finish() == recording.response
    for index in range(len(before.parts)):
        passing = Way(events, 0)
        passing.rewriter.edit(Edits({index: text_part("edited")}))
        after = got(passing.finish())
        wanted = [*before.parts]
        wanted[index] = text_part("edited")
        assert [shape(part) for part in after.parts] == [shape(part) for part in wanted]
