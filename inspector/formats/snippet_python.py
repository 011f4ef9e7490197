"""A request as Python: a call of the provider's own SDK where that sends just this request, else of httpx.

Whatever comes back is printed: by an SDK as JSON, an event a line where it streams; by httpx as it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from inspector.formats._python_literal import exact_json, python, string
from inspector.formats._python_sdks import SDKS, Sdk
from inspector.formats._snippet_request import Asked, Pieces, Variable, asked, has_secret, literal
from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts

_INDENT = "    "
_TIMEOUT = "600"
"""Seconds. Anthropic's SDK wants one where a long answer does not stream."""
_ALWAYS_SENT = frozenset({"accept", "content-type", "user-agent"})
"""By the SDKs, of their own."""


class Python:
    """See `Copy`."""

    name: ClassVar[str] = "python"
    title: ClassVar[str] = "Python"
    suffix: ClassVar[str] = ".py"

    def data(self, flow: Flow, transcripts: Transcripts) -> bytes:
        """The script."""
        request, sdk = asked(flow, transcripts), SDKS.get(flow.dialect)
        try:
            body = exact_json(request.body.decode())
        except ValueError:
            body = None
        if body is None:
            return _by_httpx(request, _content(request.body)).encode()
        if sdk is not None and _speaks(sdk, request, body):
            return _by_sdk(sdk, request, body).encode()
        return _by_httpx(request, f"json={python(body, 1)}").encode()


def _speaks(sdk: Sdk, request: Asked, body: Any) -> bool:
    """Whether the SDK can send just this request."""
    url = urlsplit(literal(request.url))
    keys = [name.lower() for name, value in request.headers if has_secret(value)]
    names = [name for name, _ in parse_qsl(url.query, keep_blank_values=True)]
    bearer = request.header("authorization")
    return (
        request.method == "POST"
        and not has_secret(request.url)
        and url.path.endswith(sdk.path)
        and len(names) == len(set(names))
        and not _has_twice(request.headers)
        and (not keys or any(name in sdk.keys for name in keys))
        and (bearer is None or literal(bearer).lower() == "bearer ")
        and isinstance(body, dict)
        and sdk.required <= body.keys()
        and isinstance(body.get("stream", False), bool)
    )


def _by_sdk(sdk: Sdk, request: Asked, body: dict[str, Any]) -> str:
    address, _, query = literal(request.url).partition("?")
    carrier, key = _key(sdk, request)
    client = [f"{sdk.keys[carrier]}={key}"]
    if (base := address.removesuffix(sdk.path)) != sdk.base:
        client.append(f"base_url={string(base)}")
    arguments = [f"{name}={python(value, 1)}" for name, value in body.items() if name in sdk.known]
    if extra := {name: value for name, value in body.items() if name not in sdk.known}:
        arguments.append(f"extra_body={python(extra, 1)}")
    own = {*_ALWAYS_SENT, carrier}
    if headers := [(name, value) for name, value in request.headers if value and name.lower() not in own]:
        arguments.append(f"extra_headers={_mapping(headers)}")
    if query:
        arguments.append(f"extra_query={python(dict(parse_qsl(query, keep_blank_values=True)), 1)}")
    streams = body.get("stream") is True
    end = (
        [")", "for event in stream:", f"{_INDENT}print(event.to_json(indent=None), flush=True)"]
        if streams
        else [f"{_INDENT}timeout={_TIMEOUT},", ")", "print(answer.to_json())"]
    )
    lines = [
        *(f"from {sdk.module} import {sdk.client}", "", f"client = {sdk.client}({', '.join(client)})"),
        f"{'stream' if streams else 'answer'} = client.{sdk.call}(",
        *(f"{_INDENT}{argument}," for argument in arguments),
        *end,
    ]
    return _script(lines, request)


def _key(sdk: Sdk, request: Asked) -> tuple[str, str]:
    """The header that a key is sent in, and the key as an expression. Without one the SDKs refuse to begin."""
    for carrier in sdk.keys:
        for piece in request.header(carrier) or ():
            if isinstance(piece, Variable):
                return carrier, _expression((piece,))
    return next(iter(sdk.keys)), '"none"'


def _by_httpx(request: Asked, content: str) -> str:
    arguments = [string(request.method), _expression(request.url)]
    if request.headers:
        arguments.append(f"headers={_mapping(request.headers)}")
    if request.body:
        arguments.append(content)
    arguments.append(f"timeout={_TIMEOUT}")
    lines = [
        *("import sys", "", "import httpx", "", "with httpx.stream("),
        *(f"{_INDENT}{argument}," for argument in arguments),
        ") as response:",
        f"{_INDENT}print(response.status_code, response.reason_phrase, file=sys.stderr)",
        f"{_INDENT}for chunk in response.iter_bytes():",
        f"{_INDENT * 2}sys.stdout.buffer.write(chunk)",
        f"{_INDENT * 2}sys.stdout.buffer.flush()",
    ]
    return _script(lines, request)


def _script(lines: list[str], request: Asked) -> str:
    """The lines, with the import that secrets need."""
    secret = any(map(has_secret, (request.url, *(value for _, value in request.headers))))
    blank = [] if lines[0].startswith("import") else [""]
    return "\n".join([*(["import os", *blank] if secret else []), *lines, ""])


def _content(body: bytes) -> str:
    """A body that is no JSON, or says more than Python's values can: byte by byte."""
    try:
        return f"content={string(body.decode())}"
    except UnicodeDecodeError:
        return f"content={body!r}"


def _expression(pieces: Pieces) -> str:
    written = (
        f"os.environ[{string(piece.name)}]" if isinstance(piece, Variable) else string(piece) for piece in pieces
    )
    return " + ".join(written) or '""'


def _mapping(headers: Sequence[tuple[str, Pieces]]) -> str:
    """Headers as an argument: an object, or a list where a name stands twice."""
    twice = _has_twice(headers)
    opening, closing = "[]" if twice else "{}"
    inner, outer = "\n" + _INDENT * 2, "\n" + _INDENT
    pair = "({}, {})" if twice else "{}: {}"
    lines = "".join(f"{inner}{pair.format(string(name), _expression(value))}," for name, value in headers)
    return opening + lines + outer + closing


def _has_twice(headers: Sequence[tuple[str, Pieces]]) -> bool:
    """Whether a name stands twice among headers."""
    names = [name.lower() for name, _ in headers]
    return len(set(names)) < len(names)
