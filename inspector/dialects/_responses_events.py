"""The events by which the Responses API streams an item, from its announcement to its end.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from inspector.dialects._base import Json
from inspector.dialects._fields import list_of, objects_of, text_of
from inspector.dialects._pieces import pieces
from inspector.dialects._responses_build import ARGUMENTS
from inspector.dialects._responses_items import Key
from inspector.model.message import Growing


class Stage(IntEnum):
    """How much of a part the client has been told."""

    NONE = 0
    BEGUN = 1
    SAID = 2
    """All its words, and that they are all."""
    CLOSED = 3


@dataclass(slots=True)
class Told:
    """What the client has of one part."""

    stage: Stage = Stage.NONE
    kind: str = ""
    """Its type: `output_text`, `function_call`, …"""
    text: Growing = field(default_factory=Growing)
    citations: list[Any] = field(default_factory=list)


class Words(NamedTuple):
    """How the text of one type of part is streamed."""

    stem: str
    field: str
    """Where the part, and the event that says it whole, keep the text."""
    frame: str
    """The events that begin and close such a part; none for the arguments of a call."""


WORDS = {
    "output_text": Words("response.output_text", "text", "response.content_part"),
    "refusal": Words("response.refusal", "refusal", "response.content_part"),
    "reasoning_text": Words("response.reasoning_text", "text", "response.content_part"),
    "summary_text": Words("response.reasoning_summary_text", "text", "response.reasoning_summary_part"),
    "function_call": Words("response.function_call_arguments", "arguments", ""),
    "custom_tool_call": Words("response.custom_tool_call_input", "input", ""),
}


class Place(NamedTuple):
    """Where in the client's stream a part stands."""

    item_id: str
    output_index: int
    key: Key


def event(kind: str, **fields: object) -> Json:
    """An event, not numbered yet."""
    return {"type": kind, **fields}


def members(item: Json) -> list[tuple[Key, Json]]:
    """What an item says in words: its contents and summaries, or the call that it is."""
    if item.get("type") in ARGUMENTS:
        return [(("call", 0), item)]
    if item.get("type") not in ("message", "reasoning"):
        return []
    return [
        ((place, number), part)
        for place in ("content", "summary")
        for number, part in enumerate(objects_of(item.get(place)))
    ]


def whole_item(item: Json, output_index: int) -> list[Json]:
    """The whole life of an item."""
    events = [event("response.output_item.added", output_index=output_index, item=emptied(item))]
    for key, part in members(item):
        place = Place(text_of(item.get("id")), output_index, key)
        events += reach(place, part, Told(), Stage.CLOSED)
    return [*events, event("response.output_item.done", output_index=output_index, item=item)]


def emptied(item: Json) -> Json:
    """An item as it is announced, before any word of it."""
    empty: Json = {}
    if item.get("type") in ("message", "reasoning"):
        empty = {name: [] for name in ("content", "summary") if isinstance(item.get(name), list)}
    elif name := ARGUMENTS.get(text_of(item.get("type"))):
        empty = {name: ""}
    if empty and "status" in item:
        empty["status"] = "in_progress"
    return {**item, **empty}


def reach(place: Place, part: Json, told: Told, goal: Stage) -> list[Json]:
    """The events that bring the client from what it was told of a part to `goal`; `told` is brought up to date.

    The part is given as it is when whole. Its words are sent as soon as it has begun.
    """
    words = WORDS.get(text_of(part.get("type")))
    where = _where(place)
    frame = words.frame if words else "response.content_part"
    events: list[Json] = []
    if told.stage < Stage.BEGUN:
        told.kind = text_of(part.get("type"))
        if frame:
            events.append(event(f"{frame}.added", **where, part=_blank(part, words)))
    if words and told.stage < Stage.SAID:
        events += _rest(place, part, told, words)
        if goal >= Stage.SAID:
            said = {words.field: text_of(part.get(words.field))}
            logprobs = {"logprobs": list_of(part.get("logprobs"))} if told.kind == "output_text" else {}
            events.append(event(f"{words.stem}.done", **where, **said, **logprobs))
    if frame and told.stage < Stage.CLOSED <= goal:
        events.append(event(f"{frame}.done", **where, part=part))
    told.stage = max(told.stage, goal)
    return events


def _where(place: Place) -> Json:
    kind, number = place.key
    index = {} if kind == "call" else {f"{kind}_index": number}
    return {"item_id": place.item_id, "output_index": place.output_index, **index}


def _blank(part: Json, words: Words | None) -> Json:
    if words is None:
        return part
    lists: Json = {name: [] for name in ("annotations", "logprobs") if name in part}
    return {**part, words.field: "", **lists}


def _rest(place: Place, part: Json, told: Told, words: Words) -> list[Json]:
    """The words and citations that the client does not have."""
    where, text = _where(place), text_of(part.get(words.field))
    logprobs: Json = {"logprobs": []} if told.kind == "output_text" else {}
    kind = f"{words.stem}.delta"
    events = [event(kind, **where, delta=piece, **logprobs) for piece in pieces(text[told.text.length :])]
    told.text.replace(text)
    citations = list_of(part.get("annotations"))
    for number in range(len(told.citations), len(citations)):
        fields = {"annotation_index": number, "annotation": citations[number]}
        events.append(event("response.output_text.annotation.added", **where, **fields))
    told.citations = citations
    return events
