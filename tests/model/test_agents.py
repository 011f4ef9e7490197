"""Which agent asks, by the headers that the agents really send."""

from __future__ import annotations

import pytest

from inspector.model.agents import agent_of
from inspector.model.headers import Headers


@pytest.mark.parametrize(
    ("headers", "agent"),
    [
        ({"User-Agent": "claude-cli/2.1.197 (external, sdk-cli)"}, "claude-code"),
        ({"originator": "codex_exec", "user-agent": "codex_exec/0.169.0 (Debian)"}, "codex"),
        ({"User-Agent": "QwenCode/0.15.10 (linux; x64)"}, "qwen-code"),
        ({"user-agent": "OpenAI/JS 5.20.1", "x-initiator": "user"}, "copilot-cli"),
        ({"user-agent": "Anthropic/JS 0.60.0", "x-initiator": "agent"}, "copilot-cli"),
        ({"user-agent": "OpenAI/JS 5.20.1"}, "openai-sdk"),
        ({"user-agent": "GitHubCopilotChat/0.30", "x-initiator": "user"}, "copilot"),
        ({"user-agent": "curl/8.5.0"}, "curl"),
        ({}, ""),
    ],
)
def test_an_agent_is_told_by_its_headers(headers: dict[str, str], agent: str) -> None:
    assert agent_of(Headers(headers.items())) == agent
