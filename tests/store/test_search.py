"""Searching all flows: what is found and where, in slices, folded from turn to turn, bounded."""

from __future__ import annotations

import gzip
import json
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow, Reason, Request
from inspector.model.headers import Headers
from inspector.store import search as module
from inspector.store.flows import FlowStore
from inspector.store.lane import Lane, Place
from inspector.store.search import FlowHits, Search
from inspector.store.search_pattern import folded, parse
from inspector.store.transcripts import Transcripts
from tests.handmade import URL, chat_chunks, chat_flow, done_chat, finish, respond, stream

JSON = Headers([("content-type", "application/json")])


def search(text: str, *flows: Flow, transcripts: Transcripts | None = None, folds: bool = True) -> Search:
    """A search that is over."""
    looking = Search(parse(text), transcripts or Transcripts(), folds=folds)
    looking.add(in_session(*flows))
    run(looking)
    return looking


def run(looking: Search) -> None:
    """Search to the end."""
    for _ in range(1_000_000):
        if not looking.step(0):
            return
    pytest.fail("it never ends")


def in_session(*flows: Flow) -> list[Flow]:
    """Flows with their numbers."""
    store = FlowStore()
    for flow in flows:
        store.add(flow)
    return list(store)


def told(looking: Search) -> list[tuple[str, str, str]]:
    """Flow, place and match of every hit."""
    return [(group.flow.id, hit.where.words, hit.excerpt.found) for group in looking.groups for hit in group.hits]


def talk(flow_id: str, messages: list[dict[str, Any]], words: str = "fine") -> Flow:
    """A Chat Completions flow with a whole conversation."""
    body = json.dumps({"model": "gpt-5-mini", "messages": messages}).encode()
    flow = respond(Flow(flow_id, Request("POST", URL, JSON, Capture(body)), 1.0, dialect="openai-chat"))
    flow.timing.received = 1.0
    return finish(stream(flow, chat_chunks([words])))


def lane_of(*flows: Flow) -> Transcripts:
    """Transcripts that know these flows as the turns of one lane."""
    lane, transcripts = Lane("lane", flows=list(flows)), Transcripts()
    previous = dict(zip([flow.id for flow in flows], [None, *flows], strict=False))
    transcripts.placed_by = lambda flow: Place(lane, previous=previous[flow.id]) if flow.id in previous else None
    return transcripts


def turns(count: int, words: str = "the needle") -> list[Flow]:
    """Turns of a conversation that begins with these words and never says them again."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": words}]
    flows: list[Flow] = []
    for number in range(count):
        messages = [*messages, {"role": "user", "content": f"question {number}"}]
        flows.append(talk(f"t{number}", messages, f"reply {number}"))
        messages = [*messages, {"role": "assistant", "content": f"reply {number}"}]
    return flows


def test_hits_come_newest_first_in_the_order_of_the_conversation_with_their_places() -> None:
    call = {"id": "call_pear", "type": "function", "function": {"name": "Pick", "arguments": '{"fruit":"pear"}'}}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You sell pears."},
        {"role": "user", "content": "A pear!"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_pear", "content": "no pear left"},
    ]
    one, two = talk("one", messages, "Sorry, no pear."), done_chat("two", chunks=chat_chunks(["a Pear"]))
    two.error = "the pear broke"
    assert told(search("pear", one, two)) == [
        ("two", "answer", "Pear"),
        ("two", "error", "pear"),
        ("one", "system", "pear"),
        ("one", "user", "pear"),
        ("one", "call Pick", "pear"),
        ("one", "call's id", "pear"),
        ("one", "result Pick", "pear"),
        ("one", "answer", "pear"),
    ]
    assert {hit.where.view for hit in search("call_", one).groups[0].hits} == {"request"}


def test_heads_are_searched_with_their_secrets_masked() -> None:
    flow = done_chat("f")
    flow.request.url += "?key=topsecretvalue123"
    assert told(search("CONTENT-TYPE", flow)) == []
    assert [place for _, place, _ in told(search("content-type", flow))] == ["request header", "response header"]
    assert told(search("openai.com", flow)) == [("f", "URL", "openai.com")]
    assert not search("topsecret", flow).groups and not search("0123456789", flow).groups


def test_words_in_arguments_are_found_however_json_spells_them() -> None:
    for spelled in ('say "hi" to Zoë', 'say "hi" to Zo\u00eb'):
        arguments = json.dumps({"text": f"a\n{spelled}"})
        flow = done_chat("f", chunks=chat_chunks([], tool=("Say", arguments)))
        (group,) = search('say "hi" to zoë', flow).groups
        assert group.hits[0].excerpt.found == spelled and group.hits[0].excerpt.needle == 'say \\"hi\\" to Zoë'


def test_what_is_no_conversation_is_searched_as_it_came() -> None:
    body = b"x" * 70_000 + '{"a": "sm\u00f8rrebr\u00f8d", "b": "sm\\u00f8rrebr\\u00f8d and \\"more\\""}'.encode()
    flow = finish(respond(Flow("raw", Request("POST", "http://h/x", Headers(), Capture(body)), 1.0)))
    assert told(search("smørrebrød", flow)) == [("raw", "request body", "smørrebrød")]
    assert told(search('and "more"', flow)) == [("raw", "request body", 'and "more"')]


def test_what_a_conversation_does_not_tell_is_searched_in_its_bytes_and_nothing_twice() -> None:
    odd = b'data: {"choices":[],"system_fingerprint":"fp_odd"}\n\n'
    flow = done_chat("f", chunks=[odd, *chat_chunks(["Hello"])])
    assert told(search("fp_odd", flow)) == [("f", "response body", "fp_odd")]
    assert told(search("hello", flow)) == [("f", "user", "hello"), ("f", "answer", "Hello")]


def test_an_encoded_body_is_decoded_and_one_that_is_broken_as_far_as_it_goes() -> None:
    packed = gzip.compress(b"first words " + bytes(range(256)) * 2000)
    for body in (packed, packed[:-9]):
        headers = Headers([("content-encoding", "gzip")])
        flow = finish(respond(Flow("raw", Request("POST", "http://h/x", headers, Capture(body)), 1.0)))
        assert told(search("first words", flow)) == [("raw", "request body", "first words")]


def test_words_across_two_pieces_of_a_body_are_found_once() -> None:
    for place in range(65_530, 65_540):
        body = b"." * place + b"needle" + b"." * 70_000
        flow = finish(respond(Flow("raw", Request("POST", "http://h/x", Headers(), Capture(body)), 1.0)))
        for text in ("needle", "/ne+dle/"):
            (group,) = search(text, flow).groups
            assert (group.count, group.hits[0].excerpt.offset) == (1, place)


def test_what_the_turn_before_had_is_one_hit_with_the_turns_that_repeat_it() -> None:
    flows = turns(15)
    looking = search("needle", *flows, transcripts=lane_of(*flows))
    assert told(looking) == [("t0", "system", "needle")]
    (group,) = looking.groups
    assert looking.later(group, group.hits[0]) == 14
    looking = search("reply 3", *flows, transcripts=lane_of(*flows))
    assert told(looking) == [("t3", "answer", "reply 3")]
    assert looking.later(looking.groups[0], looking.groups[0].hits[0]) == 11


def test_nothing_is_folded_where_nobody_asks_for_it_or_nobody_knows_the_lanes() -> None:
    flows = turns(5)
    assert len(search("needle", *flows, transcripts=lane_of(*flows), folds=False).groups) == 5
    assert len(search("needle", *flows).groups) == 5


def test_a_hit_is_folded_only_into_a_flow_that_is_searched() -> None:
    flows = turns(6)
    looking = search("needle", *flows[2:4], flows[5], transcripts=lane_of(*flows))
    assert told(looking) == [("t2", "system", "needle")]
    assert looking.later(looking.groups[0], looking.groups[0].hits[0]) == 2


def test_what_is_said_again_is_a_hit_of_its_own() -> None:
    first = talk("a", [{"role": "user", "content": "needle"}])
    said = {"role": "user", "content": "needle"}
    second = talk("b", [said, {"role": "assistant", "content": "fine"}, said], "needle")
    assert told(search("needle", first, second, transcripts=lane_of(first, second))) == [
        ("b", "user", "needle"),
        ("b", "answer", "needle"),
        ("a", "user", "needle"),
    ]


def test_bodies_that_nobody_reads_are_folded_by_what_stands_around() -> None:
    def raw(flow_id: str, body: bytes) -> Flow:
        return finish(respond(Flow(flow_id, Request("POST", "http://h/x", Headers(), Capture(body)), 1.0)))

    around = b"-" * 200
    flows = [raw("a", around + b"needle" + around), raw("b", around + b"needle" + around + b"+ needle" + around)]
    looking = search("needle", *flows, transcripts=lane_of(*flows))
    assert [(group.flow.id, group.count) for group in looking.groups] == [("b", 1), ("a", 1)]
    assert looking.later(looking.groups[1], looking.groups[1].hits[0]) == 1


def test_a_live_flow_is_searched_again_as_it_grows() -> None:
    store, transcripts = FlowStore(), Transcripts()
    flow = respond(chat_flow("live", prompt="needle?"))
    store.add(flow)
    looking = Search(parse("needle"), transcripts)
    counts = []
    for chunk in chat_chunks(["a needle", " and a needle"]):
        stream(flow, [chunk])
        store.touch(flow)
        looking.add([flow])
        run(looking)
        counts.append(looking.groups[0].count)
    assert counts[:2] == [2, 3] and set(counts[2:]) == {3}
    assert len(looking.groups[0].hits) == 3 and looking.progress == 1.0


def test_flows_that_did_not_change_are_not_searched_again() -> None:
    flows = in_session(done_chat("a"), done_chat("b"))
    looking = Search(parse("hello"), Transcripts())
    looking.add(flows)
    assert not looking.finished and looking.progress == 0.0
    run(looking)
    looking.add(flows)
    assert looking.finished and not looking.step(10)


def test_hits_are_bounded_and_counted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IN_ALL", 500)
    flows = [talk(f"f{number}", [{"role": "user", "content": "ab " * 1000}]) for number in range(4)]
    groups = search("ab", *flows).groups
    assert [group.count for group in groups] == [1000] * 4
    assert [len(group.hits) for group in groups] == [200, 200, 100, 0]


def test_excerpts_are_short_whatever_is_found() -> None:
    flow = talk("f", [{"role": "user", "content": "x" * 3000 + "needle" + "y" * 3000}])
    for text in ("needle", "/x{9,}needle/", "/x+n/"):
        (hit,) = search(text, flow).groups[0].hits
        assert 100 < len(hit.excerpt.around) <= 160


def test_a_body_too_large_to_be_read_is_searched_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_LIMIT", 1000)
    flow = talk("f", [{"role": "user", "content": "a\u00f6b " * 1000 + "needle"}])
    looking = Search(parse("needle"), Transcripts())
    looking.add(in_session(flow))
    steps = 0
    while looking.step(0):
        steps += 1
    assert told(looking) == [("f", "request body", "needle")] and steps > 5
    assert search("aöb", flow).groups[0].count == 1000


WORDS = st.text(st.sampled_from('aAbB \n"\\ö'), max_size=30)


def naive(text: str, words: list[str]) -> int:
    """Matches in these texts, one after another."""
    ignores_case = text == text.lower()
    return sum((folded(each) if ignores_case else each).count(folded(text) if ignores_case else text) for each in words)


@settings(max_examples=100, deadline=None)
@given(
    said=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5), text=st.sampled_from(["ab", "a", "Ab", "b ", "ö"])
)
def test_plain_words_are_found_as_often_as_a_naive_look_finds_them(said: list[tuple[str, str]], text: str) -> None:
    flows = [talk(f"f{at}", [{"role": "user", "content": asked}], answer) for at, (asked, answer) in enumerate(said)]
    counts = {group.flow.id: _in_words(group) for group in search(text, *flows).groups}
    assert {name: count for name, count in counts.items() if count} == {
        f"f{at}": count for at, words in enumerate(said) if (count := naive(text, list(words)))
    }


def _in_words(group: FlowHits) -> int:
    return sum(hit.where.words in ("user", "answer") for hit in group.hits)


@settings(max_examples=50, deadline=None)
@given(said=st.lists(WORDS, min_size=1, max_size=6), text=st.sampled_from(["ab", "/a+b?/"]), data=st.data())
def test_slicing_and_order_do_not_change_the_outcome(said: list[str], text: str, data: st.DataObject) -> None:
    messages: list[dict[str, Any]] = []
    flows: list[Flow] = []
    for number, words in enumerate(said):
        messages = [*messages, {"role": "user", "content": words}]
        flows.append(talk(f"f{number}", messages, words))
    transcripts = lane_of(*flows)
    whole = search(text, *flows, transcripts=transcripts)
    sliced = Search(parse(text), transcripts)
    sliced.add(flows)
    # How many steps it takes is the clock's affair: what they do is drawn beforehand.
    steps = data.draw(st.lists(st.tuples(st.sampled_from([0, 0, 0.05, 5]), st.permutations(flows)), min_size=1))
    for budget, again in cycle(steps):
        if not sliced.step(budget):
            break
        sliced.add(again)
    assert told(sliced) == told(whole)
    assert [[sliced.later(group, hit) for hit in group.hits] for group in sliced.groups] == [
        [whole.later(group, hit) for hit in group.hits] for group in whole.groups
    ]


def test_a_failed_flow_without_an_answer_is_searched() -> None:
    flow = finish(chat_flow("f", prompt="needle"), Reason.UPSTREAM_UNREACHABLE)
    flow.error = "no needle there"
    assert [place for _, place, _ in told(search("needle", flow))] == ["user", "error"]
