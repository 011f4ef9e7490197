"""Which of an answer's tokens are the prompt's, where the answer was asked to say it again (`echo`).

They come first, as if the model had written them; only the very first has no probability, for nothing stands before it.
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, list_of, object_of, objects_of
from inspector.dialects._logprob_entries import entry_lists, logprob_of


class PromptTokens:
    """Tells the prompt's tokens from the model's, choice by choice."""

    def __init__(self) -> None:
        self._left: dict[int, int] = {}
        """How many of the prompt's tokens each choice is still to say."""

    def among(self, completion: Json, choice: Json) -> int:
        """How many of the entries that a choice brings now are the prompt's: they are the first."""
        index = int_of(choice.get("index")) or 0
        if self._left.get(index) == 0 or not (entries := entries_of(choice)):
            return 0
        if index not in self._left:
            self._left[index] = _length(completion, choice, len(entries)) if is_echo(entries) else 0
        found = min(self._left[index], len(entries))
        self._left[index] -= found
        return found


def entries_of(choice: Json) -> list[Json]:
    """The entries that a choice brings, in their order."""
    return [entry for _, entries in entry_lists(choice.get("logprobs")) for entry in entries]


def is_echo(entries: list[Json]) -> bool:
    """Whether a choice that begins with these entries begins with the prompt."""
    return bool(entries) and "logprob" in entries[0] and logprob_of(entries[0]) is None


def _length(completion: Json, choice: Json, came: int) -> int:
    """How many tokens the prompt has, as far as the answer tells."""
    for place in (choice, completion):
        for name in ("prompt_token_ids", "prompt_logprobs"):
            if given := list_of(place.get(name)):
                return len(given)
    counted = int_of(object_of(completion.get("usage")).get("prompt_tokens"))
    beginnings = [_names(other)[:counted] for other in objects_of(completion.get("choices"))]
    # Of several prompts it is the sum: then the answers do not begin alike.
    if counted and all(beginning == beginnings[0] for beginning in beginnings):
        return counted
    # vLLM and SGLang send the prompt with the first token of the answer.
    return max(came - 1, 1)


def _names(choice: Json) -> list[object]:
    return [entry.get("token") for entry in entries_of(choice)]
