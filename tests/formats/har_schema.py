"""The rules of HAR 1.2, from its specification, as a JSON schema: fields of others begin with an underscore."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_SIZE = {"type": "integer", "minimum": -1}
_TIME = {"type": "number", "minimum": 0}
_MAYBE = {"anyOf": [_TIME, {"const": -1}]}
_MOMENT = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$",
}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional, "comment": _TEXT},
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_PAIRS = _list(_object({"name": _TEXT, "value": _TEXT}))
_MESSAGE = {"httpVersion": _TEXT, "cookies": _PAIRS, "headers": _PAIRS, "headersSize": _SIZE, "bodySize": _SIZE}
_REQUEST = _object(
    {"method": _TEXT, "url": _TEXT, "queryString": _PAIRS, **_MESSAGE},
    postData=_object({"mimeType": _TEXT, "text": _TEXT}),
)
_RESPONSE = _object(
    {
        "status": {"type": "integer", "minimum": 0},
        "statusText": _TEXT,
        "redirectURL": _TEXT,
        "content": _object(
            {"size": {"type": "integer", "minimum": 0}, "mimeType": _TEXT},
            compression={"type": "integer"},
            text=_TEXT,
            encoding={"const": "base64"},
        ),
        **_MESSAGE,
    }
)
_TIMINGS = _object(
    {"send": _TIME, "wait": _TIME, "receive": _TIME}, blocked=_MAYBE, dns=_MAYBE, connect=_MAYBE, ssl=_MAYBE
)
_ENTRY = _object(
    {
        "startedDateTime": _MOMENT,
        "time": _TIME,
        "request": _REQUEST,
        "response": _RESPONSE,
        "cache": _object({}),
        "timings": _TIMINGS,
    }
)
HAR = _object(
    {
        "log": _object(
            {
                "version": {"const": "1.2"},
                "creator": _object({"name": _TEXT, "version": _TEXT}),
                "entries": _list(_ENTRY),
            },
            pages=_list({"type": "object"}),
        )
    }
)
