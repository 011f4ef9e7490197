"""Who may come in: programs of this machine, those who know the token, and no web page.

A web page in the person's browser can send requests to this machine, too: it is told from a program by what browsers
say of it (`Origin`, Fetch Metadata's `Sec-Fetch-Site`), and a page whose name was turned into our address (DNS
rebinding) by the `Host` that it asks for. No answer of ours has a CORS header, so that preflights fail as well.
"""

from __future__ import annotations

import hmac
import logging
import re
from collections import Counter
from collections.abc import Iterable

from starlette.types import Scope

from inspector.formats.key_variables import is_local
from inspector.model.flow import Reason
from inspector.proxy.refusal import Refusal

logger = logging.getLogger("inspector.visitors")

TOKEN_HEADER = b"x-inspector-token"
TOKEN_PATH = b"/t/"
"""What stands before the token in a base URL."""
TOKEN = re.compile(r"[A-Za-z0-9._~-]{16,256}")
"""What may be a token: it stands in a URL, and nobody guesses it."""

PROGRAMS = ("app://", "file://", "tauri://", "vscode-file://", "vscode-webview://")
"""Origins of programs that are built as web pages. No page of the web has one of them: a local file's, or that of a
frame in a sandbox, which any page can open, is `null`.
"""

_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://[^/?#\s]*")
_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^\s:@/\\\[\]]*))(?::[0-9]*)?")
"""A `Host` as RFC 9110, 7.2, has it: an address in brackets or a name, and perhaps a port."""
_ALLOWED = re.compile(r"[\w.:-]+")
_LOST_TOKEN = re.compile(TOKEN_PATH + TOKEN.pattern.encode() + rb"(?:/|$)")
"""The path of an agent that still has a token: it must neither be recorded nor go upstream."""
_QUOTABLE = re.compile(r"[\w.:/\[\]+-]{1,200}", re.ASCII)
_READ = frozenset({b"host", b"origin", b"sec-fetch-site", TOKEN_HEADER})
_REMEMBERED = 64
"""Values of `Host` that are known to be ours, so that each is read once."""


class Visitors:
    """Looks at each request before anything is done with it.

    `hosts` are names, and `origins` web pages, that are let in besides. ValueError, in words for the person, for an
    address that is open to others without a token, and for a token, a host or an origin that cannot be meant.
    """

    def __init__(
        self, host: str, token: str | None = None, hosts: Iterable[str] = (), origins: Iterable[str] = ()
    ) -> None:
        if token is not None and not TOKEN.fullmatch(token):
            raise ValueError("a token has 16 to 256 letters, digits, dots, dashes or underscores")
        if token is None and not is_local(host):
            raise ValueError(
                f"others can reach {host or 'every address'}, and could ask models in your name: listening there"
                " takes a token"
            )
        self._token = token.encode() if token is not None else None
        self._hosts = frozenset({"localhost", *map(_allowed, hosts)})
        self._origins = frozenset(map(_checked, origins))
        self._known: set[bytes] = set()
        self._refused: Counter[str] = Counter()

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request is not let in; None for one that is, and then there is no token in it any more."""
        said: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _READ and said.setdefault(name, value) != value:
                return self._no("twice", 400, f"{name.decode()} stands twice, and says two things")
        host, origin = said.get(b"host"), said.get(b"origin")
        if self._token is not None:
            if not self._has_token(scope, said):
                return self._no("token", 403, "forbidden")
        elif host is not None and host not in self._known and not self._is_ours(host):
            name = _quoted(_name(host) or "")
            return self._no("host", 421, f"{name} is not a name of this listener; --allow-host {name} makes it one")
        elif _LOST_TOKEN.match(scope["raw_path"]):
            return self._no(
                "token", 404, f"this listener has no token: a base URL for it ends before {TOKEN_PATH.decode()}"
            )
        if TOKEN_HEADER in said:
            _take_header(scope)
        if origin is not None and not self._may_ask(text := origin.decode("latin-1").lower()):
            return self._no(
                "web page", 403, f"no web page may come in; --allow-origin {_quoted(text)} lets this one in"
            )
        if origin is None and said.get(b"sec-fetch-site", b"none") != b"none":
            return self._no("web page", 403, "no web page may come in; --allow-origin lets in one that says its origin")
        return None

    def _has_token(self, scope: Scope, said: dict[bytes, bytes]) -> bool:
        assert self._token is not None
        return _take_path(scope, self._token) or hmac.compare_digest(said.get(TOKEN_HEADER, b""), self._token)

    def _is_ours(self, host: bytes) -> bool:
        name = _name(host)
        ours = name is not None and (name in self._hosts or is_local(name))
        if ours and len(self._known) < _REMEMBERED:
            self._known.add(host)
        return ours

    def _may_ask(self, origin: str) -> bool:
        return origin in self._origins or origin.startswith(PROGRAMS)

    def _no(self, what: str, status: int, words: str) -> Refusal:
        """The refusal; the log has the first of its kind, then every tenth power, so that nobody can flood it."""
        self._refused[what] = count = self._refused[what] + 1
        if str(count).strip("0") == "1":
            logger.warning("%d request%s refused (%s): %s", count, "" if count == 1 else "s", what, words)
        return Refusal(status, Reason.REFUSED, "proxy", words)


def _take_path(scope: Scope, token: bytes) -> bool:
    """Whether the path begins with the right token; it is taken out of it."""
    path: bytes = scope["raw_path"]
    if not path.startswith(TOKEN_PATH):
        return False
    given = path[len(TOKEN_PATH) :].partition(b"/")[0]
    if not hmac.compare_digest(given, token):
        return False
    length = len(TOKEN_PATH) + len(token)
    scope["raw_path"] = path[length:] or b"/"
    scope["path"] = scope["path"][length:] or "/"
    return True


def _take_header(scope: Scope) -> None:
    for lines in (scope["headers"], scope["extensions"]["inspector.headers"]):
        lines[:] = [pair for pair in lines if pair[0].lower() != TOKEN_HEADER]


def _name(host: bytes) -> str | None:
    """A host's name or address, without its port: tunnels and containers have ports of their own. None where it is no
    host at all.
    """
    found = _HOST.fullmatch(host.decode("latin-1").strip().lower())
    return (found[1] or found[2] or "").removesuffix(".") if found else None


def _allowed(host: str) -> str:
    name = _name(host.encode() if host.count(":") < 2 else f"[{host.strip('[]')}]".encode())
    if not name or not _ALLOWED.fullmatch(name):
        raise ValueError(f"--allow-host {host}: a name or an address belongs here, such as host.docker.internal")
    return name


def _checked(origin: str) -> str:
    text = origin.lower().rstrip("/")
    if not _ORIGIN.fullmatch(text):
        raise ValueError(f"--allow-origin {origin}: an origin is a scheme and a host, such as http://localhost:3000")
    return text


def _quoted(text: str) -> str:
    return text if _QUOTABLE.fullmatch(text) else "what it says"
