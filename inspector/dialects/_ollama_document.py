"""Putting other parts in the place of those that a line of Ollama's API says, and changing a whole answer of it."""

from __future__ import annotations

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import int_of, object_of, objects_of, text_of, written_of
from inspector.dialects._ollama_lines import CALLS, THINKING, Piece, add_line, arguments_of, saying
from inspector.dialects._openai_chat_deltas import with_id
from inspector.dialects._openai_chat_shape import rewritten
from inspector.model.edits import Edits
from inspector.model.message import Part, Reasoning, Text, ToolCall


def check_writable(part: Part) -> None:
    """ValueError, in words for the person, for a part that an answer of this API has no place for."""
    if isinstance(part, ToolCall) and part.server_side:
        raise ValueError(f"an answer cannot be given a call of the provider's own tools ({part.kind})")
    if not isinstance(part, Text | Reasoning | ToolCall):
        raise ValueError("an answer of this API is written of text, thoughts and tool calls only")
    if isinstance(part, ToolCall):
        arguments_of(str(part.arguments))


def said_of(part: Part, number: int = 0) -> Json:
    """What a part adds to a line; `number` is a call's index. Nothing for a part without words, as a seal."""
    match part:
        case Text() if part.content:
            return {"content": str(part.content)}
        case Reasoning() if part.content:
            return {THINKING: str(part.content)}
        case ToolCall():
            made = with_id(part)
            function = {"index": number, "name": part.name, "arguments": arguments_of(str(part.arguments))}
            head = {"id": made.id} if isinstance(made, ToolCall) and made.id else {}
            return {CALLS: [{**head, "function": function}]}
        case _:
            return {}


def fits(body: Json, piece: Piece, part: Part | None) -> bool:
    """Whether a part can stand in the place of a piece."""
    words = saying(body)[1]
    kinds: dict[str, type[Part]] = {words: Text, THINKING: Reasoning, CALLS: ToolCall}
    return part is not None and isinstance(part, kinds.get(piece.field, ())) and bool(said_of(part))


def put(body: Json, piece: Piece, part: Part | None) -> None:
    """Put a part that fits in the place of a piece; None takes the piece out. `tidy` must follow."""
    holder, words = saying(body)
    body.pop("logprobs", None)
    if piece.at is not None:
        holder[piece.field][piece.at] = _renamed(holder[piece.field][piece.at], part)
    elif part is not None or piece.field == words:
        holder[piece.field] = written_of(part) if part is not None else ""
    else:
        del holder[piece.field]


def _renamed(call: Json, part: Part | None) -> Json | None:
    """A call as it became; what its server says of it beside name and arguments stays."""
    if not isinstance(part, ToolCall):
        return None
    function = object_of(call.get("function")) | {"name": part.name, "arguments": arguments_of(str(part.arguments))}
    return {**call, **({"id": part.id} if part.id else {}), "function": function}


def tidy(body: Json) -> None:
    """Close the gaps that were left in lists; one that got empty goes."""
    holder, _ = saying(body)
    for field in (CALLS, "images"):
        if isinstance(holder.get(field), list):
            holder[field] = [member for member in holder[field] if member is not None]
            if not holder[field]:
                del holder[field]


def edit_body(whole: Json, edits: Edits) -> Json:
    """A whole answer, changed in its place. ValueError where the edits do not fit it."""
    holder, words = saying(whole)
    if words not in holder and holder is whole:
        raise ValueError("there is no message in this answer that could be changed")
    parts: list[Part] = []
    pieces = add_line(parts, whole)
    for index in edits.replaced:
        if index >= len(parts):
            raise ValueError(f"the answer has {len(parts)} parts: there is no part {index + 1}")
    for part in (*edits.replaced.values(), *edits.added):
        if part is not None:
            check_writable(part)
    targets = {**(dict.fromkeys(range(len(parts))) if edits.final else {}), **edits.replaced}
    rest: list[Part] = []
    for piece in (piece for piece in pieces if piece.part in targets):
        part = targets[piece.part]
        stays = fits(whole, piece, part)
        put(whole, piece, part if stays else None)
        rest += [part] if part is not None and not stays else []
    tidy(whole)
    for part in (*rest, *edits.added):
        _append(holder, words, part)
    if edits.finish_reason or edits.final:
        whole["done_reason"] = edits.finish_reason or "stop"
    return whole


def _append(holder: Json, words: str, part: Part) -> None:
    numbers = [int_of(object_of(call.get("function")).get("index")) for call in objects_of(holder.get(CALLS))]
    number = 1 + max((known for known in numbers if known is not None), default=len(numbers) - 1)
    for name, value in said_of(part, number).items():
        if name == CALLS:
            holder[CALLS] = [*objects_of(holder.get(CALLS)), *value]
        else:
            field = words if name == "content" else name
            holder[field] = text_of(holder.get(field)) + value


def edit_document(body: bytes, edits: Edits) -> bytes:
    """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
    return rewritten(body, edit_body(parse_object(body), edits))
