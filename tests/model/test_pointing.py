"""How agents are pointed at a base URL: the table, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inspector.model.pointing import (
    AGENTS,
    ANY,
    Agent,
    agent_named,
    arguments_for,
    base_url,
    not_proxied,
    recognised,
    upstreams_of,
    variables_for,
)

URL = "http://127.0.0.1:7077"


def agent(name: str) -> Agent:
    """A known agent."""
    found = agent_named(name)
    assert found is not None
    return found


def test_names_are_told_apart_and_every_agent_can_be_pointed() -> None:
    names = [each.name for each in (*AGENTS, ANY)]
    commands = [command for each in AGENTS for command in each.commands]
    assert len(set(names)) == len(names) and len(set(commands)) == len(commands)
    assert all(each.variables or each.arguments or each.config for each in AGENTS)
    assert agent_named("nobody") is None


@pytest.mark.parametrize(
    ("command", "name", "place"),
    [
        ("claude -p hello", "claude", 0),
        ("/usr/local/bin/codex exec x", "codex", 0),
        ("npx -y @openai/codex@latest exec", "codex", 2),
        ("uvx aider-chat --model m", "aider", 1),
        ("node /opt/lib/claude.js", "claude", 1),
        ("env A=b opencode run", "opencode", 2),
        ("python claude.py", "any", 0),
        ("./mine claude", "any", 0),
    ],
)
def test_a_command_tells_which_agent_it_starts(command: str, name: str, place: int) -> None:
    found, where = recognised(command.split())
    assert (found.name, where) == (name, place)


def test_each_agent_gets_the_base_url_in_its_own_way() -> None:
    assert variables_for(agent("claude"), URL, {}, at_home=False) == {"ANTHROPIC_BASE_URL": URL}
    assert variables_for(agent("codex"), URL, {}) == {}
    assert arguments_for(agent("codex"), URL) == ["-c", f'openai_base_url="{URL}/v1"']
    assert variables_for(agent("goose"), URL, {})["OPENAI_HOST"] == URL
    usual = variables_for(ANY, URL, {})
    assert usual["OPENAI_BASE_URL"] == usual["OPENAI_API_BASE"] == f"{URL}/v1"
    assert usual["ANTHROPIC_BASE_URL"] == usual["GOOGLE_GEMINI_BASE_URL"] == URL


def test_claude_code_searches_tools_as_it_does_at_home() -> None:
    claude = agent("claude")
    assert variables_for(claude, URL, {})["ENABLE_TOOL_SEARCH"] == "true"
    assert "ENABLE_TOOL_SEARCH" not in variables_for(claude, URL, {"ENABLE_TOOL_SEARCH": "false"})
    assert "ENABLE_TOOL_SEARCH" not in variables_for(claude, URL, {"ANTHROPIC_BASE_URL": "https://gateway"})


def test_gemini_cli_takes_its_key_for_one_of_googles_own() -> None:
    gemini, name = agent("gemini"), "GEMINI_CLI_SYSTEM_DEFAULTS_PATH"
    found = variables_for(gemini, URL, {"GEMINI_API_KEY": "k"})
    settings = json.loads(Path(found[name]).read_text(encoding="utf-8"))
    assert settings == {"security": {"auth": {"selectedType": "gemini-api-key"}}}
    assert name not in variables_for(gemini, URL, {})
    for other in (name, "GOOGLE_GENAI_USE_GCA", "GOOGLE_GENAI_USE_VERTEXAI"):
        assert name not in variables_for(gemini, URL, {"GEMINI_API_KEY": "k", other: "true"})


def test_settings_as_json_are_merged() -> None:
    opencode = agent("opencode")
    theirs = {"model": "m", "provider": {"anthropic": {"options": {"apiKey": "k", "baseURL": "x"}}, "mine": {}}}
    given = {"OPENCODE_CONFIG_CONTENT": json.dumps(theirs)}
    merged = json.loads(variables_for(opencode, URL, given)["OPENCODE_CONFIG_CONTENT"])
    assert merged["model"] == "m" and merged["provider"]["mine"] == {}
    assert merged["provider"]["anthropic"]["options"] == {"apiKey": "k", "baseURL": f"{URL}/v1"}
    assert merged["provider"]["google"]["options"] == {"baseURL": f"{URL}/v1beta"}
    for wrong in ("{", "[]"):
        with pytest.raises(ValueError, match="OPENCODE_CONFIG_CONTENT is set, but is not"):
            variables_for(opencode, URL, {"OPENCODE_CONFIG_CONTENT": wrong})


def test_copilot_keeps_to_the_provider_that_the_person_has_chosen() -> None:
    copilot = agent("copilot")
    assert variables_for(copilot, URL, {}) == {"COPILOT_API_URL": f"{URL}/copilot"}
    own = {"COPILOT_PROVIDER_BASE_URL": "https://models.example/v1", "COPILOT_PROVIDER_TYPE": "anthropic"}
    assert variables_for(copilot, URL, own) == {"COPILOT_PROVIDER_BASE_URL": f"{URL}/v1"}
    assert upstreams_of(copilot, own) == {"": "https://models.example/v1"}


def test_a_gateway_stays_the_upstream_unless_it_is_ours() -> None:
    given = {"ANTHROPIC_BASE_URL": "https://gateway/anthropic", "OLLAMA_HOST": "gpu:11434", "OPENAI_BASE_URL": ""}
    assert upstreams_of(ANY, given) == {"anthropic": "https://gateway/anthropic", "ollama": "http://gpu:11434"}
    assert upstreams_of(agent("claude"), {"ANTHROPIC_BASE_URL": URL}, ["127.0.0.1:7077"]) == {}


def test_our_host_is_not_reached_through_a_proxy() -> None:
    found = not_proxied({"NO_PROXY": "corp, localhost", "no_proxy": "other"}, "127.0.0.1")
    assert found["NO_PROXY"] == found["no_proxy"] == "corp,localhost,other,127.0.0.1"


def test_a_listener_on_every_address_is_reached_at_one() -> None:
    assert base_url("0.0.0.0", 1) == "http://127.0.0.1:1"
    assert base_url("::", 1) == "http://[::1]:1"
    assert base_url("192.168.1.2", 1) == "http://192.168.1.2:1"
