"""Unknown traffic: nothing is read into it."""

from __future__ import annotations

from inspector.dialects import DIALECTS, by_name
from inspector.dialects.raw import Raw
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Answer, Prompt
from tests.dialects.recorded import read


def test_it_takes_what_nobody_else_does() -> None:
    assert isinstance(DIALECTS[-1], Raw)
    assert by_name("raw") is DIALECTS[-1]
    assert Raw().matches(Request("GET", "http://x/", Headers()))


def test_nothing_is_read_but_the_end() -> None:
    assert Raw().prompt(Request("POST", "http://x/", Headers()), b"\x00{") == Prompt()
    for body in (b"", b"\x00\xff", b"data: {}\n\ndata: [DONE]\n\n"):
        transcript = read(Raw(), [body])
        assert transcript.answer == Answer(complete=True)
        assert transcript.notes == []
