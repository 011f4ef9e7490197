"""The filter language: what is read, what is marked, what a flow satisfies."""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Callable
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow, Mutation, Reason
from inspector.model.headers import Headers
from inspector.store.filter_fields import FIELDS, OPEN_KEYS, Cost, NumberField, TextField
from inspector.store.filter_terms import And, Between, Contains, Equals, Like, Not, Or, Present, Term, Words
from inspector.store.filters import Filter, FilterError, Span, complete, parse
from inspector.store.transcripts import Transcripts
from tests.dialects.read_tokens import probable
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream


def make_bash() -> Flow:
    """A finished turn of an agent that calls a tool."""
    chunks = chat_chunks(("I'll look.",), tool=("Bash", '{"command": "rm \\"x\\""}'), finish="tool_calls")
    flow = done_chat("flow-bash", prompt="Fix the parser", agent="claude-code", chunks=chunks)
    flow.seq, flow.comment = 41, "Look twice"
    return flow


def make_failed() -> Flow:
    """A request that was turned down."""
    flow = respond(chat_flow("flow-429", agent="codex", model="gpt-5.1-codex"), 429, "application/json")
    stream(flow, [b'{"error": {"message": "slow down", "type": "rate_limit", "code": null}}'])
    flow.note("retried")
    flow.seq = 42
    return finish(flow, at=2500.0)


def make_live() -> Flow:
    """A request that waits for its answer."""
    flow = chat_flow("flow-live", prompt="Überall „Wörter“")
    flow.seq = 43
    return flow


def make_refused() -> Flow:
    """A flow that never reached its upstream."""
    flow = chat_flow("flow-refused")
    flow.error = "Connection refused"
    flow.parent = "flow-live"
    flow.seq = 44
    return finish(flow, Reason.UPSTREAM_UNREACHABLE)


FLOWS: dict[str, Callable[[], Flow]] = {
    "bash": make_bash,
    "failed": make_failed,
    "live": make_live,
    "refused": make_refused,
}


def passing(text: str) -> set[str]:
    """Names of the flows that pass a filter without errors."""
    found = parse(text)
    assert found.errors == ()
    transcripts = Transcripts()
    return {name for name, make in FLOWS.items() if found.matches(make(), transcripts)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"bash", "failed", "live", "refused"}),
        ("agent:claude", {"bash"}),
        ("AGENT:CLAUDE", {"bash"}),
        ("agent:=claude", set()),
        ("comment:twice", {"bash"}),
        ("-comment:*", {"failed", "live", "refused"}),
        ('agent:="claude-code"', {"bash"}),
        ("-agent:codex", {"bash", "live", "refused"}),
        ("not agent:codex tool:Bash", {"bash"}),
        ("--agent:codex", {"failed"}),
        ("agent:*", {"bash", "failed"}),
        ("model:codex", {"failed"}),
        ("model:gpt-5-mini-1", {"bash"}),
        ("tool:bash", {"bash"}),
        ("tool~^(Bash|Edit)$", {"bash"}),
        ('tool~"^B.sh$"', {"bash"}),
        ("finish:tool", {"bash"}),
        ("status:200", {"bash"}),
        ("status:>=400", {"failed"}),
        ("status:4xx", {"failed"}),
        ("status:200..299", {"bash"}),
        ("status:*", {"bash", "failed"}),
        ("-status:*", {"live", "refused"}),
        ("state:live", {"live"}),
        ("state:waiting", {"live"}),
        ("state:failed", {"failed", "refused"}),
        ("end:unreachable", {"refused"}),
        ("in:100", {"bash"}),
        ("in:>0.05k", {"bash"}),
        ("in:>100", set()),
        ("in:>=100", {"bash"}),
        ("out:<=20", {"bash"}),
        ("out:=20", {"bash"}),
        ("cache:80%", {"bash"}),
        ("cache:>0.5", {"bash"}),
        ("cache:>90", set()),
        ("ttft:0.5s", {"bash"}),
        ("ttft:<600ms", {"bash"}),
        ("ttft:<1", {"bash"}),
        ("dur:>=2s", {"failed"}),
        ("dur:..1s", {"bash", "refused"}),
        ("size:>1kib", set()),
        ("size:>10b", {"bash", "failed", "live", "refused"}),
        ("seq:42..", {"failed", "live", "refused"}),
        ("id:flow-b", {"bash"}),
        ("parent:flow-live", {"refused"}),
        ("source:net method:post host:api.openai path:/v1/chat", {"bash", "failed", "live", "refused"}),
        ("url:openai.com provider:openai dialect:openai-chat", {"bash", "failed", "live", "refused"}),
        ("error:refused", {"refused"}),
        ('error:"slow down"', {"failed"}),
        ("error:*", {"failed", "refused"}),
        ("note:retried", {"failed"}),
        ("parser", {"bash"}),
        ('"fix the parser"', {"bash"}),
        ('"I\'ll look."', {"bash"}),
        ("überall", {"live"}),
        ('"command\\": \\"rm"', {"bash"}),
        ("arg:rm", {"bash"}),
        ("arg:*", {"bash"}),
        ('arg.command~"rm "', {"bash"}),
        ("arg.command~'rm\\b'", set()),
        ('arg.command:="rm \\"x\\""', {"bash"}),
        ("ARG.command:RM", {"bash"}),
        ("arg.Command:*", set()),
        ("arg.command:>1", set()),
        ("tool:bash -arg.timeout:*", {"bash"}),
        ("text:i'll", {"bash"}),
        ("text:parser", set()),
        ("said:PARSER", {"bash"}),
        ("said~^fix", {"bash"}),
        ("tokens:20", {"bash"}),
        ("mutated:*", set()),
        ("agent:claude or agent:codex", {"bash", "failed"}),
        ("agent:claude and status:200 or state:live", {"bash", "live"}),
        ("state:done (agent:codex or agent:claude)", {"bash"}),
        ("-(agent:codex or agent:claude)", {"live", "refused"}),
        ("NOT (agent:codex OR agent:claude) AND state:live", {"live"}),
    ],
)
def test_flows_that_pass(text: str, expected: set[str]) -> None:
    assert passing(text) == expected


@pytest.mark.parametrize(
    ("text", "wrong", "words", "term"),
    [
        ("agnet:claude", "agnet", "no key agnet", None),
        ("https://example.com", "https", "quote it", None),
        ("in:many", "many", "not a number", None),
        ("in:5x", "5x", "unknown unit x", None),
        ("ttft:5k", "5k", "unknown unit k", None),
        ("in:5..1", "5..1", "is empty", None),
        ("in:..", "..", "needs a number", None),
        ("in:1..x", "1..x", "not a number", None),
        ("in~5", "5", "is a number", None),
        ("agent:>5", "5", "cannot be compared", None),
        ('tool~"("', '"("', "not a regular expression", None),
        ("tool~a{99999999999999999999}", "a{99999999999999999999}", "not a regular expression", None),
        ("agent:", "agent:", "wants a value", None),
        ("arg.:x", "arg.", "which one", None),
        ('arg.command~"("', '"("', "not a regular expression", None),
        ("arg.timeout:>soon", "soon", "not a number", None),
        ("arg:>5", "5", "cannot be compared", None),
        ('agent:""', 'agent:""', "wants a value", None),
        ('""', '""', "no words", None),
        ('agent:a "words', '"words', "quote is not closed", Contains("agent", "a")),
        ('"words\\"', '"words\\"', "quote is not closed", None),
        ("agent:a )", ")", "no parenthesis is open", Contains("agent", "a")),
        ("(agent:a", "(", "not closed", Contains("agent", "a")),
        ("agent:a ()", "(", "nothing between", Contains("agent", "a")),
        ("agent:a or", "or", "missing", Contains("agent", "a")),
        ("or agent:a", "or", "missing", Contains("agent", "a")),
        ("and agent:a", "and", "missing", Contains("agent", "a")),
        ("agent:a and", "and", "missing", Contains("agent", "a")),
        ("(agent:a or) agent:b", "or", "missing", And((Contains("agent", "a"), Contains("agent", "b")))),
        ("agent:a not", "not", "nothing to exclude", Contains("agent", "a")),
        ("not or agent:a", "not", "nothing to exclude", Contains("agent", "a")),
        ("agent:a or in:x", "x", "not a number", Contains("agent", "a")),
        ("agent:a -in:x", "x", "not a number", Contains("agent", "a")),
    ],
)
def test_wrong_words_are_marked_and_left_out(text: str, wrong: str, words: str, term: Term | None) -> None:
    found = parse(text)
    marked = [error for error in found.errors if text[error.start : error.end] == wrong]
    assert any(words in error.message for error in marked)
    assert found.term == term
    assert any(span.kind == "error" for span in found.spans)


def test_a_filter_that_is_wrong_lets_all_through() -> None:
    assert passing("") == {name for name, make in FLOWS.items() if parse("agnet:x").matches(make(), Transcripts())}
    assert not parse("agnet:x")
    assert parse("agent:x")


def test_too_many_parentheses_are_refused() -> None:
    found = parse("(" * 5000 + "agent:a" + ")" * 5000)
    assert found.term == Contains("agent", "a")
    assert any(error.message == "too many parentheses" for error in found.errors)
    assert parse("-" * 5001 + "agent:a").term == Not(Contains("agent", "a"))


def test_spans_colour_the_text() -> None:
    text = '-agent:codex or "two words" in:>5k'
    kinds = [(text[span.start : span.end], span.kind) for span in parse(text).spans]
    assert kinds == [
        ("-", "operator"),
        ("agent", "key"),
        (":", "operator"),
        ("codex", "value"),
        ("or", "operator"),
        ('"two words"', "text"),
        ("in", "key"),
        (":>", "operator"),
        ("5k", "value"),
    ]


def test_errors_know_their_place() -> None:
    assert parse("tool:a in:x").errors == (FilterError(10, 11, "x is not a number"),)
    assert parse("in:x").spans == (Span(3, 4, "error"),)


def test_cheap_terms_come_first() -> None:
    term = parse("words model:a agent:b").term
    assert term == And((Contains("agent", "b"), Contains("model", "a"), Words("words")))
    assert parse("words model:a").cost is Cost.SEARCH
    assert parse("-(model:a or agent:b)").cost is Cost.SUMMARY
    assert parse("agent:a").cost is Filter().cost is Cost.FLOW


def test_words_are_found_behind_escapes_and_across_chunks() -> None:
    flow = done_chat(prompt="line one\nline two ünïcode", chunks=chat_chunks(("cut in", " two")))
    transcripts = Transcripts()
    for text in ('"one\nline"', '"CUT IN TWO"', '"ÜNÏCODE"'):
        assert parse(text).matches(flow, transcripts)
    assert not parse('"one line"').matches(flow, transcripts)


def test_words_are_found_in_encoded_bodies() -> None:
    body = (
        b'{"model": "gpt-x", "messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "function",'
        b' "function": {"name": "Grep", "arguments": "{}"}}]},'
        b' {"role": "tool", "tool_call_id": "1", "content": "found"}]}'
    )
    flow = chat_flow()
    encoding = Headers([("content-encoding", "gzip")])
    flow.request = flow.request.copy(headers=encoding, body=Capture(gzip.compress(body)))
    for word in ("gpt-x", "grep", "FOUND"):
        assert parse(word).matches(flow, Transcripts())
    assert not parse("lost").matches(flow, Transcripts())


def calling(arguments: str) -> Flow:
    """A finished turn that calls one tool."""
    return done_chat(chunks=chat_chunks((), tool=("Edit", arguments), finish="tool_calls"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arg.timeout:>1000", True),
        ("arg.timeout:>=1.5k", True),
        ("arg.timeout:<1000", False),
        ("arg.timeout:150", True),
        ("arg.timeout:=1500", True),
        ("arg.edits.0.old:a", True),
        ("arg.edits.1.old~^c$", True),
        ("arg.edits.2.old:*", False),
        ("arg.-n:true", True),
        ("arg.filePath:.py", True),
        ("arg.filepath:.py", False),
        ("arg.late:whole", False),
        ("arg.late:har", True),
    ],
)
def test_arguments_are_asked_by_their_path_also_where_they_are_cut(text: str, expected: bool) -> None:
    cut = '{"timeout": 1500, "-n": true, "filePath": "x.py", "edits": [{"old": "ab"}, {"old": "c"}], "late": "har'
    assert parse(text).matches(calling(cut), Transcripts()) is expected


def test_thoughts_and_hands_are_asked_for() -> None:
    thought = b'data: {"choices": [{"index": 0, "delta": {"reasoning_content": "hm, rm"}}]}\n\n'
    flow = done_chat(chunks=[thought, *chat_chunks()])
    flow.mutations.append(Mutation("body", "hand", "1 bytes", "2 bytes"))
    for text in ("reasoning~rm$", "by:hand", "mutated:body", "-reasoning:hello -by:hook -text:rm"):
        assert parse(text).matches(flow, Transcripts())


def bounds(text: str) -> tuple[float, float]:
    """The bounds of a comparison, in the unit's own measure."""
    term = parse(text).term
    assert isinstance(term, Between)
    return round(term.low, 6), round(term.high, 6)


def test_a_number_means_what_is_shown_as_it() -> None:
    assert parse("in:41k").term == Between("in", 40_500.0, 41_500.0, includes_high=False)
    assert bounds("ttft:0.9s") == (850, 950)
    assert bounds("cache:92%") == (0.915, 0.925)
    assert bounds("cache:>50") == (0.5, inf)
    assert bounds("size:=1.5mib") == (1.5 * 2**20, 1.5 * 2**20)
    assert bounds("dur:2m..1h") == (120_000, 3_600_000)
    assert bounds("in:.5k..") == (500, inf)
    assert parse("in:>5").term == Between("in", low=5, includes_low=False)
    assert parse("in:<=5").term == Between("in", high=5)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("logprob<-3", Between("logprob", high=-3, includes_high=False)),
        ("logprob:<-3", Between("logprob", high=-3, includes_high=False)),
        ("logprob<=-.5", Between("logprob", high=-0.5)),
        ("logprob:-5..-3", Between("logprob", -5, -3)),
        ("logprob:=-9999", Between("logprob", -9999, -9999)),
        ("entropy>2", Between("entropy", low=2, includes_low=False)),
        ("Status>=400", Between("status", low=400)),
        ("arg.timeout>1k", Between("arg.timeout", low=1000, includes_low=False)),
        ("p<60%", Between("p", high=0.6, includes_high=False)),
        ("-in<5k", Not(Between("in", high=5000, includes_high=False))),
        ("i<10", Words("i<10")),
        ("List<String>", Words("List<String>")),
        ("agent<10", Words("agent<10")),
        ("in<many", Words("in<many")),
        ("x=5", Words("x=5")),
    ],
)
def test_a_number_may_be_negative_and_needs_no_colon(text: str, term: Term) -> None:
    found = parse(text)
    assert (found.errors, found.term) == ((), term)
    if not isinstance(term, Words | Not):
        assert [span.kind for span in found.spans] == ["key", "operator", "value"]
    if isinstance(term, Words):
        assert [(span.start, span.end, span.kind) for span in found.spans] == [(0, len(text), "text")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("logprob<-1", True),
        ("logprob:<-2", False),
        ("logprob:*", True),
        ("entropy>1.4 entropy<1.6", True),
        ("p:62%", True),
        ("p<0.5", False),
        ("perplexity>1.8 perplexity<1.9", True),
    ],
)
def test_flows_are_told_apart_by_how_sure_their_model_was(text: str, expected: bool) -> None:
    sure = done_chat(chunks=[probable("a", math.log(0.25), math.log(0.25)), probable("b", 0.0), probable("c", -0.5)])
    transcripts = Transcripts()
    assert parse(text).matches(sure, transcripts) is expected
    assert not parse(text).matches(make_bash(), transcripts)
    assert not parse(text).matches(make_live(), transcripts)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet='()-":~=<>.* \\andornotimel15kag', max_size=40))
def test_any_text_can_be_parsed(text: str) -> None:
    found = parse(text)
    end = 0
    for span in found.spans:
        assert end <= span.start < span.end <= len(text)
        end = span.end
    for error in found.errors:
        assert 0 <= error.start < error.end <= len(text)
    found.matches(chat_flow(), Transcripts())
    complete(text, len(text) // 2, {})


TEXT_KEYS = [key for key, field in FIELDS.items() if isinstance(field, TextField)]
NUMBER_KEYS = [key for key, field in FIELDS.items() if isinstance(field, NumberField) and field.unit == "count"]
values = st.text(alphabet='abc XY"\\()*-é', min_size=1, max_size=8)
leaves: st.SearchStrategy[Term] = st.one_of(
    st.builds(Contains, st.sampled_from(TEXT_KEYS), values),
    st.builds(Equals, st.sampled_from(TEXT_KEYS), values),
    st.builds(Present, st.sampled_from([*TEXT_KEYS, *NUMBER_KEYS])),
    st.builds(Words, values),
    st.builds(Like, st.sampled_from(TEXT_KEYS), values.map(lambda text: re.compile(re.escape(text), re.IGNORECASE))),
    st.builds(Between, st.sampled_from(NUMBER_KEYS), low=st.integers(0, 10**6), includes_low=st.booleans()),
    st.builds(Between, st.sampled_from(NUMBER_KEYS), st.integers(0, 10), st.integers(10, 99)),
)


def joined(join: type[And] | type[Or], parts: list[Term]) -> Term:
    """Terms as the parser joins them: the cheap ones first."""
    return join(tuple(sorted(parts, key=lambda part: Filter(term=part).cost)))


def grown(inner: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    """Terms one level deeper. The parser makes one `Not` of two, and so does not give a `Not` of a `Not`."""
    several = st.lists(inner, min_size=2, max_size=3)
    negated = inner.map(lambda term: term.term if isinstance(term, Not) else Not(term))
    return negated | several.map(lambda parts: joined(And, parts)) | several.map(lambda parts: joined(Or, parts))


def printed(term: Term) -> str:
    """A term as a person would type it."""
    match term:
        case Contains() | Equals():
            return f"{term.key}:{'=' if isinstance(term, Equals) else ''}{in_quotes(term.text)}"
        case Words():
            return in_quotes(term.text)
        case Like():
            guarded = term.pattern.pattern.replace('"', '\\"')
            return f'{term.key}~"{guarded}"'
        case Present():
            return f"{term.key}:*"
        case Between():
            if term.high == inf:
                return f"{term.key}:>{'=' if term.includes_low else ''}{term.low}"
            return f"{term.key}:{term.low}..{term.high}"
        case Not():
            return f"-({printed(term.term)})"
        case And() | Or():
            return "(" + (" " if isinstance(term, And) else " or ").join(printed(part) for part in term.terms) + ")"


def in_quotes(text: str) -> str:
    """A text between quotes, with what must be guarded in it guarded."""
    guarded = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{guarded}"'


@settings(max_examples=200, deadline=None)
@given(st.recursive(leaves, grown, max_leaves=8))
def test_what_is_printed_is_read_as_it_was(term: Term) -> None:
    found = parse(printed(term))
    assert found.errors == ()
    assert found.term == term


SEEN = {"agent": ["claude-code", "codex"], "model": ["claude opus", "gpt-5"], "tool": ['say "hi"', "*"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ag|", ["agent:"]),
        ("-ag|", ["-agent:"]),
        ("(ag|", ["(agent:"]),
        ("x di|", ["x dialect:"]),
        ("agent:|", ["agent:claude-code", "agent:codex"]),
        ("agent:cod|", ["agent:codex", "agent:claude-code"]),
        ("agent:=cod|", ["agent:=codex", "agent:=claude-code"]),
        ("agent:codex|", []),
        ('agent:"cod|', ["agent:codex", "agent:claude-code"]),
        ("model:op|", ['model:"claude opus"']),
        ("tool:|", ['tool:"say \\"hi\\""', 'tool:"*"']),
        ("agent~c|", []),
        ("in:|", []),
        ("nokey:|", []),
        ('"ag|', []),
        ("(agent:a)|", []),
        ("ag|ent:x", []),
        ("ag|:x", ["agent:x"]),
        ("ar|", ["arg:", "arg."]),
        ("arg.|", []),
        ("arg.command:|", []),
    ],
)
def test_completion(text: str, expected: list[str]) -> None:
    cursor = text.index("|")
    whole = text.replace("|", "")
    offered = complete(whole, cursor, SEEN)
    assert [whole[: one.start] + one.text + whole[one.end :] for one in offered] == expected


def test_between_words_every_key_is_offered() -> None:
    keys = [*(f"{key}:" for key in FIELDS), *OPEN_KEYS]
    for text in ("", "agent:x ", "-", "("):
        assert [one.text for one in complete(text, len(text), {})] == keys
