"""What is left of a filter when the answer's head has come."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Flow, Moment, Mutation
from inspector.store.filter_fields import FIELDS, TextField
from inspector.store.filter_residual import first_moment, residual
from inspector.store.filter_terms import And, Between, Contains, Equals, Like, Not, Or, Present, Term, Words, matches
from inspector.store.filters import parse
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, chat_flow, finish, respond, stream


def at_head() -> Flow:
    """A flow whose head has come."""
    return respond(chat_flow("flow-1", prompt="Fix the parser", agent="claude-code", model="gpt-5-mini"))


def left(text: str, flow: Flow | None = None) -> Term | bool:
    """What is left of a filter as it is typed."""
    found = parse(text)
    assert not found.errors
    return residual(found.term, flow or at_head(), Transcripts())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("agent:claude status:200", True),
        ("agent:codex tool:Bash", False),
        ("status:>=400", False),
        ("agent:codex or tool:Bash", "tool:Bash"),
        ("agent:claude tool:Bash", "tool:Bash"),
        ("-(agent:claude tool:Bash)", "-tool:Bash"),
        ("-(agent:codex tool:Bash)", True),
        ("agent:claude or tool:Bash", True),
        ("agent:claude tool:Bash text:x", "tool:Bash text:x"),
        ("model:gpt-5", True),
        ("model:opus", "model:opus"),
        ("parser", True),
        ("soup", "soup"),
        ("said:parser dialect:chat provider:openai", True),
        ('tool:Bash arg.command~"rm "', 'tool:Bash arg.command~"rm "'),
    ],
)
def test_what_the_head_settles_is_settled(text: str, expected: str | bool) -> None:
    assert left(text) == (expected if isinstance(expected, bool) else parse(expected).term)


def test_the_status_is_open_until_the_head_is_there() -> None:
    assert left("status:200", chat_flow()) == parse("status:200").term


def test_nothing_is_open_when_the_flow_has_ended() -> None:
    assert left("tool:Bash or tokens:>5", finish(at_head())) is False


def test_what_stands_on_the_flow_is_asked_without_reading_it() -> None:
    flow = at_head()
    flow.request.body.data[:] = b"no JSON"
    transcripts = Transcripts()
    assert residual(parse("agent:codex soup model:x said:y").term, flow, transcripts) is False
    assert transcripts.latest(flow) == (None, False)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("agent:codex model:opus words", Moment.REQUEST),
        ("agent:codex status:>=400", Moment.HEAD),
        ("-status:200 or arg.command:rm", Moment.EVENT),
        ("tokens:>5", Moment.EVENT),
        ("tool:Bash dur:>5s", Moment.END),
    ],
)
def test_a_filter_has_a_first_moment(text: str, moment: Moment) -> None:
    term = parse(text).term
    assert term is not None
    assert first_moment(term) is moment


KEYS = ["arg.command", "arg.late", *FIELDS]
WORDS = st.sampled_from(
    ["Bash", "rm", "gpt", "claude", "parser", "Hello", "stop", "tool_calls", "20", "body", "done", "x"]
)
leaf: st.SearchStrategy[Term] = st.one_of(
    st.builds(Contains, st.sampled_from([key for key in KEYS if isinstance(FIELDS.get(key), TextField | None)]), WORDS),
    st.builds(Equals, st.sampled_from(["agent", "tool", "state", "model", "finish", "arg.command"]), WORDS),
    st.builds(Like, st.sampled_from(["arg", "text", "model", "error"]), WORDS.map(re.compile)),
    st.builds(Present, st.sampled_from(KEYS)),
    st.builds(Between, st.sampled_from(["status", "tokens", "in", "dur", "size", "seq"]), st.integers(0, 500)),
    st.builds(Words, WORDS),
)
terms = st.recursive(
    leaf,
    lambda inner: (
        inner.map(Not)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts)))
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts)))
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(terms, st.integers(0, 6), st.booleans())
def test_what_is_left_answers_as_the_whole_does_in_the_end(term: Term, passed: int, changed: bool) -> None:
    flow, transcripts = at_head(), Transcripts()
    chunks = chat_chunks(tool=("Bash", '{"command": "rm x"}'), finish="tool_calls")
    stream(flow, chunks[:passed])
    rest = residual(term, flow, transcripts)
    stream(flow, chunks[passed:], 600.0)
    if changed:
        flow.mutations.append(Mutation("body", "hand"))
    for _ in range(2):
        answer = rest if isinstance(rest, bool) else matches(rest, flow, transcripts)
        assert answer is matches(term, flow, transcripts)
        finish(flow)
