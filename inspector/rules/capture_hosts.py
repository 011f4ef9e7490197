"""Who can be asked for log-probabilities: what providers and models are known to give, before anybody asks them."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from urllib.parse import urlsplit

from inspector.dialects._logprobs import Wish
from inspector.dialects._writing import Json
from inspector.rules.capture_limits import reasons

MOST: dict[str, int] = {
    "api.deepseek.com": 20,
    "api.openai.com": 20,
    "api.x.ai": 8,
    "generativelanguage.googleapis.com": 20,
    "openrouter.ai": 20,
    "router.huggingface.co": 5,
}
"""Alternatives that hosts give at most, by their API references: more is an error there."""

REFUSING: dict[str, str] = {"api.groq.com": "Groq"}
"""Hosts that answer 400 to whoever asks, whatever the model (https://console.groq.com/docs/openai)."""

_OWN = (".local", ".internal", ".lan", ".home", ".home.arpa", ".localhost", ".localdomain", ".svc", ".test")
"""Endings of names that no public server has (RFC 6761, 6762, 8375; `.internal` of ICANN; Kubernetes, routers)."""


def wish_for(url: str, model: str, body: Json, top: int | None, token_ids: bool) -> tuple[Wish | None, str]:
    """What to ask of a model at a URL where `top` and `token_ids` are wanted; None, and why, where that is nothing."""
    host = urlsplit(url).hostname or ""
    token_ids = token_ids and is_own(host)
    if top is None and not token_ids:
        return None, ""
    if host in REFUSING:
        return None, f"log-probabilities are not asked for: {REFUSING[host]} gives none"
    if reasons(model) and effort(body) != "none":
        return None, f"log-probabilities are not asked for: {model} gives none while it reasons"
    wish = Wish(top, token_ids)
    return (replace(wish, top=min(top, MOST.get(host, top))) if top is not None else wish), ""


def effort(body: Json) -> object:
    """How hard a reasoning model shall think, as Chat Completions or as Responses say it."""
    reasoning = body.get("reasoning")
    return body.get("reasoning_effort") or (reasoning.get("effort") if isinstance(reasoning, dict) else None)


def is_own(host: str) -> bool:
    """Whether a server is the person's own: this machine, a private address, or a name that only a local network knows.
    It may be a vLLM or SGLang that gives the numbers of tokens. Providers do not, and some refuse the question.
    """
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return bool(host) and ("." not in host or host.endswith(_OWN))
