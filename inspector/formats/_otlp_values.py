"""What spans are made of in OTLP/JSON: ids, times, and values of attributes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

Json = dict[str, Any]

Value = str | bool | int | float | Sequence[str] | None

_INT64 = 1 << 63


def trace_id(name: str) -> str:
    """The id of a trace, the same one in every export: 16 bytes in hexadecimal."""
    return _digest("trace", name)[:32]


def span_id(flow: str) -> str:
    """The id of a flow's span, by the flow's id: 8 bytes in hexadecimal."""
    return _digest("flow", flow)[:16]


def tool_span_id(flow: str, call: str) -> str:
    """The id of the span of a tool, by the id of the flow that called it and of the call."""
    return _digest("tool", flow, call)[:16]


def _digest(*names: str) -> str:
    return hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()


def nanoseconds(seconds: float, ms: float = 0.0) -> str:
    """A moment, in seconds since the epoch, and so many ms later. None is before the epoch, nor beyond 64 bits."""
    at = round(seconds * 1e6) * 1000 + (round(ms * 1e6) if isfinite(ms) else 0)
    return str(min(max(0, at), 2 * _INT64 - 1))


def attributes(values: Mapping[str, Value]) -> list[Json]:
    """Attributes, without those that are None, empty, or no number."""
    pairs = ((key, _value(value)) for key, value in values.items())
    return [{"key": key, "value": value} for key, value in pairs if value is not None]


def _value(value: Value) -> Json | None:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)} if -_INT64 <= value < _INT64 else {"stringValue": str(value)}
        case float():
            return {"doubleValue": value} if isfinite(value) else None
        case str():
            return {"stringValue": value} if value else None
        case None:
            return None
    return {"arrayValue": {"values": [{"stringValue": each} for each in value]}} if value else None
