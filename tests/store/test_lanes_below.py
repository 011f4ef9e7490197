"""Sub-agents, found by the calls that started them; compactions, and small calls beside the turns."""

from __future__ import annotations

from dataclasses import replace

import orjson

from inspector.model.flow import Capture
from inspector.store.lane import Work
from tests.store.lane_talk import (
    FIRST,
    ORDER,
    READ,
    TITLER,
    Call,
    Talk,
    World,
    helper,
    model,
    nested,
    placed,
    result,
    sorted_out,
    task,
    turns,
    user,
)


def test_sub_agents_stand_below_the_call_that_started_them() -> None:
    world = World()
    flows = nested(world)
    lanes = sorted_out(world)
    main, sub, deep, other = list(lanes)
    assert [lane.flows for lane in lanes] == list(flows.values())
    assert (sub.parent, deep.parent, other.parent) == (main, sub, None)
    assert [lane.depth for lane in lanes] == [0, 1, 2, 0]
    assert sub.cause is not None and deep.cause is not None
    assert (sub.cause.flow, sub.cause.name, sub.cause.call_id) == (flows["main"][0], "Task", "toolu_task_1_5d1e88ab03")
    assert deep.cause.flow is flows["sub"][0]
    assert [sub.title, deep.title] == ["Explore tests", "Read the file tests/test_lexer.py for me."]
    assert [lane.path for lane in lanes] == sorted(lane.path for lane in lanes)
    assert main.totals.turns == 2


def test_sub_agents_at_once_with_the_same_words_each_have_a_call_of_their_own() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    calls = [task(number, "Try to break the parser.") for number in range(3)]
    world.step(talk, model("Three helpers.", *calls))
    helpers = [helper("Try to break the parser.") for _ in calls]
    for sub in helpers:
        world.step(sub, model("It holds, so far as I can tell."), ended=True)
    lanes = sorted_out(world)
    causes = [lane.cause.call_id for lane in lanes if lane.cause is not None]
    assert sorted(causes) == sorted(call.id for call in calls)


def test_a_sub_agent_with_the_words_in_a_frame() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    world.step(talk, model("", task(1, "Explore the tests.")))
    world.step(helper("Your task:\nExplore the tests.\nBe brief."), model("They are few."))
    main, sub = sorted_out(world)
    assert sub.parent is main


def test_a_likeness_by_chance_makes_no_sub_agent() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    path = Call("toolu_read_77d2aa31bc90", "Read", {"path": "tests/test_parser.py"})
    world.step(talk, model("", path))
    world.step(Talk(said=[user("Please review tests/test_parser.py as well.")]), model("Gladly."))
    assert [lane.parent for lane in sorted_out(world)] == [None, None]


def test_a_call_long_past_starts_nothing() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    old = task(1, "Explore the tests and report.")
    world.step(talk, model("", old), result(old, "done"))
    turns(world, talk, 5)
    world.step(Talk(said=[user("Explore the tests and report.")]), model("Gladly."))
    assert [lane.parent for lane in sorted_out(world)] == [None, None]


def test_another_session_is_no_sub_agent_but_one_that_names_its_parent_is() -> None:
    world = World()
    words = "Explore the tests and tell me what you have found."
    talk = Talk(said=[user(FIRST)], headers={"x-session-id": "ses_a"})
    world.step(talk, model("", Call("toolu_note_a5d1e88ab03", "Note", {"text": words})))
    framed = f"{words} Mind the lexer."
    world.step(Talk(said=[user(framed)], headers={"x-session-id": "ses_b"}), model("No."))
    child = {"x-session-id": "ses_c", "x-parent-session-id": "ses_a"}
    world.step(Talk(said=[user(framed)], headers=child), model("Yes."))
    main, sub, other = sorted_out(world)
    assert (sub.parent, sub.session, other.parent) == (main, "ses_c", None)


def test_without_its_words_a_sub_agent_is_known_by_its_session_and_a_waiting_call() -> None:
    world, session = World(), {"x-claude-code-session-id": "s-1"}
    talk = Talk(said=[user(FIRST)], headers=session)
    world.step(talk, model("", Call("toolu_agent_5d1e88ab03", "spawn_agent", {"id": 7})))
    world.step(helper("Work on number seven.", headers=session), model("Done."))
    alone = Talk(said=[user("And now something else.")], headers={"x-claude-code-session-id": "s-2"})
    world.step(alone, model("Yes?"))
    world.step(replace(alone, said=[user("Clear all. A new thing.")]), model("Yes?"))
    main, sub, first, second = sorted_out(world)
    assert (sub.parent, main.parent, first.parent, second.parent) == (main, None, None, None)


def test_after_a_compaction_the_conversation_goes_on_in_its_lane() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    *_, last = turns(world, talk)
    summary = "<summary>\nThe parser lacks a colon in line seven, as was found out.\nNext: mend it.\n</summary>"
    asked = world.send(replace(talk, said=[*talk.said, user(ORDER)]), model(summary))
    shorter = talk.with_said(user(f"This goes on from an earlier talk.\n{summary[10:-11]}"))
    after = world.step(shorter, model("I mend line seven now.", READ), result(READ, "x"))
    then = world.step(shorter, model("Mended."))
    lanes = sorted_out(world)
    assert len(lanes) == 1
    assert (placed(lanes, asked).work, placed(lanes, asked).turn) == (Work.COMPACTION, 0)
    assert placed(lanes, asked).previous is last
    assert (placed(lanes, after).compacted, placed(lanes, after).turn) == (True, 4)
    assert placed(lanes, after).previous is last
    assert (placed(lanes, then).compacted, placed(lanes, then).previous) == (False, after)


def test_a_person_who_asks_for_a_summary_makes_a_turn() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    turns(world, talk)
    asked = world.send(
        replace(talk, said=[*talk.said, user("Please summarise our conversation.")]), model("We talked.")
    )
    assert placed(sorted_out(world), asked).work is Work.TURN


def test_the_compaction_of_the_responses_api() -> None:
    world, talk = World(), Talk("openai-responses", [user(FIRST)])
    *_, last = turns(world, talk)
    sealed = {"type": "compaction", "encrypted_content": "gAAAAABo7Qk1x"}
    asked = world.send(
        replace(talk, dialect="openai-responses", url="https://api.openai.com/v1/responses/compact"),
        model("x"),
        store=False,
    )
    assert asked.response is not None
    asked.dialect, asked.response.body = "raw", Capture(orjson.dumps({"output": [sealed]}))
    world.store.add(asked)
    after = world.send(talk, model("On."), parameters={"input": [sealed, {"role": "user", "content": "Go on"}]})
    lanes = sorted_out(world)
    assert (placed(lanes, asked).work, placed(lanes, asked).previous) == (Work.COMPACTION, last)
    assert (placed(lanes, after).compacted, placed(lanes, after).previous) == (True, last)
    assert len(lanes) == 1


def test_a_history_that_shrinks_in_silence_stays_in_its_lane() -> None:
    world, talk = World(), Talk(said=[user(FIRST)], headers={"session_id": "s-1"})
    *_, last = turns(world, talk, 4)
    short = talk.with_said(user(FIRST), model("I have read four files, and forgot them."), user("Go on."))
    after = world.send(short, model("Gladly."))
    lanes = sorted_out(world)
    assert (placed(lanes, after).compacted, placed(lanes, after).previous, len(lanes)) == (True, last, 1)


def test_a_title_that_was_asked_for_first() -> None:
    world = World()
    title = world.send(replace(TITLER, said=[user(f"{FIRST} (be brief)")]), model('"Mend the parser"'))
    talk = Talk(said=[user(FIRST)])
    first, *_ = turns(world, talk)
    lanes = sorted_out(world)
    (lane,) = lanes
    assert (lane.id, lane.title, lane.totals.turns) == (title.id, "Mend the parser", 3)
    assert (placed(lanes, title).work, placed(lanes, title).turn) == (Work.TITLE, 0)
    assert placed(lanes, first).previous is None
    assert lane.totals.input_tokens == 400


def test_a_title_that_was_asked_for_later() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    turns(world, Talk(said=[user("Something else before.")]), 3)
    turns(world, talk, 1)
    title = world.send(
        replace(TITLER, said=[user("Make a title for this:"), user(FIRST)]), model('{"title": "Parser"}')
    )
    lanes = sorted_out(world)
    assert [lane.title for lane in lanes] == ["Something else before.", "Parser"]
    assert placed(lanes, title).lane.totals.turns == 1


def test_a_title_that_fails_is_none() -> None:
    world, talk = World(), Talk(said=[user(FIRST)])
    turns(world, talk, 1)
    world.send(replace(TITLER, said=[user(FIRST)]), None, status=529)
    (lane,) = sorted_out(world)
    assert lane.title == FIRST


def test_counts_and_probes_are_no_turns() -> None:
    world, session = World(), {"x-claude-code-session-id": "s-1"}
    probe = world.send(Talk(said=[user("quota")], headers=session, tools=()), model("I"), parameters={"max_tokens": 1})
    talk = Talk(said=[user(FIRST)], headers=session)
    first, second, _ = turns(world, talk)
    counting = world.send(talk, model("x"), store=False)
    counting.dialect = "anthropic-count-tokens"
    world.store.add(counting)
    after = world.step(talk, model("Done."))
    lanes = sorted_out(world)
    (lane,) = lanes
    assert [placed(lanes, flow).work for flow in (probe, counting, first)] == [Work.PROBE, Work.COUNT, Work.TURN]
    assert (lane.session, lane.title, lane.totals.turns) == ("s-1", FIRST, 4)
    assert placed(lanes, first).previous is None and placed(lanes, second).previous is first
    assert placed(lanes, after).turn == 4
