"""Reads files of the format `inspector/1`, line by line; what is broken is named and passed over."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from inspector.formats.jsonl_timing import is_time, timing_of
from inspector.model.flow import Capture, End, Flow, Mutation, Reason, Request, Response
from inspector.model.headers import Headers

FORMAT = "inspector/1"

Json = dict[str, Any]

_MAGIC = {
    b"SQLite format 3\0": "an SQLite database",
    b"\x1f\x8b": "compressed by gzip: decompress it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: decompress it first",
    b"PK\x03\x04": "a ZIP archive",
    b'{"log":{"version":': "a HAR archive",
}
_OTHERS = (
    ({"log"}, "a HAR file"),
    ({"request", "response", "logged_at"}, "a line of claude-trace"),
    ({"request_id", "turn", "request"}, "a line of claude-tap"),
    ({"turn", "request", "latency_s"}, "a line of a training trace"),
    ({"messages"}, "a line of chat fine-tuning data"),
)
"""Formats that people may try to open, by keys that tell them."""


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that is no flow: its number, from 1, and what is wrong with it."""

    number: int
    message: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.message}"


def read(source: str | Path | Iterable[bytes]) -> Iterator[Flow | BrokenLine]:
    """The flows of a file or of its lines, in their order, one in memory at a time. OSError where it cannot be read.

    A line that is broken, as the last one of a file still being written may be, gives a BrokenLine and is passed over;
    a file that is no text at all gives one and ends there. Unknown keys are passed over. A flow that had not ended
    when it was written ends as interrupted, by `file`.
    """
    if isinstance(source, str | Path):
        with open(source, "rb") as file:
            yield from read(file)
        return
    for number, line in numbered(source):
        kind = number == 1 and next((name for magic, name in _MAGIC.items() if line.startswith(magic)), None)
        if kind:
            yield BrokenLine(1, f"this is not JSON lines but {kind}")
            return
        yield _flow_or_broken(number, line)


def numbered(source: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers from 1; without the byte order mark that some editors write."""
    for number, line in enumerate(source, 1):
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if line.strip():
            yield number, line


def _flow_or_broken(number: int, line: bytes) -> Flow | BrokenLine:
    try:
        data = parse(line)
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith(b"\n") else "; the line has no end, perhaps it is still being written"
        return BrokenLine(number, f"not a JSON object ({error}){cut}")
    try:
        _check_format(data)
        return _flow(data)
    except (ValueError, OverflowError) as error:
        return BrokenLine(number, str(error))


def parse(line: bytes) -> Json:
    """A line's object, ValueError where it is none.

    What orjson refuses and JSON allows, as an escaped lone surrogate, gets a second try.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = json.loads(line.decode("utf-8"))
    if not isinstance(value, dict):
        raise ValueError(f"found {type(value).__name__}")
    return value


def _check_format(data: Json) -> None:
    name = data.get("format")
    if name == FORMAT:
        return
    if name is None:
        known = next((name for keys, name in _OTHERS if keys <= data.keys()), "another format")
        raise ValueError(f'this is {known}: there is no "format": "{FORMAT}"')
    raise ValueError(f"the format is {name!r}; only {FORMAT!r} can be read")


def _flow(data: Json) -> Flow:
    request = _request(_get(data, "request", dict), "request")
    forwarded = _get(data, "forwarded", dict, None)
    response = _get(data, "response", dict, None)
    delivered = _get(data, "delivered", dict, None)
    end = _get(data, "end", dict, None)
    return Flow(
        id=_get(data, "id", str),
        request=request,
        started=_seconds(_get(data, "started", str)),
        seq=_get(data, "seq", int, 0),
        source=_get(data, "source", str, "file"),
        agent=_get(data, "agent", str, ""),
        dialect=_get(data, "dialect", str, "raw"),
        provider=_get(data, "provider", str, ""),
        parent=_get(data, "parent", str, None),
        session=_get(data, "session", str, ""),
        label=_get(data, "label", str, ""),
        marked=data.get("marked") is True,
        comment=_get(data, "comment", str, ""),
        forwarded=_request(forwarded, "forwarded") if forwarded is not None else None,
        response=_response(response, "response") if response is not None else None,
        delivered=_response(delivered, "delivered") if delivered is not None else None,
        mutations=[_mutation(item) for item in _get(data, "mutations", list, [])],
        injected=tuple(str(name) for name in _get(data, "injected", list, [])),
        notes=[str(note) for note in _get(data, "notes", list, [])],
        error=_get(data, "error", str, None),
        end=_end(end) if end is not None else End(Reason.INTERRUPTED, "file"),
        timing=timing_of(_get(data, "timing", dict, {})),
    )


_REQUIRED: Any = object()


def _get(data: Json, key: str, kind: type, default: Any = _REQUIRED) -> Any:
    """The value of a key, or the default where it is absent or null. ValueError where it is of another kind."""
    value = data.get(key)
    if value is None:
        if default is _REQUIRED:
            raise ValueError(f'"{key}" is missing')
        return default
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f'"{key}" should be {_KINDS[kind]}, not {type(value).__name__}')
    return value


_KINDS: dict[type, str] = {str: "a string", int: "an integer", dict: "an object", list: "a list"}


def _request(data: Json, where: str) -> Request:
    body = Capture(_body(data, where))
    return Request(_get(data, "method", str), _get(data, "url", str), _headers(data, where), body)


def _response(data: Json, where: str) -> Response:
    status, reason = _get(data, "status", int), _get(data, "reason", str, "")
    body = _chunked(_body(data, where), _get(data, "chunks", list, []), where)
    return Response(status, _headers(data, where), reason, body)


def _headers(data: Json, where: str) -> Headers:
    pairs = _get(data, "headers", list, [])
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)):
            raise ValueError(f'"{where}"."headers" should be a list of [name, value]')
    return Headers((name, value) for name, value in pairs)


def _body(data: Json, where: str) -> bytes:
    encoded = _get(data, "body_base64", str, None)
    if encoded is None:
        text: str = _get(data, "body", str, "")
        return text.encode("utf-8", "surrogatepass")
    try:
        return b64decode(encoded, validate=True)
    except ValueError as error:
        raise ValueError(f'"{where}"."body_base64": {error}') from error


def _chunked(data: bytes, chunks: list[Any], where: str) -> Capture:
    """A body cut as it came. Bytes that the chunks do not speak of make one more, at the time of the last."""
    body = Capture()
    start, at = 0, 0.0
    for chunk in chunks:
        if not (isinstance(chunk, list) and len(chunk) == 2 and is_time(chunk[0]) and isinstance(chunk[1], int)):
            raise ValueError(f'"{where}"."chunks" should be a list of [milliseconds, bytes]')
        at, size = float(chunk[0]), chunk[1]
        if not 0 <= size <= len(data) - start:
            raise ValueError(f'"{where}"."chunks" does not fit the body')
        body.append(at, data[start : start + size])
        start += size
    if start < len(data):
        body.append(at, data[start:])
    return body


def _mutation(item: Any) -> Mutation:
    if not isinstance(item, dict):
        raise ValueError('"mutations" should be a list of objects')
    return Mutation(
        _get(item, "name", str), _get(item, "by", str, ""), _get(item, "before", str, ""), _get(item, "after", str, "")
    )


def _end(data: Json) -> End:
    name = _get(data, "reason", str)
    if name not in set(Reason):
        raise ValueError(f"{name!r} is no reason for an end")
    return End(Reason(name), _get(data, "by", str, ""))


def _seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'"started" should be a date and time (RFC 3339): {error}') from error
    if moment.tzinfo is None:
        raise ValueError('"started" should say its time zone')
    return moment.timestamp()
