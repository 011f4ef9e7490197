"""The other direction: from messages to a provider's bytes, for edits, answers by hand, mocks and translations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from inspector.model.edits import Edits
from inspector.model.message import Answer, Prompt, Usage
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


class Splicer(Protocol):
    """Puts another answer's stream behind what a client has of a first one, so that an SDK reads one answer.

    Ids, indices and roles go on as they began, and the usage is that of both.
    """

    def open(self) -> list[bytes]:
        """What goes to the client first: the words between what it has and the other answer's first."""

    def feed(self, event: Event) -> list[bytes]:
        """What the client gets for the other answer's next event, framing included."""

    def close(self) -> list[bytes]:
        """What is still missing when the other answer is over, also where it broke off."""


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

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """A splicer for a stream of which the client has the events `delivered`.

        `before` is the whole text of the answer's first choice up to where the other answer goes on: it begins with the
        text that was delivered. `spent` is what is known of the first answer's usage. ValueError, in words for the
        person, where that cannot be done: the client has other words already, a tool call is open, or the API knows no
        such going on.
        """

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in their order."""

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body that says the same in this API, and, in words for the person, what could not be said."""

    def path(self, model: str) -> str:
        """The path of such a request, from the root: `/v1/messages`."""
