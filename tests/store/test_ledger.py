"""Totals: what a sum over all flows gives, without reading them again."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from inspector.store import price_list
from inspector.store.flows import FlowStore
from inspector.store.ledger import Ledger, Totals
from inspector.store.summary import Summary
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream


@pytest.fixture(autouse=True)
def _loaded() -> None:
    price_list.prepare(wait=True)


def test_flows_are_added_up_as_they_end() -> None:
    store = FlowStore()
    ledger = Ledger(store, Transcripts())
    assert ledger.update(inf) == Totals()
    store.add(done_chat("a"))
    flow = stream(respond(chat_flow("b")), chat_chunks(usage=(50, 7, 10))[:2])
    store.add(flow)
    totals = ledger.update(inf)
    assert replace(totals, cost=None) == Totals(2, 1, 100, 20, 80, 100)
    assert totals.cost == pytest.approx(0.000047)

    stream(flow, chat_chunks(usage=(50, 7, 10))[2:], start=600)
    store.touch(finish(flow))
    totals = ledger.update(inf)
    assert replace(totals, cost=None) == Totals(2, 0, 150, 27, 90, 150)
    assert totals.cost == pytest.approx(0.000047 + 0.00002425)
    assert totals.cache == 0.6


def test_a_flow_that_changes_after_its_end_counts_once() -> None:
    store = FlowStore()
    flow = done_chat("a")
    store.add(flow)
    ledger = Ledger(store, Transcripts())
    before = ledger.update(inf)
    store.touch(flow)
    assert ledger.update(inf) == before


def test_estimates_are_not_added() -> None:
    store = FlowStore()
    store.add(done_chat("a", chunks=chat_chunks(usage=None)))
    totals = Ledger(store, Transcripts()).update(inf)
    assert (totals.output_tokens, totals.cache, totals.cost) == (0, None, None)


def test_arrears_are_worked_off_in_slices() -> None:
    store = FlowStore()
    for number in range(5):
        store.add(done_chat(str(number)))
    ledger = Ledger(store, Transcripts())
    sums = []
    while True:
        sums.append(ledger.update(0).input_tokens)
        if not ledger.pending:
            break
    assert sums == [100, 200, 300, 400, 500]


def test_that_counting_is_free_says_nothing_of_the_answers() -> None:
    assert Summary(cost=0.0, input_tokens=9).billed is None
    assert Summary(cost=0.0, input_tokens=9, output_tokens=1).billed == 0
    assert Summary(cost=0.1, input_tokens=9).billed == 0.1
    assert Summary(output_tokens=1).billed is None
