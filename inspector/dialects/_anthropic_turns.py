"""Messages of any provider as the turns of the Messages API: user and assistant in turn, every call with its result.

https://docs.anthropic.com/en/api/messages and https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable

from inspector.dialects._anthropic_events import arguments_of
from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, text_of
from inspector.model.message import Media, Message, Other, Part, Reasoning, Refusal, Text, ToolCall, ToolResult

_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


class Lost:
    """What could not be said, in words for the person; each once, with its number."""

    def __init__(self) -> None:
        self._said: Counter[str] = Counter()

    def say(self, words: str) -> None:
        """Add a remark."""
        self._said[words] += 1

    def told(self) -> list[str]:
        """The remarks, in the order in which they came up."""
        return [words if count == 1 else f"{words} ({count} times)" for words, count in self._said.items()]


class Turns:
    """Takes the messages in their order."""

    def __init__(self, lost: Lost) -> None:
        self._lost = lost
        self._turns: list[Json] = []
        self._ids: dict[str, str] = {}
        """The id under which a call went into the body, by its own."""
        self._used: set[str] = set()
        self._nameless: deque[str] = deque()
        """Calls that came without an id, and have no result yet."""

    def add(self, message: Message) -> None:
        """Take the next message, which is not the system's."""
        role = "assistant" if message.role == "assistant" else "user"
        write = self._said if role == "assistant" else self._given
        blocks = [block for part in message.parts if (block := write(part)) is not None]
        if not blocks:
            return
        if self._turns and self._turns[-1]["role"] == role:
            self._turns[-1]["content"] += blocks
        else:
            self._turns.append({"role": role, "content": blocks})

    def close(self) -> list[Json]:
        """The turns, made legal: the user begins, and a turn after calls begins with their results."""
        called: list[str] = []
        for turn in self._turns:
            if turn["role"] == "user":
                self._answer(turn, called)
            called = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        if self._turns and self._turns[0]["role"] == "assistant":
            self._lost.say("the conversation began with the assistant: a turn of the user was put before it")
            self._turns.insert(0, {"role": "user", "content": [_text("Go on.")]})
        return [_plain(turn) for turn in self._turns]

    def _answer(self, turn: Json, called: list[str]) -> None:
        """Put the results first, in a turn behind these calls. A result without its call becomes words."""
        results: dict[str, Json] = {}
        others: list[Json] = []
        for block in turn["content"]:
            if block["type"] == "tool_result" and block["tool_use_id"] in called:
                results[block["tool_use_id"]] = block
            elif block["type"] == "tool_result":
                self._lost.say("a tool's result without its call was written as words")
                others.append(_text(f"[tool result] {block['content']}"))
            else:
                others.append(block)
        for missing in (call for call in called if call not in results):
            self._lost.say("a tool call has no result: an empty one was put there")
            results[missing] = {"type": "tool_result", "tool_use_id": missing, "content": "", "is_error": True}
        turn["content"] = [*results.values(), *others]

    def _said(self, part: Part) -> Json | None:
        """A part of the assistant's turn."""
        match part:
            case Text() | Refusal():
                return _words(part)
            case Reasoning() if part.signature and not part.encrypted:
                return {"type": "thinking", "thinking": str(part.content), "signature": part.signature}
            case Reasoning():
                self._lost.say("thoughts without Anthropic's signature are left out")
            case ToolCall() if part.server_side:
                self._lost.say(f"the provider ran {part.name or part.kind} itself: the call is left out")
            case ToolCall():
                return self._call(part)
            case ToolResult():
                self._lost.say(f"what the provider's own {part.name or 'tool'} gave back is left out")
            case Media():
                self._lost.say(f"the assistant's {part.modality} is left out")
            case Other():
                self._lost.say(f"a part of the type {part.kind} is left out")
        return None

    def _given(self, part: Part) -> Json | None:
        """A part of the user's turn."""
        match part:
            case Text() | Refusal():
                return _words(part)
            case ToolResult():
                failed = {"is_error": True} if part.is_error else {}
                return {"type": "tool_result", "tool_use_id": self._id_of(part), "content": part.content, **failed}
            case Media():
                return self._media(part)
            case _:
                kind = part.kind if isinstance(part, Other | ToolCall) else "reasoning"
                self._lost.say(f"a part of the type {kind} is left out")
                return None

    def _call(self, call: ToolCall) -> Json:
        given = arguments_of(call)
        if call.kind == "custom":
            self._lost.say(f"{call.name} takes free text: it is written as an object with the text in `input`")
            given = {"input": str(call.arguments)}
        elif not isinstance(given, dict):
            self._lost.say(f"the arguments of {call.name} are no JSON object: they stand as text in `arguments`")
            given = {"arguments": str(call.arguments)}
        return {"type": "tool_use", "id": self._new_id(call), "name": call.name, "input": given}

    def _new_id(self, call: ToolCall) -> str:
        """An id that the API takes: of its characters, and not used before."""
        wanted = _NOT_IN_IDS.sub("_", call.id) or "toolu"
        made, number = wanted, 1
        while made in self._used or made == "toolu":
            made, number = f"{wanted}_{number}", number + 1
        self._used.add(made)
        if call.id:
            self._ids[call.id] = made
        else:
            self._nameless.append(made)
        return made

    def _id_of(self, result: ToolResult) -> str:
        if not result.id and self._nameless:
            return self._nameless.popleft()
        return self._ids.get(result.id, result.id)

    def _media(self, part: Media) -> Json | None:
        """An image or document that lies at a URL, or whose words are known."""
        kind = "image" if part.modality == "image" else "document"
        if part.modality in ("image", "file") and part.uri.startswith(("http://", "https://")):
            return {"type": kind, "source": {"type": "url", "url": part.uri}}
        if part.modality == "file" and part.transcript:
            source = {"type": "text", "media_type": "text/plain", "data": str(part.transcript)}
            return {"type": kind, "source": source}
        if part.size:
            self._lost.say(f"{part.modality} of {part.size} bytes: only its size is known")
        else:
            self._lost.say(f"{part.modality} {part.uri[:60]} cannot be sent")
        return None


def words_of(parts: Iterable[Part], lost: Lost) -> list[Json]:
    """The system's instructions, which are words only."""
    blocks = []
    for part in parts:
        if isinstance(part, Text | Refusal):
            blocks.append(_words(part))
        else:
            lost.say("the system's instructions had a part that is not words: it is left out")
    return [block for block in blocks if block is not None]


def _words(part: Text | Refusal) -> Json | None:
    """A text, which must not be blank."""
    content = str(part.content)
    return _text(content) if content.strip() else None


def _text(content: str) -> Json:
    return {"type": "text", "text": content}


def _plain(turn: Json) -> Json:
    """A turn of one text alone is written as that text."""
    blocks = turn["content"]
    if len(blocks) == 1 and object_of(blocks[0]).get("type") == "text":
        return {**turn, "content": text_of(blocks[0].get("text"))}
    return turn
