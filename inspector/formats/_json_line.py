"""What formats of JSON have in common: how a line is written, and a moment, and the chunks of a body."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson

from inspector.model.flow import Capture


def json_line(value: Any) -> bytes:
    """JSON with a line feed, by the tolerant writer where orjson refuses: lone surrogates, huge integers, deep nesting.

    RecursionError where that is too deep for both.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def rfc3339(seconds: float) -> str:
    """A moment, in seconds since the epoch, as RFC 3339 writes it in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def chunks_json(body: Capture) -> list[tuple[float, int]]:
    """When each chunk came, in ms since the flow's start, and its bytes."""
    starts = [0, *body.ends]
    return [(round(at, 3), end - start) for at, start, end in zip(body.times, starts, body.ends, strict=False)]
