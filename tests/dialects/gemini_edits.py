"""Gemini streams that are edited on their way to a client."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from inspector.dialects._gemini_rewriter import GeminiRewriter
from inspector.dialects._pieces import sse
from inspector.model.edits import Edits
from inspector.model.message import Growing, Message, Part, Reasoning, Text, ToolCall
from tests.dialects.chat_edits import events_of
from tests.dialects.gemini_sdk import DIALECT
from tests.dialects.recorded import read

Json = dict[str, Any]


def text(words: str) -> Text:
    return Text(Growing(words))


def thought(words: str, seal: str = "") -> Reasoning:
    return Reasoning(Growing(words), seal)


def call(name: str = "Bash", arguments: str = "{}", identity: str = "") -> ToolCall:
    return ToolCall(identity, name, Growing(arguments), done=True)


def chunk(*parts: Json, finish: str = "", index: int = 0, **more: object) -> Json:
    """One piece of a stream, as Google sends it."""
    candidate: Json = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    counts = {"promptTokenCount": 3, "totalTokenCount": 3}
    return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "g", "responseId": "r"} | more


def stream(*chunks: Json) -> bytes:
    """A stream of these pieces."""
    return b"".join(map(sse, chunks)).replace(b"\n\n", b"\r\n\r\n")


def edited(upstream: bytes, edits: Edits, delivered: int = 0, *, early: bool = False) -> bytes:
    """What a client gets of a stream that is edited when it has some events; `early`: the upstream goes no further."""
    events = events_of(upstream)
    got = [raw for _, raw in events[:delivered]]
    rewriter = GeminiRewriter([event for event, _ in events[:delivered]])
    rewriter.edit(edits)
    for event, raw in events[delivered:] if not early else []:
        given = rewriter.feed(event)
        got += [raw] if given is None else given
    return b"".join([*got, *rewriter.close()])


def message_of(body: bytes, content_type: str = "text/event-stream") -> Message:
    """The first candidate, as this program reads it; nothing in it may be odd."""
    transcript = read(DIALECT, [body], content_type)
    assert transcript.notes == []
    return transcript.answer.choices[0]


Said = tuple[str, str, list[tuple[str, Any]]]


def said(parts: Sequence[Part]) -> Said:
    """Text, thoughts and calls."""
    words = ["".join(str(part.content) for part in parts if isinstance(part, kind)) for kind in (Text, Reasoning)]
    calls = [(part.name, json.loads(str(part.arguments))) for part in parts if isinstance(part, ToolCall)]
    return words[0], words[1], calls


WORDS = st.text(alphabet=st.sampled_from('ab \n"\\é€👍🏽👩‍👧🇩🇪\u0301\u2028'), min_size=1, max_size=12)
CALLS = st.tuples(st.sampled_from(["Bash", "Read"]), WORDS).map(lambda made: call(made[0], json.dumps({"a": made[1]})))
PARTS: st.SearchStrategy[list[Part]] = st.lists(WORDS.map(text) | WORDS.map(thought) | CALLS, max_size=4).map(
    lambda parts: [part for at, part in enumerate(parts) if not at or type(parts[at - 1]) is not type(part) or at % 2]
)
