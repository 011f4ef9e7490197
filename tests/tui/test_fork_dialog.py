"""The dialog that asks where a conversation is cut: its lines are the body's own messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from inspector.dialects import detect
from inspector.model.flow import Capture, End, Flow, Reason, Request, Timing
from inspector.model.headers import Headers
from inspector.rules.variants import fork
from inspector.store.transcripts import Transcripts
from inspector.tui.fork_dialog import ForkDialog, ForkLines
from inspector.tui.spans import plain, width_of

CALL = {"id": "c", "type": "function", "function": {"name": "Bash", "arguments": '{"command":"ls"}'}}
BODIES = [
    (
        "chat/completions",
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u\x1b"}]},
        "u␛",
    ),
    ("chat/completions", {"messages": [{"role": "assistant", "content": None, "tool_calls": [CALL]}]}, "Bash"),
    (
        "messages",
        {
            "system": "s",
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "u"}]},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "Bash", "input": {"a": 1}}]},
            ],
        },
        'Bash {"a":1}',
    ),
    ("responses", {"instructions": "i", "input": "hi there"}, "hi there"),
    ("responses", {"input": [{"role": "user", "content": "x"}, {"type": "function_call", "name": "Ls"}]}, "Ls"),
]


def flow_of(path: str, body: dict[str, Any]) -> Flow:
    """A flow that is done."""
    data = json.dumps({"model": "m", **body}).encode()
    request = Request(
        "POST", f"http://127.0.0.1/v1/{path}", Headers([("content-type", "application/json")]), Capture(data)
    )
    flow = Flow("f", request, 1.0, dialect=detect(request).name, timing=Timing(received=1.0))
    flow.end = End(Reason.DONE, "upstream")
    return flow


def lines_of(flow: Flow) -> ForkLines:
    """The list of the dialog."""
    return ForkDialog(flow, Transcripts())._lines


@pytest.mark.parametrize(("path", "body", "words"), BODIES)
def test_each_line_is_a_message_that_can_be_cut_behind(path: str, body: dict[str, Any], words: str) -> None:
    flow = flow_of(path, body)
    lines = lines_of(flow)
    turns = body.get("messages", body.get("input"))
    assert lines.line_count() == (len(turns) if isinstance(turns, list) else 1)
    for index in range(lines.line_count()):
        made = json.loads(fork(flow, index).body)
        assert len(made.get("messages", made.get("input"))) == index + 1
    last = lines.line(lines.line_count() - 1, 60)
    assert words in plain(last) and width_of(last) <= 60


def test_what_has_no_messages_is_refused() -> None:
    with pytest.raises(ValueError, match="no list of messages"):
        lines_of(flow_of("embeddings", {"input": "x"}))
