"""What a flow cost, in US dollars: the provider's own figure where it names one, else by published prices.

The prices are those of the list. What somebody pays by a contract or a subscription is not on the wire.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Literal

from inspector.dialects._fields import int_of, object_of, objects_of, text_of
from inspector.model.flow import Flow
from inspector.model.message import Transcript, Usage
from inspector.store import price_list
from inspector.store.model_maker import is_own, maker_of
from inspector.store.price_list import Counts

Source = Literal["provider", "genai-prices"]

_TIERS = frozenset({"flex", "priority"})
"""Service tiers with prices of their own."""


@dataclass(frozen=True, slots=True)
class Cost:
    """An amount, and whose figure it is."""

    usd: float
    source: Source


def cost_of(flow: Flow, transcript: Transcript, *, wait: bool = False) -> Cost | None:
    """What is known so far of a flow's cost; None where nothing is.

    That holds of answers that somebody else gave in the upstream's place, of servers of one's own, and of models that
    are not on the list. The first call that wants a price has the list loaded, and gets None until it is there; with
    `wait` it stands still meanwhile, which is for whoever writes the figure down for good.
    """
    usage = transcript.answer.usage
    if usage is None or (flow.response is not None and flow.response.status >= 400) or _replaced(flow):
        return None
    if usage.cost is not None:
        return Cost(usage.cost, "provider") if 0 <= usage.cost < inf else None
    used, url = counts(usage), flow.sent.url.partition("?")[0]
    models = [model for model in dict.fromkeys((transcript.answer.model, transcript.prompt.model)) if model]
    if not used or (is_own(url) and not any(maker_of(model, url) for model in models)):
        return None
    price_list.prepare(wait=wait)
    if not price_list.ready():
        return None
    tier = text_of(usage.raw.get("service_tier")) or text_of(transcript.prompt.parameters.get("service_tier"))
    for model, provider in _candidates(models, url):
        usd = price_list.price(used, model, provider, tier if tier in _TIERS else "", flow.started)
        if usd is not None:
            return Cost(usd, "genai-prices")
    return None


def counts(usage: Usage) -> Counts:
    """What is billed of a usage, under the price list's names; empty where nothing was counted, or no input."""
    if usage.input_tokens is None or not (usage.input_tokens or usage.output_tokens):
        return ()
    raw = usage.raw
    written, kept = object_of(raw.get("cache_creation")), raw.get("cacheDetails")
    given, answered = object_of(raw.get("prompt_tokens_details")), object_of(raw.get("completion_tokens_details"))
    used = {
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cache_read_input_tokens,
        "cache_write_tokens": usage.cache_creation_input_tokens,
        "cache_write_5m_tokens": written.get("ephemeral_5m_input_tokens", _piece(kept, "ttl", "5m")),
        "cache_write_1h_tokens": written.get("ephemeral_1h_input_tokens", _piece(kept, "ttl", "1h")),
        "input_audio_tokens": given.get("audio_tokens", _sound(raw.get("promptTokensDetails"))),
        "cache_audio_read_tokens": _sound(raw.get("cacheTokensDetails")),
        "output_tokens": usage.output_tokens,
        "output_reasoning_tokens": usage.reasoning_output_tokens,
        "output_audio_tokens": answered.get("audio_tokens", _sound(raw.get("candidatesTokensDetails"))),
        "web_searches": object_of(raw.get("server_tool_use")).get("web_search_requests"),
    }
    return tuple((name, count) for name, value in used.items() if (count := int_of(value)) is not None)


def _candidates(models: Iterable[str], url: str) -> Iterator[tuple[str, str]]:
    """Under which names the models may be found, and on whose list."""
    there = price_list.provider_at(url)
    for model in models:
        if there:
            yield model, there
            if "models/" in model:
                yield model.rpartition("models/")[2], there
        elif maker := maker_of(model, url):
            yield model.rpartition("/")[2], maker


def _replaced(flow: Flow) -> bool:
    """Whether a rule, a hook or a person answered: what such an answer counts was never billed."""
    return any(mutation.name == "response" for mutation in flow.mutations)


def _sound(details: object) -> object:
    """Gemini's count of the tokens that were sound."""
    return _piece(details, "modality", "AUDIO")


def _piece(details: object, key: str, value: str) -> object:
    """The count of one kind among several, as Gemini and Bedrock (cache writes by their time to live) list them."""
    pieces = (each for each in objects_of(details) if each.get(key) == value)
    return next((each.get("tokenCount", each.get("inputTokens")) for each in pieces), None)
