"""How servers of Chat Completions take the beginning of an answer, and which of them a flow's server is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from inspector.model.flow import Flow
from inspector.wire.body import decoded

_EDGE = 16384
"""Bytes at both ends of an answer in which its server is looked for."""


@dataclass(frozen=True, slots=True)
class Manner:
    """One way in which servers take the beginning of an answer."""

    name: str
    about: str
    """Who knows it, and what it does, in a line."""
    repeats: bool = False
    """Whether the answer says the beginning again."""


ASSISTANT = Manner("assistant message", "Anthropic: the answer goes on where the last message ends")
"""https://platform.claude.com/docs/en/build-with-claude/prompt-engineering/prefill-claudes-response"""
CONTINUE = Manner("continue_final_message", "vLLM, SGLang: the last message is left open, and gone on with")
"""https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html"""
TRAILING = Manner(
    "trailing assistant message", "llama.cpp, Ollama, OpenRouter, Groq: a last message of the model's own"
)
"""https://openrouter.ai/docs/api-reference/overview#assistant-prefill"""
PREFIX = Manner("prefix: true", "Mistral: the last message is marked; the answer says it again", repeats=True)
"""https://docs.mistral.ai/guides/prefix/"""
BETA = Manner("prefix: true at /beta", "DeepSeek: the last message is marked, and asked of its beta")
"""https://api-docs.deepseek.com/guides/chat_prefix_completion"""
PROMPT = Manner("prompt", "Completions: the beginning is put behind the prompt, and gone on with")

ANY = (CONTINUE, TRAILING, PREFIX)
"""For servers that nothing is known of. Those that go on from any last message of the model mostly pass over settings
that they do not know, so that the first is right for them, too.
"""
_BY_HOST = {
    "api.deepseek.com": BETA,
    "api.mistral.ai": PREFIX,
    "codestral.mistral.ai": PREFIX,
    "openrouter.ai": TRAILING,
    "api.groq.com": TRAILING,
}
_BY_REQUEST: tuple[tuple[Manner, re.Pattern[bytes]], ...] = (
    (CONTINUE, re.compile(rb'"continue_final_message"\s*:\s*true')),
    (PREFIX, re.compile(rb'"prefix"\s*:\s*true')),
)
_BY_ANSWER: tuple[tuple[Manner, re.Pattern[bytes]], ...] = (
    (CONTINUE, re.compile(rb'"(?:prompt_token_ids|token_ids|stop_reason|matched_stop|kv_transfer_params)"\s*:')),
    (TRAILING, re.compile(rb'"timings"\s*:|"system_fingerprint"\s*:\s*"(?:b\d|fp_ollama)|"native_finish_reason"\s*:')),
    (TRAILING, re.compile(rb'"provider"\s*:\s*"')),
)
"""What servers betray themselves by. A quotation mark within a string has a backslash before it: no words match."""


def likeliest(flow: Flow) -> list[Manner]:
    """The manners that a server of Chat Completions may understand, the likeliest first."""
    if (known := _BY_HOST.get(host_of(flow))) is not None:
        return [known]
    first = _asked_before(flow) or _betrayed(flow)
    return [first, *(manner for manner in ANY if manner is not first)] if first else list(ANY)


def host_of(flow: Flow) -> str:
    """The host that was asked."""
    try:
        return urlsplit(flow.sent.url).hostname or ""
    except ValueError:
        return ""


def _asked_before(flow: Flow) -> Manner | None:
    """The manner of a request that ends with the beginning of an answer itself."""
    body = decoded(flow.sent.headers, bytes(flow.sent.body))[0]
    return next((manner for manner, sign in _BY_REQUEST if sign.search(body)), None)


def _betrayed(flow: Flow) -> Manner | None:
    if flow.response is None:
        return None
    body = decoded(flow.response.headers, bytes(flow.response.body))[0]
    edges = body[:_EDGE] + body[max(_EDGE, len(body) - _EDGE) :]
    return next((manner for manner, sign in _BY_ANSWER if sign.search(edges)), None)
