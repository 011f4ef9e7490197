"""A request as Python: a call of the provider's own SDK where that sends just this request, else of httpx.

Whatever comes back is printed: by an SDK as JSON, an event a line where it streams; by httpx as it comes. Ollama's SDK
never sends just a request (it leaves out what it takes for empty, and what it does not know of a schema), and Amazon's
wants bytes where the wire has text: these two are asked by httpx.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from inspector.formats import _python_cohere, _python_gemini
from inspector.formats._python_literal import exact_json, python, string
from inspector.formats._python_script import (
    INDENT,
    TIMEOUT,
    arguments_of,
    call,
    expression,
    headers_beside,
    is_plain,
    key_of,
    mapping,
)
from inspector.formats._python_sdks import SDKS, Sdk
from inspector.formats._snippet_request import Asked, asked, has_secret, literal
from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts

_OTHER_SDKS: dict[str, Callable[[Asked, dict[str, Any]], list[str] | None]] = {
    "cohere-chat": _python_cohere.lines,
    "gemini": _python_gemini.lines,
}
"""By dialect: those whose calls are made in a way of their own."""


class Python:
    """See `Copy`."""

    name: ClassVar[str] = "python"
    title: ClassVar[str] = "Python"
    suffix: ClassVar[str] = ".py"

    def data(self, flow: Flow, transcripts: Transcripts) -> bytes:
        """The script."""
        request = asked(flow, transcripts)
        try:
            body = exact_json(request.body.decode())
        except ValueError:
            body = None
        lines = _by_sdk(flow.dialect, request, body) if isinstance(body, dict) else None
        if lines is None:
            content = f"json={python(body, 1)}" if body is not None else _content(request.body)
            lines = _by_httpx(request, content)
        return _script(lines, request).encode()


def _by_sdk(dialect: str, request: Asked, body: dict[str, Any]) -> list[str] | None:
    """The lines of a call of the provider's SDK; None where it has none, or that would send another request."""
    if (other := _OTHER_SDKS.get(dialect)) is not None:
        return other(request, body)
    sdk = SDKS.get(dialect)
    return _called(sdk, request, body) if sdk is not None and _speaks(sdk, request, body) else None


def _speaks(sdk: Sdk, request: Asked, body: dict[str, Any]) -> bool:
    """Whether the SDK can send just this request."""
    return (
        is_plain(request, sdk.keys)
        and urlsplit(literal(request.url)).path.endswith(sdk.path)
        and sdk.required <= body.keys()
        and isinstance(body.get("stream", False), bool)
    )


def _called(sdk: Sdk, request: Asked, body: dict[str, Any]) -> list[str]:
    address, _, query = literal(request.url).partition("?")
    carrier, key = key_of(request, tuple(sdk.keys))
    client = [f"{sdk.keys[carrier]}={key}"]
    if (base := address.removesuffix(sdk.path)) != sdk.base:
        client.append(f"base_url={string(base)}")
    arguments = arguments_of({name: value for name, value in body.items() if name in sdk.known})
    if extra := {name: value for name, value in body.items() if name not in sdk.known}:
        arguments.append(f"extra_body={python(extra, 1)}")
    if headers := headers_beside(request, (carrier,)):
        arguments.append(f"extra_headers={mapping(headers)}")
    if query:
        arguments.append(f"extra_query={python(dict(parse_qsl(query, keep_blank_values=True)), 1)}")
    streams = body.get("stream") is True
    if not streams:
        arguments.append(f"timeout={TIMEOUT}")
    # Other providers answer with more than the SDK's types have, and it would warn of that.
    printed = "{}.to_json(indent=None, warnings=False)" if streams else "{}.to_json(warnings=False)"
    return [
        *(f"from {sdk.module} import {sdk.client}", "", f"client = {sdk.client}({', '.join(client)})"),
        *call(f"client.{sdk.call}", arguments, printed, streams=streams),
    ]


def _by_httpx(request: Asked, content: str) -> list[str]:
    arguments = [string(request.method), expression(request.url)]
    if request.headers:
        arguments.append(f"headers={mapping(request.headers)}")
    if request.body:
        arguments.append(content)
    arguments.append(f"timeout={TIMEOUT}")
    return [
        *("import sys", "", "import httpx", "", "with httpx.stream("),
        *(f"{INDENT}{argument}," for argument in arguments),
        ") as response:",
        f"{INDENT}print(response.status_code, response.reason_phrase, file=sys.stderr)",
        f"{INDENT}for chunk in response.iter_bytes():",
        f"{INDENT * 2}sys.stdout.buffer.write(chunk)",
        f"{INDENT * 2}sys.stdout.buffer.flush()",
    ]


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
