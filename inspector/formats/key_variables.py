"""Which environment variable has the key for a host: as the providers' own programs and SDKs call it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

KEY_VARIABLE = "INSPECTOR_UPSTREAM_API_KEY"
"""For every other host: a provider's key is not sent to a host that stands in a recording, which anybody may have
written.
"""

Source = tuple[str, str]
"""A variable, and the header that its key is sent in."""

_ANTHROPIC: tuple[Source, ...] = (("ANTHROPIC_API_KEY", "x-api-key"), ("ANTHROPIC_AUTH_TOKEN", "authorization"))
_OPENAI: tuple[Source, ...] = (("OPENAI_API_KEY", "authorization"),)
_GEMINI: tuple[Source, ...] = (("GEMINI_API_KEY", "x-goog-api-key"), ("GOOGLE_API_KEY", "x-goog-api-key"))
_BEDROCK: tuple[Source, ...] = (("AWS_BEARER_TOKEN_BEDROCK", "authorization"),)
_OLLAMA: tuple[Source, ...] = (("OLLAMA_API_KEY", "authorization"),)
_COHERE: tuple[Source, ...] = (("CO_API_KEY", "authorization"), ("COHERE_API_KEY", "authorization"))

BY_HOST: Mapping[str, tuple[Source, ...]] = {
    "api.anthropic.com": _ANTHROPIC,
    "api.openai.com": _OPENAI,
    "generativelanguage.googleapis.com": _GEMINI,
    "api.cohere.com": _COHERE,
    "api.cohere.ai": _COHERE,
    "api.deepseek.com": (("DEEPSEEK_API_KEY", "authorization"),),
    "api.groq.com": (("GROQ_API_KEY", "authorization"),),
    "api.mistral.ai": (("MISTRAL_API_KEY", "authorization"),),
    "api.together.xyz": (("TOGETHER_API_KEY", "authorization"),),
    "api.x.ai": (("XAI_API_KEY", "authorization"),),
    "ollama.com": _OLLAMA,
    "openrouter.ai": (("OPENROUTER_API_KEY", "authorization"),),
}
BY_DIALECT: Mapping[str, tuple[Source, ...]] = {
    "anthropic-messages": _ANTHROPIC,
    "openai-chat": _OPENAI,
    "openai-responses": _OPENAI,
    "openai-completions": _OPENAI,
    "openai-embeddings": _OPENAI,
    "anthropic-count-tokens": _ANTHROPIC,
    "gemini": _GEMINI,
    "gemini-count-tokens": _GEMINI,
    "ollama": _OLLAMA,
    "cohere-chat": _COHERE,
    "bedrock-converse": _BEDROCK,
    "bedrock-invoke": _BEDROCK,
}
"""For servers on this machine."""


def variable_for(host: str, dialect: str, header: str = "") -> str:
    """The variable whose key goes to `host` in that header; the first of the host's where none goes in it."""
    sources = BY_HOST.get(host) or (BY_DIALECT.get(dialect, ()) if is_local(host) else ())
    names = [name for name, carrier in sources if carrier == header.lower()] or [name for name, _ in sources]
    return names[0] if names else KEY_VARIABLE


def is_local(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
