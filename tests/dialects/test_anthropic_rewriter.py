"""A stream of the Messages API that is changed on its way."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._anthropic_rewriter import AnthropicRewriter
from inspector.dialects._fields import name_results, text_part
from inspector.dialects.anthropic import Anthropic
from inspector.model.edits import Edits
from inspector.model.message import Growing, Message, Other, Part, Reasoning, Text, ToolCall
from tests.dialects.messages_streams import (
    CITATION,
    RESULT,
    block_shape,
    call,
    check_stream,
    framed,
    message_of,
    parts,
    plain_stream,
    read_events,
    sdk_message,
    shape,
    spoken,
    thoughts,
)
from tests.dialects.recorded import Recorded, parameters, payloads, read, recorded, sse

DIALECT = Anthropic()
NOISE = [sse({"type": "ping"}), b": a comment\n\n", b'event: new_kind\ndata: {"type": "new_kind"}\n\n']
STREAMS = [recording for recording in recorded("anthropic-messages") if recording.stream]


class Way:
    """A stream on its way to a client, changed by a rewriter from some place on."""

    def __init__(self, events: list[bytes], delivered: int) -> None:
        self.waiting = events[delivered:]
        self.fed = events[:delivered]
        self.client = events[:delivered]
        self.rewriter = AnthropicRewriter(read_events(self.fed))

    def feed(self, count: int) -> None:
        """Let the next events pass."""
        for raw in self.waiting[:count]:
            (event,) = read_events([raw])
            pieces = self.rewriter.feed(event)
            self.client += [raw] if pieces is None else pieces
            self.fed.append(raw)
        self.waiting = self.waiting[count:]

    def close(self) -> bytes:
        """All that the client got."""
        self.client += self.rewriter.close()
        return b"".join(self.client)

    def finish(self) -> bytes:
        """Let everything pass."""
        self.feed(len(self.waiting))
        return self.close()


def way(written: list[Part], after: str = "", reason: str = "end_turn") -> Way:
    """A stream of which the client has everything up to the first event with these words in it."""
    events = framed(plain_stream(written, reason))
    delivered = next(number for number, event in enumerate(events, 1) if after.encode() in event) if after else 0
    return Way(events, delivered)


def got(body: bytes) -> Message:
    """What the client has, by our reader; by the SDK it is the same."""
    check_stream(body)
    message = message_of(read(DIALECT, [body]))
    theirs = sdk_message(body, streamed=True)
    assert [block_shape(block) for block in theirs["content"]] == [shape(part) for part in message.parts]
    assert theirs["stop_reason"] == message.finish_reason
    return message


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


def unsigned(part: Part | None) -> Part | None:
    """Thoughts lose their signature when they are edited."""
    return replace(part, signature="") if isinstance(part, Reasoning) else part


@st.composite
def changes(draw: Any, written: list[Part]) -> Edits:
    """Edits of an answer; many of them only change how a part goes on."""
    edits = Edits()
    for index in draw(st.sets(st.integers(0, max(len(written) - 1, 0)), max_size=2)):
        part = draw(st.none() | parts)
        if index < len(written) and draw(st.booleans()):
            part = draw(continued(written[index]))
        untouched = index < len(written) and unsigned(part) == unsigned(written[index])
        edits.replaced[index] = None if untouched else unsigned(part)
    edits.added = draw(st.lists(spoken, max_size=2))
    edits.finish_reason = draw(st.sampled_from([None, None, "refusal", "max_tokens"]))
    return edits


@st.composite
def continued(draw: Any, part: Part) -> Part:
    """A part that begins as this one."""
    kept = draw(st.integers(0, 12))
    match part:
        case Text():
            return replace(part, content=Growing(str(part.content)[:kept] + draw(st.text(max_size=5))))
        case Reasoning() if not part.encrypted:
            return replace(part, content=Growing(str(part.content)[:kept] + draw(st.text(max_size=5))))
        case ToolCall():
            return replace(part, arguments=Growing('{"a": [1, 2]}' if kept < 6 else str(part.arguments)))
        case _:
            return part


def with_noise(events: list[bytes], places: list[tuple[int, bytes]]) -> list[bytes]:
    """Events with others between them."""
    events = list(events)
    for place, noise in places:
        events.insert(place % (len(events) + 1), noise)
    return events


noise = st.lists(st.tuples(st.integers(0, 99), st.sampled_from(NOISE)), max_size=2)


@given(st.data(), st.lists(parts, max_size=4), noise, st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_the_client_reads_exactly_the_edited_message(
    data: st.DataObject, written: list[Part], between: list[tuple[int, bytes]], delivered: int
) -> None:
    calls = any(isinstance(part, ToolCall) for part in written)
    reason = "tool_use" if calls else data.draw(st.sampled_from(["end_turn", "max_tokens"]))
    events = with_noise(framed(plain_stream(written, reason)), between)
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
    assert [shape(part) for part in message.parts] == [shape(part) for part in after]
    has = any(isinstance(part, ToolCall) for part in after)
    follows = "tool_use" if has and not calls else "end_turn" if calls and not has else reason
    assert message.finish_reason == (taken.finish_reason or follows)
    usage = read(DIALECT, [body]).answer.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (12, 34)


@given(st.data(), st.lists(parts, max_size=4), noise, st.integers(0, 60), st.booleans())
@settings(max_examples=200, deadline=None)
def test_an_answer_that_ends_early_has_what_the_client_had_and_what_was_written(
    data: st.DataObject, written: list[Part], between: list[tuple[int, bytes]], delivered: int, fed: bool
) -> None:
    events = with_noise(framed(plain_stream(written, "end_turn")), between)
    passing, taken = Way(events, delivered % (len(events) + 1)), Edits()
    for final in (False, True):
        edits = data.draw(changes(written))
        edits.final = final
        try:
            passing.rewriter.edit(edits)
        except ValueError:
            pass
        else:
            merged(taken, edits)
        passing.feed(0 if final else data.draw(st.integers(0, 20)))
    had = message_of(read(DIALECT, passing.fed)).parts
    body = passing.finish() if fed or not taken.final else passing.close()
    if not taken.final:
        return
    check_stream(body)
    message = message_of(read(DIALECT, [body]))
    after = expected(had, taken)
    assert [loosely(part) for part in message.parts] == [loosely(part) for part in after]
    follows = "tool_use" if any(isinstance(part, ToolCall) for part in after) else "end_turn"
    assert message.finish_reason == (taken.finish_reason or follows)


def loosely(part: Part) -> object:
    """A part whose arguments may have been cut."""
    if isinstance(part, ToolCall):
        return part.id, part.name, str(part.arguments) or "{}"
    return shape(part)


def test_a_text_goes_on_differently_behind_what_the_client_has() -> None:
    passing = way([text_part("I will run rm -rf /"), call("Bash", "{}")], after="I wi", reason="tool_use")
    with pytest.raises(ValueError, match="only what follows can change: …I wi"):
        passing.rewriter.edit(Edits({0: text_part("No")}))
    passing.rewriter.edit(Edits({0: text_part("I will not")}))
    body = passing.finish()
    assert [shape(part) for part in got(body).parts] == [("text", "I will not", []), shape(call("Bash", "{}"))]
    assert body.startswith(b"".join(passing.fed[:3]))


def test_a_held_tool_call_is_changed_and_keeps_its_id() -> None:
    passing = way([text_part("Look:"), call("Bash", '{"command": "rm"}', "toolu_9")], after="Look")
    passing.rewriter.edit(Edits({1: call("Read", '{"path": "a"}', "")}))
    assert shape(got(passing.finish()).parts[1]) == ("function", "toolu_9", "Read", {"path": "a"})


def test_the_rest_of_a_changed_part_goes_with_its_next_event() -> None:
    passing = way([text_part("one two three")], after="one ")
    passing.rewriter.edit(Edits({0: text_part("one and two")}))
    before = len(passing.client)
    passing.feed(1)
    assert "".join(event["delta"]["text"] for event in payloads(b"".join(passing.client[before:]))) == "and two"
    passing.rewriter.edit(Edits({0: text_part("one and two and more")}))
    passing.feed(1)
    assert got(passing.finish()).text() == "one and two and more"


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        (Edits({0: None}), "cannot be taken out any more"),
        (Edits({0: call("Bash", "{}")}), "cannot become one of another kind"),
        (Edits({0: text_part("Hello there")}), "has this part to its end"),
        (Edits({0: text_part("Hello", [{"type": "char_location"}])}), "has this part to its end"),
        (Edits({1: call("Read", '{"a": 1}')}), "knows already that Bash is called"),
        (Edits({1: call("Bash", '{"a": 1}', "toolu_other")}), "knows already that Bash is called"),
        (Edits({1: call("Bash", '{"b": 1}')}), "only what follows can change"),
    ],
)
def test_what_the_client_has_cannot_be_changed(edits: Edits, words: str) -> None:
    passing = way([text_part("Hello"), call("Bash", '{"a": 1}')], after='{\\"a\\"')
    with pytest.raises(ValueError, match=words):
        passing.rewriter.edit(Edits({1: call("Bash", '{"a": 2}'), **edits.replaced}))
    assert passing.finish() == b"".join(passing.fed)


def test_what_came_in_one_piece_is_as_it_is() -> None:
    sealed, other = Reasoning(encrypted="c2VhbGVk"), Other("note", {"type": "note", "text": "n"})
    passing = way([sealed, other, text_part("Hi", [CITATION])], after="citations_delta")
    for edits in (
        Edits({0: Reasoning(encrypted="b3RoZXI=")}),
        Edits({1: Other("note", {"type": "note"})}),
    ):
        with pytest.raises(ValueError, match="the client has this part already"):
            passing.rewriter.edit(edits)
    with pytest.raises(ValueError, match="has the citations of this text"):
        passing.rewriter.edit(Edits({2: text_part("Hi there")}))
    passing.rewriter.edit(Edits({0: sealed, 1: other, 2: text_part("Hi there", [CITATION, CITATION])}))
    assert message_of(read(DIALECT, [passing.finish()])).parts[2] == text_part("Hi there", [CITATION, CITATION])


def test_the_same_edit_twice_changes_nothing_more() -> None:
    changed = Other("web_search_tool_result", {**RESULT, "content": [{"type": "web_search_result"}]})
    passing = way([Other("web_search_tool_result", RESULT), call("Bash", "")])
    passing.rewriter.edit(Edits({0: changed}))
    passing.feed(len(passing.waiting) - 2)
    passing.rewriter.edit(Edits({0: changed, 1: call("Bash", "")}))
    check_stream(passing.finish())
    assert payloads(b"".join(passing.client))[1]["content_block"] == changed.data


def test_a_text_that_began_with_words() -> None:
    events = plain_stream([text_part(" there")], "end_turn")
    events[1]["content_block"]["text"] = "Hello"
    passing = Way(framed(events), 2)
    with pytest.raises(ValueError, match="only what follows"):
        passing.rewriter.edit(Edits({0: text_part("Bye")}))
    passing.rewriter.edit(Edits({0: text_part("Hello you")}))
    assert got(passing.finish()).text() == "Hello you"
    passing = Way(framed(events), 1)
    passing.rewriter.edit(Edits({0: text_part("Bye")}))
    assert got(passing.finish()).text() == "Bye"


def test_a_block_whose_end_comes_late_ends_once() -> None:
    events = plain_stream([text_part("Hello")], "end_turn")
    events.insert(-1, events.pop(-3))
    passing = Way(framed(events), 0)
    passing.rewriter.edit(Edits({0: text_part("Bye")}))
    assert got(passing.finish()).text() == "Bye"


def test_nothing_can_be_added_behind_the_end() -> None:
    passing = way([text_part("Hello")], after="message_delta")
    for edits in (Edits(added=[text_part("more")]), Edits(final=True), Edits({3: None})):
        with pytest.raises(ValueError, match=r"has all parts|no such part"):
            passing.rewriter.edit(edits)
    with pytest.raises(ValueError, match="finish reason already: end_turn"):
        passing.rewriter.edit(Edits(finish_reason="refusal"))
    passing.rewriter.edit(Edits(finish_reason="end_turn"))
    passing.feed(1)
    with pytest.raises(ValueError, match="whole answer"):
        passing.rewriter.edit(Edits(finish_reason="end_turn"))
    assert passing.close() == b"".join(passing.fed)


def test_changed_thoughts_lose_their_signature() -> None:
    passing = way([thoughts("Hm, so be it", "c2ln"), text_part("Yes")], after="Hm, ")
    passing.rewriter.edit(Edits({0: thoughts("Hm, no", "c2ln")}))
    body = passing.finish()
    assert b"c2ln" not in body
    assert [shape(part) for part in got(body).parts] == [("thinking", "Hm, no", ""), ("text", "Yes", [])]
    with pytest.raises(ValueError, match="to its end"):
        way([thoughts("Hm", "c2ln")], after="c2ln").rewriter.edit(Edits({0: thoughts("Hm, no")}))


def test_what_stopped_an_answer_goes_with_its_reason() -> None:
    events = plain_stream([text_part("Hello")], "stop_sequence")
    events[-2]["delta"] |= {"stop_sequence": "X", "stop_details": {"type": "refusal"}}
    passing = Way(framed(events), 0)
    passing.rewriter.edit(Edits(added=[call("Bash", "{}", "")]))
    body = passing.finish()
    (end,) = [event for event in payloads(body) if event["type"] == "message_delta"]
    assert end["delta"] == {"stop_reason": "tool_use", "stop_sequence": None, "stop_details": None}
    assert got(body).tool_calls()[0].id.startswith("toolu_")


def test_an_answer_ends_before_anything_of_it_came() -> None:
    passing = way([text_part("Hello")])
    passing.rewriter.edit(Edits(added=[text_part("Hi")], final=True))
    assert shape(got(passing.close()).parts[0]) == ("text", "Hi", [])


def test_an_early_end_closes_what_is_open_and_keeps_what_was_written() -> None:
    passing = way([text_part("one two"), call("Bash", '{"a": 1}'), text_part("three")], after="one ")
    passing.rewriter.edit(Edits({1: call("Read", "{}")}))
    passing.rewriter.edit(Edits(added=[text_part("end")], final=True, finish_reason="pause_turn"))
    message = got(passing.close())
    assert [shape(part) for part in message.parts] == [
        ("text", "one ", []),
        ("function", "toolu_1", "Read", {}),
        ("text", "end", []),
    ]
    assert message.finish_reason == "pause_turn"


def test_an_early_end_counts_the_tokens_that_the_upstream_counted() -> None:
    events = plain_stream([text_part("one two")], "end_turn")
    events[-2]["usage"]["cache_read_input_tokens"] = 5
    passing = Way(framed(events), 3)
    passing.rewriter.edit(Edits(final=True))
    usage = sdk_message(passing.finish(), streamed=True)["usage"]
    assert (usage["output_tokens"], usage["cache_read_input_tokens"]) == (34, 5)


@pytest.mark.parametrize("edits", [Edits(), Edits(added=[text_part("more")])])
def test_a_stream_without_its_end_gets_one_only_where_it_was_changed(edits: Edits) -> None:
    passing = Way(framed(plain_stream([text_part("Hello")], "end_turn"))[:-3], 2)
    passing.rewriter.edit(edits)
    body = passing.finish()
    if edits:
        assert got(body).text() == "Hellomore"
    else:
        assert body == b"".join(passing.fed)


def test_an_upstreams_error_passes_and_is_the_end() -> None:
    error = sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    passing = Way([*framed(plain_stream([text_part("Hello")], "end_turn"))[:3], error], 1)
    passing.rewriter.edit(Edits({0: text_part("Bye")}, added=[text_part("more")]))
    body = passing.finish()
    assert body.endswith(error)
    transcript = read(DIALECT, [body])
    assert (message_of(transcript).text(), transcript.answer.error) == ("Bye", "overloaded_error: Overloaded")


def test_garbage_passes_as_it_came() -> None:
    raw = [b"data: {not json\n\n", b"data: []\n\n", b'data: {"type":"content_block_stop","index":7}\n\n']
    passing = Way([*raw, *framed(plain_stream([text_part("Hello")], "end_turn"))], 0)
    passing.rewriter.edit(Edits({0: text_part("Bye")}))
    body = passing.finish()
    assert body.startswith(b"".join(raw))
    assert got(body[len(b"".join(raw)) :]).text() == "Bye"


def test_a_call_whose_input_came_with_its_beginning() -> None:
    start = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"a": 1}, "caller": {"type": "direct"}}
    events = plain_stream([call("Bash", "")], "tool_use")
    events[1]["content_block"] = start
    for delivered, arguments in ((0, "{}"), (0, ""), (2, "{}"), (2, "")):
        passing = Way(framed(events), delivered)
        passing.rewriter.edit(Edits({0: call("Bash", arguments)}))
        assert shape(got(passing.finish()).parts[0]) == ("function", "toolu_1", "Bash", {})
    assert b'"caller"' in b"".join(passing.client)
    passing = Way(framed(events), 3)
    with pytest.raises(ValueError, match="only what follows"):
        passing.rewriter.edit(Edits({0: call("Bash", '{"a": 2}')}))


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_a_recorded_stream_passes_as_its_own_bytes(recording: Recorded) -> None:
    events = cut(recording.response)
    for delivered in {0, 1, len(events) // 2, len(events)}:
        assert Way(events, delivered).finish() == recording.response
    passing = Way(events, 0)
    passing.rewriter.edit(Edits({99: text_part("never")}, finish_reason=None))
    assert passing.finish() == recording.response


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_in_a_recorded_stream_only_the_edited_part_differs(recording: Recorded) -> None:
    events = cut(recording.response)
    before = message_of(read(DIALECT, [recording.response]))
    for index, part in enumerate(before.parts):
        passing = Way(events, 0)
        passing.rewriter.edit(Edits({index: text_part("edited")}, finish_reason=before.finish_reason))
        after = message_of(read(DIALECT, [passing.finish()]))
        assert after.parts[index] == text_part("edited")
        after.parts[index] = part
        name_results([after])
        assert after == before
        same = [event for event in payloads(recording.response) if event.get("index") != index]
        assert [event for event in payloads(b"".join(passing.client)) if event.get("index") != index] == same


def cut(body: bytes) -> list[bytes]:
    """A body's events as bytes, everything of it included."""
    events = read_events([body])
    edges = [0, *(event.end for event in events[:-1]), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]
