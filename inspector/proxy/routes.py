"""Where a request goes: one listener serves every provider, and the path says which.

Clients differ in what they take for the base URL: some add `/v1/messages` themselves, others expect a base that ends in
`/v1`. Both are right here: a version that is missing is put in, one that stands twice is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from inspector.model.headers import Headers, mask_url
from inspector.model.sessions import GIVEN_PATH

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
"""What an upstream may be called: it becomes the first segment of a path."""

BUILT_IN: Mapping[str, str] = {
    "anthropic": "https://api.anthropic.com",
    "openai": "https://api.openai.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "code-assist": "https://cloudcode-pa.googleapis.com",
    "chatgpt": "https://chatgpt.com",
    "ollama": "http://127.0.0.1:11434",
    "cohere": "https://api.cohere.com",
    "copilot": "https://api.githubcopilot.com",
}

_OPENAI = (
    "assistants|audio|batches|chat/completions|completions|containers|conversations|embeddings|evals|files|fine_tuning"
    "|images|models|moderations|realtime|responses|skills|threads|uploads|vector_stores|videos"
)
_BY_PATH: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("code-assist", re.compile(r"/v1internal[:/]")),
    ("gemini", re.compile(r"/v1(alpha|beta)\w*/|/v1/models/[^/]+:\w")),
    (
        "ollama",
        re.compile(r"/api/(blobs|chat|copy|create|delete|embed|embeddings|generate|ps|pull|push|show|tags|version)\b"),
    ),
    ("chatgpt", re.compile(r"/backend-api/")),
    ("cohere", re.compile(r"/v2/chat(/|$)")),
    (
        "anthropic",
        re.compile(r"(/v1)?/(messages|complete)(/|$)|/api/(claude_cli|claude_code|event_logging|hello|oauth)\b"),
    ),
    ("openai", re.compile(rf"(/v1)?/({_OPENAI})(/|$)")),
)
_VERSION = re.compile(r"/v\d+[a-z0-9]*(?=/|$)")
_BARE = re.compile(rf"/({_OPENAI}|messages|complete)(/|$)")
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)

CODEX_LOGIN = "https://chatgpt.com/backend-api/codex"
"""Where Codex asks when it is used with a ChatGPT account and not with a key, wherever its base URL points."""

UNVERSIONED = ("api.githubcopilot.com", "api.perplexity.ai", "chatgpt.com")
"""Hosts whose paths carry no version: none is put in for them."""


class Unrouted(ValueError):
    """Nothing says where a path should go; the message says what to do about it."""


class BadPath(ValueError):
    """A path that must not be passed on: it climbs out of its upstream, or would become a part of its name."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes."""

    provider: str
    origin: str
    """`https://host[:port]`"""
    path: str
    """Path and query as they go on the request line, escapes untouched."""

    @property
    def url(self) -> str:
        """The absolute URL."""
        return self.origin + self.path


class Routes:
    """Resolves paths to upstreams: by name, to the default, or by what the path says.

    Raises ValueError for a name or URL that cannot be used.
    """

    def __init__(self, default: str | None = None, named: Mapping[str, str] | None = None) -> None:
        self.default = check_url(default) if default else None
        self.named = {check_name(name): check_url(url) for name, url in (named or {}).items()}

    def resolve(self, target: str, headers: Headers) -> Target:
        """Find the upstream for a request line's target (path and query). Raises Unrouted or BadPath."""
        path, question, query = target.partition("?")
        if path and not path.startswith("/"):
            raise BadPath(f"{path}: a path begins with a slash")
        if _DOTS.search(path):
            raise BadPath(f"{path}: dots as a path segment are not relayed")
        name, base, rest = self._upstream(path, headers)
        return Target(name, *join(base, rest, question + query))

    def _upstream(self, path: str, headers: Headers) -> tuple[str, str, str]:
        prefix, rest = _first_segment(path)
        if prefix in self.named:
            return prefix, self.named[prefix], rest
        if self.default:
            return urlsplit(self.default).hostname or "upstream", self.default, path
        if prefix in BUILT_IN:
            return prefix, BUILT_IN[prefix], rest
        name = _provider(path.replace("/v1/v1/", "/v1/", 1), headers)
        if name == "openai" and "chatgpt-account-id" in headers and name not in self.named:
            return "chatgpt", CODEX_LOGIN, _VERSION.sub("", path, count=1)
        return name, self.named.get(name, BUILT_IN[name]), path


def join(base: str, path: str, query: str = "") -> tuple[str, str]:
    """Put a client's path behind an upstream's base URL: (origin, path and query), with exactly one version in it."""
    parts = urlsplit(base)
    root = parts.path.rstrip("/")
    path = re.sub(r"^(/v\d+[a-z0-9]*)\1(?=/|$)", r"\1", path) or "/"
    if _VERSION.search(root):
        path = _VERSION.sub("", path, count=1) if _VERSION.match(path) else path
    elif _BARE.match(path) and parts.hostname not in UNVERSIONED:
        path = "/v1" + path
    return f"{parts.scheme}://{parts.netloc}", (root + path or "/") + query


def check_url(url: str) -> str:
    """An upstream's base URL as given, or ValueError saying what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{mask_url(url)!r} is not an upstream: http:// or https:// and a host are needed")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(f"{mask_url(url)!r} is not an upstream: only a scheme, a host and a path may stand in it")
    _ = parts.port
    return url


def check_name(name: str) -> str:
    """An upstream's name as given, or ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name an upstream: use small letters, digits and single dashes")
    if f"/{name}/" == GIVEN_PATH:
        raise ValueError(f"{name!r} cannot name an upstream: {GIVEN_PATH}NAME/ names a session")
    return name


def _first_segment(path: str) -> tuple[str, str]:
    prefix, slash, rest = path.lstrip("/").partition("/")
    return prefix, slash + rest


def _provider(path: str, headers: Headers) -> str:
    for name, pattern in _BY_PATH:
        if pattern.match(path):
            return "anthropic" if name == "openai" and "anthropic-version" in headers else name
    if "anthropic-version" in headers:
        return "anthropic"
    raise Unrouted(
        f"inspector does not know where {path} should go. Start it with --upstream URL to send everything to one place,"
        f" or with --upstream NAME=URL and ask for /NAME{path}. Known by path: /v1/messages, /v1/chat/completions,"
        f" /v1/responses, /v1beta/…, /api/chat; by name: {', '.join(f'/{known}/…' for known in BUILT_IN)}"
    )
