"""The table of replays: its columns and its rows."""

from __future__ import annotations

import dataclasses

import pytest
from rich.cells import cell_len

from inspector.model.flow import Flow, Reason
from inspector.store.flows import FlowStore
from inspector.store.runs import RunTable
from inspector.store.transcripts import Transcripts
from inspector.tui.runs_rows import COLUMNS, fit, head_line, row_line
from inspector.tui.spans import plain, width_of
from tests.handmade import chat_chunks, chat_flow, done_chat, finish
from tests.tui.detail_app import HOSTILE


def rows_of(*flows: Flow) -> list[str]:
    """The rows of these flows at 160 columns, the first being the original."""
    store = FlowStore()
    for flow in flows:
        store.add(flow)
    table = RunTable(Transcripts(), flows[0]).update(flows)
    return [plain(row_line(run, 160, first=index == 0)) for index, run in enumerate(table)]


def test_narrow_tables_drop_what_is_needed_least() -> None:
    assert [column.name for column in fit(200)] == [column.name for column in COLUMNS]
    assert [column.name for column in fit(100)] == ["#", "state", "parts at", "out", "ttft", "total"]
    shown: set[str] = set()
    for width in range(20, 220):
        names = {column.name for column in fit(width)}
        assert shown <= names
        shown = names
        assert "#" in names


@pytest.mark.parametrize("width", [60, 80, 100, 160, 200])
def test_decisions_stand_below_their_heading(width: int) -> None:
    flow = done_chat("a", chunks=chat_chunks(["Hello."]))
    (run,) = RunTable(Transcripts(), flow).update([flow])
    head = head_line(width)
    assert plain(row_line(run, width, first=True)).index("Hello.") == plain(head).index("decision")
    assert width - width_of(head) >= 0


def test_a_row_says_where_it_parts_from_the_original_and_shows_it_from_there() -> None:
    same, other = done_chat("b", chunks=chat_chunks(["one two"])), done_chat("c", chunks=chat_chunks(["one three"]))
    first, second, third = rows_of(done_chat("a", chunks=chat_chunks(["one two"])), same, other)
    assert "same" not in first and "word" not in first
    assert " same " in second
    assert " word 2 " in third and third.endswith("one three")


def test_where_answers_part_late_the_row_begins_shortly_before() -> None:
    begin = "so many words that are all the same " * 20
    rows = rows_of(*(done_chat(word, chunks=chat_chunks([begin, word])) for word in ("left", "right")))
    assert rows[1].endswith("that are all the same right") and "…" in rows[1]


def test_a_failure_is_told_in_place_of_a_decision() -> None:
    failed = finish(chat_flow("b"), Reason.UPSTREAM_RESET)
    failed.error = "the upstream broke off\x1b"
    assert rows_of(done_chat("a"), failed)[1].endswith("the upstream broke off␛")


def test_hostile_words_and_labels_are_inert() -> None:
    flow = done_chat("a", chunks=chat_chunks([HOSTILE]))
    flow.label = HOSTILE
    (run,) = RunTable(Transcripts(), flow).update([flow])
    line = plain(row_line(dataclasses.replace(run, model=HOSTILE, error=HOSTILE), 200))
    assert line.isprintable() and "\u202e" not in line
    assert cell_len(line) > 100
