"""A request as a command for curl, to be pasted into a POSIX shell.

Every byte of the body arrives, and nothing in it is read by the shell, by curl, or by the terminal it is pasted into.
"""

from __future__ import annotations

import re
import shlex
from base64 import b64encode
from collections.abc import Iterator
from typing import ClassVar

from inspector.formats._snippet_request import Asked, Pieces, Variable, asked, has_secret, literal
from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts

ARGUMENT = 96 * 1024
"""Bytes of a body that stand in the command itself; Linux takes no argument of 128 KiB or more."""

_PLAIN = re.compile(r"[\w .:/=?&%,+@-]*", re.ASCII)
"""What means nothing to a shell between double quotes."""
_ACTS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal may act on when it is pasted; a carriage return may also become a line feed."""
_GLOB = re.compile(r"[\[\]{}]")
_DOTS = re.compile(r"/\.{1,2}(?:[/?]|$)")
_WITH_BODY = ("POST", "PUT", "PATCH")


class Curl:
    """See `Copy`."""

    name: ClassVar[str] = "curl"
    title: ClassVar[str] = "curl"
    suffix: ClassVar[str] = ".sh"

    def data(self, flow: Flow, transcripts: Transcripts) -> bytes:
        """The command, a line feed at its end."""
        return command(asked(flow, transcripts)).encode()


def command(request: Asked) -> str:
    """The command that sends a request again."""
    fed, options = _body(request)
    lines = [" ".join([*_flags(request), _word(request.url)])]
    lines += [f"-H {_word(_header(name, value))}" for name, value in request.headers]
    if options and request.header("content-type") is None:
        lines.append("-H 'Content-Type:'")
    return fed + " \\\n  ".join([*lines, *options]) + "\n"


def _flags(request: Asked) -> Iterator[str]:
    yield "curl"
    if request.streams:
        yield "-N"
    url = literal(request.url)
    if _GLOB.search(url):
        yield "-g"
    if _DOTS.search(url):
        yield "--path-as-is"
    if request.method == "HEAD":
        yield "-I"
    elif request.method != ("POST" if _has_body(request) else "GET"):
        yield f"-X {shlex.quote(request.method)}"


def _has_body(request: Asked) -> bool:
    return bool(request.body) or request.method in _WITH_BODY


def _body(request: Asked) -> tuple[str, list[str]]:
    """What feeds curl's standard input, and the options that give it the body."""
    if not _has_body(request):
        return "", []
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        text = ""
    if _ACTS.search(text) or (request.body and not text):
        encoded = b64encode(request.body).decode()
        return f"printf %s {encoded} | base64 --decode | ", ["--data-binary @-"]
    if len(request.body) > ARGUMENT:
        return f"printf %s {shlex.quote(text)} | ", ["--data-binary @-"]
    return "", [f"--data-raw {shlex.quote(text)}"]


def _header(name: str, value: Pieces) -> Pieces:
    """A header as curl takes it: with a semicolon it is sent empty, with a colon it would be left out."""
    return (f"{name}: ", *value) if value else (f"{name};",)


def _word(pieces: Pieces) -> str:
    """A text as one word of the shell. Bash looks for `!` between double quotes, too, but not between single ones."""
    if not has_secret(pieces):
        return shlex.quote(literal(pieces))
    if all(isinstance(piece, Variable) or _PLAIN.fullmatch(piece) for piece in pieces):
        return '"' + "".join(_bare(piece) for piece in pieces) + '"'
    return "".join(f'"{_bare(piece)}"' if isinstance(piece, Variable) else shlex.quote(piece) for piece in pieces)


def _bare(piece: str | Variable) -> str:
    return f"${{{piece.name}}}" if isinstance(piece, Variable) else piece
