"""Watch expressions: read and headed."""

from __future__ import annotations

import orjson
import pytest

from inspector.model.flow import Capture, Flow
from inspector.store.filter_terms import Words
from inspector.store.filters import parse
from inspector.store.transcripts import Transcripts
from inspector.store.view_order import LONGEST, reader
from inspector.store.watch import Watched, parse_watch
from tests.handmade import chat_flow, done_chat


def asking(**body: object) -> Flow:
    """A flow with a body of its own."""
    flow = chat_flow()
    flow.request.body = Capture(orjson.dumps(body))
    return flow


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


def test_numbers_sort_as_numbers_and_words_as_words() -> None:
    flow, known = asking(n=10, s="x", nan="nan", list=[1, 2]), Transcripts()
    assert reader("request.n")(flow, known) == 10.0
    assert reader("request.s")(flow, known) == "x"
    assert reader("request.nan")(flow, known) == "nan"
    assert reader("request.list[*]")(flow, known) == "1, 2"
    assert reader("request.none")(flow, known) is None
    assert reader("model")(done_chat(), known) == "gpt-5-mini, gpt-5-mini-1"
    assert reader("request.long")(asking(long="x" * 1000), known) == "x" * LONGEST
    with pytest.raises(KeyError):
        reader("nope")(flow, known)


def test_a_computed_key_filters_too() -> None:
    flow, known = done_chat(), Transcripts()
    assert parse("usage.completion_tokens/usage.prompt_tokens:0.2").matches(flow, known)
    assert parse("in.cached/in:>0.7 in.cached/in<0.9 in+out:120").matches(flow, known)
    assert not parse("in.cached/in:>0.9").matches(flow, known)
    assert reader("in.cached/in")(flow, known) == 0.8
    assert reader("dur - head")(flow, known) == 600.0


@pytest.mark.parametrize("text", ["src/app:5", "a/b<5", "src/app~x", "in/model:5", 'src/app:"x y"'])
def test_what_joins_no_two_numbers_is_a_word(text: str) -> None:
    found = parse(text)
    assert (found.errors, found.term) == ((), Words(text))
