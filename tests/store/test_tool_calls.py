"""The calls of a flow, and what its lane knows of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.flow import End, Flow, Reason
from inspector.model.message import Growing, Message, ToolCall, ToolResult
from inspector.store import tool_calls
from inspector.store.tool_book import ToolBook
from inspector.store.tool_calls import CallState, earlier, fingerprint, paired, start_of_last, used_names
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.handmade import chat_chunks
from tests.store.tools import (
    ANTHROPIC,
    CHAT,
    CITY,
    TURNS,
    Json,
    answered,
    anthropic_turns,
    asked,
    book_of,
    extend,
    gemini_turns,
    in_lane,
    read_all,
    responses_turns,
    said,
)


@pytest.mark.parametrize("api", TURNS)
def test_calls_find_their_results_and_the_flows_between(api: str) -> None:
    first, second = TURNS[api]()
    transcripts = in_lane(first, second)
    results = ("sunny", "snow") if api != "gemini" else ('{"is":"sunny"}', '{"is":"snow"}')
    whole = [("weather", "result", results[0], "1>2"), ("weather", "result", results[1], "1>2")]
    for flow, calls in ((first, whole), (second, [*whole, ("weather", "waiting", "", "2>?")])):
        book = book_of(flow, transcripts)
        assert said(book.calls) == calls
        # The first answer ended 1 s after its start, the second request came 3.5 s after the first.
        assert [seen.took for seen in book.calls[:2]] == [pytest.approx(2500), pytest.approx(2500)]
        assert all(book.verdicts[seen.key].ok for seen in book.calls), book.verdicts
        assert [each.used for each in book.declarations.tools] == [3]


@pytest.mark.parametrize("api", TURNS)
def test_a_flow_without_a_lane_tells_what_it_has(api: str) -> None:
    first, second = TURNS[api]()
    assert [state for _, state, *_ in said(book_of(first).calls)] == ["waiting", "waiting"]
    book = book_of(second)
    assert [(state, between) for _, state, _, between in said(book.calls)] == [
        ("result", "?>?"),
        ("result", "?>?"),
        ("waiting", "2>?"),
    ]


def test_the_result_of_a_call_arrives_while_it_is_looked_at() -> None:
    first, second = anthropic_turns()
    transcripts = in_lane(first)
    book = book_of(first, transcripts)
    assert [seen.state for seen in book.calls] == [CallState.WAITING, CallState.WAITING]
    assert not book.behind
    extend(transcripts, [first, second])
    assert book.behind
    read_all(book)
    assert [seen.state for seen in book.calls] == [CallState.DONE, CallState.DONE]
    assert not book.behind


def test_a_turn_that_leaves_a_result_out_and_one_that_brings_an_error() -> None:
    first, second = anthropic_turns()
    body = json.loads(bytes(second.request.body))
    results = body["messages"][2]["content"]
    results[0]["is_error"] = True
    del results[1]
    second = asked(ANTHROPIC, body, 2, 3.5)
    calls = book_of(first, in_lane(first, second)).calls
    assert [seen.state for seen in calls] == [CallState.FAILED, CallState.MISSING]
    assert [seen.state for seen in book_of(second, in_lane(first, second)).calls] == [
        CallState.FAILED,
        CallState.MISSING,
    ]


def test_a_growing_call_is_written_and_then_waits() -> None:
    flow = asked(CHAT, {"model": "m", "stream": True, "messages": [{"role": "user", "content": "go"}]})
    chunks = chat_chunks((), tool=("Bash", '{"command": "ls'), usage=None, finish=None)
    answered(flow, chunks)
    flow.end = None
    book = book_of(flow)
    assert [seen.state for seen in book.calls] == [CallState.WRITING]
    assert book.verdicts == {}
    flow.end = End(Reason.UPSTREAM_RESET, "upstream")
    flow.revision += 1
    read_all(book)
    assert [seen.state for seen in book.calls] == [CallState.CUT]
    error = book.verdicts["a0.0"].error
    assert error is not None and "not closed" in error.message


def test_the_time_between_is_counted_from_the_end_of_each_call() -> None:
    def event(call: int, arguments: str) -> bytes:
        piece = {"index": call, "id": f"c{call}", "type": "function"}
        delta = {"tool_calls": [{**piece, "function": {"name": "weather", "arguments": arguments}}]}
        return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"

    start = [{"role": "user", "content": "go"}]
    events = [event(0, '{"city"'), event(0, ': "Rome"}'), event(1, '{"city": "Oslo"}'), *chat_chunks(())]
    first = answered(asked(CHAT, {"model": "m", "stream": True, "messages": start}), events)
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": "weather", "arguments": json.dumps({"city": city})}}
        for n, city in enumerate(("Rome", "Oslo"))
    ]
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": "x"} for n in range(2)]
    rest = [*start, {"role": "assistant", "tool_calls": calls}, *results]
    second = asked(CHAT, {"model": "m", "messages": rest}, 2, 2.0)
    for flow in (first, second):
        book = book_of(flow, in_lane(first, second))
        assert [seen.took for seen in book.calls] == [pytest.approx(1800), pytest.approx(1700)]


def test_the_same_call_again_is_told() -> None:
    def use(number: int, arguments: Json) -> list[Json]:
        call = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": arguments}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "1 failed"}
        return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]

    inputs: list[Json] = [{"a": 1, "b": 2}, {"a": 1}, {"b": 2, "a": 1}, {"a": 1, "b": 2}]
    messages = [{"role": "user", "content": "go"}, *(each for n, given in enumerate(inputs) for each in use(n, given))]
    calls = book_of(asked(ANTHROPIC, {"model": "m", "messages": messages})).calls
    assert [(seen.nth, seen.same) for seen in calls] == [(1, 3), (1, 1), (2, 3), (3, 3)]


def test_what_the_provider_runs_has_its_result_and_its_time_in_the_answer() -> None:
    def block(index: int, content: Json) -> list[bytes]:
        start = {"type": "content_block_start", "index": index, "content_block": content}
        stop = {"type": "content_block_stop", "index": index}
        return [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in (start, stop)]

    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result"}]}
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    flow = asked(ANTHROPIC, {"model": "m", "tools": tools, "messages": [{"role": "user", "content": "go"}]})
    book = book_of(answered(flow, [*block(0, search), *block(1, found)]))
    (seen,) = book.calls
    assert seen.call.server_side and seen.state is CallState.DONE and seen.result is not None
    # 100 ms an event: begun with the first, its result with the third.
    assert seen.made_by is seen.brought_by is flow and seen.took == pytest.approx(200, abs=101)
    assert book.verdicts[seen.key].ok
    assert book.declarations.tools[0].used == 1


def test_a_summary_in_the_place_of_the_beginning_keeps_the_flows_right() -> None:
    first, second = gemini_turns()
    body = json.loads(bytes(second.request.body))
    body["contents"] += [
        {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"city": "Bonn"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"is": "rain"}}}]},
    ]
    body["contents"][:3] = [{"role": "user", "parts": [{"text": "So far: sunny and snow."}]}]
    third = asked(second.request.url, body, 3, 9.0)
    calls = book_of(third, in_lane(first, second, third)).calls
    assert said(calls) == [("weather", "result", '{"is":"rain"}', "2>3")]
    assert calls[0].took == pytest.approx(4500)


def test_a_lane_in_which_a_flow_comes_to_stand_before_others_is_read_anew() -> None:
    first, second = responses_turns()
    transcripts = in_lane(second)
    book = book_of(second, transcripts)
    assert said(book.calls)[0][3] == "?>?"
    extend(transcripts, [first, second])
    assert book.behind
    read_all(book)
    assert said(book.calls)[0][3] == "1>2"


def test_results_without_calls_and_calls_without_ids() -> None:
    calls = [ToolCall(name=name, arguments=Growing("{}")) for name in ("a", "b", "a")]
    results = [ToolResult(content="for b", name="b"), ToolResult(content="first"), ToolResult("odd", "nobody's")]
    pairs = paired([Message("assistant", list(calls)), Message("tool", list(results))])
    assert [pair.result and pair.result.content for pair in pairs] == ["first", "for b", None]


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5), st.integers(0, 4))
def test_spelling_does_not_count(value: Json, indent: int) -> None:
    shuffled = dict(reversed(value.items()))
    one, other = (
        ToolCall(name="x", arguments=Growing(text))
        for text in (json.dumps(value), json.dumps(shuffled, indent=indent, ensure_ascii=False))
    )
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(ToolCall(name="y", arguments=Growing(json.dumps(value))))


def test_recorded_traffic_has_the_calls_of_its_transcripts() -> None:
    transcripts = Transcripts()
    book = ToolBook(transcripts)
    seen = 0
    for flow in capture_flows():
        book.open(flow)
        read_all(book)
        transcript = transcripts.of(flow)
        messages = [*transcript.prompt.messages, *transcript.answer.choices]
        assert [each.call for each in book.calls] == [call for message in messages for call in message.tool_calls()]
        assert len(book.declarations.tools) == len(transcript.prompt.tools)
        assert all(each.took is None or each.took >= 0 for each in book.calls)
        seen += len(book.calls)
    assert seen > 50


def many(turns: int) -> list[Flow]:
    """A lane of so many turns, a call each."""
    tools = [{"name": "weather", "input_schema": CITY}]
    messages: list[Json] = [{"role": "user", "content": "go"}]
    flows = []
    for number in range(1, turns + 1):
        call = {"type": "tool_use", "id": f"t{number}", "name": "weather", "input": {"city": str(number)}}
        body = {"model": "m", "tools": tools, "messages": messages}
        answer = {"type": "message", "role": "assistant", "content": [call], "stop_reason": "tool_use"}
        flows.append(answered(asked(ANTHROPIC, body, number, number * 2.0), answer))
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": "x"}
        messages = [
            *messages,
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]
    return flows


def test_a_long_lane_is_read_in_slices() -> None:
    flows = many(60)
    transcripts = in_lane(*flows)
    assert book_of(flows[-1], transcripts).calls
    book = ToolBook(transcripts)
    book.open(flows[-1])
    slices = 1
    while book.pull(0.0):
        slices += 1
        assert len(book.calls) == 60
    assert slices > 5
    assert all(seen.made_by is not None for seen in book.calls)
    assert [seen.took for seen in book.calls[:-1]] == [pytest.approx(1000)] * 59
    assert len(book.verdicts) == 60


def many_calls(count: int, together: int) -> list[Message]:
    """A conversation with so many calls, some in each message."""
    talk: list[Message] = []
    for first in range(0, count, together):
        ids = [f"call{number}" for number in range(first, min(first + together, count))]
        talk.append(Message("assistant", [ToolCall(id, f"tool{id[-1]}", Growing("{}"), done=True) for id in ids]))
        talk.append(Message("user", [ToolResult(id, "fine") for id in ids]))
    return talk


@pytest.mark.parametrize("together", [1, 2, 3, 10])
@pytest.mark.parametrize("count", [0, 1, 4, 5, 10])
def test_of_very_many_calls_the_last_ones_are_listed(
    together: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_calls, "MOST", 4)
    talk = many_calls(count, together)
    ids = [f"call{number}" for number in range(count)]
    pairs = paired(talk, start_of_last(talk))
    assert [pair.call.id for pair in pairs] == ids[-4:]
    assert all(pair.result is not None and pair.result.id == pair.call.id for pair in pairs)
    assert [call.id for call in earlier(talk)] == ids[:-4]


def test_calls_that_are_not_listed_count_as_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    _, flow = anthropic_turns()
    whole = book_of(flow)
    assert (len(whole.calls), whole.earlier) == (3, 0)
    monkeypatch.setattr(tool_calls, "MOST", 1)
    book = book_of(flow)
    assert (len(book.calls), book.earlier) == (2, 1)
    assert [each.used for each in book.declarations.tools] == [each.used for each in whole.declarations.tools] == [3]


def test_a_providers_own_tool_is_used_by_its_kind_too() -> None:
    own = ToolCall("1", "search", Growing("{}"), kind="web_search_call")
    same = ToolCall("2", "web_search", Growing("{}"), kind="web_search_call")
    assert used_names([own, same, ToolCall("3", "search", Growing("{}"))]) == {"search": 2, "web_search": 2}
