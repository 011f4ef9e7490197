"""Where a recording's requests went: an agent that is answered from it asks for the same places again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from inspector.model.flow import Flow
from inspector.proxy.routes import BUILT_IN, NAME, check_url
from inspector.proxy.server import ProxyConfig


def with_recorded_places(config: ProxyConfig, flows: Iterable[Flow], *, may_leave: bool) -> ProxyConfig:
    """The upstreams that a recording knows, where the command line names none, so that their paths lead somewhere.

    Where requests `may_leave`, only the person says for where, as a recording can be anybody's and a request carries a
    key: ValueError for an upstream that is not named then.
    """
    default, named = recorded_places(flows)
    unsaid = [f"{name}={url}" for name, url in named.items() if name not in config.upstreams]
    if default is not None and config.upstream is None:
        unsaid.insert(0, default)
    if may_leave and unsaid:
        wanted = " ".join(f"--upstream {each}" for each in unsaid)
        raise ValueError(f"what the recording lacks goes to a model: say to which; it was made with {wanted}")
    return replace(config, upstream=config.upstream or default, upstreams={**named, **config.upstreams})


def recorded_places(flows: Iterable[Flow]) -> tuple[str | None, dict[str, str]]:
    """The origin that most requests went to for which no name was asked, and the others by their names.

    Those of the providers that are known by path are left out: they need no place to be found.
    """
    unnamed: Counter[str] = Counter()
    named: dict[str, str] = {}
    for flow in flows:
        parts = urlsplit(flow.request.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if flow.provider in BUILT_IN or not _usable(origin):
            continue
        if flow.provider == parts.hostname:
            unnamed[origin] += 1
        elif NAME.fullmatch(flow.provider):
            named.setdefault(flow.provider, origin)
    return next((origin for origin, _ in unnamed.most_common(1)), None), named


def _usable(url: str) -> bool:
    try:
        check_url(url)
    except ValueError:
        return False
    return True
