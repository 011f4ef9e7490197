"""Lanes: conversations told apart by what is on the wire, whatever API they speak."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import Any

import orjson
import pytest

from inspector.model.flow import Capture, Mutation
from inspector.store.flows import FlowStore
from inspector.store.lane import Lane, Work
from inspector.store.lanes import Lanes
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.store.lane_talk import (
    DIALECTS,
    FIRST,
    READ,
    Said,
    Talk,
    World,
    model,
    placed,
    result,
    sorted_out,
    task,
    turns,
    user,
)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_conversation_is_one_lane(dialect: str) -> None:
    world, talk = World(), Talk(dialect, [user(FIRST)])
    flows = turns(world, talk)
    flows.append(
        world.step(talk, model("It fails because a colon is missing there."), user("Thank you. And the lexer?"))
    )
    flows.append(world.step(talk, model("That one is sound.")))
    lanes = sorted_out(world)
    (lane,) = lanes
    assert (lane.title, lane.agent, lane.id, lane.flows) == (FIRST, "worker", flows[0].id, flows)
    assert [placed(lanes, flow).turn for flow in flows] == [1, 2, 3, 4, 5]
    assert placed(lanes, flows[0]).previous is None
    assert [placed(lanes, after).previous for _, after in pairwise(flows)] == flows[:-1]
    assert (lane.totals.turns, lane.totals.input_tokens, lane.totals.output_tokens) == (5, 500, 50)
    assert lane.totals.window == 100
    assert not any(placed(lanes, flow).compacted for flow in flows)


def test_the_responses_api_goes_on_by_the_answers_id() -> None:
    world, talk = World(), Talk("openai-responses", [user(FIRST)])
    first = world.send(talk, model("", READ), answer_id="resp_1")
    more = world.send(
        talk.with_said(result(READ, "x = 1")), model("Done."), parameters={"previous_response_id": "resp_1"}
    )
    last = world.send(talk.with_said(user("More?")), model("No."), parameters={"previous_response_id": "answer_f2"})
    lanes = sorted_out(world)
    (lane,) = lanes
    assert [placed(lanes, flow).previous for flow in (first, more, last)] == [None, first, more]
    assert lane.totals.turns == 3


def test_the_responses_api_goes_on_by_the_conversations_id() -> None:
    world, talk = World(), Talk("openai-responses", [user(FIRST)])
    world.send(talk, model("One."), parameters={"conversation": "conv_7"})
    other = world.send(talk.with_said(user("Else")), model("Two."), parameters={"conversation": {"id": "conv_8"}})
    second = world.send(talk.with_said(user("More?")), model("Three."), parameters={"conversation": {"id": "conv_7"}})
    lanes = sorted_out(world)
    assert len(lanes) == 2
    assert placed(lanes, second).lane.id == "f1"
    assert placed(lanes, other).lane.id == other.id


def test_polls_belong_to_the_answer_that_they_ask_after() -> None:
    world, talk = World(), Talk("openai-responses", [user(FIRST)])
    world.send(talk, model("At work."), parameters={"background": True}, answer_id="resp_bg")
    base = "https://api.openai.com/v1/responses"
    polls = [world.get(talk, f"{base}/resp_bg"), world.get(talk, f"{base}/resp_bg/cancel", "POST")]
    unknown = world.get(talk, f"{base}/resp_other")
    after = world.send(talk.with_said(user("So?")), model("Yes."), parameters={"previous_response_id": "resp_bg"})
    lanes = sorted_out(world)
    assert [(placed(lanes, poll).work, placed(lanes, poll).turn) for poll in polls] == [(Work.POLL, 0)] * 2
    assert lanes.place(unknown) is None
    assert placed(lanes, after).previous is not None and placed(lanes, after).turn == 2
    assert len(lanes) == 1


def test_conversations_at_once_stay_apart() -> None:
    world = World()
    talks = [Talk("openai-chat", [user(f"Question {number} of the day")]) for number in range(4)]
    for number in range(5):
        for talk in talks:
            world.step(talk, model(f"An answer of some length, {number}"), user(f"And {number}?"))
    lanes = sorted_out(world)
    assert [lane.totals.turns for lane in lanes] == [5, 5, 5, 5]
    assert [lane.title for lane in lanes] == [f"Question {number} of the day" for number in range(4)]


@pytest.mark.parametrize(
    "change", [{"agent": "other"}, {"headers": {"session_id": "s-2"}}, {"url": "http://b/v1/messages"}]
)
def test_another_agent_session_or_upstream_is_another_conversation(change: dict[str, Any]) -> None:
    """Also where both say the same, and hear the same."""
    world = World()
    talks = [Talk(said=[user("Hi there")]), replace(Talk(said=[user("Hi there")]), **change)]
    for _ in range(3):
        for talk in talks:
            world.step(talk, model("Hello to you, whoever you are."), user("Go on"))
    assert [lane.totals.turns for lane in sorted_out(world)] == [3, 3]


def test_the_same_question_later_is_a_new_conversation() -> None:
    world = World()
    for _ in range(3):
        talk = Talk(said=[user(FIRST)])
        world.step(talk, model("A colon is missing in the parser."), user("Thanks"))
        world.step(talk, model("You are welcome."))
    assert [lane.totals.turns for lane in sorted_out(world)] == [2, 2, 2]


def test_a_branch_stays_in_its_lane() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    first, second, _ = turns(world, talk)
    fork = world.send(talk.with_said(*talk.said[:3], user("Wait, look at the lexer first.")), model("Gladly."))
    again = world.send(talk.with_said(*talk.said[:3], user("Or rather at the tests.")), model("Gladly."))
    lanes = sorted_out(world)
    assert len(lanes) == 1
    assert placed(lanes, second).previous is first
    assert placed(lanes, fork).previous is first
    assert placed(lanes, again).previous is first
    assert [placed(lanes, flow).retry_of for flow in (fork, again)] == [None, None]
    assert placed(lanes, again).turn == 5


def test_what_agents_put_into_messages_does_not_matter() -> None:
    world, talk = World(), Talk(said=[user(f"<system-reminder>Today is Monday.</system-reminder>{FIRST}")])
    turns(world, talk, 2)
    talk.said[0] = user(f"{FIRST}\n<system-reminder>\nToday is Tuesday.\n</system-reminder>")
    talk.said.append(user("<system-reminder>The list of tasks is empty.</system-reminder>"))
    turns(world, talk, 2)
    (lane,) = sorted_out(world)
    assert (lane.title, lane.totals.turns) == (FIRST, 4)


def test_a_request_edited_by_hand_counts_with_what_its_client_sent() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    flow = world.send(talk, model("I saw something else entirely there."), store=False)
    flow.forwarded = flow.request.with_body(orjson.dumps({**orjson.loads(bytes(flow.request.body)), "messages": []}))
    flow.mutations.append(Mutation("body", "hand"))
    world.store.add(flow)
    talk.said += [model("I saw something else entirely there."), user("What?")]
    after = world.send(talk, model("Nothing."))
    lanes = sorted_out(world)
    assert placed(lanes, after).previous is flow


def test_a_result_ties_a_request_to_the_call_even_where_the_history_was_rewritten() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    *_, third = turns(world, talk)
    cut = world.send(talk.with_said(user("Files are left out."), *talk.said[-2:]), model("I see."))
    lanes = sorted_out(world)
    assert (placed(lanes, cut).previous, placed(lanes, cut).compacted) == (third, True)
    assert len(lanes) == 1


def test_words_tie_a_request_to_its_conversation_where_the_history_was_rewritten() -> None:
    world, talk = World(), Talk("openai-chat", [user("file a\n1"), model("Ok."), user(FIRST)])
    first = world.step(talk, model("The colon in line seven is missing."), user("Then add it, please."))
    talk.said[0] = user("file a\n2")
    second = world.step(talk, model("It is added now."))
    lanes = sorted_out(world)
    assert (placed(lanes, second).previous, placed(lanes, second).compacted) == (first, False)


def test_what_is_no_conversation_has_no_lane() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    turns(world, talk, 1)
    others = [
        world.get(talk, "https://api.openai.com/v1/models"),
        world.get(talk, "https://telemetry.example/v1/track"),
    ]
    lanes = sorted_out(world)
    assert [lanes.place(flow) for flow in others] == [None, None]
    assert [flow.id for lane in lanes for flow in lane.flows] == ["f1"]


def test_recorded_traffic() -> None:
    store = FlowStore()
    for flow in capture_flows():
        store.add(flow)
    lanes = Lanes(store, Transcripts())
    lanes.update(inf)
    outside = {flow.dialect for flow in store if flow.request.body and lanes.place(flow) is None}
    assert outside <= {"raw", "models", "mcp", "openai-embeddings"}
    seen: list[Lane] = list(lanes)
    assert sum(len(lane.flows) for lane in seen) == sum(lanes.place(flow) is not None for flow in store)
    assert all(lane.flows == sorted(lane.flows, key=lambda flow: flow.seq) for lane in seen)


def test_ten_thousand_flows_are_looked_at_once_each() -> None:
    world = World()
    asked = 0
    for number in range(1000):
        talk = Talk("openai-chat", [user(f"Do thing number {number}.")], agent=f"agent {number % 3}")
        for step in range(10):
            asked += 1 + len(talk.said)
            world.step(talk, model(f"I do step {step} of thing {number}."), user("Go on."))
    lanes = sorted_out(world)
    assert len(world.store) == 10_000
    assert [lane.totals.turns for lane in lanes] == [10] * 1000
    assert lanes.messages == asked
    lanes.update(inf)
    assert [placed(lanes, flow).turn for flow in list(world.store)[:3]] == [1, 2, 3]
    assert lanes.messages == asked


def test_a_request_of_two_thousand_messages() -> None:
    world = World()
    said: list[Said] = [user(FIRST)]
    for number in range(1000):
        said += [model(f"I do step {number} now."), user(f"Go on to {number}.")]
    first = world.send(Talk("openai-chat", said[:-2]), said[-2])
    second = world.send(Talk("openai-chat", said), model("Done."))
    lanes = sorted_out(world)
    assert placed(lanes, second).previous is first
    assert lanes.messages == 2 * len(said)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b'{"messages": 7, "input": 7, "contents": 7}',
        b'{"messages": [{"role": "user", "content": "\\ud800"}], "metadata": {"user_id": "{' + b"[" * 3000 + b'"}}',
        b'{"input": [{"type": "compaction", "encrypted_content": "\\ud800"}], "conversation": {"id": []}}',
        b'{"contents": [{"parts": [{"functionCall": {"name": 1, "args": 2}}]}], "previous_response_id": {}}',
        b'{"messages": [{"role": "assistant", "tool_calls": [{"id": "abcdefgh-1x", "function": {"arguments": "{"}}]}]}',
    ],
)
def test_malformed_requests_disturb_nobody(dialect: str, body: bytes) -> None:
    world, talk = World(), Talk(dialect, [user(FIRST)])
    first, second = turns(world, talk, 2)
    for answer in (model("", task(1, "[" * 3000)), None):
        flow = world.send(talk, answer, store=False)
        flow.request.body = Capture(body)
        world.store.add(flow)
    third = world.step(talk, model("Done."))
    lanes = sorted_out(world)
    assert [placed(lanes, flow).lane.id for flow in (first, second, third)] == [first.id] * 3
    assert placed(lanes, third).previous is second
