"""A request as a snippet repeats it: without what belongs to one connection, and without a single secret.

In the place of each secret stands the environment variable that has it where the snippet runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from inspector.formats.key_variables import variable_for
from inspector.model.flow import Flow
from inspector.model.headers import SECRET_PARAMETERS, Headers, is_secret, mask_url
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded

_OWN = (
    *("accept-encoding", "baggage", "content-length", "cookie", "expect", "idempotency-key", "traceparent"),
    *("tracestate", "www-authenticate", "set-cookie"),
)
"""What each request has of its own, or what its client only says of itself."""
_TELEMETRY = ("x-fern-", "x-stainless-")
_SECRETIVE = re.compile(r"auth|token|key|secret|passw|credential|signature", re.IGNORECASE)
"""Gateways have names of their own for headers with a key: what sounds like one is taken for one."""
_CARRIERS = frozenset({"api-key", "authorization", "x-api-key", "x-goog-api-key"})
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""RFC 9110, 5.6.2: what a method or a header's name is made of."""
_VALUE = re.compile(r"[\t -~]*")
_UNSAFE = re.compile(r"[^!-~]")
_STREAMS = ("text/event-stream", "ndjson", "eventstream", "json-seq")


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable in the middle of a text."""

    name: str


Pieces = tuple[str | Variable, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is sent again."""

    method: str
    url: Pieces
    headers: tuple[tuple[str, Pieces], ...]
    body: bytes
    """Decoded, unless it could not be: then `content-encoding` is among the headers."""
    streams: bool
    """Whether the answer comes in pieces."""

    def header(self, name: str) -> Pieces | None:
        """The first value of that name, in small letters; None where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def asked(flow: Flow, transcripts: Transcripts) -> Asked:
    """The request that went upstream. ValueError, in words for the person, where it cannot be repeated by a snippet."""
    request = flow.sent
    parts = urlsplit(request.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not _NAME.fullmatch(request.method):
        raise ValueError("only an HTTP request can be copied as a command")
    if flow.live and flow.response is None and flow.timing.received is None:
        raise ValueError("the request has not come whole yet")
    headers = request.headers.end_to_end().without(*_OWN)
    body, remark = decoded(request.headers, bytes(request.body))
    if remark is None:
        headers = headers.without("content-encoding")
    kept = tuple(_kept(headers, parts.hostname, flow.dialect))
    url = tuple(_url(request.url.partition("#")[0], parts.hostname, flow.dialect))
    streams = transcripts.of(flow).prompt.stream or _is_stream(request.headers.get("accept"))
    if flow.response is not None:
        streams = streams or _is_stream(flow.response.headers.get("content-type"))
    return Asked(request.method, url, kept, body if remark is None else bytes(request.body), streams)


def has_secret(pieces: Pieces) -> bool:
    """Whether a variable stands in a text."""
    return any(isinstance(piece, Variable) for piece in pieces)


def literal(pieces: Pieces) -> str:
    """A text without its variables."""
    return "".join(piece for piece in pieces if isinstance(piece, str))


def _kept(headers: Headers, host: str, dialect: str) -> Iterator[tuple[str, Pieces]]:
    for name, value in headers:
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower().startswith(_TELEMETRY):
            continue
        if not value or not (is_secret(name) or _SECRETIVE.search(name)):
            yield name, (mask_url(value),) if value else ()
            continue
        if value.startswith("AWS4"):
            raise ValueError("the request is signed for its own moment (AWS): a copy of it would be refused")
        scheme, space, rest = value.partition(" ")
        variable = Variable(_variable(name, host, dialect))
        yield name, (f"{scheme} ", variable) if space and rest and scheme.isalpha() else (variable,)


def _variable(name: str, host: str, dialect: str) -> str:
    if name.lower() in _CARRIERS:
        return variable_for(host, dialect, name)
    return re.sub(r"^(?=\d)|[^A-Z0-9]+", "_", name.upper())


def _url(url: str, host: str, dialect: str) -> Iterator[str | Variable]:
    """The URL as it is spelled; what no URL may have in it is escaped, and a password is left out."""
    url = re.sub(r"^(\w+://)[^/?#]*@", r"\1", url)
    url = _UNSAFE.sub(lambda found: quote(found[0], safe="", errors="replace"), url)
    head, question, query = url.partition("?")
    text = head + question
    for number, piece in enumerate(query.split("&") if query else ()):
        name, equals, value = piece.partition("=")
        text += "&" if number else ""
        if name.lower() in SECRET_PARAMETERS and value:
            yield text + name + equals
            yield Variable(variable_for(host, dialect))
            text = ""
        else:
            text += piece
    if text:
        yield text


def _is_stream(kind: str) -> bool:
    return any(stream in kind.lower() for stream in _STREAMS)
