"""How much more a provider lets one ask, and when: read from the headers of its answer.

Sources: the pages on rate limits of Anthropic (`anthropic-ratelimit-*`), OpenAI, Groq, Azure and Cerebras
(`x-ratelimit-*`), RFC 9110, 10.2.3 (`retry-after`), and the draft "RateLimit header fields for HTTP" (`ratelimit-*`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from inspector.model.flow import Flow
from inspector.model.headers import Headers

_HEADER = re.compile(
    r"anthropic-ratelimit-(?P<before>[\w-]+)-(?P<end>limit|remaining|reset|utilization)"
    r"|(?:x-)?ratelimit-(?P<begin>limit|remaining|reset)(?:-(?P<after>[\w-]+))?"
)
_SPAN = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?"
)
_SPAN_SECONDS = (86_400, 3600, 60, 1, 0.001)
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_EPOCH = 1e9
"""Seconds from which on a number is a date and no span; a thousand times that is one in milliseconds."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit, as of the answer that told it. None where it does not say."""

    name: str
    """What is counted: `requests`, `input tokens`, …; empty where that is not said."""
    limit: float | None = None
    remaining: float | None = None
    used: float | None = None
    """Share of it that is used up, 0 to 1, where that is told in place of counts."""
    reset: float | None = None
    """Seconds from the answer on until it is whole again."""


def answered_at(flow: Flow) -> float:
    """When the head of a flow's answer came, in seconds since the epoch."""
    return flow.started + (flow.timing.head or 0.0) / 1000


def rate_limits(headers: Headers, at: float) -> tuple[RateLimit, ...]:
    """The limits that an answer names, in their order. `at` is when it came, in seconds since the epoch."""
    found: dict[str, dict[str, float | None]] = {}
    for header, value in headers.pairs:
        match = _HEADER.fullmatch(header.lower())
        if match is None:
            continue
        name = (match["before"] or match["after"] or "").replace("-", " ")
        what = match["end"] or match["begin"]
        number = _until(value, at) if what == "reset" else _number(value)
        if number is not None:
            found.setdefault(name, {}).setdefault("used" if what == "utilization" else what, number)
    return tuple(RateLimit(name, **numbers) for name, numbers in found.items())


def retry_after(headers: Headers, at: float) -> float | None:
    """In how many seconds to ask again, as an answer says that came `at` seconds since the epoch; None where not."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after").strip()
    number = _number(value)
    return number if number is not None else _ahead(parsedate_to_datetime, value, at)


def _until(value: str, at: float) -> float | None:
    """Seconds until a reset, told as a span (`6m0s`, `120ms`, `1.5`), as a date, or in seconds since the epoch."""
    number = _number(value)
    if number is not None:
        date = number / 1000 if number >= 1000 * _EPOCH else number
        return max(date - at, 0.0) if date >= _EPOCH else number
    span = _SPAN.fullmatch(value.strip())
    if span is not None and any(span.groups()):
        return sum(float(part or 0) * unit for part, unit in zip(span.groups(), _SPAN_SECONDS, strict=True))
    return _ahead(datetime.fromisoformat, value.strip(), at)


def _ahead(read: Callable[[str], datetime], value: str, at: float) -> float | None:
    """How many seconds a date lies ahead; None where it is none."""
    try:
        date = read(value)
        return max((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - at, 0.0)
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def _number(value: str) -> float | None:
    """A plain number, of which some say several: `100, 100;w=60`."""
    match = _NUMBER.fullmatch(value.partition(",")[0].partition(";")[0].strip())
    return float(match[0]) if match is not None else None
