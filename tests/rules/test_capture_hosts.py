"""Who is asked for log-probabilities, and for how many."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.dialects._logprobs import Wish
from inspector.rules.capture_hosts import is_own, wish_for

OPENAI = "https://api.openai.com/v1/chat/completions"


OWN = """127.0.0.1 ::1 10.1.2.3 192.168.0.9 172.20.0.2 100.64.0.1 169.254.1.1 fd00::1 0.0.0.0
localhost vllm gpu.local llm.svc a.b.internal box.lan x.home.arpa"""
PROVIDERS = """8.8.8.8 2606:4700::1111 172.32.0.1 api.openai.com me.openai.azure.com api.deepseek.com api.groq.com
api.mistral.ai api.x.ai openrouter.ai api.together.xyz api.fireworks.ai router.huggingface.co localhost.evil.com"""


@pytest.mark.parametrize("host", OWN.split())
def test_a_server_of_one_s_own_is_asked_for_token_ids(host: str) -> None:
    assert is_own(host)


@pytest.mark.parametrize("host", PROVIDERS.split())
def test_providers_are_not(host: str) -> None:
    assert not is_own(host)


@pytest.mark.parametrize(
    ("url", "top", "given"),
    [
        (OPENAI, 50, 20),
        (OPENAI, 3, 3),
        (OPENAI, 0, 0),
        ("https://router.huggingface.co/v1/chat/completions", 20, 5),
        ("https://api.deepseek.com/chat/completions", 21, 20),
        ("https://API.X.AI/v1/chat/completions", 20, 8),
        ("https://openrouter.ai/api/v1/chat/completions", 99, 20),
        ("http://127.0.0.1:8000/v1/chat/completions", 50, 50),
    ],
)
def test_nobody_is_asked_for_more_than_it_gives(url: str, top: int, given: int) -> None:
    assert wish_for(url, "m", {}, top, False) == (Wish(given, False), "")


def test_token_ids_are_asked_of_own_servers_alone() -> None:
    assert wish_for("http://[::1]:8000/v1/responses", "m", {}, None, True) == (Wish(None, True), "")
    assert wish_for(OPENAI, "m", {}, 5, True) == (Wish(5, False), "")
    assert wish_for(OPENAI, "m", {}, None, True) == (None, "")


@pytest.mark.parametrize(
    ("model", "body", "asked"),
    [
        ("gpt-5-mini", {}, False),
        ("openai/o3", {"reasoning_effort": "low"}, False),
        ("o4-mini", {"reasoning": {"effort": None}}, False),
        ("gpt-5", {"reasoning": "none"}, False),
        ("gpt-5.1", {"reasoning_effort": "none"}, True),
        ("gpt-5.1", {"reasoning": {"effort": "none"}}, True),
        ("gpt-4.1", {"reasoning_effort": "high"}, True),
        ("", {}, True),
    ],
)
def test_models_that_reason_are_not_asked(model: str, body: dict[str, Any], asked: bool) -> None:
    wish, why = wish_for(OPENAI, model, body, 5, False)
    assert (wish is not None, why) == ((True, "") if asked else (False, why))
    assert asked or model in why


def test_groq_is_not_asked() -> None:
    wish, why = wish_for("https://api.groq.com/openai/v1/chat/completions", "llama-3.3-70b", {}, 5, False)
    assert wish is None and "Groq" in why
