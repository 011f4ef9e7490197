"""Secrets in bodies: masked where they are shown, and nothing else is."""

from __future__ import annotations

import json

import pytest

from inspector.tui.body_lines import TreeLines, body_lines
from inspector.tui.body_secrets import is_secret, safe_text
from inspector.tui.spans import plain

KEYS = [
    "sk-proj-0123456789abcdefghij",
    "sk-ant-api03-abcdefghij0123456789",
    "gsk_0123456789abcdefghijklmnop",
    "ghp_0123456789abcdefghijklmnop",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "AKIA0123456789ABCDEF",
]


@pytest.mark.parametrize("key", KEYS)
def test_keys_are_masked_wherever_they_stand(key: str) -> None:
    shown = safe_text(f"export KEY={key}; done")
    assert key not in shown and shown.startswith(f"export KEY={key[:4]}...") and shown.endswith("; done")


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn-contrib-is-no-secret-word",
        "a risk-free-0123456789abcdefghij",
        "Bearer of good news",
        '{"token": "Hi"}',
    ],
)
def test_words_that_only_look_like_it_stay(text: str) -> None:
    assert safe_text(text) == text


def test_credentials_in_json_text_are_masked_by_their_names() -> None:
    shown = safe_text('{"Authorization": "Bearer abc.def0123456789xyz", "password": "hunter2", "b": 1}')
    assert "hunter2" not in shown and "def0123456789" not in shown and shown.endswith('"b": 1}')


def test_the_tree_masks_what_it_shows_and_copies_what_passed() -> None:
    body = {"api_key": "0123456789" * 20, "deep": {"a": {"b": {"password": "hunter2", "text": f"my {KEYS[0]}"}}}}
    lines = body_lines(bytearray(json.dumps(body).encode()), "application/json", True, 80)
    assert isinstance(lines, TreeLines)
    for _ in range(2):
        while lines.busy:
            lines.advance(0.05)
        text = "\n".join(plain(lines.line(index)) for index in range(len(lines)))
        assert "56789012345" not in text and "hunter2" not in text and KEYS[0] not in text
        lines.toggle_all()
    while lines.busy:
        lines.advance(0.05)
    assert lines.value(1) == body["api_key"]
    assert not lines.toggle(1)


def test_names_are_told_whatever_their_case() -> None:
    assert is_secret("X-API-Key") and is_secret("client_secret")
    assert not is_secret("token") and not is_secret("key")
