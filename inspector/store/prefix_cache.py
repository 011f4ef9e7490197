"""Whether a turn found its prefix in the provider's prompt cache, why not, and what that cost.

Sources: Anthropic's and OpenAI's pages on prompt caching
(https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching,
https://platform.openai.com/docs/guides/prompt-caching). Of other providers only that is known what they say themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from inspector.model.flow import Flow
from inspector.model.message import Transcript, Usage
from inspector.store.cost import cost_of
from inspector.store.prefix import Prefix
from inspector.store.summary import url_host

_STEP, _LEAST = 128, 1024
"""OpenAI caches from 1024 tokens on, in steps of 128."""
_SHORT, _LONG, _DAY = 300.0, 3600.0, 86_400.0
"""Seconds that a prefix is kept: Anthropic's two times to live, and OpenAI's longest without and with being asked."""
_BREAKS_MESSAGES = frozenset({"tool_choice", "thinking"})
"""Settings that throw away what Anthropic has cached of the messages, but not of the tools and the system."""


class Verdict(StrEnum):
    """What became of the cached prefix."""

    FIRST = "first"
    """There is no earlier turn."""
    KEPT = "kept"
    BROKEN = "broken"
    """The prompt differs from the last one before the end of what was cached."""
    COLD = "cold"
    """More time passed than the provider keeps a prefix."""
    MISSED = "missed"
    """Nothing in the prompt explains that less was read than was there."""
    NONE = "none"
    """Nothing had been cached."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cache:
    """A turn's luck with the cache. Counts are tokens, None where they are not known."""

    verdict: Verdict
    predicted: bool = False
    """The provider has not told its counts yet."""
    cause: str = ""
    """A JSON path in this request, or the name of a setting; where it is broken, or would be."""
    held: int | None = None
    """How many the last turn left in the cache, at best."""
    expected: int | None = None
    """How many of these this prompt can find there, estimated where it differs."""
    read: int | None = None
    """How many came from the cache."""
    again: int | None = None
    """How many were read again that had been there."""
    usd: float | None = None
    """What they cost more than from the cache, in US dollars by published prices."""
    waited: float | None = None
    """Seconds between the two turns."""
    kept_for: float | None = None
    """Seconds for which the provider keeps a prefix, where it says so."""


def judge(flow: Flow, transcript: Transcript, prefix: Prefix | None, previous: tuple[Flow, Transcript] | None) -> Cache:
    """Judge a turn by what the last one left, what the prompts have in common, and what the provider counted."""
    usage = transcript.answer.usage
    read = usage.cache_read_input_tokens if usage is not None else None
    if previous is None or prefix is None:
        return Cache(Verdict.FIRST, predicted=flow.live and read is None, read=read)
    rules = _rules(flow, transcript, prefix)
    held = rules.held(previous[1])
    waited = _waited(flow, previous[0])
    known = Cache(Verdict.UNKNOWN, held=held, read=read, waited=waited, kept_for=rules.kept_for)
    if held is None:
        return known
    if held == 0:
        return replace(known, verdict=Verdict.NONE, expected=0)
    expected, cause = rules.expected(held, previous[1])
    known = replace(known, expected=expected)
    cold = rules.kept_for is not None and waited > rules.kept_for
    if read is None and not flow.live:
        return replace(known, cause=cause)
    found = read if read is not None else 0 if cold else expected
    # A prompt that became smaller had no use for all that was there.
    again = max(0, min(held, _size(transcript, prefix, previous[1])) - found)
    known = replace(known, predicted=read is None, again=again)
    if again <= max(2 * _STEP, held // 50):
        return replace(known, verdict=Verdict.KEPT, again=0)
    verdict = Verdict.COLD if cold else Verdict.BROKEN if cause else Verdict.MISSED
    return replace(known, verdict=verdict, cause=cause, usd=_more(flow, transcript, held, found, again))


class _Rules:
    """How a provider caches. This one is that of those who do not say."""

    kept_for: float | None = None

    def __init__(self, prefix: Prefix) -> None:
        self.prefix = prefix

    def held(self, before: Transcript) -> int | None:
        """What the last turn found there is there still, at least; where it found nothing, nobody knows."""
        usage = before.answer.usage
        return (usage.cache_read_input_tokens or None) if usage is not None else None

    def expected(self, held: int, before: Transcript) -> tuple[int, str]:
        """How many of the tokens held a prompt can find, and what keeps it from the others."""
        prefix = self.prefix
        if any(name == "model" for name, _, _ in prefix.settings):
            return 0, "model"
        if prefix.kept or not prefix.before_weight:
            return held, ""
        usage = before.answer.usage
        given = (usage.input_tokens if usage is not None else None) or held
        return min(held, self.reached(given * prefix.common_weight // prefix.before_weight)), prefix.path

    def reached(self, tokens: int) -> int:
        """How many of the tokens that are the same can come from the cache."""
        return tokens


class _OpenAI(_Rules):
    def __init__(self, prefix: Prefix, retention: object) -> None:
        super().__init__(prefix)
        self.kept_for = _DAY if retention == "24h" else _LONG

    def held(self, before: Transcript) -> int | None:
        """Every prompt is cached that is long enough."""
        usage = before.answer.usage
        return self.reached(usage.input_tokens) if usage is not None and usage.input_tokens is not None else None

    def reached(self, tokens: int) -> int:
        return tokens // _STEP * _STEP if tokens >= _LEAST else 0


class _Anthropic(_Rules):
    def __init__(self, prefix: Prefix) -> None:
        super().__init__(prefix)
        self.kept_for = _LONG if any(each.hour for each in prefix.breakpoints) else _SHORT

    def held(self, before: Transcript) -> int | None:
        """What was read is refreshed, what was written is new."""
        usage = before.answer.usage
        if usage is None or (usage.cache_read_input_tokens is None and usage.cache_creation_input_tokens is None):
            return None
        return (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)

    def expected(self, held: int, before: Transcript) -> tuple[int, str]:
        """What stands before the last breakpoint that comes before the difference."""
        prefix = self.prefix
        changed = [name for name, _, _ in prefix.settings]
        if "model" in changed:
            return 0, "model"
        common, cause = (prefix.before_weight, "") if prefix.kept else (prefix.common_weight, prefix.path)
        setting = next((name for name in changed if name in _BREAKS_MESSAGES), "")
        if setting and prefix.head_weight < common:
            common, cause = prefix.head_weight, setting
        if not cause or not prefix.breakpoints:
            return (held, "") if not cause else (0, cause)
        reached = max((each.weight for each in prefix.breakpoints if each.weight <= common), default=0)
        return held * reached // max(1, max(each.weight for each in prefix.breakpoints)), cause


def _rules(flow: Flow, transcript: Transcript, prefix: Prefix) -> _Rules:
    """Whose rules hold. Marks for the cache are Anthropic's, whoever passes them on."""
    if flow.dialect == "anthropic-messages" or prefix.breakpoints:
        return _Anthropic(prefix)
    if flow.dialect in ("openai-chat", "openai-responses") and _is_openai(flow):
        return _OpenAI(prefix, transcript.prompt.parameters.get("prompt_cache_retention"))
    return _Rules(prefix)


def _is_openai(flow: Flow) -> bool:
    return url_host(flow.sent.url).partition(":")[0].endswith(("openai.com", "openai.azure.com", "chatgpt.com"))


def _size(transcript: Transcript, prefix: Prefix, before: Transcript) -> int:
    """Tokens of a prompt: as counted, or estimated by those of the last one."""
    for usage, share in (
        (transcript.answer.usage, 1.0),
        (before.answer.usage, prefix.after_weight / max(1, prefix.before_weight)),
    ):
        if usage is not None and usage.input_tokens is not None:
            return round(usage.input_tokens * share)
    return 0


def _waited(flow: Flow, previous: Flow) -> float:
    """Seconds since the last turn used the cache: since its answer began."""
    return max(0.0, flow.started - previous.started - (previous.timing.head or 0.0) / 1000)


def _more(flow: Flow, transcript: Transcript, held: int, found: int, again: int) -> float | None:
    """What tokens cost beyond what they would have cost from the cache; None where no price is known."""
    usage = transcript.answer.usage
    given = usage.input_tokens if usage is not None and usage.input_tokens is not None else held
    given = max(given, found + again)
    tier = {"service_tier": usage.raw["service_tier"]} if usage is not None and "service_tier" in usage.raw else {}
    prices = []
    for read in (found, found + again):
        counts = Usage(given, 0, cache_read_input_tokens=read, raw=tier)
        cost = cost_of(flow, replace(transcript, answer=replace(transcript.answer, usage=counts)))
        if cost is None:
            return None
        prices.append(cost.usd)
    return max(0.0, prices[0] - prices[1])
