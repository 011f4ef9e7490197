"""The answer of the Completions API, streamed or whole, read into a transcript.

Some servers answer as in Chat Completions instead, or as well (Together): one reader takes both.
"""

from __future__ import annotations

import orjson

from inspector.dialects._base import Json
from inspector.dialects._completions_echo import PromptTokens, entries_of
from inspector.dialects._completions_native import as_choice, is_native, native_usage
from inspector.dialects._fields import object_of, objects_of, text_of
from inspector.dialects._openai_chat_origins import REASONING
from inspector.dialects._openai_chat_reader import ChatReader, unwrapped
from inspector.dialects._pieces import json_bytes
from inspector.model.message import Transcript
from inspector.wire.event import Event


class CompletionsReader(ChatReader):
    """Reads one answer. A prompt that the answer says again (`echo`) is of its text, as for every client; its tokens
    are not counted.
    """

    def __init__(self, transcript: Transcript) -> None:
        super().__init__(transcript)
        self._prompts = PromptTokens()

    def event(self, event: Event) -> None:
        """Take one event. ValueError where it is not a JSON object."""
        for one in apart(event):
            super().event(one)

    def take(self, body: Json) -> None:
        """Take what an event says, already parsed."""
        self._take(unwrapped(body))

    def _take(self, body: Json) -> None:
        completion = as_completion(body)
        choices = [self._counted(completion, choice) for choice in objects_of(completion.get("choices"))]
        super()._take({**completion, "choices": [_as_chat(choice) for choice in choices]} if choices else completion)
        if is_native(body):
            self._answer.usage = native_usage(body) or self._answer.usage

    def _counted(self, completion: Json, choice: Json) -> Json:
        """A choice with those tokens only that the model wrote."""
        given = self._prompts.among(completion, choice)
        return {**choice, "logprobs": {"content": entries_of(choice)[given:]}} if given else choice


def apart(event: Event) -> list[Event]:
    """The answers in an event: llama.cpp gives several prompts' as a list, in whose order they are numbered."""
    data = event.data.strip()
    if event.kind != "document" or not data.startswith(b"["):
        return [event]
    answers = objects_of(orjson.loads(data))
    if len(answers) < 2:
        return [event]
    return [Event(json_bytes({"index": number, **answer}), event.kind) for number, answer in enumerate(answers)]


def as_completion(body: Json) -> Json:
    """An answer, or a piece of one, in the API's own shape."""
    return {"model": body.get("model"), "choices": [as_choice(body)]} if is_native(body) else body


def _as_chat(choice: Json) -> Json:
    """A choice in the shape of Chat Completions."""
    if not isinstance(choice.get("text"), str) or text_of(object_of(choice.get("delta")).get("content")):
        return choice
    thoughts = {name: choice[name] for name in REASONING if name in choice}
    return {**choice, "delta": {**thoughts, "content": choice["text"]}}
