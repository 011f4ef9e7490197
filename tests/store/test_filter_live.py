"""Filters asked of an answer that is still being written."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.message import Growing, Part, Reasoning, Refusal, Text, ToolCall, Transcript
from inspector.store import filter_live
from inspector.store.filter_live import LiveAnswer, LiveCall, wants_whole_call
from inspector.store.filter_terms import Term, Words, matches
from inspector.store.filters import parse
from tests.handmade import chat_flow, respond


def term(text: str) -> Term:
    """A filter's meaning."""
    found = parse(text).term
    assert found is not None
    return found


def answer(*parts: Part) -> LiveAnswer:
    """An answer of which these parts have begun."""
    live = LiveAnswer(respond(chat_flow()), Transcript())
    live.transcript.answer.choice(0).parts.extend(parts)
    return live


def holds(live: LiveAnswer, text: str, call: LiveCall | None = None) -> bool:
    return live.matches(term(text), call)


def test_calls_are_told_apart_and_only_what_changed_is_given() -> None:
    first, second = ToolCall("1", "Bash"), ToolCall("2", "Edit")
    live = answer(Text(Growing("hm")), first)
    (bash,) = live.update()
    assert not live.update()
    first.arguments.append('{"command": "r')
    assert list(live.update()) == [bash]
    first.done = True
    live.transcript.answer.choice(0).parts.append(second)
    assert [call.name for call in live.update()] == ["Bash", "Edit"]
    assert [call.name for call in live.open] == ["Edit"]
    edit = live.calls[1]
    assert holds(live, "tool:Bash arg.command:r", bash)
    assert not holds(live, "tool:Bash arg.command:r", edit)
    assert not holds(live, "tool:* or arg:*", None)


def test_a_call_that_is_told_again_whole_is_the_same_call() -> None:
    call = ToolCall("1", "Bash", Growing('{"command": "ls'))
    live = answer(call)
    (known,) = live.update()
    live.transcript.answer.choice(0).parts[:] = [ToolCall("1", "Bash", Growing('{"command": "rm "}'), done=True)]
    assert list(live.update()) == [known]
    assert holds(live, 'arg.command:="rm "', known)
    live.transcript.answer.choice(0).parts[:] = [ToolCall("1", "Bash", Growing('{"command": "rm "}'), done=True)]
    assert not live.update()


def test_arguments_are_read_as_they_grow() -> None:
    call = ToolCall("1", "Bash")
    live = answer(call)
    (bash,) = live.update()
    asked = term('arg.command~"rm -"')
    found = []
    for piece in ('{"comm', 'and": "r', "m", " -", 'r"}'):
        call.arguments.append(piece)
        live.update()
        found.append(live.matches(asked, bash))
    assert found == [False, False, False, True, True]


def test_what_was_found_stays_found_and_a_find_may_begin_before_what_is_new() -> None:
    words = Text(Growing("the long a"))
    live = answer(words)
    asked = term("text:answer")
    assert not live.matches(asked, None)
    words.content.append("nswer, and more of it " * 3)
    assert live.matches(asked, None)
    words.content.append("x" * 3 * filter_live.REACH)
    assert live.matches(asked, None)


def test_an_anchored_pattern_means_the_whole_text() -> None:
    words = Text()
    live = answer(words)
    asked = term("text~^x")
    for _ in range(4):
        words.content.append("ox" * filter_live.REACH)
        assert not live.matches(asked, None)


def test_everything_else_can_be_asked_too() -> None:
    live = answer(
        Reasoning(Growing("rm?")), Text(Growing("I'll ")), Refusal(Growing("not.")), ToolCall("1", "Bash", Growing("{"))
    )
    live.transcript.answer.choice(0).finish_reason = "stop"
    for text in ("reasoning:rm", 'text:="I\'ll not."', "bash", "agent:* or finish:stop", "tokens:>2", "-error:*"):
        assert holds(live, text), text
    assert not holds(live, "nowhere or error:*")


def test_tokens_are_asked_for_as_they_come() -> None:
    live = answer(Text(Growing("hm")))
    for text in ("logprob<0", "entropy:*", "p<1", "perplexity>0"):
        assert not holds(live, text), text
    live.transcript.answer.certainty.add(-0.5, 1.0)
    assert not holds(live, "logprob<-3 or entropy>2")
    live.transcript.answer.certainty.add(-4.0, None)
    assert holds(live, "logprob<-3 -entropy>2 p<50% perplexity>9")
    assert not holds(live, "tool:Bash logprob<-3")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('tool:Bash arg.command~"rm "', False),
        ("-tool:Bash arg:x", False),
        ("-arg.command:x", True),
        ("-(tool:Bash or -arg.command:x)", False),
        ("arg.timeout:>5", True),
        ("arg.command:=ls", True),
        ("arg.command~x$", True),
        ("text~x$ -text:y", False),
    ],
)
def test_some_questions_wait_for_the_whole_call(text: str, expected: bool) -> None:
    assert wants_whole_call(term(text)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tool:Edit arg:x", False),
        ("tool:Bash arg:x", True),
        ("tool:Edit or arg:x", True),
        ("-(tool:Bash or arg:x)", False),
    ],
)
def test_a_name_may_settle_a_filter(text: str, expected: bool) -> None:
    live = answer(ToolCall("1", "Bash", Growing("{")))
    (bash,) = live.update()
    assert bash.may_satisfy(term(text)) is expected


QUESTIONS = ("text:ab", "text~b.a", "reasoning:ba", "arg.x:ab", "arg.x~^a", "arg:ba", 'tool:t text:"a b"')


def grow(parts: list[Part], pieces: Iterable[tuple[int, str]]) -> Iterable[None]:
    """Let parts grow, a piece at a time."""
    for number, piece in pieces:
        part = parts[number]
        assert isinstance(part, Text | Reasoning | ToolCall)
        (part.arguments if isinstance(part, ToolCall) else part.content).append(piece)
        yield


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.text("ab ", min_size=1, max_size=4)), max_size=12),
    st.sampled_from(QUESTIONS),
)
def test_asking_while_it_grows_is_asking_all_of_it(pieces: list[tuple[int, str]], text: str) -> None:
    parts: list[Part] = [Text(), Reasoning(), ToolCall("1", "t", Growing('{"x": "'))]
    live, asked, flow = answer(*parts), term(text), respond(chat_flow())
    for _ in grow(parts, pieces):
        live.update()
        assert live.matches(asked, live.calls[-1]) is matches(asked, flow, live)


def test_what_one_filter_found_is_not_found_for_another_in_its_place() -> None:
    """A breakpoint that is taken away leaves its memory to what comes next."""
    live = answer(Text(Growing("the answer")))
    gone = Words("answer")
    assert live.matches(gone, None)
    del gone
    others = [Words("nowhere") for _ in range(1000)]
    assert not any(live.matches(other, None) for other in others)
