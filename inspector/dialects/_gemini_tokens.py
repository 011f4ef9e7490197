"""The tokens of a Gemini answer, streamed or whole.

A candidate lists what the model wrote without saying to which part a token belongs: that follows from where the words
of the parts stand in the joined tokens.
"""

from __future__ import annotations

from collections import Counter

from inspector.dialects._base import Json
from inspector.dialects._fields import dump, object_of, text_of
from inspector.dialects._gemini_entries import entries_of
from inspector.dialects._gemini_shape import candidates_of, parse, parts_in, pick, unwrapped
from inspector.dialects._logprob_entries import alternatives_of, data_of, entropy_of, id_of, logprob_of
from inspector.dialects._openai_chat_tokens import Said, Voice, lay_over
from inspector.model.message import MOST_CHOICES
from inspector.model.token import Alternative, Token
from inspector.wire.event import Event

_CONTENT = Voice("content")


class GeminiTokens:
    """Reads the tokens of one answer."""

    def __init__(self) -> None:
        self._calls: Counter[int] = Counter()
        """How many calls each candidate has made."""
        self._asked: Event | None = None
        """The event whose alternatives were asked for last, and its entries: a document has thousands of them."""
        self._entries: list[Json] = []

    def event(self, event: Event) -> list[Token]:
        """The tokens that an event brings. ValueError where it is no JSON object or list."""
        tokens: list[Token] = []
        for index, candidate in _candidates(event):
            tokens += self._tokens(max(0, min(index, MOST_CHOICES - 1)), candidate)
        for place, token in enumerate(tokens):
            token.place = place
        return tokens

    def alternatives(self, event: Event, place: int) -> tuple[Alternative, ...]:
        """What the provider says might have stood there."""
        if event is not self._asked:
            listed = [entries_of(pick(candidate, "logprobsResult")) for _, candidate in _candidates(event)]
            self._asked, self._entries = event, [entry for entries in listed for entry in entries]
        return alternatives_of(self._entries[place]) if 0 <= place < len(self._entries) else ()

    def _tokens(self, index: int, candidate: Json) -> list[Token]:
        said = self._said(index, candidate)
        entries = entries_of(pick(candidate, "logprobsResult"))
        data = [data_of(entry) or b"" for entry in entries]
        voices = lay_over(data, said) if len(said) > 1 else [said[0].voice if said else _CONTENT] * len(data)
        return [
            Token(each, logprob_of(entry), id_of(entry), voice.channel, index, voice.call, entropy_of(entry))
            for entry, each, voice in zip(entries, data, voices, strict=True)
        ]

    def _said(self, index: int, candidate: Json) -> list[Said]:
        """What a candidate says, part by part."""
        said: list[Said] = []
        for _, part in parts_in(candidate.get("content")):
            if words := text_of(part.get("text")):
                said.append(Said(Voice("reasoning") if part.get("thought") is True else _CONTENT, words))
            elif call := object_of(pick(part, "functionCall")):
                name, arguments = text_of(call.get("name")), dump(call.get("args") or {})
                self._calls[index] += bool(name)
                number = max(self._calls[index] - 1, 0)
                said += [Said(Voice("tool_name", number), name)] if name else []
                said.append(Said(Voice("tool_arguments", number), arguments))
            elif any(pick(part, name) for name in ("executableCode", "toolCall")):
                self._calls[index] += 1
        return said


def _candidates(event: Event) -> list[tuple[int, Json]]:
    data = event.data.strip()
    if event.kind == "comment" or data in (b"", b"[DONE]"):
        return []
    return [(index, said) for body in parse(data) for _, index, said in candidates_of(unwrapped(body)[0])]
