"""Log-probabilities taken out of an answer of the Gemini API.

One that was not asked for them has no `logprobsResult`. It may have `avgLogprobs` all the same, as answers of Vertex AI
and of some models of the Gemini API do: that stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._fields import object_of
from inspector.dialects._gemini_shape import candidates_of, unwrapped
from inspector.dialects._json_members import Cut, Members, marked, place_of, removed

WHOLE, TOP = "responseLogprobs", "logprobs"
"""What may be added to a request's `generationConfig`."""

_RESULTS = Members("logprobsResult", "logprobs_result")
_TOPS = Members("topCandidates", "top_candidates")


class GeminiCuts:
    """What is to be cut out of each event of one answer."""

    def __init__(self, added: Sequence[str]) -> None:
        names = {name.rpartition(".")[2] for name in added}
        self._members = _RESULTS if WHOLE in names else _TOPS if TOP in names else None

    def __call__(self, payload: bytes) -> list[Cut]:
        """The cuts in an event's payload, or in a document, in their order."""
        if self._members is None or b"ogprobs" not in payload:
            return []
        places = self._members.find(payload)
        body = marked(payload, places) if places else None
        cuts: list[Cut] = []
        for each in body if isinstance(body, list) else [body]:
            for _, _, candidate in candidates_of(unwrapped(object_of(each))[0]):
                results = [object_of(candidate.get(name)) for name in ("logprobsResult", "logprobs_result")]
                values = [value for holder in (candidate, *results) for value in holder.values()]
                cuts += [removed(payload, place) for value in values if (place := place_of(value, places))]
        return sorted(set(cuts))
