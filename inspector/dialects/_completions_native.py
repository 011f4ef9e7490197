"""Answers of llama.cpp's own `POST /completion`, in the shape of the Completions API.

https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md#post-completion-given-a-prompt-it-returns-the-predicted-completion
"""

from __future__ import annotations

import math

from inspector.dialects._base import Json
from inspector.dialects._fields import float_of, int_of, object_of, objects_of, present, text_of
from inspector.model.message import Usage

_COUNTS = ("tokens_evaluated", "tokens_predicted", "timings")


def is_native(body: Json) -> bool:
    """Whether an answer, or a piece of one, is of that kind: its words stand at its top."""
    return isinstance(body.get("content"), str) and "choices" not in body and "object" not in body


def as_choice(body: Json) -> Json:
    """The choice that such an answer is."""
    entries = [_entry(given) for given in objects_of(body.get("completion_probabilities"))]
    return {
        "index": int_of(body.get("index")) or 0,
        "text": body["content"],
        "token_ids": body.get("tokens"),
        "logprobs": {"content": entries} if entries else None,
        "finish_reason": _stopped(body),
    }


def native_usage(body: Json) -> Usage | None:
    """What it says of its tokens; None where it says nothing. Tokens of the prompt count whether cached or not."""
    counts = present({name: body.get(name) for name in _COUNTS})
    if not counts:
        return None
    cached = int_of(object_of(counts.get("timings")).get("cache_n"))
    given, written = int_of(counts.get("tokens_evaluated")), int_of(counts.get("tokens_predicted"))
    return Usage(given, written, cache_read_input_tokens=cached, raw=counts)


def _stopped(body: Json) -> str | None:
    """Why it stopped, in its own words; older servers have a flag for each reason."""
    if body.get("stop") is not True:
        return None
    kind = text_of(body.get("stop_type"))
    return kind or next((name for name in ("eos", "limit", "word") if body.get(f"stopped_{name}") is True), "stop")


def _entry(given: Json) -> Json:
    """A token with its alternatives. With `post_sampling_probs`, and from older servers, come plain probabilities."""
    others = next((objects_of(given[name]) for name in ("top_logprobs", "top_probs", "probs") if given.get(name)), [])
    token = text_of(given.get("token")) or text_of(given.get("content"))
    entry = {**given, "token": token, "top_logprobs": [_alternative(other) for other in others]}
    if "logprob" not in given:
        own: Json = next((other for other in entry["top_logprobs"] if other["token"] == token), {})
        entry["logprob"] = _log(given["prob"]) if "prob" in given else own.get("logprob")
    return entry


def _alternative(other: Json) -> Json:
    if "logprob" in other:
        return other
    return {
        **other,
        "token": text_of(other.get("token")) or text_of(other.get("tok_str")),
        "logprob": _log(other.get("prob")),
    }


def _log(probability: object) -> float | None:
    known = float_of(probability)
    return math.log(known) if known is not None and known > 0 else None
