"""Parts written as Gemini's. https://ai.google.dev/api/caching#Part"""

from __future__ import annotations

from collections.abc import Iterable

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import object_of, text_of
from inspector.dialects._gemini_shape import key_of, pick
from inspector.model.message import Part, Reasoning, Refusal, Text, ToolCall


def check_writable(part: Part) -> None:
    """ValueError, in words for the person, for a part that an answer of this API has no place for."""
    wire_part(part)


def wire_part(part: Part, base: Json | None = None) -> Json:
    """A part as an answer says it. Where `base`, which it replaces, is of the same kind, its other fields stay."""
    match part:
        case Text() | Refusal():
            like = base if base and isinstance(base.get("text"), str) and not base.get("thought") else {}
            return {**like, "text": str(part.content)}
        case Reasoning():
            seal = part.signature or part.encrypted
            thought = {"thought": True} if part.content else {}
            return {"text": str(part.content), **thought, **({"thoughtSignature": seal} if seal else {})}
        case ToolCall() if not part.server_side:
            return _call(part, base or {})
        case ToolCall():
            raise ValueError(f"an answer cannot be given a call of the provider's own tools ({part.kind})")
        case _:
            raise ValueError("an answer is written of text, thoughts and tool calls only")


def wire_parts(parts: Iterable[Part]) -> list[Json]:
    """Parts as an answer, or a turn of the model's, says them. A seal goes to the call or the words behind it, where
    Google looks for it.
    """
    found: list[Json] = []
    seal = ""
    for part in parts:
        if isinstance(part, Reasoning):
            found += _sealed(seal)
            seal = part.signature or part.encrypted
            found += [wire_part(Reasoning(part.content))] if part.content else []
            continue
        found.append({**wire_part(part), **({"thoughtSignature": seal} if seal else {})})
        seal = ""
    return found + _sealed(seal)


def _sealed(seal: str) -> list[Json]:
    return [wire_part(Reasoning(encrypted=seal))] if seal else []


def arguments_of(call: ToolCall) -> Json:
    """A call's arguments. ValueError, in words, where they are no JSON object; nothing is an empty one."""
    text = str(call.arguments)
    try:
        return parse_object(text.encode("utf-8", "surrogatepass")) if text.strip() else {}
    except ValueError:
        raise ValueError(f"the arguments of {call.name or 'the call'} are no JSON object") from None


def _call(call: ToolCall, base: Json) -> Json:
    name = key_of(base, "functionCall")
    known = object_of(pick(base, "functionCall"))
    named = {"name": call.name or text_of(known.get("name")), "args": arguments_of(call)}
    identity = {"id": call.id} if call.id else {}
    like = base if known else {}
    return {**like, name: {**known, **identity, **named}}
