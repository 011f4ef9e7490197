"""Streams of the Responses API, changed on their way: whatever is changed, and when, the client reads just that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inspector.model.edits import Edits
from inspector.model.message import Growing, Media, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from inspector.wire.event import Event
from tests.dialects.recorded import Recorded, parameters, payloads, recorded
from tests.dialects.responses_answers import (
    WRITER,
    Loopback,
    Way,
    call_item,
    check_grammar,
    document_parts,
    events_of,
    framed,
    hosted_item,
    loopback,
    message_item,
    outputs,
    parts,
    plain,
    read_parts,
    reasoning_item,
    sdk_parts,
    unique,
    upstream,
)

Json = dict[str, Any]

STREAMS = [recording for recording in recorded("openai-responses") if recording.stream]


def text(words: str) -> Text:
    return Text(Growing(words))


def call(name: str, arguments: str, call_id: str = "", kind: str = "function") -> ToolCall:
    return ToolCall(call_id, name, Growing(arguments), kind, done=True)


def body(words: str) -> Json:
    return {"type": "output_text", "text": words, "annotations": [], "logprobs": []}


plans = st.none() | parts
edits = st.builds(
    Edits,
    st.dictionaries(st.integers(0, 5), plans, max_size=3),
    st.lists(parts, max_size=2),
    st.sampled_from([None, None, "completed", "max_output_tokens"]),
)


def grows(part: Part) -> bool:
    """Whether somebody else than the provider can go on with a part."""
    return isinstance(part, Text | Refusal | Reasoning) or (isinstance(part, ToolCall) and not part.server_side)


def grown(part: Part, more: str) -> Part:
    """The same part with other words behind its own."""
    match part:
        case Text():
            return Text(Growing(str(part.content) + more))
        case Refusal():
            return Refusal(Growing(str(part.content) + more))
        case Reasoning():
            return Reasoning(Growing(str(part.content) + more))
        case ToolCall():
            return ToolCall(part.id, part.name, Growing(str(part.arguments) + more), part.kind)
        case _:
            raise AssertionError(part)


def applied(model: list[Part], *accepted: Edits) -> list[tuple[str, ...]]:
    """The model's message with the edits made; ids and names that an edit leaves empty stay."""
    replaced = {index: plan for one in accepted for index, plan in one.replaced.items()}
    result: list[Part] = []
    gone = False
    for index, part in enumerate(model):
        if isinstance(part, ToolResult) and gone and index not in replaced:
            continue
        gone = isinstance(part, ToolCall) and part.server_side and index in replaced
        plan = replaced.get(index, part)
        result += [plan] if plan is not None else []
    return plain([*result, *(part for one in accepted for part in one.added)])


def whole(events: list[Json]) -> list[Part]:
    return read_parts(b"".join(map(framed, events)))


def tried(way: Way, wanted: Edits) -> list[Edits]:
    """The edits, if they are taken."""
    try:
        way.rewriter.edit(wanted)
    except ValueError as error:
        assert str(error)
        return []
    return [wanted]


@given(outputs, st.data(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_is_changed_and_when_the_client_reads_just_that(
    output: list[Json], data: st.DataObject, repeat: bool
) -> None:
    events = upstream(output, data.draw(st.sampled_from(["completed", "incomplete"])), repeat)
    way = Way(events, data.draw(st.integers(0, len(events) - 1)))
    accepted: list[Edits] = []
    for _ in range(data.draw(st.integers(1, 2))):
        wanted = data.draw(edits)
        seen = way.seen
        growing = [index for index, part in enumerate(seen) if grows(part)]
        if data.draw(st.booleans()) and growing:
            index = growing[data.draw(st.integers(0, len(growing) - 1))]
            wanted.replaced[index] = grown(seen[index], data.draw(st.sampled_from(["", "more", " и ещё"])))
        taken = tried(way, wanted)
        assert taken or way.fed == len(events) or any(index <= len(seen) for index in wanted.replaced)
        accepted += taken
        way.go(data.draw(st.integers(0, 12)))
    way.go()
    expected = applied(whole(events), *accepted)
    client = way.end()
    assert plain(read_parts(client)) == expected
    if repeat or not output:
        last = check_grammar(client)
        assert plain(document_parts(last)) == expected
    ended = payloads(client)[-1]["response"]
    assert ended["usage"]["total_tokens"] == 12
    reason = [one.finish_reason for one in accepted if one.finish_reason]
    status = (
        events[-1]["response"]["status"] if not reason else "completed" if reason[-1] == "completed" else "incomplete"
    )
    assert ended["status"] == status


@given(outputs, st.data())
@settings(max_examples=120, deadline=None)
def test_an_answer_that_is_ended_by_hand_has_what_came_and_what_was_added(
    output: list[Json], data: st.DataObject
) -> None:
    events = upstream(output)
    way = Way(events, data.draw(st.integers(0, len(events) - 1)))
    have = way.seen
    first, wanted = data.draw(st.none() | edits), data.draw(edits)
    accepted = tried(way, first) if first is not None and data.draw(st.booleans()) else []
    wanted.final = True
    accepted += tried(way, wanted)
    assume(accepted and accepted[-1] is wanted)
    if data.draw(st.booleans()):
        way.go(data.draw(st.integers(0, 40)))
    client = way.end()
    replaced = {index: plan for one in accepted for index, plan in one.replaced.items()}
    absent = [plan for index, plan in sorted(replaced.items()) if index >= len(have) and plan is not None]
    expected = [*applied(have, Edits({index: replaced[index] for index in replaced if index < len(have)}))]
    expected += plain(absent) + plain([part for one in accepted for part in one.added])
    assert plain(read_parts(client)) == expected
    last = check_grammar(client)
    assert plain(document_parts(last)) == expected
    reasons = [one.finish_reason for one in accepted if one.finish_reason] or ["completed"]
    assert last["status"] == ("completed" if reasons[-1] == "completed" else "incomplete")
    assert (last.get("usage") is not None) == (way.fed == len(events))


SKIPPED = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.content_part.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
    "response.output_text.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
)


@given(outputs, edits, st.sets(st.sampled_from(SKIPPED), min_size=1), st.booleans())
@settings(max_examples=120, deadline=None)
def test_servers_that_leave_events_out_are_edited_all_the_same(
    output: list[Json], wanted: Edits, skipped: set[str], numbered: bool
) -> None:
    # Nobody can count parts of which nothing is told before later ones are.
    assume(not any(part in ({"text": ""}, {"refusal": ""}) for item in output for part in _texts(item)))
    events = [event for event in upstream(output) if event["type"] not in skipped]
    if not numbered:
        events = [{name: value for name, value in event.items() if name != "sequence_number"} for event in events]
    way = Way(events, 0)
    way.rewriter.edit(wanted)
    way.go()
    client = way.end()
    assert plain(read_parts(client)) == plain(document_parts(payloads(client)[-1]["response"]))
    assert plain(read_parts(client)) == applied(whole(events), wanted)
    assert all(("sequence_number" in event) == numbered for event in payloads(client))


def _texts(item: Json) -> list[Json]:
    """The words of an item's contents, each beside the name of its field."""
    names = ("text", "refusal")
    return [{name: part[name]} for part in item.get("content", []) for name in names if name in part]


def _way(recording: Recorded) -> Iterator[tuple[Event, bytes]]:
    """The events of a recording, with their own bytes."""
    for event in events_of(recording.response):
        yield event, recording.response[event.start : event.end]


def _through(recording: Recorded, wanted: Edits) -> bytes:
    rewriter = WRITER.rewriter([])
    rewriter.edit(wanted)
    client = b""
    for event, raw in _way(recording):
        told = rewriter.feed(event)
        client += raw if told is None else b"".join(told)
    return client + b"".join(rewriter.close())


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_a_recorded_stream_passes_as_it_is_where_nothing_is_edited(recording: Recorded) -> None:
    events = [event for event, _ in _way(recording)]
    for delivered in (0, len(events) // 2):
        rewriter = WRITER.rewriter(events[:delivered])
        assert [rewriter.feed(event) for event in events[delivered:]] == [None] * len(events[delivered:])
        assert rewriter.close() == []


@pytest.mark.parametrize("recording", parameters(STREAMS))
def test_a_recorded_stream_is_edited_part_by_part(recording: Recorded) -> None:
    model = read_parts(recording.response)
    added: list[Part] = [text("And then?"), call("Bash", '{"command": "ls"}', "call_mine")]
    assert plain(read_parts(_through(recording, Edits(added=added)))) == plain([*model, *added])
    for index in range(len(model)):
        for plan in (None, text("Mine."), call("Bash", "{}", "call_mine")):
            wanted = Edits({index: plan})
            if isinstance(model[index], ToolCall) and isinstance(
                next(iter(model[index + 1 :]), None), ToolResult | Media
            ):
                wanted.replaced[index + 1] = None
            assert plain(read_parts(_through(recording, wanted))) == applied(model, wanted)


@pytest.fixture(scope="module")
def provider() -> Iterator[Loopback]:
    with loopback() as served:
        yield served


@given(outputs, edits, st.integers(0, 200), st.booleans())
@settings(max_examples=15, deadline=None)
def test_openais_sdk_reads_the_edited_answer(
    provider: Loopback, output: list[Json], wanted: Edits, cut: int, final: bool
) -> None:
    assume(unique([part for part in (*wanted.replaced.values(), *wanted.added) if part is not None]))
    way = Way(upstream(output), cut % (len(upstream(output)) - 1))
    wanted.finish_reason, wanted.final = None, final
    accepted = tried(way, wanted)
    if not final:
        way.go()
    client = way.end() if accepted or not final else b"".join(way.raw)
    expected = [part for part in plain(read_parts(client)) if part[0] != "other" and part[1] != "mcp_call"]
    for response in provider.responses(client):
        assert response.status == "completed"
        assert [part for part in sdk_parts(response) if part[0] != "other"] == expected


def test_edited_thoughts_lose_their_seal_and_others_keep_it() -> None:
    events = upstream([reasoning_item(number, "summary", ["a", "b"], f"seal{number}") for number in (0, 1)])
    way = Way(events, 0)
    way.rewriter.edit(Edits({0: Reasoning(Growing("other"), encrypted="mine")}))
    way.go()
    found = [part for part in read_parts(way.end()) if isinstance(part, Reasoning)]
    assert [(str(part.content), part.encrypted) for part in found] == [
        ("other", ""),
        ("b", ""),
        ("a", "seal1"),
        ("b", ""),
    ]


def test_citations_go_with_their_text() -> None:
    cited = {"type": "url_citation", "url": "https://u", "title": "U", "start_index": 0, "end_index": 2}
    noted = {"type": "response.output_text.annotation.added", "item_id": "msg_0", "output_index": 0}
    noted |= {"content_index": 0, "annotation_index": 0, "annotation": cited}
    events = upstream([message_item(0, [{**body("So"), "annotations": [cited]}])])
    events.insert(6, {**noted, "sequence_number": 6})
    events = [{**event, "sequence_number": number} for number, event in enumerate(events)]
    for plan, citations in ((text("So?"), []), (Text(Growing("Well"), [cited]), [cited])):
        way = Way(events, 0)
        way.rewriter.edit(Edits({0: plan}))
        way.go()
        last = payloads(way.end())[-1]["response"]
        assert last["output"][0]["content"][0]["annotations"] == citations
        assert [part.citations for part in read_parts(way.client) if isinstance(part, Text)] == [citations]


def test_a_call_is_changed_before_it_is_announced_and_its_arguments_after() -> None:
    events = upstream([call_item(0, "Bash", '{"command": "rm"}', "function_call")])
    early = Way(events, 2)
    early.rewriter.edit(Edits({0: call("read_file", '{"path": "a"}', "call_9")}))
    early.go()
    assert plain(read_parts(early.end())) == [("call", "function", "call_9", "read_file", '{"path": "a"}')]
    late = Way(events, 3 + len('{"command": "'))
    with pytest.raises(ValueError, match="told already that Bash is called"):
        late.rewriter.edit(Edits({0: call("read_file", '{"command": "ls"}')}))
    with pytest.raises(ValueError, match="go on behind"):
        late.rewriter.edit(Edits({0: call("Bash", '{"path": 1}')}))
    late.rewriter.edit(Edits({0: call("", '{"command": "ls"}')}))
    late.go()
    assert plain(read_parts(late.end())) == [("call", "function", "up_0", "Bash", '{"command": "ls"}')]
    check_grammar(late.client)


REFUSED: list[tuple[int, Edits, str]] = [
    (5, Edits({0: None}), "has the beginning"),
    (5, Edits({0: call("x", "")}), "has the beginning"),
    (5, Edits({0: Refusal(Growing("So"))}), "cannot become another kind"),
    (7, Edits({0: text("So what")}), "has all of this part"),
    (0, Edits({0: ToolResult("c", "x")}), "a part of kind tool result cannot be written"),
    (0, Edits(added=[Media("image")]), "a part of kind media cannot be written"),
    (0, Edits({1: ToolCall(name="find", kind="mcp_call")}), "a tool that the provider runs itself"),
    (100, Edits(added=[text("late")]), "has the whole answer"),
]


@pytest.mark.parametrize(("delivered", "wanted", "words"), REFUSED)
def test_what_cannot_be_changed_is_said_and_changes_nothing(delivered: int, wanted: Edits, words: str) -> None:
    way = Way(upstream([message_item(0, [body("So")]), hosted_item(1, None)]), delivered)
    wanted.added.append(text("never"))
    with pytest.raises(ValueError, match=words):
        way.rewriter.edit(wanted)
    way.go()
    assert way.end() == b"".join(way.raw)


def test_a_stream_that_breaks_off_ends_as_incomplete_where_it_was_edited() -> None:
    events = upstream([message_item(0, [body("So it is")])])[:7]
    untouched = Way(events, 0)
    untouched.go()
    assert untouched.end() == b"".join(map(framed, events))
    edited = Way(events, 0)
    edited.rewriter.edit(Edits(added=[text("More.")]))
    edited.go()
    last = check_grammar(edited.end())
    assert (last["status"], plain(document_parts(last))) == ("incomplete", [("Text", "So "), ("Text", "More.")])


def test_a_gateway_that_answers_in_the_shape_of_chat_is_left_alone() -> None:
    chunk = b'data: {"object": "chat.completion.chunk", "choices": []}\n\n'
    rewriter = WRITER.rewriter(events_of(chunk))
    with pytest.raises(ValueError, match="shape of Chat Completions"):
        rewriter.edit(Edits(added=[text("x")]))
    assert rewriter.feed(events_of(chunk)[0]) is None and rewriter.close() == []


def test_an_answer_of_which_nothing_came_can_be_ended_by_hand() -> None:
    rewriter = WRITER.rewriter([])
    rewriter.edit(Edits(added=[text("Mine")], final=True))
    last = check_grammar(b"".join(rewriter.close()))
    assert plain(document_parts(last)) == [("Text", "Mine")]
    assert rewriter.close() == []


def test_events_without_names_stay_without() -> None:
    raw = [framed(event).partition(b"\n")[2] for event in upstream([message_item(0, [body("So")])])]
    rewriter = WRITER.rewriter([])
    rewriter.edit(Edits({0: text("Well")}, [text("then")]))
    client = b"".join(b"".join(told) if (told := rewriter.feed(events_of(one)[0])) is not None else one for one in raw)
    assert b"event:" not in client
    assert plain(read_parts(client)) == [("Text", "Well"), ("Text", "then")]


def test_what_is_no_event_passes() -> None:
    rewriter = WRITER.rewriter([])
    rewriter.edit(Edits(added=[text("x")]))
    for raw in (b": ping\n\n", b"data: [DONE]\n\n", b"data: nonsense\n\n", b'{"error": "no"}'):
        assert [rewriter.feed(event) for event in events_of(raw)] == [None]
