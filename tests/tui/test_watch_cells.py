"""What a watched key says of a flow, in a cell."""

from __future__ import annotations

import orjson
import pytest

from inspector.model.flow import Capture, Flow
from inspector.store.filter_field import Unit
from inspector.store.transcripts import Transcripts
from inspector.store.watch import parse_watch
from inspector.tui.watch_cells import WIDEST, shown, spelled
from tests.handmade import chat_flow


def asking(**body: object) -> Flow:
    """A flow with a body of its own."""
    flow = chat_flow()
    flow.request.body = Capture(orjson.dumps(body))
    return flow


def cell(text: str, flow: Flow) -> str:
    """What a watch shows of a flow."""
    return shown(parse_watch(text), flow, Transcripts())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("request.max_tokens", "32000"),
        ("request.big", "1.23M"),
        ("request.temperature", "0.7"),
        ("request.model", "m"),
        ("request.stream", "true"),
        ("request.tools", '[{"name":"Bash"}]'),
        ("request.tools[*].name", "Bash"),
        ("request.roles[*]", "user, assistant"),
        ("request.lines", "one two"),
        ("request.nothing", ""),
        ("usage.prompt_tokens", ""),
        ("request.max_tokens/request.big", "0.0259"),
        ("request.max_tokens/request.zero", ""),
        ("request.max_tokens - request.zero", "32000"),
        ("request.max_tokens+request.big", "1.27M"),
        ("request.zero*request.big", "0"),
        ("received", "1ms"),
        ("size.request + size", "438B"),
    ],
)
def test_a_cell_says_it_in_short(text: str, expected: str) -> None:
    body = {"max_tokens": 32000, "big": 1_234_567, "temperature": 0.7, "model": "m", "stream": True, "zero": 0}
    flow = asking(**body, tools=[{"name": "Bash"}], roles=["user", "assistant"], lines="one\n\ttwo ")
    if text == "size.request + size":
        expected = f"{2 * len(flow.request.body)}B"
    assert cell(text, flow) == expected


def test_what_is_long_is_cut() -> None:
    said = cell("request.text", asking(text="word " * 1000))
    assert len(said) == WIDEST
    assert said.endswith("…")


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        (0, "count", "0"),
        (87, "count", "87"),
        (99_999, "count", "99999"),
        (100_000, "count", "100k"),
        (999_600, "count", "1M"),
        (1.5e15, "count", "1.5e+03T"),
        (1234.5, "count", "1234"),
        (0.0123456, "count", "0.0123"),
        (-250_000, "count", "-250k"),
        (950, "bytes", "950B"),
        (91_200, "bytes", "91.2kB"),
        (45, "ms", "45ms"),
        (12_345, "ms", "12.3s"),
        (245_000, "ms", "4m05"),
        (7_500_000, "ms", "2h"),
        (0.983, "share", "98%"),
        (1e300, "time", ""),
    ],
)
def test_numbers_are_spelled_by_their_unit(number: float, unit: Unit, expected: str) -> None:
    assert spelled(number, unit) == expected
