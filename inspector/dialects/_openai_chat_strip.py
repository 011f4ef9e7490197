"""Log-probabilities and token numbers taken out of an answer of the Chat Completions API.

A server that was not asked for log-probabilities writes `"logprobs":null` with every choice (OpenAI, vLLM, SGLang,
DeepSeek, Groq, Alibaba, Together, llama-cpp-python), or it leaves the key out (llama.cpp, Ollama, xAI). Which of them,
a stream tells by the choices that bring no tokens, the first of which mostly comes before all tokens. Where it does
not, and in a whole document, a few servers are known by their marks, and the rest are taken for those that write null,
as most do. For token numbers it is null: that is what vLLM writes, from whom the others have the keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inspector.dialects._base import Json
from inspector.dialects._fields import objects_of, text_of
from inspector.dialects._json_members import Cut, Members, marked, place_of, removed
from inspector.dialects._openai_chat_reader import unwrapped

_LLAMA_CPP = re.compile(r"b\d+-\w+\Z")
_NUMBERS = ("token_ids", "prompt_token_ids")


class ChatCuts:
    """What is to be cut out of each event of one answer. It remembers what the server does where it has no tokens."""

    def __init__(self, added: Sequence[str]) -> None:
        self._whole = "logprobs" in added
        self._top = "top_logprobs" in added and not self._whole
        self._numbers = "return_token_ids" in added
        name = "logprobs" if self._whole else "top_logprobs"
        self._members = Members(name)
        self._with_numbers = Members(name, *_NUMBERS)
        self._omits: bool | None = None
        """Whether the server leaves the key out where it has nothing to say; None where that is not known."""

    def __call__(self, payload: bytes) -> list[Cut]:
        """The cuts in an event's payload, or in a document, in their order."""
        numbered = self._numbers and b'token_ids"' in payload
        if not numbered and b'logprobs"' not in payload:
            if self._whole and self._omits is None and b'"choices"' in payload:
                self._learn(_choices(marked(payload, [])))
            return []
        found = (self._with_numbers if numbered else self._members).find(payload)
        places = [place for place in found if payload[place.start(2)] in b"{["]
        if not places and (self._omits is False or not found):
            return []
        body = marked(payload, places)
        choices = _choices(body)
        if self._whole:
            self._learn(choices)
        cuts = []
        for holder, name, new in self._holders(body, choices, numbered):
            place = place_of(holder.get(name), places)
            if place is None or (name == "logprobs" and b"[" not in place[2]):
                continue
            if name == "logprobs" and self._omits is None:
                self._omits = self.omits(body)
            omitted = name == "logprobs" and self._omits
            cuts.append(removed(payload, place) if omitted else (*place.span(2), new))
        return sorted(set(cuts))

    def omits(self, body: object) -> bool:
        """Whether a server is one of those that are known to leave the key out."""
        completion = unwrapped(body) if isinstance(body, dict) else {}
        fingerprint = text_of(completion.get("system_fingerprint"))
        return (
            fingerprint == "fp_ollama"
            or _LLAMA_CPP.match(fingerprint) is not None
            or "timings" in completion
            or text_of(completion.get("model")).startswith("grok-")
        )

    def _learn(self, choices: list[Json]) -> None:
        """See what the server does with choices that bring no tokens. A null says more than a key that is missing:
        Alibaba forgets it now and then.
        """
        for choice in choices:
            if choice.get("logprobs", self) is None:
                self._omits = False
            elif self._omits is None and "logprobs" not in choice:
                self._omits = True

    def _holders(self, body: object, choices: list[Json], numbered: bool) -> Iterator[tuple[Json, str, bytes]]:
        """Each object that may have a member which was not asked for, the member's name, and what stands there else."""
        for choice in choices:
            if self._whole:
                yield choice, "logprobs", b"null"
            elif self._top and isinstance(choice.get("logprobs"), dict):
                for tokens in choice["logprobs"].values():
                    yield from ((token, "top_logprobs", b"[]") for token in objects_of(tokens))
        if numbered and isinstance(body, dict):
            for holder in (unwrapped(body), *choices):
                yield from ((holder, name, b"null") for name in _NUMBERS)


def _choices(body: object) -> list[Json]:
    return objects_of(unwrapped(body).get("choices")) if isinstance(body, dict) else []
