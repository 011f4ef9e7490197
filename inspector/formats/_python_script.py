"""What every Python snippet is made of: expressions, arguments, and whether an SDK could send the request at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from inspector.formats._python_literal import WIDTH, python, string
from inspector.formats._snippet_request import Asked, Pieces, Variable, has_secret, literal

INDENT = "    "
TIMEOUT = "600"
"""Seconds. Anthropic's SDK wants one where a long answer does not stream."""
_ALWAYS_SENT = frozenset({"accept", "content-type", "user-agent"})
"""By the SDKs, of their own."""


def is_plain(request: Asked, carriers: Collection[str]) -> bool:
    """Whether an SDK whose keys go in these headers (small letters) has a place for all but the body and the path."""
    keys = [name.lower() for name, value in request.headers if has_secret(value)]
    names = [name for name, _ in parse_qsl(urlsplit(literal(request.url)).query, keep_blank_values=True)]
    bearer = request.header("authorization")
    return (
        request.method == "POST"
        and not has_secret(request.url)
        and len(names) == len(set(names))
        and not has_twice(request.headers)
        and (not keys or any(name in carriers for name in keys))
        and (bearer is None or literal(bearer).lower() == "bearer ")
    )


def key_of(request: Asked, carriers: Sequence[str]) -> tuple[str, str]:
    """The header that a key is sent in, and the key as an expression. Without one the SDKs refuse to begin."""
    for carrier in carriers:
        for piece in request.header(carrier) or ():
            if isinstance(piece, Variable):
                return carrier, expression((piece,))
    return carriers[0], '"none"'


def headers_beside(request: Asked, own: Collection[str]) -> list[tuple[str, Pieces]]:
    """The headers that no SDK sends by itself, nor one that sends `own`, too."""
    return [(name, value) for name, value in request.headers if value and name.lower() not in {*_ALWAYS_SENT, *own}]


def arguments_of(given: Mapping[str, Any]) -> list[str]:
    """JSON values as arguments of a call."""
    return [f"{name}={python(value, 1)}" for name, value in given.items()]


def call(name: str, arguments: Sequence[str], printed: str, *, streams: bool) -> list[str]:
    """The lines of a call whose answer, or each of whose events, is printed; `printed` makes text of `{}`."""
    inner = [f"{INDENT}{argument}," for argument in arguments]
    if streams:
        loop = ["for event in stream:", f"{INDENT}print({printed.format('event')}, flush=True)"]
        return [f"stream = {name}(", *inner, ")", *loop]
    return [f"answer = {name}(", *inner, ")", f"print({printed.format('answer')})"]


def expression(pieces: Pieces) -> str:
    """A text with secrets as Python."""
    written = (
        f"os.environ[{string(piece.name)}]" if isinstance(piece, Variable) else string(piece) for piece in pieces
    )
    return " + ".join(written) or '""'


def mapping(headers: Sequence[tuple[str, Pieces]], depth: int = 1) -> str:
    """Headers as an argument: an object, or a list where a name stands twice."""
    twice = has_twice(headers)
    opening, closing = "[]" if twice else "{}"
    inner, outer = "\n" + INDENT * (depth + 1), "\n" + INDENT * depth
    pair = "({}, {})" if twice else "{}: {}"
    lines = "".join(f"{inner}{pair.format(string(name), expression(value))}," for name, value in headers)
    return opening + lines + outer + closing


def record(members: Sequence[str], depth: int = 1) -> str:
    """Members that are Python already as an object, on one line where that is short."""
    flat = "{" + ", ".join(members) + "}"
    if "\n" not in flat and len(flat) + len(INDENT) * depth <= WIDTH:
        return flat
    inner = "".join(f"{INDENT * (depth + 1)}{member},\n" for member in members)
    return f"{{\n{inner}{INDENT * depth}}}"


def has_twice(headers: Sequence[tuple[str, Pieces]]) -> bool:
    """Whether a name stands twice among headers."""
    names = [name.lower() for name, _ in headers]
    return len(set(names)) < len(names)
