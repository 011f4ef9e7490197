"""Who is asking: the agent behind a request, as far as its headers tell."""

from __future__ import annotations

import re
from functools import lru_cache

from inspector.model.headers import Headers

_KNOWN: tuple[tuple[str, str], ...] = (
    ("claude-code", r"^claude-(cli|code)\b"),
    ("codex", r"^codex[_-]|^codex\b"),
    ("opencode", r"\bopencode\b"),
    ("gemini-cli", r"^GeminiCLI\b|^gemini-cli\b"),
    ("copilot-cli", r"^copilot(-cli|/)|^GitHubCopilotCLI\b"),
    ("copilot", r"^GitHubCopilot"),
    ("qwen-code", r"^QwenCode\b|^qwen-code\b"),
    ("crush", r"\bcrush\b"),
    ("goose", r"^goose\b"),
    ("aider", r"\baider\b"),
    ("zed", r"^zed\b"),
    ("kilo", r"^kilo-?code\b"),
    ("roo", r"^roo-?code\b"),
    ("cline", r"^cline\b"),
    ("cursor", r"\bcursor\b"),
    ("amp", r"^amp\b"),
    ("litellm", r"^litellm\b"),
    ("openai-sdk", r"^(Async)?OpenAI/"),
    ("anthropic-sdk", r"^(Async)?Anthropic/"),
    ("google-genai", r"^google-genai-sdk\b"),
)
_BY_HEADER = {"x-initiator": "copilot-cli"}
"""Headers of agents that ask by an SDK and give its name only, as the Copilot CLI does at a model of one's own."""
_SDKS = ("openai-sdk", "anthropic-sdk", "google-genai")
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _KNOWN)
_PRODUCT = re.compile(r"[A-Za-z][\w.-]*")


def agent_of(headers: Headers) -> str:
    """The agent's name: a known one, else the first product of its `User-Agent`, else nothing."""
    name = _named(headers.get("originator"), headers.get("user-agent"))
    told = (agent for header, agent in _BY_HEADER.items() if header in headers) if name in _SDKS else ()
    return next(iter(told), name)


@lru_cache(maxsize=256)
def _named(originator: str, user_agent: str) -> str:
    for value in (originator, user_agent):
        for name, pattern in _PATTERNS:
            if value and pattern.search(value):
                return name
    product = _PRODUCT.match(user_agent)
    return product[0] if product else ""
