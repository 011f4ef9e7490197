"""Published prices, as the package `genai-prices` brings them along. Nothing is ever asked of the network.

The list takes some tenths of a second and 20 MB to load: a thread does it when the first price is wanted. Until then,
and where it cannot be loaded, no price is known.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from types import ModuleType

from inspector.store.late_package import LatePackage

Counts = tuple[tuple[str, int], ...]
"""What was used, under the package's names for its units: `input_tokens`, `cache_read_tokens`, …"""


def _with_its_list() -> ModuleType:
    import genai_prices

    genai_prices.data_snapshot.get_snapshot()
    return genai_prices


_late = LatePackage("prices", _with_its_list, "the prices cannot be loaded")


def ready() -> bool:
    """Whether prices can be told. It turns true once, and what was said to be unknown may be known from then on."""
    return _late.done.is_set()


def prepare(*, wait: bool = False) -> None:
    """Have the list loaded. Returns at once; with `wait`, when it is there."""
    _late.begin()
    if wait:
        _late.done.wait()


def provider_at(url: str) -> str:
    """Who answers at a URL without query, by the package's name for them; empty where it knows nobody there."""
    return _provider_at(_late.loaded, url) if _late.loaded is not None else ""


def price(counts: Counts, model: str, provider: str, tier: str, started: float) -> float | None:
    """US dollars at the prices of that time (seconds since the epoch); None where the list does not say.

    None, too, where the counts contradict each other, as when more was read from a cache than was given.
    """
    package = _late.loaded
    return _price(package, counts, model, provider, tier, started) if package is not None else None


@lru_cache(maxsize=1024)
def _provider_at(package: ModuleType, url: str) -> str:
    providers = package.data_snapshot.get_snapshot().providers
    return next((str(each.id) for each in providers if re.match(each.api_pattern, url)), "")


@lru_cache(maxsize=16_384)
def _price(package: ModuleType, counts: Counts, model: str, provider: str, tier: str, started: float) -> float | None:
    try:
        result = package.calc_price(
            package.Usage(**dict(counts)),
            model,
            provider_id=provider,
            genai_request_timestamp=datetime.fromtimestamp(started, UTC),
            price_context={"service_tier": tier} if tier else None,
        )
    except (LookupError, ValueError, OverflowError, OSError):
        return None
    known = any(each is not None for each in vars(result.model_price).values())
    return float(result.total_price) if known else None
