"""Answers of invoked models that have an API of their own: text, a reason, and how many tokens that was.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from __future__ import annotations

from collections.abc import Iterator

from inspector.dialects._base import Json
from inspector.dialects._fields import base64_size, dump, int_of, list_of, object_of, objects_of, present, text_of
from inspector.model.message import Answer, Growing, Media, Message, Text, ToolCall, Usage

_TEXTS = ("outputText", "generation", "completion", "text")
"""Titan; Llama; Claude's first API; Cohere, Mistral."""
_LISTS = ("results", "outputs", "generations", "completions", "choices")
"""Titan; Mistral; Cohere; Jurassic; DeepSeek."""
_REASONS = ("completionReason", "stop_reason", "finish_reason", "finishReason")
_INPUTS = ("inputTextTokenCount", "prompt_token_count")
_OUTPUTS = ("totalOutputTextTokenCount", "generation_token_count", "tokenCount")
_SAYING = frozenset({*_TEXTS, *_REASONS, "data", "tool_calls"})
_KNOWN = _SAYING | {*_LISTS, *_INPUTS, "event_type", "embedding", "embeddings", "images", "artifacts"}


def read(answer: Answer, data: Json) -> bool:
    """Take an event, or a whole document; False where nothing in it is known."""
    for index, piece in enumerate(_pieces(data)):
        if not _SAYING.isdisjoint(piece):
            _take(answer.choice(int_of(piece.get("index")) or index), piece)
        _count(answer, piece)
    _count(answer, data)
    if images := list(_images(data)):
        answer.choice(0).parts += [Media("image", size=size) for size in images]
    return not _KNOWN.isdisjoint(data)


def ended(answer: Answer) -> bool:
    """Whether every choice has its reason."""
    return bool(answer.choices) and all(choice.finish_reason for choice in answer.choices)


def _pieces(data: Json) -> Iterator[Json]:
    """The choices of an answer, or the answer where it has only one."""
    found = next((objects_of(data[name]) for name in _LISTS if isinstance(data.get(name), list)), None)
    yield from [data] if found is None else found


def _take(message: Message, piece: Json) -> None:
    # Jurassic has the text in `data`; Cohere's last event repeats the whole answer in `response`.
    words = next((text_of(piece[name]) for name in _TEXTS if name in piece), "")
    if words := words or text_of(object_of(piece.get("data")).get("text")):
        if not message.parts or not isinstance(message.parts[-1], Text):
            message.parts.append(Text())
        last = message.parts[-1]
        assert isinstance(last, Text)
        last.content.append(words)
    message.parts += [_call(call) for call in objects_of(piece.get("tool_calls"))]
    for name in _REASONS:
        reason = piece.get(name)
        message.finish_reason = text_of(reason) or text_of(object_of(reason).get("reason")) or message.finish_reason


def _call(call: Json) -> ToolCall:
    """Cohere's calls have no id."""
    given = call.get("parameters", {})
    return ToolCall(name=text_of(call.get("name")), arguments=Growing(dump(given)), done=True)


def _images(data: Json) -> Iterator[int]:
    """The sizes of images: those of Nova and Titan, and of Stability."""
    for image in list_of(data.get("images")):
        yield base64_size(text_of(image))
    for artifact in objects_of(data.get("artifacts")):
        yield base64_size(text_of(artifact.get("base64")))


def _count(answer: Answer, data: Json) -> None:
    """Take token counts: the last of each stands."""
    counts = present({name: int_of(data.get(name)) for name in (*_INPUTS, *_OUTPUTS)})
    if not counts:
        return
    raw = {**(answer.usage.raw if answer.usage else {}), **counts}
    answer.usage = Usage(_first(raw, _INPUTS), _first(raw, _OUTPUTS), raw=raw)


def _first(raw: Json, names: tuple[str, ...]) -> int | None:
    return next((raw[name] for name in names if name in raw), None)
