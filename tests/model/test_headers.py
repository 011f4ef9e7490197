"""Header pairs: order, spelling, and what is masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.headers import Headers, mask, mask_url, mask_value, masked


def test_pairs_keep_order_and_spelling_and_are_found_in_any_case() -> None:
    headers = Headers.from_raw([(b"X-A", b"1"), (b"x-b", b"\xe9"), (b"x-a", b"2")])
    assert headers.get("x-A") == "1"
    assert headers.all("X-a") == ["1", "2"]
    assert headers.get("none", "-") == "-"
    assert "X-B" in headers
    assert 5 not in headers
    assert headers.raw() == [(b"X-A", b"1"), (b"x-b", b"\xe9"), (b"x-a", b"2")]
    assert list(headers) == [("X-A", "1"), ("x-b", "é"), ("x-a", "2")]
    assert len(headers) == 3


def test_copies() -> None:
    headers = Headers([("A", "1"), ("B", "2"), ("a", "3")])
    assert headers.without("a") == Headers([("B", "2")])
    assert headers.set("a", "9") == Headers([("A", "9"), ("B", "2")])
    assert headers.set("C", "9").pairs[-1] == ("C", "9")
    assert hash(headers) == hash(Headers(headers))


def test_what_belongs_to_one_connection_ends_there() -> None:
    headers = Headers(
        [("Host", "h"), ("Connection", "close, X-Hop"), ("x-hop", "1"), ("TE", "trailers"), ("Accept", "*")]
    )
    assert headers.end_to_end() == Headers([("Accept", "*")])


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("", "..."),
        ("abcd", "..."),
        ("abcde", "a...e"),
        ("abcdefghij", "ab...ij"),
        ("abcdefghijklmnopqrst", "abcd...qrst"),
    ],
)
def test_masking(secret: str, shown: str) -> None:
    assert mask(secret) == shown


def test_secrets_are_masked_wherever_headers_are_shown() -> None:
    headers = Headers([("Authorization", "Bearer abcdefghij"), ("X-API-Key", "abcde"), ("Accept", "*/*")])
    expected = [("Authorization", "Bearer ab...ij"), ("X-API-Key", "a...e"), ("Accept", "*/*")]
    assert list(masked(headers)) == expected
    assert repr(headers) == f"Headers({expected!r})"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Location", "https://me:abcde@h/", "https://me:a...e@h/"),
        ("Authorization", "correct horse battery", "corr...tery"),
        ("Authorization", "Basic abcdefghij", "Basic ab...ij"),
        ("Authorization", "AWS4-HMAC-SHA256 Credential=A, Signature=0123456789", "AWS4...6789"),
        ("Proxy-Authorization", "Digest abcdefghij", "Digest ab...ij"),
    ],
)
def test_what_a_value_shows(name: str, value: str, shown: str) -> None:
    assert mask_value(name, value) == shown


def test_masking_goes_once_through_the_longest_text() -> None:
    """What is looked for is looked for once, and not once more from each of its letters: that would take hours."""
    text = "https://" + "a" * 2_000_000 + " @"
    assert mask_url(text) == text


@given(st.sampled_from(["authorization", "cookie", "x-api-key"]), st.text(max_size=40))
def test_masking_twice_changes_nothing(name: str, value: str) -> None:
    once = mask_value(name, value)
    assert mask_value(name, once) == once


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h/v1?alt=sse&key=abcdefghij#top", "https://h/v1?alt=sse&key=ab...ij#top"),
        ("https://h/?API-Key=abcde&x=a%2Fb&x", "https://h/?API-Key=a...e&x=a%2Fb&x"),
        ("https://h/key=abcdefghij?monkey=1&key=", "https://h/key=abcdefghij?monkey=1&key="),
        ("http://[broken?token=abcde", "http://[broken?token=a...e"),
        ("https://h/#access_token=abcdefghij", "https://h/#access_token=ab...ij"),
        ("http://me:abcde@h/", "http://me:a...e@h/"),
        ("http://me:ab@cde@h/x@y", "http://me:a...e@h/x@y"),
        ("https://ghp_abcdefghijklmnop@h/", "https://ghp_...mnop@h/"),
        ("https://ghp_abcdefghijklmnop:x@h/", "https://ghp_...mnop:...@h/"),
    ],
)
def test_credentials_in_a_url_are_masked_and_the_rest_kept(url: str, shown: str) -> None:
    assert mask_url(url) == shown
    assert mask_url(shown) == shown
