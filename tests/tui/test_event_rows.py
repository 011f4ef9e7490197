"""JSON lines as rows of the Stream tab: one a line, with what it says."""

from __future__ import annotations

import pytest

from inspector.model.flow import End, Reason, Response
from inspector.model.headers import Headers
from inspector.tui.event_rows import EventRows, read_row
from tests.dialects.ollama_streams import call_entry, done, generated, lines, said
from tests.handmade import chat_flow

BODIES = [
    said("Hel"),
    said(thinking="Hm"),
    generated("lo"),
    said(tool_calls=[call_entry("Bash", {})]),
    {"error": "no memory"},
    done("length"),
]


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/json"])
def test_a_line_is_a_row(kind: str) -> None:
    flow = chat_flow()
    flow.response = Response(200, Headers([("content-type", kind)]), "OK")
    for number, body in enumerate(BODIES):
        flow.response.body.append(10.0 * number, lines(body))
    flow.end = End(Reason.DONE, "upstream")
    rows = EventRows(flow, flow.response)
    while rows.busy:
        rows.advance(1.0)
    assert [read_row(row) for row in rows.rows] == [
        ("data", '"Hel"'),
        ("data", '"Hm"'),
        ("data", '"lo"'),
        ("data", '"Bash"'),
        ("error", '"no memory"'),
        ("data", '"length"'),
    ]
    assert [row.kind for row in rows.rows] == ["data"] * 6
    assert rows.rows[0].start == 0
    assert rows.rows[-1].end == len(flow.response.body)
