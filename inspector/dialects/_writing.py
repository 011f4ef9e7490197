"""The other direction: from messages to a provider's bytes, for edits, answers by hand, mocks and translations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from inspector.model.edits import Edits
from inspector.model.message import Answer, Prompt
from inspector.wire.event import Event

Json = dict[str, Any]


class Rewriter(Protocol):
    """Passes one streamed answer on with some of its parts changed.

    It is made from the events that the client has already. What it gives must fit behind them: an SDK that reads both
    gets exactly the edited message, with consistent indices, ids, lifecycle events and usage.
    """

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError, in words for the person, where the client already has
        what should be changed (a text may only be changed behind what was delivered of it); then nothing changes.
        """

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event, framing included; None: its own bytes."""

    def close(self) -> list[bytes]:
        """What is still missing when the upstream's stream is over, or where the answer is to end (`Edits.final`)."""


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a request that a person edits by itself: a message, the system prompt, a tool, a setting."""

    kind: str
    """`system`, `message`, `tool` or `setting`."""
    label: str
    """What a list calls it: `user`, `assistant`, `tool result`, `Bash`, `temperature`."""
    path: tuple[str | int, ...]
    """Where it stands in the body's JSON."""


class Writer(Protocol):
    """Writes one provider's API. Stateless; found by `Dialect.writer`."""

    keep_alive: bytes
    """What may be put between two events of a stream so that the client does not give up; empty where nothing may."""

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as the events of a stream, framing included, with every lifecycle event that the SDKs expect.

        Text comes in small pieces, never cut inside a grapheme. `asked` is the request's body: it may ask for usage.
        """

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one JSON document."""

    def error(self, status: int, message: str) -> bytes:
        """The body of an HTTP error, as this provider shapes it: the SDKs raise their own error for that status."""

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in their order."""

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body that says the same in this API, and, in words for the person, what could not be said."""

    def path(self, model: str) -> str:
        """The path of such a request, from the root: `/v1/messages`."""
