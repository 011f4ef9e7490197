"""Changing parts of a whole answer of the Chat Completions API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._openai_chat_deltas import check_writable, delta_of, fits, grow, put, tidy, with_id
from inspector.dialects._openai_chat_origins import Origins, Piece
from inspector.dialects._openai_chat_reader import unwrapped
from inspector.dialects._openai_chat_shape import rewritten
from inspector.model.edits import Edits
from inspector.model.message import Growing, Part, Reasoning, ToolCall

CUT_SHORT = frozenset({"length", "model_length", "content_filter"})
"""Finish reasons that stay true whichever tools are called."""


def edit_document(body: bytes, edits: Edits) -> bytes:
    """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
    whole = parse_object(body)
    choices = objects_of(unwrapped(whole).get("choices"))
    choice = next((choice for choice in choices if not int_of(choice.get("index"))), {})
    message = object_of(choice.get("message"))
    if not message:
        raise ValueError("there is no message in this answer that could be changed")
    parts = _parts(message)
    for index, part in edits.replaced.items():
        if index >= len(parts):
            raise ValueError(f"the answer has {len(parts)} parts: there is no part {index + 1}")
        if part is not None:
            check_writable(part)
    for part in edits.added:
        check_writable(part)
    targets = {**(dict.fromkeys(range(len(parts))) if edits.final else {}), **edits.replaced}
    rewrite(message, targets, edits.added)
    if any(not isinstance(part, ToolCall | Reasoning) for index, part in enumerate(parts) if index in targets):
        forget_tokens(choice)
    if edits.finish_reason:
        choice["finish_reason"] = edits.finish_reason
    elif edits.final or calls(parts) != calls(_parts(message)):
        field = next((name for name in ("tool_calls", "function_call") if message.get(name)), "")
        choice["finish_reason"] = finish_reason(text_of(choice.get("finish_reason")), field, final=edits.final)
    return rewritten(body, whole)


def rewrite(message: Json, targets: Mapping[int, Part | None], added: Sequence[Part] = ()) -> None:
    """Put other parts in the place of those that `targets` names, and more behind them; None takes a part out."""
    placed: set[int] = set()
    rest: list[Part] = []
    for piece in Origins().take(message):
        if piece.part not in targets:
            continue
        part = targets[piece.part] if piece.part not in placed else None
        if _keeps_seal(message, piece, targets[piece.part]):
            continue
        placed.add(piece.part)
        if part is not None and fits(message, piece, part):
            put(message, piece, part)
            rest += _seal_of(message, part)
        else:
            put(message, piece, None)
            rest += [part] if part is not None else []
    tidy(message)
    for part in [*rest, *added]:
        grow(message, delta_of(with_id(part)))


def _keeps_seal(message: Json, piece: Piece, part: Part | None) -> bool:
    """Whether a seal that stands in the message is one of the new part's, too."""
    if piece.field != "reasoning_details" or not isinstance(part, Reasoning):
        return False
    entry = object_of(list_of(message["reasoning_details"])[piece.at or 0])
    return _is_sealed_by(entry, part)


def _is_sealed_by(entry: Json, part: Reasoning) -> bool:
    seals = text_of(entry.get("signature")), text_of(entry.get("data"))
    return any(seals) and seals[0] in ("", part.signature) and seals[1] in ("", part.encrypted)


def _seal_of(message: Json, part: Part) -> list[Part]:
    """The seals of new thoughts that do not stand in the message yet."""
    if not isinstance(part, Reasoning):
        return []
    there = [entry for entry in objects_of(message.get("reasoning_details")) if _is_sealed_by(entry, part)]
    signed = any(entry.get("signature") for entry in there)
    sealed = any(entry.get("data") for entry in there)
    seal = Reasoning(Growing(), "" if signed else part.signature, "" if sealed else part.encrypted)
    return [seal] if seal.signature or seal.encrypted else []


def calls(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """The tool calls of a message that await an answer, by name and id."""
    return [(part.name, part.id) for part in parts if isinstance(part, ToolCall) and not part.server_side]


def finish_reason(model: str, calls: str, *, final: bool) -> str:
    """The finish reason that follows where calls were changed: `calls` is the field that they are in, if any."""
    return model if model in CUT_SHORT and not final else calls or "stop"


def forget_tokens(choice: Json) -> None:
    """Leave out the log-probabilities and the token ids of words that were changed."""
    if choice.get("logprobs"):
        choice["logprobs"] = None
    choice.pop("token_ids", None)


def _parts(message: Json) -> list[Part]:
    origins = Origins()
    origins.take(message)
    return origins.parts
