"""Whose prices a model has where the address does not say who answers: only where its name leaves no doubt."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

_BEDROCK = re.compile(
    r"(?:[a-z]{2,6}(?:-gov)?\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|qwen|writer)\.[\w.-]+-v\d+(?::\d+)?"
)
"""Amazon's ids, as in `us.anthropic.claude-sonnet-4-20250514-v1:0`."""
_MAKERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("anthropic", re.compile(r"claude-(?:opus|sonnet|haiku|instant|\d)[\w.@-]*")),
    ("openai", re.compile(r"(?:chat)?gpt-[345](?:\.\d+|o)?(?:-[\w.-]+)?|o[134](?:-[\w.-]+)?")),
    ("google", re.compile(r"gemini-(?:\d|flash|pro)[\w.-]*")),
    ("x-ai", re.compile(r"grok-[34](?:[.-][\w.-]+)?")),
)
"""Families whose weights nobody else has: whoever serves them gets them from their maker."""
_PREFIXES = {
    "anthropic": frozenset({"anthropic", "bedrock", "vertex_ai"}),
    "openai": frozenset({"azure", "openai"}),
    "google": frozenset({"gemini", "google", "vertex_ai"}),
    "x-ai": frozenset({"x-ai", "xai"}),
}
"""What stands before their names at gateways, as in `anthropic/claude-…`."""
_OWN_NAMES = (".internal", ".lan", ".local", ".localhost")


def maker_of(model: str, url: str) -> str:
    """Whose price list has the model, by the package's name for them; empty where that would be a guess.

    A server of one's own can call anything `gpt-4o`, as mocks do: there a name counts only in the form that a gateway
    gives it, which says its maker, too.
    """
    prefix, slash, name = model.lower().rpartition("/")
    if _BEDROCK.fullmatch(name) and prefix in ("", "bedrock"):
        return "aws"
    if not slash and is_own(url):
        return ""
    for maker, pattern in _MAKERS:
        if pattern.fullmatch(name) and (not slash or prefix in _PREFIXES[maker]):
            return maker
    return ""


@lru_cache(maxsize=1024)
def is_own(url: str) -> bool:
    """Whether a URL leads to this machine or stays within a private network."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return True
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_OWN_NAMES)
