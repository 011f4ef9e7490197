"""The tokens of a candidate, in the shape in which the APIs of OpenAI's making list them.

`logprobsResult {chosenCandidates: [{token, tokenId, logProbability}], topCandidates: [{candidates: [...]}]}`,
https://ai.google.dev/api/generate-content#LogprobsResult. There are no bytes: a character that two tokens share stands
as U+FFFD in both.
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, list_of, object_of, objects_of
from inspector.dialects._gemini_shape import pick
from inspector.dialects._logprob_entries import entropy_of, logprob_of
from inspector.model.token import Certainty


def entries_of(result: object) -> list[Json]:
    """The entries of a `logprobsResult`, one for each token that was chosen."""
    given = object_of(result)
    tops = [object_of(top) for top in list_of(pick(given, "topCandidates"))]
    chosen = objects_of(pick(given, "chosenCandidates"))
    return [
        {**_entry(each), "top_logprobs": _all(tops[place]) if place < len(tops) else []}
        for place, each in enumerate(chosen)
    ]


def count(certainty: Certainty, result: object) -> None:
    """Sum the tokens of a candidate up."""
    for entry in entries_of(result):
        certainty.add(logprob_of(entry), entropy_of(entry))


def _all(top: Json) -> list[Json]:
    return [_entry(each) for each in objects_of(top.get("candidates"))]


def _entry(given: Json) -> Json:
    numbers = (given.get(name) for name in ("tokenId", "tokenID", "token_id"))
    number = next((found for value in numbers if (found := int_of(value)) is not None), None)
    return {"token": given.get("token"), "logprob": pick(given, "logProbability"), "token_id": number}
