"""Recorded traffic as flows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from inspector import dialects
from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from tests.conftest import CAPTURES

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def capture_flows() -> Iterator[Flow]:
    """Every capture as a flow, a stream's events as chunks 10 ms apart. Skips the test where there are none."""
    index = CAPTURES / "index.jsonl"
    if not index.exists():
        pytest.skip("the recorded traffic is not here")
    for number, line in enumerate(index.read_bytes().splitlines(), 1):
        yield _flow(number, orjson.loads(line))


def _flow(number: int, row: dict[str, Any]) -> Flow:
    folder = CAPTURES / row["dialect"]
    headers = Headers((row.get("request_headers") or {}).items())
    request = Request(
        row["method"] or "POST", row["url"] or "http://host/", headers, Capture(_content(folder, row["request_file"]))
    )
    flow = Flow(row["name"], request, 1_763_712_000.0 + number, seq=number, dialect=dialects.detect(request).name)
    kind = {"content-type": row["content_type"]} if row["content_type"] else {}
    response = Response(row["status"] or 200, Headers({**(row.get("response_headers") or {}), **kind}.items()), "OK")
    start, content = 0, _content(folder, row["response_file"])
    at = 500.0
    for end in [*(match.end() for match in _EVENT_END.finditer(content)), len(content)]:
        if end > start:
            response.body.append(at, content[start:end])
            start, at = end, at + 10
    flow.response = response
    flow.timing = Timing(1.0, 2.0, 400.0, at)
    flow.end = End(Reason.DONE, "upstream")
    return flow


def _content(folder: Path, name: str | None) -> bytes:
    return (folder / name).read_bytes() if name else b""
