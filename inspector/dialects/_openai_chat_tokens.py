"""The tokens of a Chat Completions answer, streamed or whole.

`logprobs.content` lists whatever the model wrote outside of what has a list of its own, on many servers tool calls and
thoughts too (vLLM, SGLang). Which of them a token belongs to follows from what its own chunk says, or from where the
words of the message stand in the joined tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import NamedTuple

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._logprob_entries import (
    alternatives_of,
    data_of,
    entropy_of,
    entry_lists,
    id_of,
    logprob_of,
)
from inspector.dialects._openai_chat_calls import Calls
from inspector.dialects._openai_chat_parts import call_fields, content_parts, reasoning_text
from inspector.dialects._openai_chat_reader import DONE, parse_completion
from inspector.model.message import MOST_CHOICES, Part, Reasoning, Refusal, Text, ToolCall
from inspector.model.token import Alternative, Channel, Token
from inspector.wire.event import Event


class Voice(NamedTuple):
    """To what a token belongs."""

    channel: Channel
    call: int = -1


class Said(NamedTuple):
    """A piece of what a chunk or a message says."""

    voice: Voice
    text: str


class _Slot(NamedTuple):
    """The place of one token in a choice."""

    channel: Channel
    entry: Json
    """Empty where only the token's number came."""
    id: int | None


_CONTENT = Voice("content")
_VOICES = {Text: _CONTENT, Reasoning: Voice("reasoning"), Refusal: Voice("refusal")}


class ChatTokens:
    """Reads the tokens of one answer."""

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._asked: Event | None = None
        """The event whose alternatives were asked for last, and its places: a document has thousands of them."""
        self._slots: list[_Slot] = []

    def event(self, event: Event) -> list[Token]:
        """The tokens that an event brings. ValueError where it is not a JSON object."""
        tokens: list[Token] = []
        for choice in _choices(event):
            index = max(0, min(int_of(choice.get("index")) or 0, MOST_CHOICES - 1))
            message = _message(choice)
            if index not in self._choices or message is choice.get("message"):
                self._choices[index] = _Choice(index)
            tokens += self._choices[index].tokens(_slots(choice, message), message)
        for place, token in enumerate(tokens):
            token.place = place
        return tokens

    def alternatives(self, event: Event, place: int) -> tuple[Alternative, ...]:
        """What the provider says might have stood there."""
        if event is not self._asked:
            choices = [_slots(choice, _message(choice)) for choice in _choices(event)]
            self._asked, self._slots = event, [slot for slots in choices for slot in slots]
        return alternatives_of(self._slots[place].entry) if 0 <= place < len(self._slots) else ()


def _choices(event: Event) -> list[Json]:
    data = event.data.strip()
    if event.kind == "comment" or not data or data == DONE:
        return []
    return objects_of(parse_completion(data).get("choices"))


def _message(choice: Json) -> Json:
    """What a choice says: a delta; where there is none, a whole message, which has the same shape."""
    delta = choice.get("delta")
    return delta if isinstance(delta, dict) else object_of(choice.get("message"))


def _slots(choice: Json, message: Json) -> list[_Slot]:
    """The places of a choice's tokens. Numbers beside the entries are theirs where there are as many of each."""
    entries = [(channel, entry) for channel, entries in entry_lists(choice.get("logprobs")) for entry in entries]
    numbers = list_of(choice.get("token_ids")) or list_of(message.get("token_ids"))
    if not numbers and (number := int_of(message.get("token_id"))) is not None:
        numbers = [number]
    if not entries:
        return [_Slot("content", {}, int_of(number)) for number in numbers]
    if len(numbers) != len(entries):
        return [_Slot(channel, entry, id_of(entry)) for channel, entry in entries]
    return [
        _Slot(channel, entry, int_of(number) if (own := id_of(entry)) is None else own)
        for (channel, entry), number in zip(entries, numbers, strict=True)
    ]


class _Choice:
    """One choice of the answer: its calls, and what it said last."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._parts: list[Part] = []
        self._calls = Calls(self._parts)
        self._named: dict[int, str] = {}
        self._last = _CONTENT

    def tokens(self, slots: list[_Slot], message: Json) -> list[Token]:
        """The tokens of a chunk or of a whole message."""
        said = self._said(message)
        data = [data_of(slot.entry) for slot in slots]
        if data == [None]:
            data = ["".join(piece.text for piece in said).encode("utf-8", "replace")]
        voices = self._voices(slots, data, said)
        tokens: list[Token] = []
        for (channel, entry, number), each in zip(slots, data, strict=True):
            voice = next(voices) if channel == "content" else Voice(channel)
            logprob, bits = logprob_of(entry), entropy_of(entry)
            tokens.append(Token(each or b"", logprob, number, voice.channel, self._index, voice.call, bits))
        if tokens:
            self._last = Voice(tokens[-1].channel, tokens[-1].call)
        elif said:
            self._last = said[-1].voice
        return tokens

    def _voices(self, slots: list[_Slot], data: list[bytes | None], said: list[Said]) -> Iterator[Voice]:
        """To what the tokens of the list `content` belong, one after another."""
        if len(said) < 2:
            return repeat(said[0].voice if said else self._last)
        mixed = [each or b"" for slot, each in zip(slots, data, strict=True) if slot.channel == "content"]
        return iter(lay_over(mixed, said))

    def _said(self, message: Json) -> list[Said]:
        """What a chunk says, piece by piece, in the order in which models write it."""
        content = message.get("content")
        if isinstance(content, str) and len(message) <= 1 + ("role" in message):
            return [Said(_CONTENT, content)] if content else []
        said = [Said(Voice("reasoning"), thoughts)] if (thoughts := _thoughts(message)) else []
        parts = [part for part in content_parts(content) if isinstance(part, Text | Reasoning | Refusal)]
        said += [Said(_VOICES[type(part)], str(part.content)) for part in parts if part.content]
        if refusal := text_of(message.get("refusal")):
            said.append(Said(Voice("refusal"), refusal))
        for fragment in objects_of(message.get("tool_calls")):
            said += self._pieces(self._calls.fragment(fragment), *call_fields(fragment)[1:])
        if legacy := object_of(message.get("function_call")):
            fields = call_fields({"function": legacy})
            said += self._pieces(self._calls.function_call(legacy), *fields[1:])
        for tool in objects_of(message.get("executed_tools")):
            self._calls.execution(tool)
        return said

    def _pieces(self, call: ToolCall | None, name: str, arguments: str) -> list[Said]:
        """What a fragment says. A name that comes again with every fragment was written once."""
        calls = [part for part in self._parts if isinstance(part, ToolCall)]
        index = next((index for index, other in enumerate(calls) if other is call), -1)
        fresh = name != self._named.get(index)
        if name:
            self._named[index] = name
        pieces = [Said(Voice("tool_name", index), name)] if name and fresh else []
        return [*pieces, Said(Voice("tool_arguments", index), arguments)] if arguments else pieces


def _thoughts(message: Json) -> str:
    if text := reasoning_text(message):
        return text
    details = objects_of(message.get("reasoning_details"))
    return "".join(text_of(detail.get("text")) or text_of(detail.get("summary")) for detail in details)


def lay_over(tokens: list[bytes], said: list[Said]) -> list[Voice]:
    """To which of the pieces that are said each token belongs, by where their texts stand in the joined tokens.

    Words begin where they are found, calls where the words before them end. What touches a call's name is of the name;
    whatever else stands around it (`{"name": "`) counts as its arguments.
    """
    joined = b"".join(tokens)
    alone = next((each for each in said if each.text.encode("utf-8", "replace") == joined), None)
    if alone is not None:
        return [alone.voice] * len(tokens)
    regions, names = _regions(joined, said)
    voices: list[Voice] = []
    begin, region, name = 0, 0, 0
    for token in tokens:
        end = begin + len(token)
        while region + 1 < len(regions) and regions[region + 1][0] <= max(begin, end - 1):
            region += 1
        while name < len(names) and names[name][1] <= begin:
            name += 1
        named = name < len(names) and names[name][0] < end
        voices.append(names[name][2] if named else regions[region][1])
        begin = end
    return voices


def _regions(joined: bytes, said: list[Said]) -> tuple[list[tuple[int, Voice]], list[tuple[int, int, Voice]]]:
    """Where each piece begins, and from where to where names stand; both ascend."""
    regions: list[tuple[int, Voice]] = []
    names: list[tuple[int, int, Voice]] = []
    position, found = 0, True
    for voice, text in said:
        data = text.encode("utf-8", "replace")
        start = joined.find(data, position)
        begin = start if start >= 0 and (voice.call < 0 or not found) else position
        regions.append((begin, Voice("tool_arguments", voice.call) if voice.channel == "tool_name" else voice))
        if found := start >= 0:
            position = start + len(data)
            if voice.channel == "tool_name":
                names.append((start, position, voice))
    return regions, names
