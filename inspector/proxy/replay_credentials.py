"""Whose key a replay carries: the original's while it is in memory and goes to the same place, else the environment's.

A key never leaves for another host than the one it was meant for: a provider's variable is read only for that
provider's own host, or for a host that the person named themselves. A host that stands only in a recording, which
anybody may have written, gets nothing but what `INSPECTOR_UPSTREAM_API_KEY` holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

from inspector.dialects import detect
from inspector.formats.key_variables import BY_DIALECT, BY_HOST, KEY_VARIABLE, Source, is_local
from inspector.model.flow import Flow, Mutation, Request
from inspector.model.headers import SECRET_PARAMETERS, is_secret, mask, mask_url, mask_value
from inspector.proxy.credential import carrier, header_value
from inspector.proxy.routes import BUILT_IN


def with_credential(
    original: Flow, request: Request, environ: Mapping[str, str]
) -> tuple[Request, tuple[Mutation, ...]]:
    """The request with a credential that may go where it goes, and what was changed for that.

    ValueError, naming the variables, where it needs one and there is none; a server on this machine is asked without.
    """
    same = same_origin(request.url, original.sent.url)
    theirs = frozenset() if same else frozenset(_secrets(original.request)) | frozenset(_secrets(original.sent))
    unusable = {name for name, value in request.headers if _is_secret(name, value) and _is_lost(name, value, theirs)}
    in_url = any(mask(value) == value or value in theirs for _, value in _parameters(request.url))
    if not (unusable or in_url) and (same or any(_secrets(request))):
        return request, ()
    before = next((mask_value(name, value) for name, value in request.headers if name in unusable), "")
    variable, header = _variable(request, environ, by_hand=not same)
    bare = request.copy(headers=request.headers.without(*unusable))
    if not variable:
        return bare, (Mutation("credential", "env", before, ""),)
    key = environ[variable]
    if in_url:
        sent = bare.copy(url=_fill(request.url, key, theirs))
        return sent, (Mutation("credential", "env", mask_url(request.url), mask_url(sent.url)),)
    value = header_value(header, key)
    sent = bare.copy(headers=bare.headers.set(header, value))
    return sent, (Mutation("credential", "env", before, mask_value(header, value)),)


def without_credential(request: Request) -> Request:
    """A copy that says nothing of who sends it."""
    head, question, query = request.url.partition("?")
    kept = [piece for piece in query.split("&") if piece.partition("=")[0].lower() not in SECRET_PARAMETERS]
    url = head + (question + "&".join(kept) if query and kept else "")
    return request.copy(url=url, headers=request.headers.without_secrets())


def same_origin(url: str, other: str) -> bool:
    """Whether two URLs lead to one server."""
    return urlsplit(url)[:2] == urlsplit(other)[:2]


def provider_of(url: str) -> str:
    """What the upstream behind a URL is called: by name where it is a known one, else its host."""
    known = (name for name, base in BUILT_IN.items() if same_origin(url, base))
    return next(known, urlsplit(url).hostname or "")


def token_of(value: str) -> str:
    """The bare key in a header's value, without `Bearer`."""
    scheme, space, rest = value.partition(" ")
    return rest if space and scheme.isalpha() else value


def _variable(request: Request, environ: Mapping[str, str], *, by_hand: bool) -> Source:
    """Where the key is found, and how it is sent; nowhere for a server on this machine that may need none."""
    host, dialect = urlsplit(request.url).hostname or "", detect(request).name
    sources: list[Source] = [(KEY_VARIABLE, carrier(request.headers, dialect))]
    if host in BY_HOST:
        sources += BY_HOST[host]
    elif by_hand or is_local(host):
        sources += BY_DIALECT.get(dialect, ())
    for variable, header in sources:
        if environ.get(variable):
            return variable, header
    if is_local(host):
        return "", ""
    names = " or ".join(variable for variable, _ in [*sources[1:], sources[0]])
    raise ValueError(f"there is no key for {host}: a recording keeps none. Set {names} in the environment")


def _secrets(request: Request) -> Iterator[str]:
    """The bare tokens of a request, masked or not."""
    yield from (token_of(value) for name, value in request.headers if _is_secret(name, value))
    yield from (value for _, value in _parameters(request.url))


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and is_secret(name)


def _is_lost(name: str, value: str, theirs: frozenset[str]) -> bool:
    """Whether a secret is only the mask of one, or belongs to another server."""
    return mask_value(name, value) == value or token_of(value) in theirs


def _parameters(url: str) -> Iterator[tuple[str, str]]:
    """The credentials in a URL's query."""
    for piece in url.partition("?")[2].split("&"):
        name, _, value = piece.partition("=")
        if name.lower() in SECRET_PARAMETERS and value:
            yield name, value


def _fill(url: str, key: str, theirs: frozenset[str]) -> str:
    for name, value in _parameters(url):
        if mask(value) == value or value in theirs:
            url = url.replace(f"{name}={value}", f"{name}={quote(key, safe='')}", 1)
    return url
