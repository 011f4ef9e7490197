"""How each agent is sent to a base URL: one table for `inspector run`, `inspector env` and the empty screen.

The settings are those of the agents' own documentation and source: Claude Code `ANTHROPIC_BASE_URL`, Codex
`openai_base_url` (it reads no variable), opencode `provider.<id>.options.baseURL`, Gemini CLI `GOOGLE_GEMINI_BASE_URL`,
or `CODE_ASSIST_ENDPOINT` after a login, Copilot CLI `COPILOT_API_URL`, or `COPILOT_PROVIDER_BASE_URL` with a model of
one's own, aider and LiteLLM `…_API_BASE`, goose `…_HOST`, Crush `…_API_ENDPOINT`, and the variables of the SDKs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable for a base URL."""

    name: str
    provider: str
    """Who is asked by it, in the words of `--upstream NAME=URL`; nothing where it may be anyone."""
    path: str = ""
    """What follows the address: `/v1` for agents that do not add it themselves."""
    given: str = ""
    """It counts only where a variable that begins so is set, and then the others without such a condition do not."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """A file of settings that an agent reads below the person's own ones."""

    path: Path
    given: str
    """It is needed only where this variable is set,"""
    unless: tuple[str, ...] = ()
    """and none of these."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A program that asks a model, and what points it at another address. `{url}` stands for that address."""

    name: str
    """What a person calls it on the command line."""
    title: str
    commands: tuple[str, ...] = ()
    """Its executables, and the packages that bring them."""
    variables: tuple[Variable, ...] = ()
    """The first one serves most people."""
    arguments: tuple[str, ...] = ()
    """These go before its own arguments."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Variables with settings as JSON, which are merged with what is in them."""
    same: Mapping[str, str] = field(default_factory=dict)
    """Variables that keep it as it is at its provider's own address."""
    defaults: Mapping[str, Defaults] = field(default_factory=dict)
    """Variables that name such files."""


_ANTHROPIC = Variable("ANTHROPIC_BASE_URL", "anthropic")
_OPENAI = Variable("OPENAI_BASE_URL", "openai", "/v1")
_GEMINI = (Variable("GOOGLE_GEMINI_BASE_URL", "gemini"), Variable("CODE_ASSIST_ENDPOINT", "code-assist"))
_LITELLM = (
    Variable("OPENAI_API_BASE", "openai", "/v1"),
    Variable("ANTHROPIC_API_BASE", "anthropic"),
    Variable("OLLAMA_API_BASE", "ollama", "/ollama"),
)
_OLLAMA = Variable("OLLAMA_HOST", "ollama", "/ollama")
_OPENCODE = {
    "provider": {
        name: {"options": {"baseURL": f"{{url}}/{version}"}}
        for name, version in (("anthropic", "v1"), ("openai", "v1"), ("google", "v1beta"))
    }
}

AGENTS: tuple[Agent, ...] = (
    Agent(
        "claude",
        "Claude Code",
        ("claude", "@anthropic-ai/claude-code"),
        (_ANTHROPIC,),
        # At any other address than Anthropic's, it sends the schemas of all MCP tools instead of searching in them.
        same={"ENABLE_TOOL_SEARCH": "true"},
    ),
    Agent("codex", "Codex", ("codex", "@openai/codex"), arguments=("-c", 'openai_base_url="{url}/v1"')),
    Agent(
        "opencode",
        "opencode",
        ("opencode", "opencode-ai"),
        config={"OPENCODE_CONFIG_CONTENT": json.dumps(_OPENCODE, separators=(",", ":"))},
    ),
    Agent(
        "gemini",
        "Gemini CLI",
        ("gemini", "@google/gemini-cli"),
        _GEMINI,
        # At another address it takes the key for a gateway's, which it then refuses, unless the kind of login is named.
        defaults={
            "GEMINI_CLI_SYSTEM_DEFAULTS_PATH": Defaults(
                Path(__file__).with_name("gemini_defaults.json"),
                given="GEMINI_API_KEY",
                unless=("GOOGLE_GENAI_USE_GCA", "GOOGLE_GENAI_USE_VERTEXAI"),
            )
        },
    ),
    Agent(
        "copilot",
        "Copilot CLI",
        ("copilot", "@github/copilot"),
        (
            Variable("COPILOT_API_URL", "copilot", "/copilot"),
            Variable("COPILOT_PROVIDER_BASE_URL", "", "/v1", given="COPILOT_PROVIDER_"),
        ),
    ),
    Agent(
        "aider",
        "aider",
        ("aider", "aider-chat"),
        # Its own variable beats its settings' file.
        (*_LITELLM, Variable("AIDER_OPENAI_API_BASE", "openai", "/v1")),
    ),
    Agent(
        "goose",
        "goose",
        ("goose",),
        (
            Variable("OPENAI_HOST", "openai"),
            Variable("ANTHROPIC_HOST", "anthropic"),
            Variable("GOOGLE_HOST", "gemini"),
            _OLLAMA,
        ),
    ),
    Agent("qwen", "Qwen Code", ("qwen", "@qwen-code/qwen-code"), (_OPENAI, _ANTHROPIC, _GEMINI[0])),
    Agent(
        "crush",
        "Crush",
        ("crush", "@charmland/crush"),
        (
            Variable("ANTHROPIC_API_ENDPOINT", "anthropic"),
            Variable("OPENAI_API_ENDPOINT", "openai", "/v1"),
            Variable("GEMINI_API_ENDPOINT", "gemini"),
            Variable("GOOGLE_API_ENDPOINT", "gemini"),
        ),
    ),
    Agent("openai", "OpenAI SDK", variables=(_OPENAI,)),
    Agent("anthropic", "Anthropic SDK", variables=(_ANTHROPIC,)),
)

ANY = Agent("any", "anything else", variables=(_ANTHROPIC, _OPENAI, *_LITELLM, *_GEMINI, _OLLAMA))
"""What is not known gets all the usual variables."""

_STARTERS = ("npx", "bunx", "pnpx", "npm", "pnpm", "yarn", "bun", "node", "uvx", "uv", "pipx", "env")
"""Commands whose arguments name the one that is meant."""


def agent_named(name: str) -> Agent | None:
    """The agent that a person calls so."""
    return next((agent for agent in (*AGENTS, ANY) if agent.name == name), None)


def recognised(command: Sequence[str]) -> tuple[Agent, int]:
    """Which agent a command line starts, and where in it that agent is named; ANY, and 0, where it is unknown."""
    words = command if _plain(command[0]) in _STARTERS else command[:1]
    for place, word in enumerate(words):
        for agent in AGENTS:
            if _plain(word) in agent.commands or _package(word) in agent.commands:
                return agent, place
    return ANY, 0


def _plain(word: str) -> str:
    """An executable's name without its folder and ending."""
    return PurePath(word).name.removesuffix(".js").removesuffix(".cmd").removesuffix(".exe")


def _package(word: str) -> str:
    """A package's name without its version: `@openai/codex@latest` is `@openai/codex`."""
    return word[:1] + word[1:].partition("@")[0]


def arguments_for(agent: Agent, url: str) -> list[str]:
    """What the agent must be told on its command line; often nothing."""
    return [argument.replace("{url}", url) for argument in agent.arguments]


def variables_for(agent: Agent, url: str, given: Mapping[str, str], *, at_home: bool = True) -> dict[str, str]:
    """What its environment needs; `given` is the one it would have without us.

    Unless `at_home`, its requests do not end up at the provider's own address, and nothing keeps it as it is there.
    Raises ValueError where settings as JSON are in the way that cannot be read.
    """
    chosen = _chosen(agent, given)
    found = {variable.name: url + variable.path for variable in chosen}
    for name, text in agent.config.items():
        found[name] = _merged(name, given.get(name, ""), text.replace("{url}", url))
    for name, defaults in agent.defaults.items():
        if defaults.given in given and not any(each in given for each in (name, *defaults.unless)):
            found[name] = str(defaults.path)
    if at_home and not any(given.get(variable.name) for variable in chosen):
        found |= {name: value for name, value in agent.same.items() if name not in given}
    return found


def _chosen(agent: Agent, given: Mapping[str, str]) -> list[Variable]:
    asked = [each for each in agent.variables if each.given and any(name.startswith(each.given) for name in given)]
    return asked or [each for each in agent.variables if not each.given]


def _merged(name: str, text: str, ours: str) -> str:
    if not text.strip():
        return ours
    try:
        theirs = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is set, but is not JSON: {error}") from None
    if not isinstance(theirs, dict):
        raise ValueError(f"{name} is set, but is not a JSON object")
    return json.dumps(_joined(theirs, json.loads(ours)), separators=(",", ":"))


def _joined(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        old = under.get(key)
        result[key] = _joined(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def upstreams_of(agent: Agent, given: Mapping[str, str], own: Iterable[str] = ()) -> dict[str, str]:
    """Where the agent's requests would go without us, by provider: a gateway that the person has set up stays in use.

    `own` are addresses (`HOST:PORT`) of ours: what points there already is no upstream.
    """
    found: dict[str, str] = {}
    for variable in _chosen(agent, given):
        value = given.get(variable.name, "").strip()
        if value and "://" not in value:
            value = f"http://{value}"
        if value and urlsplit(value).netloc not in own:
            found.setdefault(variable.provider, value)
    return found


def not_proxied(given: Mapping[str, str], host: str) -> dict[str, str]:
    """`NO_PROXY` with our host in it: most clients send even `http://127.0.0.1` through `HTTP_PROXY` without it."""
    hosts = [each.strip() for name in ("NO_PROXY", "no_proxy") for each in given.get(name, "").split(",")]
    value = ",".join(dict.fromkeys(filter(None, (*hosts, "127.0.0.1", "localhost", host))))
    return {"NO_PROXY": value, "no_proxy": value}


def reachable(host: str) -> str:
    """The address at which this machine's clients reach a listener, also one that listens on every address."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)


def base_url(host: str, port: int, token: str | None = None) -> str:
    """What clients on this machine take for the base URL of a listener, which may want a token."""
    host = reachable(host)
    path = f"/t/{token}" if token else ""
    return f"http://[{host}]:{port}{path}" if ":" in host else f"http://{host}:{port}{path}"
