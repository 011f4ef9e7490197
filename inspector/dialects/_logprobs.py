"""A dialect's share of tokens: how log-probabilities are asked for, read, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from inspector.model.token import Alternative, Token
from inspector.wire.event import Event


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to know of an answer's tokens beyond what the client asked for."""

    top: int | None = 5
    """Alternatives for each token; None asks for no log-probabilities."""
    token_ids: bool = False
    """The tokens' numbers, where servers have a way to ask for them (`return_token_ids` of vLLM and SGLang)."""


class Strip(Protocol):
    """Takes out of one answer what only the proxy had asked for. What is left is, byte for byte, what an upstream sends
    that was never asked.

    It never raises on malformed input: what it cannot read goes on as it came. A stream's bytes may be split anywhere;
    what comes out does not depend on where.
    """

    def feed(self, data: bytes) -> bytes:
        """The next bytes of a stream (decoded, framing included) and what the client gets for them."""

    def close(self) -> bytes:
        """The end of the stream: what is still owed of what came."""

    def document(self, body: bytes) -> bytes:
        """A whole JSON document (decoded) as the client gets it."""


class TokenReader(Protocol):
    """Reads the tokens of one answer, event by event."""

    def event(self, event: Event) -> list[Token]:
        """The tokens that an event brings, in their order; a whole document is one event. May raise on malformed input:
        the caller goes on with the next. `Token.event` is left for the caller to fill in.
        """

    def alternatives(self, event: Event, place: int) -> tuple[Alternative, ...]:
        """What else might have stood at a place of an event, most probable first, the chosen one among them where the
        provider names it. Keeps no state: any event that was read may be asked for again.
        """


class Logprobs(Protocol):
    """One provider's API, as far as it speaks of tokens. Stateless; found by `Dialect.logprobs`."""

    def ask(self, body: bytes, wish: Wish) -> tuple[bytes, tuple[str, ...]]:
        """A request's body that asks for what is wished and the client left open, every other byte kept; and the names
        of what was added, empty where nothing was. ValueError where the body is no JSON object.
        """

    def strip(self, added: Sequence[str]) -> Strip:
        """What takes those additions out of one answer."""

    def reader(self) -> TokenReader:
        """A reader for one answer."""
