"""What the APIs of OpenAI's making, and the many servers that imitate them, have in common: errors and token counts."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import error_text, float_of, int_of, object_of, present, text_of
from inspector.dialects._splicing import kept, summed
from inspector.model.message import Usage

_USD_PER_TICK = 1e-10
"""xAI's `cost_in_usd_ticks`."""
_GIVEN = frozenset(
    {
        "prompt_tokens",
        "prompt_tokens_details",
        "prompt_cache_hit_tokens",
        "prompt_cache_miss_tokens",
        "prompt_audio_seconds",
        "cached_tokens",
        "input_tokens",
        "input_tokens_details",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
    }
)
"""What a usage object says of the request."""
_WRITTEN = ("completion_tokens", "output_tokens")


def error_of(body: Json) -> str | None:
    """The provider's error in an answer or in an event, as `type: message`; None where there is none.

    Beside `{"error": …}` and `{"detail": …}` (FastAPI) it knows the flat `{"object": "error", "type", "message"}` of
    vLLM, SGLang and Mistral, Groq's `x_groq.error`, and a lone `message` (gateways).
    """
    error = body.get("error") or object_of(body.get("x_groq")).get("error")
    if error:
        return error_text({**body, "error": _named(error)})
    if "choices" in body:
        return None
    if body.get("object") == "error" or (text_of(body.get("message")) and "object" not in body):
        return error_text({"error": _named(body)})
    return error_text(body)


def _named(error: object) -> object:
    """The same error with a type: servers give a string, a number, or only a code."""
    if not isinstance(error, dict):
        return error
    kind = error.get("type") or error.get("code") or ""
    return {**error, "type": str(kind) if kind != "error" else ""}


def merge(into: Json, update: Json) -> None:
    """Take the fields of `update` that say something: the last of each wins, object by object."""
    for name, value in present(update).items():
        known = into.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        else:
            into[name] = dict(value) if isinstance(value, dict) else value


def chat_usage(raw: Json) -> Usage:
    """Usage from the object of the Chat Completions API.

    `completion_tokens` leaves out reasoning at xAI and for some models behind gateways; `total_tokens` never does.
    """
    given = object_of(raw.get("prompt_tokens_details"))
    written = object_of(raw.get("completion_tokens_details"))
    return Usage(
        input_tokens=_first_int(raw.get("prompt_tokens"), raw.get("input_tokens")),
        output_tokens=_output(raw),
        cache_read_input_tokens=_first_int(
            given.get("cached_tokens"),
            raw.get("prompt_cache_hit_tokens"),
            raw.get("cached_tokens"),
            raw.get("cache_read_input_tokens"),
        ),
        cache_creation_input_tokens=_first_int(
            given.get("cache_write_tokens"),
            given.get("cache_creation_tokens"),
            raw.get("cache_creation_input_tokens"),
        ),
        reasoning_output_tokens=_first_int(written.get("reasoning_tokens"), raw.get("reasoning_tokens")),
        cost=_cost(raw),
        raw=raw,
    )


def usage_of_both(spent: Usage, usage: Json) -> Json:
    """The usage object of an answer that goes on from another one: prompt tokens are the first's where it told them,
    `spent`, and completion tokens are those of both.
    """
    first = spent.raw
    given, written = spent.input_tokens, spent.output_tokens or 0
    both = {name: summed(first.get(name), value) for name, value in usage.items()}
    if given is not None:
        both = kept({**first, "prompt_tokens": given, "input_tokens": given}, both, _GIVEN)
    else:
        both |= {name: value for name, value in usage.items() if name in _GIVEN}
    for name in _WRITTEN:
        if (count := int_of(usage.get(name))) is not None:
            both[name] = count + written
    if (total := int_of(usage.get("total_tokens"))) is not None:
        counts = [int_of(usage.get(name)) for name in ("prompt_tokens", "input_tokens")]
        theirs = next((count for count in counts if count is not None), given or 0)
        both["total_tokens"] = total + written + (theirs if given is None else given) - theirs
    return both


def _output(raw: Json) -> int | None:
    prompt, total = int_of(raw.get("prompt_tokens")), int_of(raw.get("total_tokens"))
    completion = _first_int(raw.get("completion_tokens"), raw.get("output_tokens"))
    # Mistral counts the sound of the prompt in the total, but not among the prompt's tokens.
    if prompt is None or total is None or total - prompt < (completion or 0) or "prompt_audio_seconds" in raw:
        return completion
    return total - prompt


def _cost(raw: Json) -> float | None:
    """US dollars: `cost` (OpenRouter, Vercel), `cost.total_cost` (Perplexity), `cost_in_usd_ticks` (xAI)."""
    ticks = float_of(raw.get("cost_in_usd_ticks"))
    if ticks is not None:
        return ticks * _USD_PER_TICK
    cost = raw.get("cost")
    return float_of(object_of(cost).get("total_cost")) if isinstance(cost, dict) else float_of(cost)


def _first_int(*values: object) -> int | None:
    for value in values:
        if value is not None and (number := int_of(value)) is not None:
            return number
    return None
