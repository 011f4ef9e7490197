"""What an agent sends back of the past, compared with what was: each kind of change, and what is none."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.flow import Capture, End, Flow, Reason, Response
from inspector.store.history import Finding, Histories, Kind, findings, history
from inspector.store.history_words import common_prefix, difference, is_shortened
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.store.turns import Json, answer_with, assistant, lane_of, message, result, said, text, turn, use, user

ASK = user("Repair the parser, please")
LOOK = assistant(text("I look at it."), use("toolu_a", path="parser.py"))
GIVEN = user(result("toolu_a", "def parse():\n    return 1\n"))
SECOND = message(text("Now I run the tests."), use("toolu_b", "Bash", command="pytest"))
BACK = assistant(text("Now I run the tests."), use("toolu_b", "Bash", command="pytest"))
RESULT = user(result("toolu_b", "1 passed"))
HISTORY = [ASK, LOOK, GIVEN, BACK, RESULT]


def found(
    messages: list[Json], *, answer: Json = SECOND, before: list[Json] | None = None
) -> list[tuple[str, int, str]]:
    """Findings of a second Anthropic request with these messages."""
    first = turn("anthropic", {"messages": before or HISTORY[:3]}, answer)
    second = turn("anthropic", {"messages": messages}, number=2)
    return brief(findings(second, lane_of(first, second)))


def brief(all_of: tuple[Finding, ...]) -> list[tuple[str, int, str]]:
    """Findings as tuples."""
    return [(finding.kind.value, finding.message, finding.words) for finding in all_of]


def test_a_request_that_only_goes_on_has_no_findings() -> None:
    assert found(HISTORY) == []
    assert found([*HISTORY, assistant("All is well."), user("Thanks")]) == []


def test_an_altered_result_says_where() -> None:
    messages = deepcopy(HISTORY)
    messages[2]["content"][0]["content"] = "def parse():\n    return 2\n"
    assert found(messages) == [("altered", 2, "the result of Read: from character 25: “1” → “2”")]


def test_an_altered_answer_and_altered_arguments() -> None:
    messages = deepcopy(HISTORY)
    messages[3] = assistant(text("Then I run the tests."), use("toolu_b", "Bash", command="rm -rf /"))
    kinds = found(messages)
    assert [(kind, place) for kind, place, _ in kinds] == [("altered", 3), ("altered", 3)]
    assert kinds[0][2].startswith("the answer's text: from character 1: “Now I run the tests.”")
    assert "the call of Bash" in kinds[1][2]


def test_another_tool_under_the_same_id_is_altered() -> None:
    messages = deepcopy(HISTORY)
    messages[3]["content"][1]["name"] = "Shell"
    assert found(messages) == [("altered", 3, "the call of Bash: the tool is Shell now")]


@pytest.mark.parametrize(
    "short", ["def parse():", "def pa\n[... truncated ...]\n", "[Old tool result content cleared]"]
)
def test_a_shortened_result(short: str) -> None:
    messages = deepcopy(HISTORY)
    long = "def parse():\n    return 1\n" * 20
    before = deepcopy(HISTORY[:3])
    before[2]["content"][0]["content"] = long
    messages[2]["content"][0]["content"] = short
    assert found(messages, before=before) == [
        ("shortened", 2, f"the result of Read: {len(long):,} → {len(short):,} characters")
    ]


def test_white_space_alone_is_said_to_be_that() -> None:
    messages = deepcopy(HISTORY)
    messages[3]["content"][0]["text"] = "Now I run the tests. "
    ((kind, place, words),) = found(messages)
    assert (kind, place) == ("altered", 3)
    assert "only white space differs" in words


def test_a_dropped_turn_names_what_is_missing_and_where() -> None:
    assert found([ASK, BACK, RESULT]) == [
        ("dropped", 1, "the answer's text is not sent back: “I look at it.”"),
        ("dropped", 1, 'the call of Read is not sent back: “{"path":"parser.py"}”'),
        ("dropped", 1, "the result of Read is not sent back: “def parse(): return 1”"),
    ]


def test_turns_out_of_order() -> None:
    first, second = user("First"), user("Second, and rather longer")
    before = [first, assistant("One"), second, assistant("Two"), user("Third")]
    messages = [second, assistant("One"), first, assistant("Two"), user("Third"), assistant("ok"), user("more")]
    kinds = {kind for kind, _, _ in found(messages, answer=message(text("ok")), before=before)}
    assert kinds == {"order"}


def test_a_call_without_its_result_and_a_result_without_its_call() -> None:
    missing = [ASK, LOOK, GIVEN, BACK, user("go on")]
    assert found(missing) == [("no result", 3, "the call of Bash has no result")]
    orphan = [*HISTORY, user(result("toolu_x"))]
    assert found(orphan) == [("no result", 5, "a result of a tool without its call")]


def test_what_stands_twice_is_a_duplicate() -> None:
    kinds = found([ASK, LOOK, GIVEN, GIVEN, BACK, RESULT])
    assert ("duplicate", 3, "the result of Read stands there twice") in kinds


def test_something_new_in_the_midst_is_inserted() -> None:
    assert found([ASK, user("Be quick"), LOOK, GIVEN, BACK, RESULT]) == [
        ("inserted", 1, "the user's text in the midst of it: “Be quick”")
    ]


def test_signed_thoughts_must_come_back_within_a_round_of_calls() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    answer = message(thought, *BACK["content"])
    whole = [ASK, LOOK, GIVEN, assistant(thought, *BACK["content"]), RESULT]
    assert found(whole, answer=answer) == []
    assert [kind for kind, _, _ in found(HISTORY, answer=answer)] == ["thinking lost"]
    other = [ASK, LOOK, GIVEN, assistant({**thought, "signature": "other"}, *BACK["content"]), RESULT]
    assert [kind for kind, _, _ in found(other, answer=answer)] == ["thinking lost"]
    later = [ASK, LOOK, GIVEN, BACK, RESULT, assistant("Done."), user("Thanks")]
    first = turn("anthropic", {"messages": [*whole, assistant("Done.")][:5]}, message(text("Done.")))
    assert [k for k, *_ in brief(findings(turn("anthropic", {"messages": later}, number=2), lane_of(first)))] == []


def test_marks_ids_order_of_keys_and_empty_texts_are_no_findings() -> None:
    messages = deepcopy(HISTORY)
    messages[0]["content"] = [{**text(messages[0]["content"]), "cache_control": {"type": "ephemeral"}}]
    messages[3]["content"] = [text("Now I run "), text("the tests."), text(""), {**messages[3]["content"][1]}]
    messages[4]["content"][0] = {"content": [text("1 passed")], "tool_use_id": "toolu_b", "type": "tool_result"}
    assert found(messages) == []
    streamed = message(text("Go."), {"type": "tool_use", "id": "toolu_b", "name": "Edit", "input": {"a": 1, "b": [2]}})
    sent = [ASK, assistant(text("Go."), use("toolu_b", "Edit", b=[2], a=1)), RESULT]
    assert found(sent, answer=streamed, before=[ASK]) == []


def test_a_prefilled_answer_is_one_text_with_what_came() -> None:
    before = [ASK, assistant("The answer is")]
    sent = [ASK, assistant("The answer is 42."), user("Why?")]
    assert found(sent, answer=message(text(" 42.")), before=before) == []


def test_an_answer_that_broke_off_need_not_come_back() -> None:
    first = turn("anthropic", {"messages": [ASK]})
    block = {"type": "content_block_start", "index": 0, "content_block": text("Half")}
    events = b"event: content_block_start\ndata: %s\n\n" % orjson.dumps(block)
    first.response = Response(
        200, turn("chat", {}).request.headers.set("content-type", "text/event-stream"), "OK", Capture(events)
    )
    first.end = End(Reason.CLIENT_GONE, "client")
    second = turn("anthropic", {"messages": [ASK, user("Do something else")]}, number=2)
    assert findings(second, lane_of(first, second)) == ()


def test_an_edited_answer_is_compared_as_the_client_got_it() -> None:
    first = turn("anthropic", {"messages": [ASK]}, message(text("I run rm -rf")))
    first.delivered = Response(200, first.response.headers, "OK", Capture(orjson.dumps(message(text("I run ls")))))  # type: ignore[union-attr]
    second = turn("anthropic", {"messages": [ASK, assistant("I run ls"), user("ok")]}, number=2)
    assert findings(second, lane_of(first, second)) == ()
    third = turn("anthropic", {"messages": [ASK, assistant("I run rm -rf"), user("ok")]}, number=2)
    assert [finding.kind for finding in findings(third, lane_of(first, third))] == [Kind.ALTERED]


def test_a_compaction_is_one_finding_and_tells_what_is_gone() -> None:
    first = turn("anthropic", {"messages": HISTORY}, message(text("Done.")))
    second = turn(
        "anthropic", {"messages": [user("Summary: all is done."), assistant("I see."), user("Go on")]}, number=2
    )
    seen = history(second, lane_of(first, second, compacted=True))
    assert brief(seen.findings) == [("replaced", 0, "history replaced: 5 messages → 3")]
    assert seen.lost[0][0] in ("the result of Read", "the call of Read")
    assert dict(seen.lost)["the result of Bash"] == len("1 passed")
    # The same without anybody who says so.
    assert [kind for kind, _, _ in brief(findings(second, lane_of(first, second)))] == ["replaced"]


CHAT = [
    {"role": "system", "content": "Be brief."},
    user("What is in a.txt?"),
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_9fX2b", "type": "function", "function": {"name": "read", "arguments": '{"path": "a.txt"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_9fX2b", "content": "hello"},
]


def chat(change: Any = None, **parameters: Any) -> list[tuple[str, int, str]]:
    """Findings of a second Chat Completions request, whose messages were changed."""
    first = turn("chat", {"messages": CHAT}, said("It says hello."))
    messages = [*deepcopy(CHAT), assistant("It says hello."), user("Thanks")]
    if change is not None:
        change(messages)
    second = turn("chat", {"messages": messages, **parameters}, number=2)
    return brief(findings(second, lane_of(first, second)))


def test_chat_completions() -> None:
    assert chat() == []
    assert chat(lambda m: m[2]["tool_calls"][0]["function"].update(arguments='{"path":"a.txt"}')) == []
    assert chat(lambda m: m[0].update(content="Be very brief.")) == []
    assert chat(lambda m: m[3].update(content="hullo")) == [
        ("altered", 3, "the result of read: from character 2: “ello” → “ullo”")
    ]
    assert chat(lambda m: m.pop(3)) == [
        ("no result", 2, "the call of read has no result"),
        ("dropped", 3, "the result of read is not sent back: “hello”"),
    ]
    assert chat(lambda m: m[4].update(content="It says bye.")) == [
        ("altered", 4, "the answer's text: from character 9: “hello.” → “bye.”")
    ]


def responses_items() -> list[Json]:
    """A conversation of the Responses API."""
    return [
        {"role": "user", "content": [{"type": "input_text", "text": "List it"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "function_call", "id": "fc_1", "call_id": "call_Zx", "name": "shell", "arguments": '{"cmd":"ls"}'},
        {"type": "function_call_output", "call_id": "call_Zx", "output": "a b c"},
    ]


def responses(items: list[Json], **parameters: Any) -> list[tuple[str, int, str]]:
    """Findings of a second Responses request."""
    call = {**responses_items()[2], "status": "completed"}
    answer = {"id": "r", "object": "response", "status": "completed", "output": [responses_items()[1], call]}
    first = turn("responses", {"input": responses_items()[:1]}, answer)
    second = turn("responses", {"input": items, **parameters}, number=2)
    return brief(findings(second, lane_of(first, second)))


def test_responses() -> None:
    items = responses_items()
    assert responses(items) == []
    for item in items:
        item.pop("id", None)
    assert responses(items) == []
    assert [kind for kind, _, _ in responses([items[0], *items[2:]])] == ["thinking lost"]
    assert [kind for kind, _, _ in responses([*items[:3]])] == ["no result"]
    assert responses(items[3:], previous_response_id="r") == []
    changed = [*items[:2], {**items[2], "arguments": '{"cmd":"ls -l"}'}, items[3]]
    assert responses(changed) == [("altered", 1, 'the call of shell: from character 11: “"}” → “-l"}”')]


def test_gemini_pairs_calls_without_ids() -> None:
    ask = {"role": "user", "parts": [{"text": "List it"}]}
    call = {"role": "model", "parts": [{"functionCall": {"name": "ls", "args": {"path": "."}}}]}
    given = {"role": "user", "parts": [{"functionResponse": {"name": "ls", "response": {"output": "a b"}}}]}
    first = turn("gemini", {"contents": [ask]}, {"candidates": [{"content": call, "finishReason": "STOP"}]})
    second = turn("gemini", {"contents": [ask, call, given]}, number=2)
    transcripts = lane_of(first, second)
    assert findings(second, transcripts) == ()
    answer_with(second, {"candidates": [{"content": {"parts": [{"text": "Two."}]}, "finishReason": "STOP"}]})
    bad = {"role": "user", "parts": [{"functionResponse": {"name": "ls", "response": {"output": "a c"}}}]}
    last = [{"role": "model", "parts": [{"text": "Two."}]}, {"role": "user", "parts": [{"text": "ok"}]}]
    third = turn("gemini", {"contents": [ask, call, bad, *last]}, number=3)
    assert [(f.kind.value, f.message) for f in findings(third, lane_of(first, second, third))] == [("altered", 2)]


def test_a_flow_that_belongs_to_no_lane_is_checked_for_itself() -> None:
    assert findings(turn("anthropic", {"messages": HISTORY}), Transcripts()) == ()
    alone = turn("anthropic", {"messages": [ASK, LOOK, user("go on")]})
    assert [finding.kind for finding in findings(alone, Transcripts())] == [Kind.NO_RESULT]


def test_histories_are_worked_out_anew_only_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (
        turn("anthropic", {"messages": [ASK]}),
        turn("anthropic", {"messages": [ASK, user("more")]}, number=2),
    )
    histories = Histories(lane_of(first, second))
    before = histories.of(second)
    assert histories.of(second) is before
    answer_with(second, message(text("ok")))
    assert histories.of(second) is before
    answer_with(first, message(text("Well")))
    assert [finding.kind for finding in histories.of(second).findings] == [Kind.DROPPED]


@given(st.text(), st.text())
def test_the_common_prefix_of_two_texts(left: str, right: str) -> None:
    at = common_prefix(left, right)
    assert left[:at] == right[:at]
    assert at == min(len(left), len(right)) or left[at] != right[at]
    assert isinstance(difference(left, right), str)
    assert not is_shortened(left, left)


WORDS = st.text(alphabet="abc é\n", min_size=1, max_size=12).filter(str.strip)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6), WORDS, st.data())
def test_going_on_is_never_a_finding_and_one_altered_text_always_is(
    turns: list[tuple[str, str]], last: str, data: st.DataObject
) -> None:
    numbered = [(f"{i} {ask}", f"{i} {answer}") for i, (ask, answer) in enumerate(turns)]
    whole = [part for ask, answer in numbered for part in (user(ask), assistant(answer))]
    first = turn("chat", {"messages": whole[:-1]}, said(whole[-1]["content"]))
    second = turn("chat", {"messages": [*whole, user(last)]}, number=2)
    assert findings(second, lane_of(first, second)) == ()
    place = data.draw(st.integers(0, len(whole) - 1))
    content = whole[place]["content"]
    at = data.draw(st.integers(2, len(content) - 1))
    changed = deepcopy(whole)
    changed[place]["content"] = f"{content[:at]}X{content[at + 1 :]}"
    third = turn("chat", {"messages": [*changed, user(last)]}, number=2)
    seen = findings(third, lane_of(first, third))
    assert [(finding.kind, finding.message) for finding in seen] == [(Kind.ALTERED, place)]


def test_recorded_traffic_runs_through() -> None:
    before: Flow | None = None
    for flow in capture_flows():
        lane = lane_of(before, flow) if before is not None else lane_of(flow)
        assert len(findings(flow, lane)) <= 41
        before = flow
