"""Rate limits, as each provider writes them in its headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.headers import Headers
from inspector.store.rate_limits import RateLimit, rate_limits, retry_after
from tests.captures import capture_flows

AT = 1_763_712_000.0
"""2025-11-21 08:00:00 UTC"""


def limits(**headers: str) -> tuple[RateLimit, ...]:
    """What headers say; `_` stands for `-`."""
    return rate_limits(Headers((name.replace("_", "-"), value) for name, value in headers.items()), AT)


def test_anthropic_says_dates() -> None:
    found = limits(
        anthropic_ratelimit_requests_limit="50",
        anthropic_ratelimit_requests_remaining="49",
        Anthropic_RateLimit_Requests_Reset="2025-11-21T08:00:12Z",
        anthropic_ratelimit_input_tokens_limit="4000000",
        anthropic_ratelimit_input_tokens_reset="2025-11-21T07:59:00Z",
        anthropic_organization_id="x",
    )
    assert found == (
        RateLimit("requests", 50, 49, reset=12.0),
        RateLimit("input tokens", 4_000_000, reset=0.0),
    )


def test_subscriptions_of_anthropic_say_shares() -> None:
    found = limits(
        anthropic_ratelimit_unified_status="allowed",
        anthropic_ratelimit_unified_5h_utilization="0.25",
        anthropic_ratelimit_unified_5h_reset=str(int(AT) + 3600),
    )
    assert found == (RateLimit("unified 5h", used=0.25, reset=3600.0),)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("2m59.56s", 179.56),
        ("1h2m", 3720.0),
        ("1d", 86_400.0),
        ("7.66s", 7.66),
        ("33011.382867", 33011.382867),
        (str(int(AT) + 60), 60.0),
        (str(int(AT + 60) * 1000), 60.0),
        (str(int(AT) - 60), 0.0),
    ],
)
def test_spans_and_dates(reset: str, seconds: float) -> None:
    (found,) = limits(x_ratelimit_limit_requests="10", x_ratelimit_reset_requests=reset)
    assert (found.name, found.limit) == ("requests", 10)
    assert found.reset == pytest.approx(seconds)


def test_limits_without_a_name_and_of_the_draft() -> None:
    assert limits(x_ratelimit_limit="20", x_ratelimit_remaining="3") == (RateLimit("", 20, 3),)
    assert limits(ratelimit_limit="100, 100;w=60", ratelimit_reset="30") == (RateLimit("", 100, reset=30.0),)


def test_what_is_no_number_is_left_out() -> None:
    assert limits(x_ratelimit_limit_tokens="X-RATELIMIT-XXX", x_ratelimit_reset_tokens="soon") == ()
    assert limits(x_ratelimit_reset_tokens="", x_ratelimit_limit_="1") == ()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Retry-After", "12")], 12.0),
        ([("retry-after-ms", "1500"), ("retry-after", "2")], 1.5),
        ([("retry-after", "Fri, 21 Nov 2025 08:00:30 GMT")], 30.0),
        ([("retry-after", "Fri, 21 Nov 2025 07:00:00 GMT")], 0.0),
        ([("retry-after", "later")], None),
        ([], None),
    ],
)
def test_when_to_ask_again(headers: list[tuple[str, str]], seconds: float | None) -> None:
    assert retry_after(Headers(headers), AT) == seconds


def test_recorded_answers_name_theirs() -> None:
    names = [
        limit.name for flow in capture_flows() if flow.response for limit in rate_limits(flow.response.headers, AT)
    ]
    assert {"requests", "tokens", "input tokens", "output tokens"} <= set(names)


_NAMES = ("x-ratelimit-reset-tokens", "anthropic-ratelimit-tokens-limit", "retry-after", "retry-after-ms")


@given(st.lists(st.tuples(st.sampled_from(_NAMES), st.text() | st.from_regex(r"[0-9hmsd.:TZ-]{0,400}"))))
def test_whatever_stands_there_it_is_a_number_or_nothing(pairs: list[tuple[str, str]]) -> None:
    headers = Headers(pairs)
    wait = retry_after(headers, AT)
    assert wait is None or 0 <= wait < 1e15
    for limit in rate_limits(headers, AT):
        assert limit.reset is None or 0 <= limit.reset < 1e15
