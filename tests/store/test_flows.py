"""The store: numbers, order of change, cursors."""

from __future__ import annotations

from inspector.store.flows import FlowStore
from tests.handmade import chat_flow


def test_flows_are_numbered_and_found() -> None:
    store = FlowStore()
    a, b, read_back, c = (chat_flow(name) for name in "abrc")
    read_back.seq = 40
    for flow in (a, b, read_back, c):
        store.add(flow)
    assert [flow.seq for flow in store] == [1, 2, 40, 41]
    assert store.get("b") is b
    assert store.get("z") is None
    assert len(store) == 4


def test_every_puller_has_a_cursor_of_its_own() -> None:
    store = FlowStore()
    a, b = chat_flow("a"), chat_flow("b")
    store.add(a)
    store.add(b)
    cursor, changed = store.changes_since(0)
    assert changed == [a, b]
    assert store.changes_since(cursor) == (cursor, [])

    store.touch(b)
    store.touch(a)
    store.touch(b)
    later, changed = store.changes_since(cursor)
    assert changed == [a, b]
    assert later > cursor
    assert store.changes_since(0)[1] == [a, b]
