"""The outside of what Gemini says: names in two spellings, envelopes, answers that come as a list.

https://ai.google.dev/api/generate-content. Google's JSON takes `finishReason` and `finish_reason` alike, and gives the
numbers of its enumerations where a client asks for them (`$alt=json;enum-encoding=int`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import dump, int_of, list_of, object_of, objects_of, text_of

Place = tuple[str | int, ...]

_FINISH = ("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
_BLOCKED = ("", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT")
"""Words by their numbers, as far as the Gemini API and Vertex AI number alike."""


@lru_cache(maxsize=1024)
def snake(name: str) -> str:
    """A name in the other spelling: `finish_reason` for `finishReason`."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name)


def pick(body: Json, name: str) -> Any:
    """A member by its name in `camelCase`, whichever way it is spelled; None where it is not there."""
    value = body.get(name)
    return value if value is not None else body.get(snake(name))


def key_of(body: Json, name: str) -> str:
    """How a member is spelled in an object; `camelCase` where it is not there."""
    return name if name in body or snake(name) not in body else snake(name)


def parse(data: bytes) -> list[Json]:
    """The objects of a payload: one, or those of a list. ValueError where it is neither."""
    if data.lstrip().startswith(b"["):
        return objects_of(parse_object(b'{"all":%b}' % data)["all"])
    return [parse_object(data)]


def unwrapped(body: Json) -> tuple[Json, Place]:
    """The answer inside of Code Assist's envelope, `{"response": {…}, "traceId"}`, and where it stands."""
    inner = body.get("response")
    return (inner, ("response",)) if isinstance(inner, dict) and "candidates" not in body else (body, ())


def candidates_of(answer: Json) -> list[tuple[int, int, Json]]:
    """The candidates of an answer, or of a piece of one: its place in the list, its index, and what it says."""
    found = []
    for place, candidate in enumerate(list_of(answer.get("candidates"))):
        if isinstance(candidate, dict):
            index = int_of(candidate.get("index"))
            found.append((place, place if index is None else index, candidate))
    return found


def parts_in(content: object) -> list[tuple[int, Json]]:
    """The parts of a `content`, each with its place in the list."""
    given = object_of(content).get("parts")
    return [(place, part) for place, part in enumerate(list_of(given)) if isinstance(part, dict)]


def finish_reason(candidate: Json) -> str:
    """Why a candidate ended, in Google's word; empty where it did not."""
    return _word(pick(candidate, "finishReason"), _FINISH)


def block_reason(answer: Json) -> str:
    """Why the prompt was refused, in Google's word; empty where it was not."""
    return _word(pick(object_of(pick(answer, "promptFeedback")), "blockReason"), _BLOCKED)


def _word(value: object, words: tuple[str, ...]) -> str:
    if isinstance(value, str):
        return "" if value.endswith("_UNSPECIFIED") else value
    number = int_of(value)
    if number is None:
        return ""
    return words[number] if 0 <= number < len(words) else str(number)


def error_of(body: Json) -> str | None:
    """The error in a body, as `STATUS: message`; None where there is none."""
    error = body.get("error")
    if not error:
        return None
    given = object_of(error)
    code = int_of(given.get("code"))
    kind = text_of(given.get("status")) or ("" if code is None else str(code))
    words = text_of(given.get("message")) or text_of(body.get("error_description"))
    words = words or (error if isinstance(error, str) else dump(error))
    return f"{kind}: {words}" if kind else words
