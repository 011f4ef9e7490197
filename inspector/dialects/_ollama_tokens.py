"""The tokens of an answer of Ollama's API, streamed or whole.

A line lists the tokens that it was made of. Tokens that make a call, or only mark where thoughts begin and end, come in
lines that say nothing; whether they made a call turns out with the call.
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import objects_of
from inspector.dialects._logprob_entries import alternatives_of, data_of, entropy_of, id_of, logprob_of
from inspector.dialects._ollama_lines import add_line, bodies
from inspector.dialects._openai_chat_tokens import Said, Voice, lay_over
from inspector.model.message import Part, Reasoning, Text, ToolCall
from inspector.model.token import Alternative, Token
from inspector.wire.event import Event


class OllamaTokens:
    """Reads the tokens of one answer."""

    def __init__(self) -> None:
        self._calls = -1
        self._last = Voice("content")
        self._unsaid: list[Token] = []
        """The last tokens, as far as they made nothing yet."""
        self._asked: tuple[Event | None, list[Json]] = (None, [])
        """The event whose alternatives were asked for last, and its entries."""

    def event(self, event: Event) -> list[Token]:
        """The tokens that an event brings. ValueError where it is not a JSON object."""
        tokens = [token for body in _bodies(event) for token in self._line(body)]
        for place, token in enumerate(tokens):
            token.place = place
        return tokens

    def alternatives(self, event: Event, place: int) -> tuple[Alternative, ...]:
        """What else might have stood at a place of an event."""
        if self._asked[0] is not event:
            self._asked = event, [entry for body in _bodies(event) for entry in objects_of(body.get("logprobs"))]
        entries = self._asked[1]
        return alternatives_of(entries[place]) if 0 <= place < len(entries) else ()

    def _line(self, body: Json) -> list[Token]:
        said = self._said(body)
        tokens = [
            Token(data_of(entry) or b"", logprob_of(entry), id_of(entry), entropy=entropy_of(entry))
            for entry in objects_of(body.get("logprobs"))
        ]
        if not said:
            _give(tokens, [self._last] * len(tokens))
            self._unsaid += tokens
            return tokens
        # Whoever has the tokens that waited sees them move to the call that they made.
        made = [*self._unsaid, *tokens] if any(each.voice.call >= 0 for each in said) else tokens
        _give(made, lay_over([token.data for token in made], said))
        self._last, self._unsaid = said[-1].voice if said[-1].voice.call < 0 else Voice("content"), []
        return tokens

    def _said(self, body: Json) -> list[Said]:
        """What a line says, in the order in which models write it."""
        parts: list[Part] = []
        add_line(parts, body)
        said: list[Said] = []
        for part in parts:
            match part:
                case Reasoning():
                    said.append(Said(Voice("reasoning"), str(part.content)))
                case Text():
                    said.append(Said(Voice("content"), str(part.content)))
                case ToolCall():
                    self._calls += 1
                    said.append(Said(Voice("tool_name", self._calls), part.name))
                    said.append(Said(Voice("tool_arguments", self._calls), str(part.arguments)))
        return said


def _bodies(event: Event) -> list[Json]:
    return [] if event.kind == "comment" else bodies(event.data)


def _give(tokens: list[Token], voices: list[Voice]) -> None:
    for token, voice in zip(tokens, voices, strict=True):
        token.channel, token.call = voice
