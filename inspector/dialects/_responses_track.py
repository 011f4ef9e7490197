"""The items and parts of a stream as they come: which part an index means, and what the client was told of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from inspector.dialects._base import Json
from inspector.dialects._fields import list_of, object_of, text_of
from inspector.dialects._responses_build import ARGUMENTS
from inspector.dialects._responses_edit import fits
from inspector.dialects._responses_events import WORDS, Place, Stage, Told, members
from inspector.dialects._responses_items import Key, item_parts
from inspector.model.message import Part

_FRAMES = {
    "response.content_part": "content",
    "response.reasoning_part": "content",
    "response.reasoning_summary_part": "summary",
}
_STEMS = {words.stem: (kind, words.field) for kind, words in WORDS.items()}
_PLACES = {"summary_text": "summary", "function_call": "call", "custom_tool_call": "call"}
_ANNOTATION = "response.output_text.annotation"


@dataclass(slots=True, eq=False)
class Slot:
    """One part of the model's message."""

    key: Key | None
    """Its place in its item; None while the item has begun and no part of it has."""
    told: Told = field(default_factory=Told)
    edited: bool = False
    plan: Part | None = None
    """What it becomes, where it is edited; None takes it out."""


@dataclass(slots=True, eq=False)
class Item:
    """One item of the model's."""

    number: int
    """Its `output_index` upstream."""
    head: Json
    """As it was announced."""
    slots: list[Slot] = field(default_factory=list)
    at: int | None = None
    """The client's `output_index` of it; None where the client does not know of it."""
    over: bool = False
    final: list[Json] = field(default_factory=list)
    """What the client has in its place in the end."""

    @property
    def kind(self) -> str:
        """Its type."""
        return text_of(self.head.get("type"))

    @property
    def touched(self) -> bool:
        """Whether any of its parts is edited."""
        return any(slot.edited for slot in self.slots)

    def first_key(self) -> Key:
        """Where the first part of such an item stands, as far as one can tell before it comes."""
        return {"message": ("content", 0), "reasoning": ("summary", 0)}.get(self.kind, ("call", 0))

    def plans(self) -> dict[Key, Part | None]:
        """What becomes of its parts."""
        return {slot.key or self.first_key(): slot.plan for slot in self.slots if slot.edited}

    def in_place(self, slot: Slot) -> bool:
        """Whether a part stands in this item still, as it was or changed."""
        return not slot.edited or (slot.plan is not None and fits(self.head, slot.plan))

    def streams(self, slot: Slot) -> bool:
        """Whether a part can be passed on as it comes: it is in the item, and so is all that stays before it."""
        before = self.slots[: self.slots.index(slot) + 1]
        return self.in_place(slot) and all(self.in_place(other) or other.plan is None for other in before)

    def place(self, slot: Slot) -> Place:
        """Where the client finds a part that streams."""
        kind, number = slot.key or self.first_key()
        gone = sum(
            other.edited and other.plan is None and other.key is not None and other.key[0] == kind
            for other in self.slots[: self.slots.index(slot)]
        )
        return Place(text_of(self.head.get("id")), self.at or 0, (kind, number - gone))

    def slot(self, key: Key) -> Slot:
        """The part at a place, made where it is new."""
        for slot in self.slots:
            if slot.key == key:
                return slot
            if slot.key is None:
                slot.key = key
                return slot
        slot = Slot(key)
        self.slots.append(slot)
        self.slots.sort(key=lambda slot: slot.key or ("", 0))
        return slot

    def tell(self) -> None:
        """The client has the item's announcement as it came."""
        for key, part in members(self.head):
            told = self.slot(key).told
            told.stage, told.kind = Stage.BEGUN, text_of(part.get("type"))
            told.text.replace(text_of(part.get(WORDS[told.kind].field)) if told.kind in WORDS else "")
        if self.kind not in ("message", "reasoning"):
            self.slots[0].told.stage = Stage.BEGUN

    def so_far(self) -> Json:
        """The item with what the client was told of it, and room for what is edited. Nothing else of it stays."""
        for slot in self.slots:
            announced = slot.key is None and self.at is not None
            if slot.told.stage is Stage.NONE and not slot.edited and not announced:
                slot.edited = True
        item = self.filled(self.head)
        if "status" in item:
            item["status"] = "completed" if self.kind in ("message", "reasoning", *_PLACES) else "incomplete"
        return item

    def filled(self, whole: Json) -> Json:
        """The item as it came in the end; where that is empty, with what its events said."""
        if self.kind in ARGUMENTS:
            name = ARGUMENTS[self.kind]
            return {**whole, name: text_of(whole.get(name)) or str(self.slots[0].told.text)}
        if self.kind not in ("message", "reasoning") or members(whole):
            return dict(whole)
        lists: Json = {}
        for slot in self.slots:
            if slot.edited or slot.told.stage > Stage.NONE:
                lists.setdefault((slot.key or self.first_key())[0], []).append(_told(slot.told))
        return {**whole, **lists}


def _told(told: Told) -> Json:
    words = WORDS.get(told.kind)
    if words is None:
        return {"type": told.kind}
    rest = {"annotations": told.citations, "logprobs": []} if told.kind == "output_text" else {}
    return {"type": told.kind, words.field: str(told.text), **rest}


class Model:
    """The model's message, item by item."""

    def __init__(self) -> None:
        self.items: dict[int, Item] = {}
        self._bound: dict[int, Slot] = {}

    def __iter__(self) -> Iterator[Item]:
        return (self.items[number] for number in sorted(self.items))

    def add(self, number: int, head: Json) -> Item:
        """An item that begins, or that the stream takes for granted."""
        item = self.items[number] = Item(number, head)
        self._settle(item, head)
        if not item.slots:
            item.slots.append(Slot(None))
        return item

    def end(self, number: int, whole: Json) -> Item:
        """An item that came whole."""
        item = self.items.get(number) or self.add(number, whole)
        item.head = {**whole, **item.head}
        self._settle(item, whole)
        for slot in [slot for slot in item.slots if slot.key is None]:
            if item.kind == "reasoning":
                slot.key = item.first_key()
            else:
                item.slots.remove(slot)
                self._bound = {index: other for index, other in self._bound.items() if other is not slot}
        return item

    def _settle(self, item: Item, whole: Json) -> None:
        if item.kind == "reasoning" and not members(whole):
            return
        keys = sorted(item_parts(whole))
        if len(keys) == len(item.slots):
            # Some servers count contents otherwise in their events than they stand in the item.
            for slot, key in zip(item.slots, keys, strict=True):
                slot.key = key
        for key in keys:
            item.slot(key)

    def bind(self, replaced: dict[int, Part | None]) -> None:
        """Mark the parts that are edited. An index stays with the part that it first meant."""
        for index, plan in replaced.items():
            if (slot := self._meant(index)) is not None:
                self._bound[index] = slot
                slot.edited, slot.plan = True, plan

    def find(self, index: int) -> tuple[Item, Slot] | None:
        """The part that an index means; None where it has not come yet."""
        slot = self._meant(index)
        return next(((item, slot) for item in self if slot in item.slots), None) if slot is not None else None

    def _meant(self, index: int) -> Slot | None:
        if index in self._bound:
            return self._bound[index]
        slots = [slot for item in self for slot in item.slots]
        return slots[index] if 0 <= index < len(slots) else None

    def unbound(self, replaced: dict[int, Part | None]) -> list[Part]:
        """What was to stand in the place of parts that never came."""
        return [part for index, part in sorted(replaced.items()) if index not in self._bound and part is not None]


def key_of(kind: str, data: Json) -> Key | None:
    """The place of the part that an event speaks of; None for events that speak of none."""
    stem = kind.rpartition(".")[0]
    if stem in _FRAMES:
        place = _FRAMES[stem]
    elif stem in _STEMS:
        place = _PLACES.get(_STEMS[stem][0], "content")
    elif stem == _ANNOTATION:
        place = "content"
    else:
        return None
    number = data.get(f"{place}_index")
    return place, number if isinstance(number, int) and number >= 0 else 0


def stage_of(kind: str, told: Told) -> Stage:
    """What the client knows of a part after such an event about it."""
    stem, _, step = kind.rpartition(".")
    if step != "done":
        return max(told.stage, Stage.BEGUN)
    if stem in _STEMS and WORDS[_STEMS[stem][0]].frame:
        return max(told.stage, Stage.SAID)
    return Stage.CLOSED


def note(kind: str, data: Json, told: Told) -> None:
    """Bring up to date what the client was told of a part, by an event that it gets."""
    stem, _, step = kind.rpartition(".")
    told.stage = stage_of(kind, told)
    if stem == _ANNOTATION:
        told.citations = [*told.citations, data.get("annotation")]
    elif stem in _STEMS:
        told.kind, whole = _STEMS[stem]
        if step == "delta":
            told.text.append(text_of(data.get("delta")))
        elif text := text_of(data.get(whole)):
            told.text.replace(text)
    else:
        part = object_of(data.get("part"))
        told.kind = text_of(part.get("type")) or told.kind
        if (words := WORDS.get(told.kind)) and (text := text_of(part.get(words.field))):
            told.text.replace(text)
        told.citations = list_of(part.get("annotations")) or told.citations
