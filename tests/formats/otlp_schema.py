"""`TracesData` of OTLP in JSON, as a JSON schema: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_INT64 = {"type": "string", "pattern": r"^-?\d{1,19}$"}
_NANOSECONDS = {"type": "string", "pattern": r"^\d{1,20}$"}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _id(size: int) -> dict[str, Any]:
    return {"type": "string", "pattern": f"^[0-9a-f]{{{2 * size}}}$", "not": {"pattern": "^0*$"}}


_STRING = _object({"stringValue": _TEXT})
_VALUE = {
    "oneOf": [
        _STRING,
        _object({"boolValue": {"type": "boolean"}}),
        _object({"intValue": _INT64}),
        _object({"doubleValue": {"type": "number"}}),
        _object({"arrayValue": _object({"values": _list(_STRING)})}),
    ]
}
_ATTRIBUTES = _list(_object({"key": {"type": "string", "minLength": 1}, "value": _VALUE}))
_SPAN = _object(
    {
        "traceId": _id(16),
        "spanId": _id(8),
        "name": {"type": "string", "minLength": 1},
        "kind": {"enum": [1, 3]},
        "startTimeUnixNano": _NANOSECONDS,
        "endTimeUnixNano": _NANOSECONDS,
        "attributes": _ATTRIBUTES,
    },
    parentSpanId=_id(8),
    links=_list(_object({"traceId": _id(16), "spanId": _id(8), "attributes": _ATTRIBUTES})),
    status=_object({"code": {"enum": [1, 2]}}, message=_TEXT),
)
_SCOPE = _object({"scope": _object({"name": _TEXT, "version": _TEXT}), "spans": _list(_SPAN)})
TRACES = _object(
    {
        "resourceSpans": _list(
            _object({"resource": _object({"attributes": _ATTRIBUTES}), "scopeSpans": _list(_SCOPE)}),
        )
    }
)
