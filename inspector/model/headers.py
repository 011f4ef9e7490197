"""HTTP headers as they pass: ordered pairs, and the rules for what is not passed on and what is not shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache

HOP_BY_HOP = frozenset(
    {
        "connection",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Names that belong to one connection and end there (RFC 9110, 7.6.1), and `host`, which each has of its own."""

SECRET = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "proxy-authenticate",
        "proxy-authorization",
        "set-cookie",
        "www-authenticate",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-goog-api-key",
    }
)
"""Header names whose values are masked wherever they are shown or written; see `is_secret` for those of gateways."""

SECRET_PARAMETERS = frozenset(
    {
        *(
            "access_token",
            "api-key",
            "api_key",
            "api_token",
            "apikey",
            "auth",
            "auth_token",
            "authorization",
            "authtoken",
        ),
        *("client_secret", "id_token", "jwt", "key", "password", "private_token", "refresh_token", "secret"),
        *("session_token", "sig", "signature", "subscription-key", "token"),
        *("x-amz-security-token", "x-amz-signature", "x-api-key", "x-goog-signature"),
    }
)
"""Query parameters that carry a credential (Gemini's `?key=`, Azure's `?api-key=` and `?sig=`, signatures of AWS)."""

_SECRETIVE = re.compile(
    r"(?:.*[-_])?(?:x?api-?key|key|token|jwt|secret|passw(?:or)?d|auth|authorization|credentials?|signature|assertion)"
)
"""Gateways have names of their own for headers with a key: what ends like one is taken for one."""
_NO_SECRET = re.compile(r"(?:.*-)?(?:idempotency|websocket|cache|surrogate|partition)-key|.*continuation-token")

_CREDENTIAL = re.compile(rf"([?&;#](?:{'|'.join(sorted(SECRET_PARAMETERS))})=)([^&;#\s]+)", re.IGNORECASE)
_USER = re.compile(r"(?<=://)([^/?#\s@:]*+)(?::([^/?#\s]*))?(?=@)")
"""Who asks, and their password, in a URL (RFC 3986, 3.2.1)."""
_LONG_USER = 16
"""Characters from which on a user's name is taken for a token, also beside a password; alone it always is."""
_SCHEMES = frozenset({"apikey", "basic", "bearer", "digest", "key", "negotiate", "ntlm", "token"})
"""Words before a credential that are none themselves."""
_MASKED = re.compile(r"(?:.{4}\.\.\..{4}|..\.\.\...|.\.\.\..|\.\.\.)", re.DOTALL)


_SHARED = 2048
_LONGEST = 4096
_lines: dict[tuple[str, str], tuple[tuple[str, str], str]] = {}
_orders: dict[tuple[str, ...], tuple[str, ...]] = {}


def _shared(pair: tuple[str, str]) -> tuple[tuple[str, str], str]:
    """A line, and its name in small letters. Most lines are those of the message before: they are kept once."""
    known = _lines.get(pair)
    if known is not None:
        return known
    name, value = pair
    line = ((sys.intern(name), value), sys.intern(name.lower()))
    if len(value) <= _LONGEST:
        if len(_lines) >= _SHARED:
            _lines.clear()
        _lines[line[0]] = line
    return line


def _shared_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(_orders) >= _SHARED:
        _orders.clear()
    return _orders.setdefault(names, names)


class Headers:
    """Header lines in their order and spelling; look-ups ignore case."""

    __slots__ = ("_names", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        lines = [_shared(pair) for pair in pairs]
        self.pairs: tuple[tuple[str, str], ...] = tuple([pair for pair, _ in lines])
        self._names = _shared_names(tuple([name for _, name in lines]))

    @classmethod
    def from_raw(cls, raw: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Read ASGI or aiohttp pairs; every byte is kept (ISO-8859-1)."""
        return cls((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)

    def raw(self) -> list[tuple[bytes, bytes]]:
        """The pairs as bytes, for ASGI and for the upstream client."""
        return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in self.pairs]

    def get(self, name: str, default: str = "") -> str:
        """The first value of that name."""
        lowered = name.lower()
        return self.pairs[self._names.index(lowered)][1] if lowered in self._names else default

    def all(self, name: str) -> list[str]:
        """Every value of that name, in order."""
        lowered = name.lower()
        return [value for key, (_, value) in zip(self._names, self.pairs, strict=True) if key == lowered]

    def without(self, *names: str) -> Headers:
        """A copy without the lines of these names."""
        dropped = {name.lower() for name in names}
        return Headers([pair for key, pair in zip(self._names, self.pairs, strict=True) if key not in dropped])

    def without_secrets(self) -> Headers:
        """A copy without the lines that are masked wherever they are shown."""
        return Headers([pair for key, pair in zip(self._names, self.pairs, strict=True) if not is_secret(key)])

    def set(self, name: str, value: str) -> Headers:
        """A copy where `name` has this one value, at its old place or at the end."""
        result: list[tuple[str, str]] = []
        lowered, placed = name.lower(), False
        for key, old in self.pairs:
            if key.lower() != lowered:
                result.append((key, old))
            elif not placed:
                result.append((key, value))
                placed = True
        return Headers(result if placed else [*result, (name, value)])

    def end_to_end(self) -> Headers:
        """A copy without the hop-by-hop lines and those that `Connection` names."""
        if HOP_BY_HOP.isdisjoint(self._names):
            return self
        named = {token.strip().lower() for value in self.all("connection") for token in value.split(",")}
        return self.without(*HOP_BY_HOP, *named)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._names

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        return f"Headers({list(masked(self))!r})"


@lru_cache(maxsize=1024)
def is_secret(name: str) -> bool:
    """Whether the values of headers with that name are masked."""
    name = name.lower()
    return name in SECRET or (_SECRETIVE.fullmatch(name) is not None and _NO_SECRET.fullmatch(name) is None)


def mask(secret: str) -> str:
    """A secret with its middle taken out: enough to tell two keys apart, too little to use one.

    What is masked already stays as it is, so that a file read back can be written again unchanged.
    """
    if _MASKED.fullmatch(secret):
        return secret
    length = len(secret)
    shown = 4 if length >= 20 else 2 if length >= 10 else 1 if length >= 5 else 0
    return f"{secret[:shown]}...{secret[length - shown :]}" if shown else "..."


def mask_value(name: str, value: str) -> str:
    """A header's value as it may be shown: secrets masked, a scheme word such as `Bearer` kept."""
    if not is_secret(name):
        return mask_url(value)
    scheme, space, rest = value.partition(" ")
    return f"{scheme} {mask(rest)}" if space and scheme.lower() in _SCHEMES else mask(value)


def masked(headers: Iterable[tuple[str, str]]) -> Headers:
    """A copy with every secret masked."""
    return Headers((name, mask_value(name, value)) for name, value in headers)


def mask_url(url: str) -> str:
    """A URL, or a text with URLs in it, with the values of credential parameters and passwords masked; everything else
    stays as it is spelled.
    """
    url = _CREDENTIAL.sub(lambda match: match[1] + mask(match[2]), url) if "=" in url else url
    return _USER.sub(_masked_user, url) if "@" in url else url


def _masked_user(found: re.Match[str]) -> str:
    user, password = found.groups()
    if password is None:
        return mask(user) if user else ""
    return f"{mask(user) if len(user) >= _LONG_USER else user}:{mask(password) if password else ''}"
