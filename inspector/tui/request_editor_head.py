"""A request's target and headers as a text that a person edits. Secrets are masked, and survive all the same."""

from __future__ import annotations

from collections import defaultdict
from urllib.parse import urlsplit

from inspector.model.flow import Request
from inspector.model.headers import Headers, is_secret, mask_url, mask_value, masked


def head_text(request: Request) -> str:
    """`POST https://…`, then the headers a line each, as they are shown everywhere: with masked secrets."""
    lines = [f"{request.method} {mask_url(request.url)}"]
    lines += [f"{name}: {value}" for name, value in masked(request.headers)]
    return "\n".join(lines)


def read_head(text: str, request: Request) -> Request:
    """The request with the target and headers of an edited text. ValueError, in words, where it has none.

    A line that stands as `head_text` gave it means the value that it had, whatever is masked in it.
    """
    first, _, rest = text.partition("\n")
    method, _, url = first.strip().partition(" ")
    url = _unmasked(url.strip(), request.url)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or any(char.isspace() for char in url):
        raise ValueError(
            "line 1: a method and a whole URL belong here, as in `POST https://api.example.com/v1/messages`"
        )
    return request.copy(method=method.upper(), url=url, headers=_headers(rest, request.headers))


def _unmasked(url: str, before: str) -> str:
    """The URL with the credentials that are masked in it as they were."""
    for parameter in urlsplit(before).query.split("&"):
        if (shown := mask_url(f"?{parameter}")[1:]) != parameter:
            url = url.replace(shown, parameter)
    return url


def _headers(text: str, before: Headers) -> Headers:
    known: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for pair, (name, shown) in zip(before, masked(before), strict=True):
        known[f"{name}: {shown}".strip()].append(pair)
    pairs: list[tuple[str, str]] = []
    for number, line in enumerate(text.split("\n"), 2):
        line = line.strip()
        if not line:
            continue
        if known[line]:
            pairs.append(known[line].pop(0))
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.isascii() or not name.strip() or any(char.isspace() for char in name.strip()):
            raise ValueError(f"line {number}: a header is written `Name: value`")
        pair = name.strip(), value.strip()
        if is_secret(pair[0]) and pair[1] and mask_value(*pair) == pair[1]:
            raise ValueError(f"line {number}: a secret that is changed is written whole")
        pairs.append(pair)
    return Headers(pairs)
