"""Messages, and Chat Completions streams that are edited on their way to a client."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from inspector.dialects._openai_chat_rewriter import ChatRewriter
from inspector.model.edits import Edits
from inspector.model.headers import Headers
from inspector.model.message import Growing, Message, Part, Reasoning, Refusal, Text, ToolCall
from inspector.wire.body import BodyReader
from inspector.wire.event import Event
from tests.dialects.chat_streams import DIALECT
from tests.dialects.recorded import payloads, read


def events_of(body: bytes) -> list[tuple[Event, bytes]]:
    """The events of a stream, each with its bytes."""
    reader = BodyReader(Headers([("content-type", "text/event-stream")]))
    events = [*reader.feed(body, 0.0), *reader.close(0.0)]
    return [(event, body[event.start : event.end]) for event in events]


@dataclass
class Client:
    """What a client gets of a stream that is edited on its way."""

    upstream: bytes
    got: list[bytes] = field(default_factory=list)
    at: int = 0
    rewriter: ChatRewriter | None = None
    own: int = 0
    """Events that passed as their own bytes."""

    def __post_init__(self) -> None:
        self.events = events_of(self.upstream)

    def pass_on(self, count: int) -> None:
        """Let some events pass."""
        for event, raw in self.events[self.at : self.at + count]:
            given = self.rewriter.feed(event) if self.rewriter else None
            self.own += given is None
            self.got += [raw] if given is None else given
        self.at = min(self.at + count, len(self.events))

    def edit(self, edits: Edits) -> None:
        """Edit what is to come."""
        if self.rewriter is None:
            self.rewriter = ChatRewriter([event for event, _ in self.events[: self.at]])
        self.rewriter.edit(edits)

    def end(self, *, early: bool = False) -> bytes:
        """Everything that the client got in the end."""
        if not early:
            self.pass_on(len(self.events))
        if self.rewriter is not None:
            self.got += self.rewriter.close()
        return b"".join(self.got)


def edited(upstream: bytes, edits: Edits, delivered: int = 0, *, early: bool = False) -> bytes:
    """A stream of which the client has some events when it is edited."""
    client = Client(upstream)
    client.pass_on(delivered)
    client.edit(edits)
    return client.end(early=early)


def message_of(body: bytes) -> Message:
    """The first choice, as this program reads it."""
    return read(DIALECT, [body]).answer.choices[0]


def by_sdk(body: bytes) -> ChatCompletion:
    """The completion, as the SDK puts it together."""
    state = ChatCompletionStreamState()
    for payload in payloads(body):
        for _ in state.handle_chunk(ChatCompletionChunk.construct(**payload)):
            pass
    return state.get_final_completion()


Said = tuple[str, str, str, list[tuple[str, str, str]]]
"""Thoughts, text, refusal, and calls: what a message says, whoever reads it."""


def said(parts: Sequence[Part]) -> Said:
    words = {
        kind: "".join(str(part.content) for part in parts if isinstance(part, kind))
        for kind in (Reasoning, Text, Refusal)
    }
    calls = [(part.id, part.name, str(part.arguments)) for part in parts if isinstance(part, ToolCall)]
    return words[Reasoning], words[Text], words[Refusal], calls


def said_to_sdk(completion: ChatCompletion) -> Said:
    message = completion.choices[0].message
    calls = [
        (call.id, call.function.name, call.function.arguments)
        for call in message.tool_calls or []
        if call.type == "function"
    ]
    thoughts = (message.model_extra or {}).get("reasoning_content")
    return thoughts or "", message.content or "", message.refusal or "", calls


def text(words: str) -> Text:
    return Text(Growing(words))


def call(name: str = "Bash", arguments: str = "{}", identity: str = "call_1") -> ToolCall:
    return ToolCall(identity, name, Growing(arguments))


WORDS = st.text(alphabet=st.sampled_from('ab \n"\\é€👍🏽👩‍👧🇩🇪\u0301'), max_size=12)
NAMES = st.sampled_from(["Bash", "Read", "Edit"])


def calls_of(prefix: str) -> st.SearchStrategy[list[ToolCall]]:
    drawn = st.lists(st.tuples(NAMES, WORDS.map(lambda word: json.dumps({"a": word}))), max_size=3)
    return drawn.map(lambda made: [call(name, args, f"{prefix}{n}") for n, (name, args) in enumerate(made)])


MESSAGES = st.tuples(WORDS, WORDS, st.just("") | WORDS, calls_of("model")).map(
    lambda drawn: [
        *([Reasoning(Growing(drawn[0]))] if drawn[0] else []),
        *([text(drawn[1])] if drawn[1] else []),
        *([Refusal(Growing(drawn[2]))] if drawn[2] else []),
        *drawn[3],
    ]
)
