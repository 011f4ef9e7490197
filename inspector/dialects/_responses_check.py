"""What of an answer can still be changed, when the client has some of it."""

from __future__ import annotations

from inspector.dialects._fields import written_of
from inspector.dialects._responses_edit import fits
from inspector.dialects._responses_events import Stage
from inspector.dialects._responses_track import Item, Slot
from inspector.model.message import Part, Refusal, Text, ToolCall

_KINDS = {"output_text": Text, "refusal": Refusal}


def is_change(item: Item, slot: Slot, new: Part | None) -> bool:
    """Whether that is something else than what the client has, or is to get, of a part.

    ValueError, in words for the person, where the part cannot become that any more.
    """
    if slot.edited and slot.plan == new:
        return False
    if item.over and item.at is None:
        raise ValueError("this part has been left out or replaced already")
    known = item.at is not None and slot is item.slots[0]
    if new is None or not fits(item.head, new):
        if known or item.over or slot.told.stage > Stage.NONE:
            raise ValueError("the client has the beginning of this part: only what follows can be changed")
        return True
    if known and isinstance(new, ToolCall):
        _check_call(item, slot, new)
    return _is_new(item, slot, new)


def _check_call(item: Item, slot: Slot, new: ToolCall) -> None:
    told = slot.plan if isinstance(slot.plan, ToolCall) else ToolCall()
    name, call_id = told.name or item.head.get("name"), told.id or item.head.get("call_id")
    if new.name not in ("", name) or new.id not in ("", call_id):
        raise ValueError(f"the client has been told already that {name} is called: its arguments can be changed")


def _is_new(item: Item, slot: Slot, new: Part) -> bool:
    text, sent = written_of(new), str(slot.told.text)
    if slot.told.kind in _KINDS and not isinstance(new, _KINDS[slot.told.kind]):
        raise ValueError("the client has the beginning of this part: it cannot become another kind")
    if slot.told.stage >= Stage.SAID or item.over:
        if text != sent:
            raise ValueError("the client has all of this part already")
        return False
    if not text.startswith(sent):
        raise ValueError(f"the client has the beginning of this part: it has to go on behind “{sent[-40:]}”")
    return True
