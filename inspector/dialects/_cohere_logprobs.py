"""Tokens in Cohere's Chat API: how they are asked for, read, and taken out again.

`"logprobs": true` brings, with each piece of text and in a whole answer as a list, `{"text", "token_ids", "logprobs"}`:
the tokens of one piece, mostly one. There are no alternatives. Without it the key is left out.
https://docs.cohere.com/v2/reference/chat
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from inspector.dialects._base import Json, parse_object
from inspector.dialects._event_strip import EventStrip
from inspector.dialects._fields import float_of, int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._json_members import BOM, Cut, Members, marked, place_of, removed, with_members
from inspector.dialects._logprobs import Strip, TokenReader, Wish
from inspector.model.token import Alternative, Channel, Token
from inspector.wire.event import Event

_LOGPROBS = Members("logprobs")
_CHANNELS: dict[str, Channel] = {"tool-plan-delta": "reasoning", "tool-call-delta": "tool_arguments"}


class CohereLogprobs:
    """Cohere's Chat API, as far as it speaks of tokens: the numbers come with the log-probabilities only."""

    def ask(self, body: bytes, wish: Wish) -> tuple[bytes, tuple[str, ...]]:
        """A request that asks for `logprobs`. The first version of the API has none."""
        asked = parse_object(body.removeprefix(BOM))
        if wish.top is None or "messages" not in asked or asked.get("logprobs") is not None:
            return body, ()
        return with_members(body, asked, {"logprobs": b"true"}), ("logprobs",)

    def strip(self, added: Sequence[str]) -> Strip:
        """What takes them out of one answer."""
        return EventStrip(_cuts if "logprobs" in added else lambda payload: [])

    def reader(self) -> TokenReader:
        """A reader for one answer."""
        return CohereTokens()


def _cuts(payload: bytes) -> list[Cut]:
    """The member at the top of an event, or of a whole answer."""
    places = _LOGPROBS.find(payload) if b'logprobs"' in payload else []
    body = marked(payload, places) if places else None
    place = place_of(body.get("logprobs"), places) if isinstance(body, dict) else None
    return [removed(payload, place)] if place is not None and place[2][:1] in (b"{", b"[") else []


class Slot(NamedTuple):
    """One token of an event."""

    channel: Channel
    data: bytes
    """The whole text of the piece that it is of, where it is the first one's."""
    id: int | None
    logprob: float | None
    call: int = -1


def slots_of(data: Json) -> list[Slot]:
    """The tokens of an event, or of a whole answer, whose payload is `data`."""
    if isinstance(data.get("logprobs"), list):
        return _whole(data)
    message = object_of(object_of(data.get("delta")).get("message"))
    content = object_of(message.get("content"))
    channel = _CHANNELS.get(text_of(data.get("type")), "reasoning" if "thinking" in content else "content")
    call = (int_of(data.get("index")) or 0) if channel == "tool_arguments" else -1
    words = text_of(content.get("thinking")) or text_of(content.get("text")) or text_of(message.get("tool_plan"))
    return _slots(object_of(data.get("logprobs")), words, channel, call)


class CohereTokens:
    """Reads the tokens of one answer."""

    def event(self, event: Event) -> list[Token]:
        """The tokens that an event brings. ValueError where it is not a JSON object."""
        if event.kind == "comment" or b'logprobs"' not in event.data:
            return []
        slots = enumerate(slots_of(parse_object(event.data)))
        return [Token(own.data, own.logprob, own.id, own.channel, call=own.call, place=place) for place, own in slots]

    def alternatives(self, event: Event, place: int) -> tuple[Alternative, ...]:
        """None: this API tells of the chosen token only."""
        return ()


def _whole(data: Json) -> list[Slot]:
    """The tokens of a whole answer. Those whose text is the beginning of the thoughts are of these."""
    items = objects_of(data.get("logprobs"))
    message = object_of(data.get("message"))
    thoughts = "".join(text_of(block.get("thinking")) for block in objects_of(message.get("content")))
    said = ""
    slots: list[Slot] = []
    for item in items:
        said += text_of(item.get("text"))
        channel: Channel = "reasoning" if thoughts and thoughts.startswith(said) else "content"
        slots += _slots(item, "", channel, -1)
    return slots


def _slots(item: Json, words: str, channel: Channel, call: int) -> list[Slot]:
    """The tokens of one piece of text, which is the first one's: nobody tells where the others begin."""
    ids, logprobs = list_of(item.get("token_ids")), list_of(item.get("logprobs"))
    count = max(len(ids), len(logprobs))
    ids, logprobs = (column + [None] * (count - len(column)) for column in (ids, logprobs))
    text = text_of(item.get("text")) or words
    texts = [text, *[""] * (count - 1)]
    return [
        Slot(channel, own.encode("utf-8", "replace"), int_of(number), float_of(logprob), call)
        for own, number, logprob in zip(texts, ids, logprobs, strict=False)
    ]
