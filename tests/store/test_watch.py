"""Watch expressions: read, headed, and shown in a cell."""

from __future__ import annotations

import orjson
import pytest

from inspector.model.flow import Capture, Flow
from inspector.store.figures import spelled
from inspector.store.filter_field import Unit
from inspector.store.filter_terms import Words
from inspector.store.filters import parse
from inspector.store.transcripts import Transcripts
from inspector.store.watch import WIDEST, Watched, parse_watch, shown, value_of
from tests.handmade import chat_flow, done_chat


def asking(**body: object) -> Flow:
    """A flow with a body of its own."""
    flow = chat_flow()
    flow.request.body = Capture(orjson.dumps(body))
    return flow


def cell(text: str, flow: Flow) -> str:
    """What a watch shows of a flow."""
    return shown(parse_watch(text), flow, Transcripts())


@pytest.mark.parametrize(
    ("text", "key", "title"),
    [
        ("request.max_tokens", "request.max_tokens", "max_tokens"),
        (" Max = Request.Max ", "request.Max", "Max"),
        ("COUNT.tools", "count.tools", "tools"),
        ("dur", "dur", "dur"),
        ("request.messages[-1].role", "request.messages[-1].role", "role"),
        ("request.tools.length", "request.tools.length", "tools"),
        ("request.tools[0]", "request.tools[0]", "tools"),
        ("request.tools[*]", "request.tools[*]", "tools"),
        ('request.metadata["odd key"]', 'request.metadata["odd key"]', "odd key"),
        ('request.metadata["a=b"]', 'request.metadata["a=b"]', "a=b"),
        ("header.User-Agent", "header.User-Agent", "User-Agent"),
        ("hit=in.cached/in", "in.cached/in", "hit"),
        ("a very very long title=dur", "dur", "a very very long"),
    ],
)
def test_a_watch_is_read_and_headed(text: str, key: str, title: str) -> None:
    watched = parse_watch(text)
    assert watched == Watched(key, title)
    assert parse_watch(str(watched)) == watched


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a key is missing"),
        ("  ", "a key is missing"),
        ("max=", "a key is missing"),
        ("=dur", "a title is missing"),
        ("nope", "there is no key nope"),
        ("a=b=dur", "there is no key b=dur"),
        ("request.", "as in request.max_tokens"),
        ("request.a[x]", "is not understood"),
        ("header.a b", "is no header's name"),
        ("in.cached/model", "there is no key"),
    ],
)
def test_what_is_no_watch_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_watch(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("request.max_tokens", "32000"),
        ("request.big", "1.23M"),
        ("request.temperature", "0.7"),
        ("request.model", "m"),
        ("request.stream", "true"),
        ("request.tools", '[{"name":"Bash"}]'),
        ("request.tools[*].name", "Bash"),
        ("request.roles[*]", "user, assistant"),
        ("request.lines", "one two"),
        ("request.nothing", ""),
        ("usage.prompt_tokens", ""),
        ("request.max_tokens/request.big", "0.0259"),
        ("request.max_tokens/request.zero", ""),
        ("request.max_tokens - request.zero", "32000"),
        ("request.max_tokens+request.big", "1.27M"),
        ("request.zero*request.big", "0"),
        ("received", "1ms"),
        ("size.request + size", "438B"),
    ],
)
def test_a_cell_says_it_in_short(text: str, expected: str) -> None:
    body = {"max_tokens": 32000, "big": 1_234_567, "temperature": 0.7, "model": "m", "stream": True, "zero": 0}
    flow = asking(**body, tools=[{"name": "Bash"}], roles=["user", "assistant"], lines="one\n\ttwo ")
    if text == "size.request + size":
        expected = f"{2 * len(flow.request.body)}B"
    assert cell(text, flow) == expected


def test_what_is_long_is_cut() -> None:
    said = cell("request.text", asking(text="word " * 1000))
    assert len(said) == WIDEST
    assert said.endswith("…")


def test_numbers_sort_as_numbers_and_words_as_words() -> None:
    flow, known = asking(n=10, s="x", nan="nan", list=[1, 2]), Transcripts()
    assert value_of("request.n", flow, known) == 10.0
    assert value_of("request.s", flow, known) == "x"
    assert value_of("request.nan", flow, known) == "nan"
    assert value_of("request.list[*]", flow, known) == "1, 2"
    assert value_of("request.none", flow, known) is None
    assert value_of("model", done_chat(), known) == "gpt-5-mini, gpt-5-mini-1"
    with pytest.raises(KeyError):
        value_of("nope", flow, known)


def test_a_computed_key_filters_too() -> None:
    flow, known = done_chat(), Transcripts()
    assert parse("usage.completion_tokens/usage.prompt_tokens:0.2").matches(flow, known)
    assert parse("in.cached/in:>0.7 in.cached/in<0.9 in+out:120").matches(flow, known)
    assert not parse("in.cached/in:>0.9").matches(flow, known)
    assert value_of("in.cached/in", flow, known) == 0.8
    assert value_of("dur - head", flow, known) == 600.0
    assert cell("dur - head", flow) == "0.6s"


@pytest.mark.parametrize("text", ["src/app:5", "a/b<5", "src/app~x", "in/model:5", 'src/app:"x y"'])
def test_what_joins_no_two_numbers_is_a_word(text: str) -> None:
    found = parse(text)
    assert (found.errors, found.term) == ((), Words(text))


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        (0, "count", "0"),
        (87, "count", "87"),
        (99_999, "count", "99999"),
        (100_000, "count", "100k"),
        (999_600, "count", "1M"),
        (1.5e15, "count", "1.5e+03T"),
        (1234.5, "count", "1234"),
        (0.0123456, "count", "0.0123"),
        (-250_000, "count", "-250k"),
        (950, "bytes", "950B"),
        (91_200, "bytes", "91.2kB"),
        (45, "ms", "45ms"),
        (12_345, "ms", "12.3s"),
        (245_000, "ms", "4m05"),
        (7_500_000, "ms", "2h05"),
        (0.983, "share", "98%"),
        (1e300, "time", ""),
    ],
)
def test_numbers_are_spelled_by_their_unit(number: float, unit: Unit, expected: str) -> None:
    assert spelled(number, unit) == expected
