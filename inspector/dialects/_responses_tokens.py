"""The tokens of an answer of the Responses API.

They come with the deltas, and again with whatever tells the text whole: what came before is passed over by its place.
Items are told apart by `output_index` and `content_index`: some servers change an item's id from event to event.
"""

from __future__ import annotations

from typing import NamedTuple

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import int_of, object_of, objects_of, text_of
from inspector.dialects._logprob_entries import alternatives_of, data_of, entropy_of, id_of, logprob_of
from inspector.dialects._openai_chat_tokens import ChatTokens
from inspector.model.token import Alternative, Certainty, Channel, Token
from inspector.wire.event import Event

_WORDS: dict[str, Channel] = {
    "response.output_text": "content",
    "response.refusal": "refusal",
    "response.reasoning_text": "reasoning",
}
_PARTS: dict[str, Channel] = {"refusal": "refusal", "reasoning_text": "reasoning"}
_Key = tuple[int, int]


class Slot(NamedTuple):
    """The place of one token in an event."""

    place: int
    key: _Key
    """The part of the answer that it is of."""
    channel: Channel
    entry: Json
    alone: str
    """The text that came with it, where no other token did."""


class FreshSlots:
    """The tokens that an event brings beyond those that came before."""

    def __init__(self) -> None:
        self._seen: dict[_Key, int] = {}

    def take(self, event: Event, data: Json) -> list[Slot]:
        """Those of the next event, whose payload is `data`."""
        slots = _slots(event, data)
        if not slots or (self._seen and "response" in data):
            return []
        appended = text_of(data.get("type") or event.name).endswith(".delta")
        told: dict[_Key, int] = dict(self._seen) if appended else {}
        fresh: list[Slot] = []
        for slot in slots:
            told[slot.key] = number = told.get(slot.key, 0) + 1
            if number > self._seen.get(slot.key, 0):
                self._seen[slot.key] = number
                fresh.append(slot)
        return fresh

    def count(self, certainty: Certainty, event: Event, data: Json) -> None:
        """Sum up the tokens of the next event."""
        for slot in self.take(event, data):
            certainty.add(logprob_of(slot.entry), entropy_of(slot.entry))


class ResponsesTokens:
    """Reads the tokens of one answer."""

    def __init__(self) -> None:
        self._fresh = FreshSlots()
        self._chat: ChatTokens | None = None
        """Reads instead where a gateway answers in the shape of Chat Completions."""
        self._asked: Event | None = None
        """The event whose alternatives were asked for last, and its places: a document has thousands of them."""
        self._slots: list[Slot] = []

    def event(self, event: Event) -> list[Token]:
        """The tokens that an event brings. ValueError where it is not a JSON object."""
        data = _payload(event)
        if self._chat is None and text_of(data.get("object")).startswith("chat.completion"):
            self._chat = ChatTokens()
        if self._chat is not None:
            return self._chat.event(event)
        return [_token(slot) for slot in self._fresh.take(event, data)]

    def alternatives(self, event: Event, place: int) -> tuple[Alternative, ...]:
        """What the provider says might have stood there."""
        if self._chat is not None:
            return self._chat.alternatives(event, place)
        if event is not self._asked:
            self._asked, self._slots = event, _slots(event, _payload(event))
        return alternatives_of(self._slots[place].entry) if 0 <= place < len(self._slots) else ()


def _payload(event: Event) -> Json:
    return {} if event.kind == "comment" or event.data.strip() in (b"", b"[DONE]") else parse_object(event.data)


def _token(slot: Slot) -> Token:
    data = data_of(slot.entry)
    return Token(
        slot.alone.encode("utf-8", "replace") if data is None else data,
        logprob_of(slot.entry),
        id_of(slot.entry),
        slot.channel,
        entropy=entropy_of(slot.entry),
        place=slot.place,
    )


def _slots(event: Event, data: Json) -> list[Slot]:
    """Every token that an event tells of: of a piece of text, of a part, of an item, or of the whole response."""
    stem = (text_of(data.get("type")) or event.name).rpartition(".")[0]
    output, content = int_of(data.get("output_index")) or 0, int_of(data.get("content_index")) or 0
    if channel := _WORDS.get(stem):
        return _listed([((output, content), channel, data, text_of(data.get("delta") or data.get("text")))])
    if part := object_of(data.get("part")):
        return _listed([_part((output, content), part)])
    if item := object_of(data.get("item")):
        return _listed(_item(output, item))
    response = data if event.kind == "document" else object_of(data.get("response"))
    items = enumerate(objects_of(response.get("output")))
    return _listed([part for index, item in items for part in _item(index, item)])


_Told = tuple[_Key, Channel, Json, str]
"""A part, what it is, the object with its `logprobs`, and its text."""


def _item(output: int, item: Json) -> list[_Told]:
    return [_part((output, index), part) for index, part in enumerate(objects_of(item.get("content")))]


def _part(key: _Key, part: Json) -> _Told:
    return key, _PARTS.get(text_of(part.get("type")), "content"), part, text_of(part.get("text") or part.get("refusal"))


def _listed(parts: list[_Told]) -> list[Slot]:
    slots: list[Slot] = []
    for key, channel, holder, text in parts:
        entries = objects_of(holder.get("logprobs"))
        alone = text if len(entries) == 1 else ""
        slots += [Slot(len(slots) + number, key, channel, entry, alone) for number, entry in enumerate(entries)]
    return slots
