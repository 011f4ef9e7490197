"""Parts written as deltas of the Chat Completions API, and put in the place of a piece of one.

https://platform.openai.com/docs/api-reference/chat-streaming/streaming. Thoughts go into `reasoning_content`, as
DeepSeek, vLLM and others send them; seals into `reasoning_details`, as OpenRouter does.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any
from uuid import uuid4

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import list_of, object_of, text_of
from inspector.dialects._openai_chat_origins import REASONING, WORDS, Piece
from inspector.dialects._openai_chat_parts import call_fields
from inspector.dialects._pieces import pieces
from inspector.model.message import Growing, Part, Reasoning, Refusal, Text, ToolCall

_GONE = object()
"""Stands in a list for what was taken out, until `tidy`."""


def check_writable(part: Part) -> None:
    """ValueError, in words for the person, for a part that an answer of this API has no place for."""
    if isinstance(part, ToolCall) and part.server_side:
        raise ValueError(f"an answer cannot be given a call of the provider's own tools ({part.kind})")
    if not isinstance(part, Text | Reasoning | Refusal | ToolCall):
        raise ValueError("an answer is written of text, thoughts, refusals and tool calls only")


def with_id(part: Part) -> Part:
    """The same part; a call without an id gets one."""
    if isinstance(part, ToolCall) and part.name and not part.id:
        return replace(part, id=f"call_{uuid4().hex[:24]}")
    return part


def slices(part: Part) -> list[Part]:
    """A part as a model would send it: in small pieces, a call's name before its arguments, a seal behind the words."""
    match part:
        case ToolCall():
            rest: list[Part] = [ToolCall(kind=part.kind, arguments=piece) for piece in _cut(part.arguments)]
            return [replace(part, arguments=Growing()), *rest] if part.id or part.name else rest
        case Reasoning():
            seal = Reasoning(Growing(), part.signature, part.encrypted)
            words: list[Part] = [Reasoning(piece) for piece in _cut(part.content)]
            return [*words, seal] if part.signature or part.encrypted else words
        case Text() | Refusal():
            return [type(part)(piece) for piece in _cut(part.content)]
        case _:
            return []


def _cut(text: Growing) -> list[Growing]:
    return [Growing(piece) for piece in pieces(str(text))]


def delta_of(part: Part, index: int | None = None, thoughts: tuple[str, ...] = REASONING[:1]) -> Json:
    """The delta that says a part, or a slice of one. `index` is a call's; `thoughts` are the fields for reasoning."""
    match part:
        case Text():
            return {"content": str(part.content)}
        case Refusal():
            return {"refusal": str(part.content)}
        case Reasoning():
            words = dict.fromkeys(thoughts, str(part.content)) if part.content else {}
            seals = _seals(part)
            return {**words, "reasoning_details": seals} if seals else words
        case ToolCall():
            place = {} if index is None else {"index": index}
            head = {"id": part.id, "type": part.kind} if part.name else {}
            return {"tool_calls": [_fragment({**place, **head}, part)]}
        case _:
            return {}


def _seals(part: Reasoning) -> list[Json]:
    seals: list[Json] = []
    if part.signature:
        seals.append({"type": "reasoning.text", "text": "", "signature": part.signature})
    if part.encrypted:
        seals.append({"type": "reasoning.encrypted", "data": part.encrypted})
    return [{**seal, "index": index} for index, seal in enumerate(seals)]


def grow(message: Json, delta: Json) -> None:
    """Add a delta to a whole message."""
    for field, value in delta.items():
        known = message.get(field)
        if isinstance(known, list):
            known.extend(value if isinstance(value, list) else [{"type": "text", "text": value}])
        elif isinstance(known, str) and isinstance(value, str):
            message[field] = known + value
        else:
            message[field] = value


def fits(delta: Json, piece: Piece, part: Part) -> bool:
    """Whether a part can stand in the place of a piece: it is of the same kind, and no mere seal."""
    if isinstance(part, Reasoning) and not part.content:
        return False
    match piece.field:
        case "content" if piece.at is not None:
            return isinstance(part, _kind_of(list_of(delta["content"])[piece.at]))
        case "content":
            return isinstance(part, Text)
        case "refusal":
            return isinstance(part, Refusal)
        case "reasoning":
            return isinstance(part, Reasoning)
        case "tool_calls" | "function_call":
            return isinstance(part, ToolCall)
        case _:
            return False


def _kind_of(item: object) -> type[Part] | tuple[()]:
    kind = "text" if isinstance(item, str) else text_of(object_of(item).get("type"))
    kinds: dict[str, type[Part]] = {"refusal": Refusal, "thinking": Reasoning, "reasoning": Reasoning}
    return Text if kind in ("text", "input_text", "output_text") else kinds.get(kind, ())


def put(delta: Json, piece: Piece, part: Part | None, index: int | None = None) -> None:
    """Put a part that fits in the place of a piece; None takes the piece out. `tidy` must follow."""
    match piece.field:
        case "content" | "refusal" if piece.at is None:
            delta[piece.field] = _words(part) if part is not None else None
        case "reasoning":
            _put_thoughts(delta, _words(part) if part is not None else "")
        case "reasoning_details":
            _unseal(delta, piece)
        case "function_call" if isinstance(part, ToolCall):
            delta["function_call"] = _named(delta["function_call"], part, "arguments")
        case "tool_calls" if isinstance(part, ToolCall):
            delta["tool_calls"][piece.at] = _placed(delta["tool_calls"][piece.at], part, index)
        case _ if piece.at is None:
            del delta[piece.field]
        case _:
            delta[piece.field][piece.at] = _GONE if part is None else _item(delta[piece.field][piece.at], _words(part))


def alone(delta: Json, piece: Piece) -> tuple[Json, Piece]:
    """A delta that has nothing but a piece, without a call's head, into which the next slice of its part can be put."""
    match piece.field:
        case "reasoning":
            kept = {field: delta[field] for field in REASONING if text_of(delta.get(field))}
            details = [object_of(entry) for entry in list_of(delta.get("reasoning_details"))]
            spoken = [_unsigned(entry) for entry in details if any(text_of(entry.get(name)) for name in WORDS)]
            return ({**kept, "reasoning_details": spoken} if spoken else kept), piece
        case "tool_calls":
            index = delta["tool_calls"][piece.at].get("index")
            return {"tool_calls": [{"index": index}]}, replace(piece, at=0)
        case "function_call":
            return {"function_call": {}}, piece
        case _ if piece.at is None:
            return {piece.field: delta[piece.field]}, piece
        case _:
            return {piece.field: [delta[piece.field][piece.at]]}, replace(piece, at=0)


def tidy(delta: Json) -> None:
    """Close the gaps that were left in lists; one that got empty goes."""
    for field, value in [*delta.items()]:
        if isinstance(value, list) and _GONE in value:
            left = [member for member in value if member is not _GONE]
            if left or field == "content":
                delta[field] = left or None
            else:
                del delta[field]


def _words(part: Part) -> str:
    return str(part.content) if isinstance(part, Text | Refusal | Reasoning) else ""


def _put_thoughts(delta: Json, words: str) -> None:
    spoken = [field for field in REASONING if text_of(delta.get(field))]
    for field in spoken:
        if words:
            delta[field] = words
        else:
            del delta[field]
    details = list_of(delta.get("reasoning_details"))
    for at, entry in enumerate(details):
        field = next((name for name in WORDS if text_of(object_of(entry).get(name))), "")
        if not field:
            continue
        if words or text_of(object_of(entry).get("signature")):
            details[at] = {**object_of(entry), field: words}
        else:
            details[at] = _GONE
        words = ""


def _unseal(delta: Json, piece: Piece) -> None:
    details = delta["reasoning_details"]
    entry = {key: value for key, value in details[piece.at].items() if key not in ("signature", "data")}
    details[piece.at] = entry if any(text_of(entry.get(name)) for name in WORDS) else _GONE


def _item(item: Any, words: str) -> Any:
    """A member of a content list with other words, and so without the seal of the old ones."""
    if isinstance(item, str):
        return words
    field = next((name for name in ("thinking", "summary", "text", "refusal") if item.get(name)), "text")
    old = item.get(field)
    said = [{**_unsigned(object_of(next(iter(old)))), "text": words}] if isinstance(old, list) else words
    return {**_unsigned(item), field: said}


def _unsigned(item: Json) -> Json:
    return {key: value for key, value in item.items() if key != "signature"}


def is_whole(delta: Json, piece: Piece) -> bool:
    """Whether a call stands whole in its piece, or has no index by which more pieces could follow it."""
    if piece.field != "tool_calls":
        return False
    fragment = delta["tool_calls"][piece.at]
    _, name, arguments = call_fields(fragment)
    return bool(name and arguments) or fragment.get("index") is None


def _placed(fragment: Json, call: ToolCall, index: int | None) -> Json:
    """A member of `tool_calls` for a call, or a slice of one; what else stood there stays."""
    placed = dict(fragment)
    if index is not None and placed.get("index") is not None:
        placed["index"] = index
    if call.id:
        placed["id"] = call.id
    if call.name and ("type" in placed or call.kind != "function"):
        placed["type"] = call.kind
    placed.pop("function" if call.kind == "custom" else "custom", None)
    return _fragment(placed, call)


def _fragment(placed: Json, call: ToolCall) -> Json:
    field, arguments = ("custom", "input") if call.kind == "custom" else ("function", "arguments")
    return {**placed, field: _named(object_of(placed.get(field)), call, arguments)}


def _named(said: Json, call: ToolCall, field: str) -> Json:
    """A function's name and arguments. Where the server gives arguments as an object, they stay one."""
    arguments: str | Json = str(call.arguments)
    if isinstance(said.get(field), dict):
        with contextlib.suppress(ValueError):
            arguments = parse_object(str(call.arguments).encode())
    name = {"name": call.name} if call.name else {}
    return {**name, **said, **name, field: arguments}
