"""Gemini's parts, as they stand in requests and answers. https://ai.google.dev/api/caching#Part

A thought signature seals the thoughts before it, and stands with whatever the model wrote next, often a call. It is
kept with the last thoughts that have none yet; where there are none, in a `Reasoning` of its own without words.
"""

from __future__ import annotations

from collections.abc import Callable

from inspector.dialects._base import Json
from inspector.dialects._fields import base64_size, dump, list_of, object_of, text_of
from inspector.dialects._gemini_partial_args import apply
from inspector.dialects._gemini_shape import pick
from inspector.model.message import Growing, Media, Other, Part, Reasoning, Text, ToolCall, ToolResult

CODE = "code_execution"
"""What Google's own interpreter is called."""
_FAILED = frozenset({"OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED", 2, 3})
_ASIDE = frozenset({"thought", "thoughtSignature", "thought_signature", "videoMetadata", "video_metadata"})
"""What stands beside that which a part is."""


def parts_of(content: object) -> list[Part]:
    """The parts of a request's `content`, each for itself."""
    if isinstance(content, str):
        return [Text(Growing(content))]
    found: list[Part] = []
    given = object_of(content).get("parts", content)
    for wire in [given] if isinstance(given, dict | str) else list_of(given):
        if isinstance(wire, str):
            found.append(Text(Growing(wire)))
        elif isinstance(wire, dict):
            made, signature = parts_made_of(wire), text_of(pick(wire, "thoughtSignature"))
            is_call = any(isinstance(part, ToolCall) for part in made)
            found += made if not is_call else ()
            if signature:
                seal(found, signature)
            found += made if is_call else ()
    return found


def seal(parts: list[Part], signature: str) -> None:
    """Keep a signature with the thoughts that it is of."""
    last = next((part for part in reversed(parts) if isinstance(part, Reasoning)), None)
    if last is not None and not (last.signature or last.encrypted):
        last.signature = signature
    elif last is None or signature not in (last.signature, last.encrypted):
        parts.append(Reasoning(encrypted=signature))


def parts_made_of(wire: Json) -> list[Part]:
    """What one part says; a tool's result may bring media. Nothing for one that only has a signature."""
    if isinstance(wire.get("text"), str):
        words = Growing(wire["text"])
        thought = wire.get("thought") is True
        return [Reasoning(words) if thought else Text(words)] if words else []
    for name, make in _MAKERS.items():
        if isinstance(value := pick(wire, name), dict):
            return make(value)
    known = [(name, value) for name, value in wire.items() if name not in _ASIDE and value is not None]
    return [Other(*known[0])] if known else []


def _call(given: Json) -> ToolCall:
    args = given.get("args")
    arguments = Growing("{}" if args is None else dump(args))
    return ToolCall(text_of(given.get("id")), text_of(given.get("name")), arguments, done=True)


def _result(given: Json) -> list[Part]:
    response = given.get("response")
    failed = isinstance(response, dict) and set(response) == {"error"}
    name = text_of(given.get("name"))
    result = ToolResult(text_of(given.get("id")), "" if response is None else dump(response), failed, name)
    return [result, *(part for part in parts_of(given.get("parts")) if isinstance(part, Media))]


def _inline(given: Json) -> list[Part]:
    mime_type = text_of(pick(given, "mimeType"))
    return [Media(_modality(mime_type), mime_type, size=base64_size(text_of(given.get("data"))))]


def _file(given: Json) -> list[Part]:
    mime_type = text_of(pick(given, "mimeType"))
    return [Media(_modality(mime_type), mime_type, uri=text_of(pick(given, "fileUri")))]


def _modality(mime_type: str) -> str:
    kind = mime_type.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "file"


def _code(given: Json) -> list[Part]:
    return [ToolCall(text_of(given.get("id")), CODE, Growing(text_of(given.get("code"))), CODE, done=True)]


def _output(given: Json) -> list[Part]:
    outcome = given.get("outcome")
    failed = isinstance(outcome, str | int) and outcome in _FAILED
    return [ToolResult(text_of(given.get("id")), text_of(given.get("output")), failed, CODE)]


def _own_call(given: Json) -> list[Part]:
    kind = text_of(pick(given, "toolType")).lower() or "tool"
    return [ToolCall(text_of(given.get("id")), kind, Growing(dump(given.get("args") or {})), kind, done=True)]


def _own_result(given: Json) -> list[Part]:
    kind = text_of(pick(given, "toolType")).lower()
    return [ToolResult(text_of(given.get("id")), dump(given.get("response") or {}), name=kind)]


_MAKERS: dict[str, Callable[[Json], list[Part]]] = {
    "functionCall": lambda given: [_call(given)],
    "functionResponse": _result,
    "inlineData": _inline,
    "fileData": _file,
    "executableCode": _code,
    "codeExecutionResult": _output,
    "toolCall": _own_call,
    "toolResponse": _own_result,
}


class Turn:
    """One candidate's parts, as its pieces bring them: an answer, streamed or whole."""

    def __init__(self, parts: list[Part]) -> None:
        self.parts = parts
        self._open: ToolCall | None = None
        """The call whose arguments still come."""
        self._args: Json = {}
        self._cited: list[object] = []

    def take(self, wire: Json) -> int:
        """Take the next part; gives the index of what it belongs to, -1 where it says nothing."""
        signature = text_of(pick(wire, "thoughtSignature"))
        call = pick(wire, "functionCall")
        if isinstance(call, dict):
            if signature:
                seal(self.parts, signature)
            return self._call(call)
        index = self._words(wire) if isinstance(wire.get("text"), str) else self._other(wire)
        if signature:
            seal(self.parts, signature)
        return index

    def cite(self, candidate: Json) -> None:
        """Take what a candidate says of its sources: citations, and the pages that it was grounded on."""
        sources = object_of(pick(candidate, "citationMetadata"))
        grounding = object_of(pick(candidate, "groundingMetadata"))
        cited = list_of(pick(sources, "citationSources")) or list_of(sources.get("citations"))
        self._cited += [*cited, *list_of(pick(grounding, "groundingChunks"))]
        text = next((part for part in reversed(self.parts) if isinstance(part, Text)), None)
        if self._cited and text is not None:
            text.citations += [each for each in self._cited if each not in text.citations]
            self._cited = []

    def explain(self, reason: str, message: str) -> None:
        """Take what is said of an end that is none of the usual ones: the call that could not be read, …"""
        told = Other("finishMessage", message)
        if message and reason not in ("", "STOP") and told not in self.parts:
            self.parts.append(told)

    def _words(self, wire: Json) -> int:
        kind = Reasoning if wire.get("thought") is True else Text
        if not wire["text"]:
            return -1
        index = len(self.parts) - 1
        while index >= 0 and _is_seal(self.parts[index]):
            index -= 1
        last = self.parts[index] if index >= 0 else None
        if isinstance(last, Text | Reasoning) and isinstance(last, kind):
            last.content.append(wire["text"])
            return index
        self.parts.append(kind(Growing(wire["text"])))
        return len(self.parts) - 1

    def _other(self, wire: Json) -> int:
        made = parts_made_of(wire)
        last = self.parts[-1] if self.parts else None
        match made, last:
            case [Media(modality="audio", uri="") as piece], Media(modality="audio", uri="") as sound:
                if piece.mime_type == sound.mime_type:
                    sound.size += piece.size
                    return len(self.parts) - 1
        self.parts += made
        return len(self.parts) - 1 if made else -1

    def _call(self, given: Json) -> int:
        """A call comes whole, or in pieces (`streamFunctionCallArguments` of Vertex AI): the first has the name."""
        more = pick(given, "willContinue") is True
        partial = list_of(pick(given, "partialArgs"))
        call = self._open
        if call is None or given.get("name"):
            call = _call(given)
            self.parts.append(call)
            self._args = object_of(given.get("args"))
            if more and not self._args:
                call.arguments.replace("")
        if partial:
            apply(self._args, partial)
            call.arguments.replace(dump(self._args))
        if not more and not call.arguments:
            call.arguments.replace("{}")
        call.done = not more
        self._open = call if more else None
        return next(index for index, part in enumerate(self.parts) if part is call)


def _is_seal(part: Part) -> bool:
    return isinstance(part, Reasoning) and not part.content and bool(part.encrypted)
