"""Log-probabilities taken out of an answer of the Responses API.

A server that was not asked for them writes `"logprobs":[]` with every piece of text, and `"top_logprobs":0` where it
repeats the request. vLLM leaves the key out of the parts that are done and of what contains them, as a stream tells by
the first such part.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, objects_of
from inspector.dialects._json_members import Cut, Members, marked, place_of, removed

WANTED = "message.output_text.logprobs"
"""The entry of `include` that asks for log-probabilities."""

_TEXT = ("response.output_text.delta", "response.output_text.done")
_LISTS = Members("logprobs", "top_logprobs", "include")
_TOP = Members("top_logprobs", "include")
_PART_DONE = b"response.content_part.done"


class ResponsesCuts:
    """What is to be cut out of each event of one answer."""

    def __init__(self, added: Sequence[str]) -> None:
        self._include = "include" in added
        self._top = "top_logprobs" in added
        self._omits = False
        """Whether the server leaves `logprobs` out of parts that are done."""

    def __call__(self, payload: bytes) -> list[Cut]:
        """The cuts in an event's payload, or in a document, in their order."""
        if b'logprobs"' not in payload:
            if _PART_DONE in payload and b'"output_text"' in payload:
                self._omits = _omits(marked(payload, []))
            return []
        found = (_LISTS if self._include else _TOP).find(payload)
        places = [place for place in found if place[2] not in (b"null", b"[]", b"0")]
        body = marked(payload, places) if places else None
        if not isinstance(body, dict):
            return []
        cuts = []
        for holder, name, new in self._holders(body):
            if (place := place_of(holder.get(name), places)) is None:
                continue
            if new is None:
                cuts.append(removed(payload, place))
            else:
                cuts.append((*place.span(2), without_wanted(place[2]) if name == "include" else new))
        return sorted(set(cuts))

    def _holders(self, body: Json) -> Iterator[tuple[Json, str, bytes | None]]:
        """Every object that may have a member which was not asked for, the member's name, and what stands there else,
        None where it is left out.
        """
        response = body["response"] if isinstance(body.get("response"), dict) else body
        texts = list(_texts(body, response))
        if self._include:
            for text in texts:
                yield text, "logprobs", None if self._omits and text is not body else b"[]"
            yield response, "include", b""
        if self._top:
            yield response, "top_logprobs", b"0"
            if not self._include:
                for text in texts:
                    yield from ((token, "top_logprobs", b"[]") for token in objects_of(text.get("logprobs")))


def without_wanted(value: bytes) -> bytes:
    """A list as the server repeats it, without the entry that was added; other values stay."""
    try:
        entries = json.loads(value)
    except ValueError:
        return value
    if not isinstance(entries, list) or WANTED not in entries:
        return value
    spaced = b", " in value
    rest = [entry for entry in entries if entry != WANTED]
    return json.dumps(rest, separators=(", " if spaced else ",", ":"), ensure_ascii=False).encode()


def _texts(body: Json, response: Json) -> Iterator[Json]:
    """Every piece of text that an event, or a whole answer, brings."""
    if body.get("type") in _TEXT:
        yield body
    contents = [object_of(body.get("part")), *objects_of(object_of(body.get("item")).get("content"))]
    for item in objects_of(response.get("output")):
        contents += objects_of(item.get("content"))
    yield from (content for content in contents if content.get("type") == "output_text")


def _omits(body: object) -> bool:
    """Whether a part that is done has no key for log-probabilities."""
    part = object_of(body.get("part")) if isinstance(body, dict) else {}
    return part.get("type") == "output_text" and "logprobs" not in part
