"""Where requests go."""

from __future__ import annotations

import pytest

from inspector.model.headers import Headers
from inspector.proxy.routes import BadPath, Routes, Unrouted, check_url, join

NONE = Headers()
ANTHROPIC = Headers([("Anthropic-Version", "2023-06-01")])
CHATGPT = Headers([("ChatGPT-Account-ID", "00000000-0000-4000-8000-000000000000")])
CODEX = "https://chatgpt.com/backend-api/codex"


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("http://h:1", "/v1/chat/completions", "http://h:1/v1/chat/completions"),
        ("http://h:1/", "/v1/chat/completions", "http://h:1/v1/chat/completions"),
        ("http://h:1/v1", "/v1/chat/completions", "http://h:1/v1/chat/completions"),
        ("http://h:1/v1/", "/chat/completions", "http://h:1/v1/chat/completions"),
        ("http://h:1", "/chat/completions", "http://h:1/v1/chat/completions"),
        ("http://h:1", "/v1/v1/messages", "http://h:1/v1/messages"),
        ("http://h:1", "/messages", "http://h:1/v1/messages"),
        ("https://openrouter.ai/api/v1", "/v1/messages", "https://openrouter.ai/api/v1/messages"),
        ("https://api.z.ai/api/paas/v4", "/v1/chat/completions", "https://api.z.ai/api/paas/v4/chat/completions"),
        ("https://h/v1beta/openai", "/v1/chat/completions", "https://h/v1beta/openai/chat/completions"),
        ("https://api.deepseek.com/anthropic", "/v1/messages", "https://api.deepseek.com/anthropic/v1/messages"),
        ("https://api.githubcopilot.com", "/chat/completions", "https://api.githubcopilot.com/chat/completions"),
        ("http://h:1", "/v1beta/models/m:generateContent", "http://h:1/v1beta/models/m:generateContent"),
        ("http://h:1", "/api/chat", "http://h:1/api/chat"),
        ("http://h:1", "//v1//messages", "http://h:1//v1//messages"),
        ("http://h:1", "/", "http://h:1/"),
    ],
)
def test_join_has_exactly_one_version(base: str, path: str, url: str) -> None:
    assert "".join(join(base, path)) == url


@pytest.mark.parametrize(
    ("path", "headers", "provider", "url"),
    [
        ("/v1/messages?beta=true", NONE, "anthropic", "https://api.anthropic.com/v1/messages?beta=true"),
        ("/messages", NONE, "anthropic", "https://api.anthropic.com/v1/messages"),
        ("/v1/v1/messages", NONE, "anthropic", "https://api.anthropic.com/v1/messages"),
        ("/api/event_logging/batch", NONE, "anthropic", "https://api.anthropic.com/api/event_logging/batch"),
        ("/v1/models", NONE, "openai", "https://api.openai.com/v1/models"),
        ("/v1/models", ANTHROPIC, "anthropic", "https://api.anthropic.com/v1/models"),
        ("/v1/responses", CHATGPT, "chatgpt", f"{CODEX}/responses"),
        ("/v1/models?client_version=1", CHATGPT, "chatgpt", f"{CODEX}/models?client_version=1"),
        ("/responses", NONE, "openai", "https://api.openai.com/v1/responses"),
        ("/v1/chat/completions", NONE, "openai", "https://api.openai.com/v1/chat/completions"),
        (
            "/v1beta/models/g:streamGenerateContent?alt=sse&key=k",
            NONE,
            "gemini",
            "https://generativelanguage.googleapis.com/v1beta/models/g:streamGenerateContent?alt=sse&key=k",
        ),
        (
            "/v1internal:loadCodeAssist",
            NONE,
            "code-assist",
            "https://cloudcode-pa.googleapis.com/v1internal:loadCodeAssist",
        ),
        ("/backend-api/codex/responses", NONE, "chatgpt", "https://chatgpt.com/backend-api/codex/responses"),
        ("/api/chat", NONE, "ollama", "http://127.0.0.1:11434/api/chat"),
        ("/anthropic/v1/messages", NONE, "anthropic", "https://api.anthropic.com/v1/messages"),
        ("/openai/v1/responses/r%2F1", NONE, "openai", "https://api.openai.com/v1/responses/r%2F1"),
    ],
)
def test_the_path_says_which_provider(path: str, headers: Headers, provider: str, url: str) -> None:
    target = Routes().resolve(path, headers)
    assert (target.provider, target.url) == (provider, url)


def test_names_come_first_then_the_default() -> None:
    routes = Routes("http://all:1", {"groq": "https://api.groq.com/openai/v1", "anthropic": "http://mine:2"})
    assert routes.resolve("/groq/chat/completions", NONE).url == "https://api.groq.com/openai/v1/chat/completions"
    assert routes.resolve("/anthropic/v1/messages", NONE).url == "http://mine:2/v1/messages"
    assert routes.resolve("/v1/messages", NONE).url == "http://all:1/v1/messages"
    assert routes.resolve("/what/ever", NONE).url == "http://all:1/what/ever"


def test_a_name_known_by_path_is_served_from_where_it_was_put() -> None:
    assert Routes(named={"openai": "http://mine:2"}).resolve("/v1/responses", NONE).url == "http://mine:2/v1/responses"


def test_an_account_of_chatgpt_is_asked_where_openai_was_put() -> None:
    routes = Routes(named={"openai": "http://h:1"})
    assert routes.resolve("/v1/responses", CHATGPT).url == "http://h:1/v1/responses"


def test_unknown_paths_are_refused_with_advice() -> None:
    with pytest.raises(Unrouted, match=r"--upstream NAME=URL and ask for /NAME/nothing/here"):
        Routes().resolve("/nothing/here", NONE)


@pytest.mark.parametrize("path", ["/v1/../x", "/v1/%2E%2e/x", "/openai/..", "/./v1/messages"])
def test_paths_that_climb_are_refused(path: str) -> None:
    with pytest.raises(BadPath):
        Routes("http://all:1").resolve(path, NONE)


@pytest.mark.parametrize("url", ["h:1", "ftp://h", "http://", "http://u:p@h", "http://h/?q=1", "http://h:port"])
def test_bad_upstreams_are_named(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_url(url)


@pytest.mark.parametrize("name", ["", "Groq", "a_b", "a--b", "-a", "a/b"])
def test_bad_names_are_named(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an upstream"):
        Routes(named={name: "http://h"})
