"""Log-probabilities and token numbers taken out of an answer of the Completions API.

A server that was not asked writes `"logprobs":null` with every choice, or leaves the key out. llama.cpp, which leaves
it out in Chat Completions, writes null here.
"""

from __future__ import annotations

from inspector.dialects._json_members import Cut, Members, marked, place_of, removed
from inspector.dialects._openai_chat_strip import ChatCuts

PROBABILITIES = "completion_probabilities"


class CompletionsCuts(ChatCuts):
    """What is to be cut out of each event of one answer, or of a document."""

    def omits(self, body: object) -> bool:
        """No server is known to leave the key out here."""
        return False


class NativeCuts:
    """The same for llama.cpp's own `/completion`, which leaves out what it was not asked for."""

    def __init__(self) -> None:
        self._members = Members(PROBABILITIES)

    def __call__(self, payload: bytes) -> list[Cut]:
        """The cuts in an event's payload, or in a document, in their order."""
        if PROBABILITIES.encode() not in payload:
            return []
        places = self._members.find(payload)
        body = marked(payload, places)
        answers: list[object] = body if isinstance(body, list) else [body]
        found = [place_of(answer.get(PROBABILITIES), places) for answer in answers if isinstance(answer, dict)]
        return sorted(removed(payload, place) for place in found if place is not None)
