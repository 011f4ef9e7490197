"""The list's rows: whatever happens, they equal what a look at all flows would give."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.model.flow import Flow
from inspector.store.filter_fields import FIELDS, NumberField
from inspector.store.filters import parse
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.store.view import Change, Sort, View
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream


def make_view(*flows: Flow) -> tuple[FlowStore, View]:
    """A view of a store with these flows in it, up to date."""
    store = FlowStore()
    for flow in flows:
        store.add(flow)
    view = View(store, Transcripts())
    view.update(inf)
    return store, view


def flows_of(view: View) -> list[Flow]:
    """The rows, where nothing has a heading."""
    return [row for row in view.rows if isinstance(row, Flow)]


def ids(view: View) -> list[str]:
    """The rows by their ids."""
    return [flow.id for flow in flows_of(view)]


def test_rows_stand_by_arrival_and_say_what_moved() -> None:
    store, view = make_view(chat_flow("a"), chat_flow("b"))
    assert ids(view) == ["a", "b"]
    assert view.update(inf) == Change()
    assert not view.update(inf)

    third = chat_flow("c")
    store.add(third)
    assert view.update(inf) == Change(first_moved=2)
    store.touch(third)
    store.touch(flows_of(view)[0])
    assert view.update(inf) == Change(changed=(0, 2))
    assert [view.index_of(name) for name in ("a", "b", "c", "d")] == [0, 1, 2, None]
    assert view.summary(third).prompt == "Say hello"


def test_a_file_written_as_flows_end_is_shown_by_arrival() -> None:
    flows = [done_chat(name) for name in ("a", "b", "c")]
    for flow, seq in zip(flows, (3, 1, 2), strict=True):
        flow.seq = seq
    store, view = make_view(*flows)
    assert ids(view) == ["b", "c", "a"]
    store.add(chat_flow("d"))
    assert view.update(inf) == Change(first_moved=3)
    assert flows_of(view)[3].seq == 4


def test_a_flow_that_takes_the_place_of_another_is_shown() -> None:
    store, view = make_view(chat_flow("a"))
    newer = chat_flow("a")
    newer.seq = 1
    store.add(newer)
    assert view.update(inf) == Change(changed=(0,))
    assert view.rows == [newer]


def test_rows_come_and_go_with_the_filter() -> None:
    store, view = make_view(chat_flow("a", agent="x"), chat_flow("b", agent="y"), chat_flow("c", agent="x"))
    view.filter = parse("agent:x state:waiting")
    assert view.update(inf) == Change(reset=True, first_moved=0)
    assert ids(view) == ["a", "c"]

    finish(flows_of(view)[0])
    store.touch(flows_of(view)[0])
    assert view.update(inf) == Change(first_moved=0)
    assert ids(view) == ["c"]
    view.filter = parse("agent:x  state:waiting ")
    assert view.update(inf) == Change()
    view.filter = parse("")
    assert view.update(inf).reset
    assert ids(view) == ["a", "b", "c"]


def test_sorting_by_what_a_summary_says() -> None:
    flows = [
        done_chat("small", chunks=chat_chunks(usage=(10, 5, 0))),
        chat_flow("unknown"),
        done_chat("large", chunks=chat_chunks(usage=(500, 5, 0))),
        done_chat("same", chunks=chat_chunks(usage=(10, 5, 0))),
    ]
    store, view = make_view(*flows)
    view.sort = Sort("in")
    view.update(inf)
    assert ids(view) == ["small", "same", "large", "unknown"]
    view.sort = Sort("in", descending=True)
    view.update(inf)
    assert ids(view) == ["large", "small", "same", "unknown"]

    finish(stream(respond(flows[1]), chat_chunks(usage=(900, 5, 0))))
    store.touch(flows[1])
    assert view.update(inf) == Change(first_moved=0)
    assert ids(view) == ["unknown", "large", "small", "same"]
    with pytest.raises(KeyError):
        view.sort = Sort("colour")


def test_a_row_that_moves_down_says_from_where() -> None:
    growing = stream(respond(chat_flow("a")), chat_chunks(usage=(10, 1, 0)))
    store, view = make_view(growing, done_chat("b", chunks=chat_chunks(usage=(50, 1, 0))), chat_flow("c"))
    view.sort = Sort("in")
    view.update(inf)
    assert ids(view) == ["a", "b", "c"]
    stream(growing, chat_chunks(usage=(90, 1, 0)))
    store.touch(growing)
    store.touch(flows_of(view)[2])
    assert view.update(inf) == Change(first_moved=0)
    assert ids(view) == ["b", "a", "c"]


def test_sorting_by_words() -> None:
    _, view = make_view(chat_flow("a", agent="zed"), chat_flow("b"), chat_flow("c", agent="codex"))
    view.sort = Sort("agent")
    view.update(inf)
    assert ids(view) == ["c", "a", "b"]
    view.sort = Sort("agent", descending=True)
    view.update(inf)
    assert ids(view) == ["a", "c", "b"]
    view.sort = None
    view.update(inf)
    assert ids(view) == ["a", "b", "c"]


def test_texts_sort_by_their_characters_either_way() -> None:
    names = ["b", "", "ab", "a", "ba", "\U0010ffff", "ä", "a\U0010ffff", "aa"]
    _, view = make_view(*(chat_flow(f"f{number}", agent=name) for number, name in enumerate(names)))
    for descending in (False, True):
        view.sort = Sort("agent", descending)
        view.update(inf)
        shown = [flow.agent for flow in flows_of(view)]
        assert shown == [*sorted(filter(None, names), reverse=descending), ""]


def test_a_long_list_is_judged_over_several_updates() -> None:
    store, view = make_view(*(chat_flow(str(number)) for number in range(20)))
    view.filter = parse("method:post")
    counts = []
    while view.pending:
        view.update(0)
        counts.append(len(view.rows))
    assert counts == list(range(1, 21))
    assert ids(view) == [flow.id for flow in store]


def test_a_change_judges_the_changed_flows_only() -> None:
    store, view = make_view(*(chat_flow(str(number)) for number in range(100)))
    for name in ("3", "5"):
        flow = store.get(name)
        assert flow is not None
        flow.agent = "codex"
        store.touch(flow)
    view.update(0)
    assert view.pending == 1
    view.update(0)
    assert view.pending == 0


FILTERS = (
    "",
    "cost:*",
    "state:=done tool:*",
    "model~gpt and not in:>=50",
    "agent:codex",
    "-agent:codex",
    "state:done",
    "in:>50",
    "hello or state:waiting",
    "size:>350",
)
SORTS = (
    None,
    Sort("seq", True),
    Sort("cost", True),
    Sort("agent"),
    Sort("agent", True),
    Sort("in"),
    Sort("out", True),
    Sort("state"),
)


looks = st.tuples(st.sampled_from(FILTERS), st.sampled_from(SORTS))
acts = st.lists(
    st.tuples(st.just("add"), st.sampled_from((0, 1, 2)), st.just(0))
    | st.tuples(st.just("grow"), st.integers(0, 5), st.integers(0, 100))
    | st.tuples(st.just("end"), st.integers(0, 5), st.just(0))
    | st.tuples(st.just("frame"), st.just(0), st.sampled_from((0, 10**6))),
    min_size=10,
    max_size=30,
)


class Session:
    """A store where things happen, and a view of it that is checked at every frame."""

    def __init__(self) -> None:
        self.store = FlowStore()
        self.transcripts = Transcripts(limit=3)
        self.view = View(self.store, self.transcripts)
        self.shown: list[str] = []

    def act(self, what: str, which: int, amount: int) -> None:
        """Let one thing happen: a flow arrives, grows or ends, or the next frame is drawn."""
        if what == "add":
            self.store.add(chat_flow(f"f{len(self.store)}", agent=("", "codex", "zed")[which]))
        elif what == "frame":
            self.frame(amount)
        elif (flow := self.store.get(f"f{which}")) is not None and flow.live:
            if what == "end":
                finish(flow)
            else:
                stream(
                    flow if flow.response else respond(flow), chat_chunks(("hello",), usage=(amount, amount // 2, 0))
                )
            self.store.touch(flow)

    def frame(self, budget_ms: float) -> None:
        """Update the view: what the change does not speak of must stand as it was shown."""
        before, revision = self.shown, dict(self.revisions())
        change = self.view.update(budget_ms)
        now = ids(self.view)
        kept = len(now) if change.first_moved is None else change.first_moved
        if not change.reset:
            assert now[:kept] == before[:kept]
            assert change.first_moved is not None or len(now) == len(before)
        assert all(index < kept for index in change.changed)
        assert [self.view.index_of(name) for name in now] == list(range(len(now)))
        assert revision == dict(self.revisions())
        self.shown = now

    def revisions(self) -> list[tuple[str, int]]:
        """What a view must not touch."""
        return [(flow.id, flow.revision) for flow in self.store]

    def expected(self) -> list[str]:
        """The rows as a look at all flows gives them."""
        flows = [flow for flow in self.store if self.view.filter.matches(flow, self.transcripts)]
        order = self.view.sort
        if order is not None:
            known = [(value, flow) for flow in flows if (value := self.value(flow, order.key)) is not None]
            known.sort(key=lambda pair: pair[0], reverse=order.descending)
            flows = [flow for _, flow in known] + [flow for flow in flows if self.value(flow, order.key) is None]
        return [flow.id for flow in flows]

    def value(self, flow: Flow, key: str) -> float | str | None:
        """What a flow is sorted by."""
        field = FIELDS[key]
        if isinstance(field, NumberField):
            return field.value(flow, self.transcripts)
        return ", ".join(text for text in field.values(flow, self.transcripts) if text) or None


@settings(max_examples=150, deadline=None)
@given(looks, acts, looks, acts)
def test_rows_equal_a_look_at_all_flows(
    first: tuple[str, Sort | None],
    before: list[tuple[str, int, int]],
    second: tuple[str, Sort | None],
    after: list[tuple[str, int, int]],
) -> None:
    session = Session()
    for act in (("add", 0, 0), ("add", 1, 0), ("add", 2, 0)):
        session.act(*act)
    for (text, order), acts in ((first, before), (second, after)):
        session.view.filter, session.view.sort = parse(text), order
        for act in acts:
            session.act(*act)
        session.frame(inf)
        assert session.shown == session.expected()
