"""Flows as a HAR 1.2 archive, which browsers' developer tools and HTTP debuggers open.

http://www.softwareishard.com/blog/har-12-spec/. A request is shown as it went upstream and an answer as the client has
it; fields that begin with an underscore are the specification's way to say more. Secrets in heads and URLs are masked,
so no cookie is taken apart.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from math import isfinite
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from inspector import __version__
from inspector.formats._exporter import Line
from inspector.formats._json_line import chunks_json, json_line, rfc3339
from inspector.model.flow import Capture, Flow, Request, Response
from inspector.model.headers import Headers, mask_url, masked
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded

Json = dict[str, Any]

_UNKNOWN = -1
"""What the specification has for a size or a time that nobody knows."""
_NO_TYPE = "x-unknown"
_HTTP = "HTTP/1.1"
"""What the proxy speaks on both sides."""


class Har:
    """See `Exporter`. A flow is an entry; one that has no answer has one of status 0."""

    name: ClassVar[str] = "har"
    title: ClassVar[str] = "HAR 1.2"
    remark: ClassVar[str] = "For browsers and HTTP debuggers; secrets are masked."
    suffix: ClassVar[str] = ".har"
    takes_tokens: ClassVar[bool] = False
    head: ClassVar[bytes] = (
        b'{"log":{"version":"1.2","creator":'
        + json_line({"name": "inspector", "version": __version__})[:-1]
        + b',"pages":[],"entries":[\n'
    )
    foot: ClassVar[bytes] = b"]}}\n"

    def lines(self, flows: Iterable[Flow], transcripts: Transcripts, *, tokens: bool = False) -> Line:
        """Every flow is a line, with a comma before it where it is not the first."""
        before = b""

        def line(flow: Flow) -> bytes:
            nonlocal before
            written, before = before + json_line(entry(flow)), b","
            return written

        return line


def entry(flow: Flow) -> Json:
    """A flow as an entry of the archive, as far as it has come."""
    took = timings(flow)
    data: Json = {
        "startedDateTime": rfc3339(flow.started),
        "time": round(sum(time for name, time in took.items() if name != "ssl" and time >= 0), 3),
        "request": _request(flow.sent),
        "response": _response(flow),
        "cache": {},
        "timings": took,
    }
    if flow.comment:
        data["comment"] = flow.comment
    return {**data, "_inspector": _more(flow)}


def timings(flow: Flow) -> dict[str, float]:
    """The phases of an entry, in ms. `blocked` is all before the request went on, receiving and holding it included;
    what a new connection does not need is -1.
    """
    timing, body = flow.timing, flow.answered.body if flow.answered is not None else Capture()
    ended = timing.ended if timing.ended is not None or not body.chunks else body.times[-1]
    laps = _Laps()
    blocked, dns, connect, ssl = laps.until(timing.forwarded), float(_UNKNOWN), float(_UNKNOWN), float(_UNKNOWN)
    if timing.reached is None:
        blocked += laps.until(timing.connected)
    else:
        dns = laps.until(timing.resolved) if timing.resolved is not None else dns
        connect = laps.until(timing.reached)
        secure = laps.until(timing.connected)
        connect += secure
        ssl = secure if flow.sent.url.startswith("https:") else ssl
    wait, receive = laps.until(timing.head), laps.until(ended)
    took = {"blocked": blocked, "dns": dns, "connect": connect, "ssl": ssl, "send": 0.0}
    return {name: round(time, 3) for name, time in {**took, "wait": wait, "receive": receive}.items()}


class _Laps:
    """Times between milestones that may be missing, or out of order: together they are never more than the whole."""

    def __init__(self) -> None:
        self._at = 0.0

    def until(self, at: float | None) -> float:
        """The time since the milestone before; 0 where this one is not known."""
        before = self._at
        if at is not None and isfinite(at):
            self._at = max(before, at)
        return self._at - before


def _request(request: Request) -> Json:
    url = mask_url(request.url)
    data: Json = {
        "method": request.method,
        "url": url,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _headers(request.headers),
        "queryString": _query(url),
        "headersSize": _UNKNOWN,
        "bodySize": len(request.body),
    }
    if len(request.body):
        body = _body(request.headers, request.body)
        # The specification has a place for the encoding of an answer, and none for that of a request.
        encoding = {"_encoding": body["encoding"]} if "encoding" in body else {}
        comment = {"comment": body["comment"]} if "comment" in body else {}
        data["postData"] = {"mimeType": body["mimeType"], "text": body["text"], **encoding, **comment}
    return data


def _response(flow: Flow) -> Json:
    response = flow.answered or Response(0, Headers())
    data: Json = {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _headers(response.headers),
        "content": _body(response.headers, response.body),
        "redirectURL": mask_url(response.headers.get("location")),
        "headersSize": _UNKNOWN,
        "bodySize": len(response.body) if flow.answered is not None else _UNKNOWN,
    }
    return {**data, "_error": flow.error} if flow.error else data


def _body(headers: Headers, body: Capture) -> Json:
    """A body without its content-encoding: as text where it is UTF-8, else in base64."""
    data, remark = decoded(headers, bytes(body))
    said: Json = {"size": len(data), "mimeType": headers.get("content-type", _NO_TYPE)}
    if len(data) != len(body):
        said["compression"] = len(data) - len(body)
    try:
        said["text"] = data.decode("utf-8")
    except UnicodeDecodeError:
        said |= {"text": b64encode(data).decode("ascii"), "encoding": "base64"}
    return {**said, "comment": remark} if remark else said


def _headers(headers: Headers) -> list[Json]:
    return [{"name": name, "value": value} for name, value in masked(headers)]


def _query(url: str) -> list[Json]:
    try:
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, errors="replace")
    except ValueError:
        return []
    return [{"name": name, "value": value} for name, value in pairs]


def _more(flow: Flow) -> Json:
    """What an archive has no fields for: whose flow it is, what was done to it, and when each chunk came."""
    named = {
        "number": flow.number,
        "agent": flow.agent,
        "provider": flow.provider,
        "dialect": flow.dialect,
        "session": flow.session,
        "parent": flow.parent,
        "marked": flow.marked,
        "held": round(flow.timing.held, 3),
        "injected": flow.injected,
        "mutations": [{"name": mutation.name, "by": mutation.by} for mutation in flow.mutations],
        "notes": flow.notes,
    }
    data: Json = {"id": flow.id, "state": flow.state.value, **{key: value for key, value in named.items() if value}}
    if flow.end is not None:
        data["end"] = {"reason": flow.end.reason.value, "by": flow.end.by}
    if flow.answered is not None:
        data["chunks"] = chunks_json(flow.answered.body)
    if flow.forwarded is not None:
        data["received"] = _request(flow.request)
    if flow.response is not None and flow.answered is not flow.response:
        data["upstream"] = {"status": flow.response.status, "content": _body(flow.response.headers, flow.response.body)}
    return data
