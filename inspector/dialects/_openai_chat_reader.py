"""The answer of the Chat Completions API, streamed or whole, read into a transcript."""

from __future__ import annotations

from inspector.dialects._base import Json, parse_object
from inspector.dialects._fields import (
    base64_size,
    float_of,
    int_of,
    list_of,
    object_of,
    objects_of,
    text_of,
)
from inspector.dialects._logprob_entries import count_entries
from inspector.dialects._openai import chat_usage, error_of, merge
from inspector.dialects._openai_chat_calls import Calls
from inspector.dialects._openai_chat_parts import add_reasoning, content_parts, images
from inspector.model.message import Growing, Media, Message, Part, Reasoning, Refusal, Text, Transcript
from inspector.wire.event import Event

DONE = b"[DONE]"
_WRAPPINGS = 3


class ChatReader:
    """Reads one answer. Logprobs are left where they are, in the bytes; only their sums are kept."""

    def __init__(self, transcript: Transcript) -> None:
        self._answer = transcript.answer
        self._usage: Json = {}
        self._calls: dict[int, Calls] = {}
        self._annotations: dict[int, list[object]] = {}
        self._citations: list[object] = []

    def event(self, event: Event) -> None:
        """Take one event. ValueError where it is not a JSON object."""
        data = event.data.strip()
        if event.kind == "comment" or not data:
            return
        if data == DONE:
            self._finish()
            return
        body = parse_completion(data)
        self._take(body)
        if event.kind == "document" or body.get("object") == "chat.completion.done":
            self._finish()

    def close(self) -> None:
        """Take the end of the response. Some servers send no `[DONE]`: a finish reason in every choice will do."""
        choices = self._answer.choices
        if choices and self._answer.error is None and all(choice.finish_reason for choice in choices):
            self._answer.complete = True

    def _finish(self) -> None:
        self._answer.complete = True
        for calls in self._calls.values():
            calls.finish()

    def _take(self, body: Json) -> None:
        answer = self._answer
        answer.id = answer.id or text_of(body.get("id"))
        answer.model = answer.model or text_of(body.get("model"))
        answer.error = error_of(body) or answer.error
        self._citations = list_of(body.get("citations")) or self._citations
        for choice in objects_of(body.get("choices")):
            self._choice(choice)
        if self._annotations or self._citations:
            for index, message in enumerate(answer.choices):
                self._cite(index, message)
        self._take_usage(body)

    def _choice(self, choice: Json) -> None:
        index = int_of(choice.get("index")) or 0
        message = self._answer.choice(index)
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if not _only_words(message.parts, delta):
                self._parts(index, message, delta)
        elif isinstance(choice.get("message"), dict):
            message.parts.clear()
            self._calls.pop(index, None)
            self._annotations.pop(index, None)
            self._parts(index, message, choice["message"])
        if error := object_of(choice.get("error")):
            self._answer.error = error_of({"error": error})
        if reason := text_of(choice.get("finish_reason")):
            message.finish_reason = reason
            self._calls_of(index, message).finish()
        if logprobs := choice.get("logprobs"):
            count_entries(self._answer.certainty, logprobs)

    def _calls_of(self, index: int, message: Message) -> Calls:
        if index not in self._calls:
            self._calls[index] = Calls(message.parts)
        return self._calls[index]

    def _parts(self, index: int, message: Message, delta: Json) -> None:
        """Add what a delta brings, or a whole message, which has the same shape."""
        parts = message.parts
        add_reasoning(parts, delta)
        for part in content_parts(delta.get("content")):
            add_part(parts, part)
        if refusal := text_of(delta.get("refusal")):
            add_part(parts, Refusal(Growing(refusal)))
        add_audio(parts, object_of(delta.get("audio")))
        parts += images(delta)
        self._calls_of(index, message).take(delta)
        references = [item for item in objects_of(delta.get("content")) if item.get("type") == "reference"]
        if cited := [*list_of(delta.get("annotations")), *references]:
            self._annotations.setdefault(index, []).extend(cited)

    def _cite(self, index: int, message: Message) -> None:
        """Set the citations of a choice's text: those of its own, and those of the whole answer."""
        cited = [*self._annotations.get(index, []), *(self._citations if index == 0 else [])]
        text = next((part for part in message.parts if isinstance(part, Text)), None)
        if cited and text is not None:
            text.citations = cited

    def _take_usage(self, body: Json) -> None:
        """Take token counts: the last of each wins, for a stream may repeat them, growing, with every event."""
        found = False
        for place in (object_of(body.get("x_groq")), *objects_of(body.get("choices")), body):
            if usage := object_of(place.get("usage")):
                merge(self._usage, usage)
                found = True
        if found:
            self._answer.usage = chat_usage(self._usage)
        dollars = float_of(object_of(body.get("cost")).get("usd"))
        if dollars is not None and self._answer.usage is not None:
            self._answer.usage.cost = dollars


def _only_words(parts: list[Part], delta: Json) -> bool:
    """Take a delta that brings nothing but text, as nearly all do; False where there is more to it."""
    content = delta.get("content")
    if not isinstance(content, str) or len(delta) > 1 + ("role" in delta):
        return False
    for known in parts:
        if isinstance(known, Text):
            known.content.append(content)
            return True
    if content:
        parts.append(Text(Growing(content)))
    return True


def add_part(parts: list[Part], part: Part) -> None:
    """Add a part to those of a message: words and thoughts go on where the first of their kind stand."""
    if not isinstance(part, Text | Refusal | Reasoning):
        parts.append(part)
        return
    for known in parts:
        if isinstance(known, Text | Refusal | Reasoning) and type(known) is type(part):
            known.content.append(str(part.content))
            break
    else:
        if part.content:
            parts.append(part)
        return
    if isinstance(known, Reasoning) and isinstance(part, Reasoning):
        known.signature = part.signature or known.signature


def add_audio(parts: list[Part], audio: Json) -> None:
    """Add sound, of which only the size and the spoken words are kept."""
    words, data, identity = (text_of(audio.get(field)) for field in ("transcript", "data", "id"))
    if not (words or data or identity):
        return
    sound = next((part for part in parts if isinstance(part, Media) and part.modality == "audio"), None)
    if sound is None:
        sound = Media("audio")
        parts.append(sound)
    sound.uri = sound.uri or identity
    sound.size += base64_size(data)
    sound.transcript.append(words)


def parse_completion(data: bytes) -> Json:
    """A completion, or a piece of one, without what is put around it. ValueError where it is not a JSON object."""
    # Google's compatible API answers errors as a list of one.
    return unwrapped(parse_object(data[1:-1] if data.startswith(b"[") and data.endswith(b"]") else data))


def unwrapped(body: Json) -> Json:
    """The completion inside a gateway's envelope: `{"status", "data": {…}}`."""
    for _ in range(_WRAPPINGS):
        inner = body.get("data")
        if "choices" in body or body.get("error") or not isinstance(inner, dict):
            break
        body = inner
    return body
