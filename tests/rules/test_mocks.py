"""Rules that answer: which one acts on which request."""

from __future__ import annotations

from inspector.model.flow import Flow
from inspector.rules.mocks import MockRule, Mocks
from inspector.rules.replies import Reply
from inspector.store.filters import parse
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_flow


def rule(text: str = "", count: int | None = None, probability: float = 1.0, seed: int = 0) -> MockRule:
    return MockRule(parse(text), Reply(status=529), True, count, probability, seed)


def test_the_first_rule_that_fits_acts() -> None:
    codex, parser, every = rule("agent:codex"), rule("said:parser model:gpt"), rule()
    mocks = Mocks([codex, parser, every])
    flow = chat_flow(prompt="Fix the parser")
    assert mocks.pick(flow, Transcripts()) is parser
    assert mocks.pick(chat_flow(), Transcripts()) is every
    assert [each.hits for each in mocks] == [0, 1, 1]


def test_a_rule_acts_as_often_as_it_may() -> None:
    twice = rule(count=2)
    mocks = Mocks([twice])
    picked = [mocks.pick(chat_flow(), Transcripts()) for _ in range(4)]
    assert picked == [twice, twice, None, None]
    assert (twice.hits, twice.spent) == (2, True)


def test_chance_is_the_same_for_the_same_seed() -> None:
    def acts(seed: int, other: bool) -> list[bool]:
        mocks, flows = Mocks([rule("agent:codex", probability=0.5, seed=seed)]), []
        for _ in range(200):
            if other:
                assert mocks.pick(chat_flow(agent="zed"), Transcripts()) is None
            flows.append(mocks.pick(chat_flow(agent="codex"), Transcripts()) is not None)
        return flows

    assert acts(1, other=False) == acts(1, other=True)
    assert acts(1, other=False) != acts(2, other=False)
    assert 60 < sum(acts(1, other=False)) < 140
    assert Mocks([rule(probability=0.0)]).pick(chat_flow(), Transcripts()) is None


def test_where_there_is_no_rule_nothing_is_read() -> None:
    class Unreadable(Transcripts):
        def of(self, flow: Flow) -> None:  # type: ignore[override]
            raise AssertionError("nobody asked for this")

    off = rule("said:x")
    mocks = Mocks([off])
    mocks.switch(off)
    assert mocks.pick(chat_flow(), Unreadable()) is None
    assert Mocks().pick(chat_flow(), Unreadable()) is None


def test_rules_are_listed_switched_and_taken_out() -> None:
    told: list[int] = []
    mocks = Mocks(changed=lambda: told.append(len(mocks)))
    first, second = rule("agent:a"), rule("agent:b")
    mocks.add(first)
    mocks.add(second)
    mocks.switch(second)
    assert [each.on for each in mocks] == [True, False]
    mocks.remove(first)
    assert list(mocks) == [second]
    mocks.restore([first])
    assert list(mocks) == [first]
    assert told == [1, 2, 2, 1]
