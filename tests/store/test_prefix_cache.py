"""Whether the cache was kept, by whose rules, and what it cost: nothing is claimed that is not known."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.model.flow import Flow
from inspector.store import price_list
from inspector.store.alignment import finish
from inspector.store.context_report import basis, report
from inspector.store.history import Histories
from inspector.store.prefix_cache import Cache, Verdict
from tests.store.turns import Json, answer_with, assistant, lane_of, message, said, text, turn, user

MARK = {"cache_control": {"type": "ephemeral"}}
LONG = "You are careful. " * 400
TURN = [user(text("Hello " * 2000))]


@pytest.fixture(scope="module", autouse=True)
def prices() -> None:
    """Prices are known."""
    price_list.prepare(wait=True)


def usage(read: int, written: int, rest: int = 10) -> Json:
    """Anthropic's counts."""
    return {
        "input_tokens": rest,
        "output_tokens": 5,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": written,
    }


def judged(*flows: Flow) -> Cache:
    """What became of the cache in the last of some turns."""
    transcripts = lane_of(*flows)
    known = finish(basis(flows[-1], transcripts, Histories(transcripts)))
    return report(flows[-1], transcripts, known).cache


def anthropic(number: int, counts: Json | None, at: float, **changes: Any) -> Flow:
    """A turn with a breakpoint behind the system prompt and one behind the last message."""
    messages = [*TURN, *([assistant("Hi"), user("Go on")] if number > 1 else [])]
    messages[-1] = user(
        {
            **(
                text(messages[-1]["content"])
                if isinstance(messages[-1]["content"], str)
                else messages[-1]["content"][0]
            ),
            **MARK,
        }
    )
    body: Json = {"system": [{**text(LONG), **MARK}], "messages": messages, **changes}
    answer = message(text("Hi"), usage=counts) if counts is not None else None
    return turn("anthropic", body, answer, number=number, at=at)


def test_a_prefix_that_came_from_the_cache_was_kept() -> None:
    seen = judged(anthropic(1, usage(0, 5000), 0), anthropic(2, usage(5000, 30), 20))
    assert (seen.verdict, seen.held, seen.expected, seen.read, seen.again, seen.usd) == (
        Verdict.KEPT,
        5000,
        5000,
        5000,
        0,
        None,
    )
    assert seen.waited == pytest.approx(19.6)
    assert seen.kept_for == 300


def test_a_changed_message_breaks_it_up_to_the_breakpoint_before_and_costs() -> None:
    changed = [user(text("Hullo " * 2000)), assistant("Hi"), user("Go on")]
    seen = judged(anthropic(1, usage(0, 5000), 0), anthropic(2, usage(1700, 3400), 20, messages=changed))
    assert (seen.verdict, seen.cause) == (Verdict.BROKEN, "messages[0].content[0].text")
    assert seen.expected == pytest.approx(1800, abs=300)
    assert seen.again == 3300
    # Claude Opus 4.5: 5 dollars a million read anew, half a dollar from the cache.
    assert seen.usd == pytest.approx(3300 * 4.5 / 1e6)


def test_it_is_predicted_before_the_counts_come_and_scored_after() -> None:
    first, second = anthropic(1, usage(0, 5000), 0), anthropic(2, None, 20, system=[text(f"X{LONG}")])
    seen = judged(first, second)
    assert (seen.verdict, seen.predicted, seen.cause, seen.read) == (Verdict.BROKEN, True, "system[0].text", None)
    assert (seen.expected, seen.again) == (0, 5000)
    assert seen.usd == pytest.approx(5000 * 4.5 / 1e6)
    answer_with(second, message(text("ok"), usage=usage(0, 5100)))
    seen = judged(first, second)
    assert (seen.verdict, seen.predicted, seen.again) == (Verdict.BROKEN, False, 5000)


def test_a_difference_behind_what_was_cached_breaks_nothing() -> None:
    seen = judged(anthropic(1, usage(0, 5000), 0), anthropic(2, usage(5000, 100), 20, system=[text("You are quick.")]))
    assert seen.verdict is Verdict.KEPT


@pytest.mark.parametrize(
    ("changes", "cause", "expected"),
    [
        ({"model": "claude-haiku-4-5"}, "model", 0),
        ({"tool_choice": {"type": "any"}}, "tool_choice", 1800),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, "thinking", 1800),
    ],
)
def test_settings_that_break_it(changes: Json, cause: str, expected: int) -> None:
    seen = judged(anthropic(1, usage(0, 5000), 0), anthropic(2, usage(0, 5000), 20, **changes))
    assert (seen.verdict, seen.cause) == (Verdict.BROKEN, cause)
    assert seen.expected == pytest.approx(expected, abs=300)


def test_after_five_minutes_it_is_cold_and_after_an_hour_where_that_was_asked() -> None:
    assert judged(anthropic(1, usage(0, 5000), 0), anthropic(2, usage(0, 5100), 400)).verdict is Verdict.COLD
    hour = [{**text(LONG), "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    first, second = (anthropic(n, usage(0, 5000), at, system=hour) for n, at in ((1, 0.0), (2, 400.0)))
    seen = judged(first, second)
    assert (seen.verdict, seen.kept_for) == (Verdict.MISSED, 3600)
    assert judged(first, anthropic(2, None, 4000, system=hour)).verdict is Verdict.COLD


def test_without_breakpoints_nothing_was_cached() -> None:
    first = turn("anthropic", {"messages": TURN}, message(text("ok"), usage=usage(0, 0)))
    second = turn(
        "anthropic",
        {"messages": [*TURN, assistant("ok"), user("on")]},
        message(text("ok"), usage=usage(0, 0)),
        number=2,
    )
    assert judged(first, second).verdict is Verdict.NONE


def openai(number: int, given: int, cached: int | None, *, first: str = "Hello " * 2000, at: float = 0.0) -> Flow:
    """A Chat Completions turn."""
    messages = [user(first), *([assistant("Hi"), user("Go on")] if number > 1 else [])]
    details = {"prompt_tokens_details": {"cached_tokens": cached}} if cached is not None else {}
    counts = {"prompt_tokens": given, "completion_tokens": 5, **details}
    return turn("chat", {"messages": messages}, said("Hi", usage=counts), number=number, at=at)


def test_openai_caches_from_1024_tokens_on_in_steps_of_128() -> None:
    assert judged(openai(1, 3000, 0), openai(2, 3100, 2944, at=10)).verdict is Verdict.KEPT
    assert judged(openai(1, 3000, 0), openai(2, 3100, 2944, at=10)).held == 2944
    assert judged(openai(1, 900, 0), openai(2, 950, 0, at=10)).verdict is Verdict.NONE
    missed = judged(openai(1, 3000, 0), openai(2, 3100, 0, at=10))
    assert (missed.verdict, missed.again) == (Verdict.MISSED, 2944)
    broken = judged(openai(1, 3000, 0), openai(2, 3100, 0, first="X" + "Hello " * 2000, at=10))
    assert (broken.verdict, broken.cause, broken.expected) == (Verdict.BROKEN, "messages[0].content", 0)
    assert judged(openai(1, 3000, 0), openai(2, 3100, 0, at=4000)).verdict is Verdict.COLD


def test_of_other_providers_only_that_is_known_what_they_said() -> None:
    def elsewhere(flow: Flow) -> Flow:
        flow.request = flow.request.copy(url="https://llm.example.com/v1/chat/completions")
        return flow

    first = elsewhere(openai(1, 3000, 0))
    assert judged(first, elsewhere(openai(2, 3100, 0, at=10))).verdict is Verdict.UNKNOWN
    told = elsewhere(openai(1, 3000, 2500))
    assert judged(told, elsewhere(openai(2, 3100, 2500, at=10))).verdict is Verdict.KEPT
    assert judged(told, elsewhere(openai(2, 3100, 0, at=10))).verdict is Verdict.MISSED


def test_without_counts_or_an_earlier_turn_nothing_is_claimed() -> None:
    assert judged(openai(1, 3000, 0)).verdict is Verdict.FIRST
    unknown = judged(openai(1, 3000, 0), openai(2, 3100, None, at=10))
    assert (unknown.verdict, unknown.again, unknown.usd) == (Verdict.UNKNOWN, None, None)
    first = anthropic(1, {"output_tokens": 5}, 0)
    assert judged(first, anthropic(2, usage(0, 5000), 20)).verdict is Verdict.UNKNOWN


def test_a_prompt_that_became_smaller_reads_no_more_again_than_it_has() -> None:
    summary = {"messages": [user("What was done: nothing.")]}
    scored = judged(anthropic(1, usage(0, 50_000), 0), anthropic(2, usage(1700, 100), 20, **summary))
    assert (scored.verdict, scored.again, scored.usd) == (Verdict.KEPT, 0, None)
    predicted = judged(anthropic(1, usage(0, 50_000), 0), anthropic(2, None, 20, **summary))
    assert predicted.expected is not None
    assert predicted.again is not None
    assert predicted.expected + predicted.again < 25_000
