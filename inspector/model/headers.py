"""HTTP headers as they pass: ordered pairs, and the rules for what is not passed on and what is not shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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
"""Header names whose values are masked wherever they are shown or written."""

SECRET_PARAMETERS = frozenset({"access_token", "api-key", "api_key", "apikey", "key", "token"})
"""Query parameters that carry a credential (Gemini's `?key=`, Azure's `?api-key=`)."""

_CREDENTIAL = re.compile(rf"([?&;](?:{'|'.join(sorted(SECRET_PARAMETERS))})=)([^&;#\s]+)", re.IGNORECASE)
_MASKED = re.compile(r"(?:.{4}\.\.\..{4}|..\.\.\...|.\.\.\..|\.\.\.)", re.DOTALL)


class Headers:
    """Header lines in their order and spelling; look-ups ignore case."""

    __slots__ = ("_names", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs: tuple[tuple[str, str], ...] = tuple(pairs)
        self._names = tuple([name.lower() for name, _ in self.pairs])

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
    if name.lower() not in SECRET:
        return value
    scheme, space, rest = value.partition(" ")
    return f"{scheme} {mask(rest)}" if space and scheme.isalpha() else mask(value)


def masked(headers: Iterable[tuple[str, str]]) -> Headers:
    """A copy with every secret masked."""
    return Headers((name, mask_value(name, value)) for name, value in headers)


def mask_url(url: str) -> str:
    """A URL with the values of credential parameters masked; everything else stays as it is spelled."""
    return _CREDENTIAL.sub(lambda match: match[1] + mask(match[2]), url)
