"""Passes a stream of the Responses API on with parts of the answer changed.

Events that say nothing of a changed part keep their bytes; where an event or an item before them went or came, their
numbers and indices are put right. Whatever repeats a text (the `…done` events, whole items, the response in the last
event) repeats the changed one.

Edited thoughts lose their `encrypted_content`: it holds the thoughts as they were. What stands in an item behind a part
that became something else (a call in the middle of a message) comes when the item is done, in an item of its own.
"""

from __future__ import annotations

import re

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import int_of, object_of, objects_of, present, text_of
from inspector.dialects._responses_build import Ids, begun, check_writable, finished, items_of
from inspector.dialects._responses_check import is_change
from inspector.dialects._responses_edit import Segment, called, edit_item, planned
from inspector.dialects._responses_events import Stage, emptied, event, members, reach, whole_item
from inspector.dialects._responses_numbers import Numbers
from inspector.dialects._responses_track import Item, Model, Slot, key_of, note, stage_of
from inspector.model.edits import Edits
from inspector.model.message import Answer, Part
from inspector.wire.event import Event

_BEGUN = frozenset({"response.created", "response.queued", "response.in_progress"})
_CALL = re.compile(r"\.(\w+?_call)")
"""The type of item in the name of an event about a call."""
_ENDED = frozenset(f"response.{end}" for end in ("completed", "incomplete", "failed", "cancelled", "done"))


class ResponsesRewriter:
    """One stream on its way to the client."""

    def __init__(self, delivered: list[Event]) -> None:
        self._edits = Edits()
        self._ids = Ids()
        self._model = Model()
        self._numbers = Numbers()
        self._response: Json = {}
        self._next = 0
        """The client's next `output_index`."""
        self._indices: dict[str, int] = {}
        """Those that it has, by the ids of their items."""
        self._over = False
        self._is_chat = False
        for one in delivered:
            self.feed(one)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where the client has what they would change."""
        if self._is_chat:
            raise ValueError("this gateway answers in the shape of Chat Completions: such a stream cannot be edited")
        if self._over:
            raise ValueError("the client has the whole answer already")
        for part in (*edits.replaced.values(), *edits.added):
            if part is not None:
                check_writable(part)
        changes: dict[int, Part | None] = {}
        for index, part in edits.replaced.items():
            found = self._model.find(index)
            if found is None or is_change(*found, part):
                changes[index] = part
        self._edits.replaced |= changes
        self._edits.added += edits.added
        self._edits.finish_reason = edits.finish_reason or self._edits.finish_reason
        self._edits.final = self._edits.final or edits.final
        self._bind()

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the event's place; None: the event's own bytes."""
        if self._is_chat or event.kind == "comment":
            return None
        if event.kind == "document" or event.data.strip() in (b"", b"[DONE]"):
            return [] if self._edits.final else None
        try:
            data = parse_object(event.data)
        except ValueError:
            return None
        if text_of(data.get("object")).startswith("chat.completion"):
            self._is_chat = self._over = True
            return None
        told = self._told(text_of(data.get("type")) or event.name, data)
        return self._numbers.put(event, data, told)

    def close(self) -> list[bytes]:
        """The end that the client still waits for, where the stream was edited and the upstream gave none."""
        if self._over or not self._edits:
            return []
        told = [] if self._response else self._opening()
        open_items = [item for item in self._model if not item.over]
        for item in open_items:
            told += self._walk(item, item.so_far())
        output = self._in_order([whole for item in self._model for whole in item.final])
        absent = self._model.unbound(self._edits.replaced) if self._edits.final else []
        added = items_of([*absent, *self._edits.added], self._ids, "added")
        told += self._write(added)
        status = "completed" if self._edits.final or not open_items else "incomplete"
        response = {**self._response, "error": None, "output": [*output, *added]}
        response = finished(response, self._edits.finish_reason or status)
        self._over = True
        return self._numbers.fresh([*told, event(f"response.{response['status']}", response=response)])

    def _opening(self) -> list[Json]:
        self._response = begun(Answer(), {}, self._ids)
        return [event(f"response.{step}", response=self._response) for step in ("created", "in_progress")]

    def _bind(self) -> None:
        if self._edits.replaced:
            self._model.bind(self._edits.replaced)

    def _told(self, kind: str, data: Json) -> list[Json]:
        """What the client is told in the place of an event."""
        if kind in _BEGUN:
            self._response = object_of(data.get("response"))
            return [data]
        if kind in _ENDED:
            return self._end(kind, data)
        if self._edits.final:
            return []
        self._over = self._over or kind == "error"
        return self._content(kind, data)

    def _content(self, kind: str, data: Json) -> list[Json]:
        number = int_of(data.get("output_index"))
        if number is None:
            return [data]
        if kind == "response.output_item.added":
            item = self._model.add(number, object_of(data.get("item")))
            self._bind()
            return self._begin(item, data)
        if kind == "response.output_item.done":
            return self._done(number, object_of(data.get("item")), data)
        if (key := key_of(kind, data)) is not None:
            item = self._known(number, kind, data)
            slot = item.slot(key)
            self._bind()
            return self._part(item, slot, kind, data)
        return self._passed(self._known(number, kind, data), data)

    def _known(self, number: int, kind: str, data: Json) -> Item:
        """The item that an event speaks of. Some servers do not announce theirs: the client then knows it by this."""
        if number in self._model.items:
            return self._model.items[number]
        call = _CALL.search(kind)
        thinks = "reasoning" in kind or "reasoning" in text_of(object_of(data.get("part")).get("type"))
        guess = call[1] if call else "reasoning" if thinks else "message"
        item = self._model.add(number, {"id": text_of(data.get("item_id")), "type": guess})
        self._bind()
        if item.in_place(item.slots[0]):
            item.at = self._index(item.head)
        return item

    def _begin(self, item: Item, data: Json) -> list[Json]:
        """An item begins: it is announced if its first part stays, or else what stands in its place is written."""
        slot = item.slots[0]
        if item.in_place(slot):
            return self._announce(item, data)
        if slot.plan is not None:
            slot.told.stage = Stage.CLOSED
            return self._write(items_of([slot.plan], self._ids, item.number, 0))
        return []

    def _announce(self, item: Item, data: Json | None = None) -> list[Json]:
        item.at = self._index(item.head)
        if not item.touched and data is not None:
            item.tell()
            return [_moved(data, {"output_index": item.at})]
        head = emptied(called(item.head, item.slots[0].plan))
        if "encrypted_content" in head:
            head["encrypted_content"] = None
        return [event("response.output_item.added", output_index=item.at, item=head)]

    def _part(self, item: Item, slot: Slot, kind: str, data: Json) -> list[Json]:
        """An event about a part."""
        if not item.streams(slot):
            return []
        told = self._announce(item) if item.at is None else []
        place = item.place(slot)
        if slot.edited:
            part = planned(item.head, slot.key or item.first_key(), slot.plan)
            return [*told, *reach(place, part, slot.told, stage_of(kind, slot.told))]
        note(kind, data, slot.told)
        fields: Json = {"output_index": place.output_index}
        if place.key[0] != "call":
            fields[f"{place.key[0]}_index"] = place.key[1]
        return [*told, _moved(data, fields)]

    def _passed(self, item: Item, data: Json) -> list[Json]:
        """An event about an item as a whole."""
        if item.at is None or not item.in_place(item.slots[0]):
            return []
        return [_moved(data, {"output_index": item.at})]

    def _done(self, number: int, whole: Json, data: Json) -> list[Json]:
        """An item has come whole."""
        item = self._model.end(number, whole)
        self._bind()
        if item.touched:
            return self._walk(item, item.filled(whole), data)
        if item.at is None:
            item.at = self._index(item.head)
        item.over, item.final = True, [whole]
        return [_moved(data, {"output_index": item.at})]

    def _walk(self, item: Item, whole: Json, data: Json | None = None) -> list[Json]:
        """All that the client was not told yet of an item, and of what it has become."""
        told: list[Json] = []
        segments = edit_item(whole, item.plans(), self._ids, item.number)
        if item.at is not None and not any(segment.own for segment in segments):
            bare = {**emptied(whole), **present({"status": whole.get("status")})}
            segments.insert(0, Segment(bare, [], own=True))
        announced = item.at is not None
        for segment in segments:
            if segment.own and announced:
                told += self._close_item(item, segment, data)
                announced = False
            elif segment.own or item.slot(segment.keys[0]).told.stage < Stage.CLOSED:
                told += self._write([segment.item])
            item.final.append(segment.item)
        item.over = True
        return told

    def _close_item(self, item: Item, segment: Segment, data: Json | None) -> list[Json]:
        """Complete the parts of an announced item, and say that it is done."""
        told: list[Json] = []
        parts = dict(members(segment.item))
        for key in segment.keys:
            slot = item.slot(key)
            place = item.place(slot)
            if place.key in parts:
                told += reach(place, parts[place.key], slot.told, Stage.CLOSED)
        fields = {"output_index": item.at, "item": segment.item}
        return [*told, {**data, **fields} if data is not None else event("response.output_item.done", **fields)]

    def _write(self, items: list[Json]) -> list[Json]:
        """Whole new items."""
        told: list[Json] = []
        for item in items:
            told += whole_item(item, self._index(item))
        return told

    def _index(self, item: Json) -> int:
        """The client's index of an item that it hears of for the first time."""
        index = self._indices[text_of(item.get("id"))] = self._next
        self._next += 1
        return index

    def _in_order(self, items: list[Json]) -> list[Json]:
        """Items by the client's indices, which are not the model's where a part was written late."""
        places = {id(item): place for place, item in enumerate(items)}
        return sorted(items, key=lambda item: self._indices.get(text_of(item.get("id")), places[id(item)]))

    def _end(self, kind: str, data: Json) -> list[Json]:
        """The response is over: what was added comes first, and the response repeats what the client has."""
        response = object_of(data.get("response"))
        if self._edits.final:
            self._response = {**self._response, **response}
            return []
        self._over = True
        output = objects_of(response.get("output"))
        told = self._complete(output)
        added = items_of(self._edits.added, self._ids, "added")
        told += self._write(added)
        last = self._repeated(response, output, added)
        if last is response:
            return [*told, data]
        kind = f"response.{last['status']}" if self._edits.finish_reason else kind
        return [*told, {**data, "type": kind, "response": last}]

    def _complete(self, output: list[Json]) -> list[Json]:
        """What the client was not told of the items yet, which stand in the last event once more."""
        seen = sorted(self._model.items)
        wholes = dict(zip(seen if len(seen) == len(output) else range(len(output)), output, strict=True))
        for number, whole in wholes.items():
            if number not in self._model.items:
                self._model.end(number, whole).over = True
                self._index(whole)
            elif not self._model.items[number].over:
                self._model.end(number, whole)
        self._bind()
        told: list[Json] = []
        for item in self._model:
            if item.touched and not item.over:
                told += self._walk(item, item.filled(wholes[item.number]) if item.number in wholes else item.so_far())
        return told

    def _repeated(self, response: Json, output: list[Json], added: list[Json]) -> Json:
        """The response in the last event. An empty `output` stays: some servers never repeat the items there."""
        changed: list[Json] = []
        numbers = sorted(self._model.items)
        for number, whole in zip(numbers, output, strict=False):
            item = self._model.items[number]
            segments = edit_item(item.filled(whole), item.plans(), self._ids, number) if item.touched else []
            changed += [segment.item for segment in segments] if item.touched else [whole]
        if added or any(item.touched for item in self._model):
            silent = not output and bool(numbers)
            response = {**response, "output": [] if silent else [*self._in_order(changed), *added]}
        if self._edits.finish_reason:
            response = finished(response, self._edits.finish_reason)
        return response


def _moved(data: Json, fields: Json) -> Json:
    """An event with other indices; the same object where they are the same."""
    changed = {name: value for name, value in fields.items() if name in data and data[name] != value}
    return {**data, **changed} if changed else data
