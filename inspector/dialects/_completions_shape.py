"""The pieces of an answer of the Completions API, whichever server sends it, and further pieces that look like them.

Every event, and the whole answer, has one shape: `{"choices": [{"text", "index", "finish_reason", "logprobs"}]}`,
https://platform.openai.com/docs/api-reference/completions/object. llama.cpp's own answers have their words at the top.
"""

from __future__ import annotations

import time
from uuid import uuid4

from inspector.dialects._base import Json
from inspector.dialects._completions_native import is_native
from inspector.dialects._fields import int_of, object_of, objects_of, text_of
from inspector.dialects._openai_chat_document import forget_tokens
from inspector.dialects._openai_chat_origins import REASONING
from inspector.dialects._openai_chat_reader import unwrapped
from inspector.dialects._openai_chat_shape import Shape as ChatShape
from inspector.dialects._pieces import sse
from inspector.wire.event import Event


def first_choice(body: Json) -> Json:
    """The first choice of an answer or of an event, as it stands there; empty where it is not in it."""
    return next((choice for choice in choices_of(body) if not int_of(choice.get("index"))), {})


def choices_of(body: Json) -> list[Json]:
    """The choices as they stand in an answer or in an event."""
    return [body] if is_native(body) else objects_of(unwrapped(body).get("choices"))


def words_of(choice: Json) -> str:
    """The text of a choice."""
    return text_of(choice.get(_field(choice)))


def set_words(choice: Json, words: str) -> None:
    """Give a choice another text; the tokens of the old one are left out."""
    choice[_field(choice)] = words
    if isinstance(object_of(choice.get("delta")).get("content"), str):
        choice["delta"]["content"] = words
    forget_tokens(choice)
    choice.pop("completion_probabilities", None)
    if choice.get("tokens"):
        choice["tokens"] = []


def without_thoughts(choice: Json) -> bool:
    """Leave a choice's thoughts out; whether there were any."""
    thoughts = [choice.pop(name) for name in REASONING if name in choice]
    return any(thoughts)


def finish_of(choice: Json) -> str:
    """Why a choice is over, in the provider's own words; empty while it is not."""
    if is_native(choice):
        return (text_of(choice.get("stop_type")) or "stop") if choice.get("stop") is True else ""
    return text_of(choice.get("finish_reason"))


def set_finish(choice: Json, reason: str) -> None:
    """Give a choice that is over another reason."""
    choice["stop_type" if is_native(choice) else "finish_reason"] = reason


def new_head(model: str) -> Json:
    """What stands at the top of an answer that no server made."""
    return {"id": f"cmpl-{uuid4().hex[:29]}", "object": "text_completion", "created": int(time.time()), "model": model}


class Shape:
    """The outside of a stream's events, as the last one showed it."""

    def __init__(self) -> None:
        self._outside = ChatShape()
        self._outside.learn(Event(b""), {**new_head(""), "choices": [{}]})
        self._unasked: Json = {}
        self._native: Json | None = None

    @property
    def ends_done(self) -> bool:
        """Whether `[DONE]` is the last event."""
        return self._native is None

    def learn(self, event: Event, body: Json) -> None:
        """Look at the next event, before anything of it is changed."""
        if is_native(body):
            self._native = {name: body[name] for name in ("id_slot",) if name in body}
            return
        self._outside.learn(event, body)
        for choice in choices_of(body):
            self._unasked = {"logprobs": None} if "logprobs" in choice else {}

    def chunk(self, words: str, finish: str | None = None, index: int = 0) -> bytes:
        """A further event with these words, framed."""
        if self._native is not None:
            end = {"stop_type": finish} if finish else {}
            said = {"index": index, "content": words, "tokens": [], "stop": finish is not None}
            return sse({**said, **self._native, **end})
        return self._outside.around([{"text": words, "index": index, **self._unasked, "finish_reason": finish}])


def _field(choice: Json) -> str:
    return "content" if is_native(choice) else "text"
