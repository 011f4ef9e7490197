"""From tokens to pieces of text, as they leave: whole characters only, and nothing after a stop sequence."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from inspector.demo.model import Sampled
from inspector.demo.tokens import spelled


@dataclass(frozen=True, slots=True)
class Piece:
    """Text that leaves at once, and the tokens that it was made of."""

    text: str
    tokens: tuple[Sampled, ...] = ()

    @property
    def count(self) -> int:
        """How many tokens it cost."""
        return max(1, len(self.tokens))


def pieces(tokens: Iterable[Sampled]) -> Iterator[Piece]:
    """One piece a token; halves of a character wait for each other. A half that stays alone becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text, waiting = "", list[Sampled]()
    for token in tokens:
        text += decoder.decode(token.data)
        waiting.append(token)
        if not decoder.getstate()[0]:
            yield Piece(text, tuple(waiting))
            text, waiting = "", []
    if waiting:
        yield Piece(text + decoder.decode(b"", final=True), tuple(waiting))


def first_sentence(words: Iterable[Piece], limit: int) -> Iterator[Piece]:
    """The pieces up to the first full stop, at most `limit` of them."""
    for piece in islice(words, limit):
        yield piece
        if piece.text in (".", "!", "?"):
            return


class Until:
    """Passes pieces on until one of `stops` appears; what may be its beginning waits until it is known."""

    def __init__(self, words: Iterable[Piece], stops: Sequence[str]) -> None:
        self._words = words
        self._stops = [stop for stop in stops if stop]
        self.found: str | None = None
        """The stop sequence that ended it."""

    def __iter__(self) -> Iterator[Piece]:
        waiting: list[Piece] = []
        for piece in self._words:
            waiting.append(piece)
            text = "".join(each.text for each in waiting)
            place, self.found = min(
                ((text.find(stop), stop) for stop in self._stops if stop in text), default=(-1, None)
            )
            if self.found is not None:
                yield from _before(waiting, place)
                return
            if not any(text.endswith(stop[:size]) for stop in self._stops for size in range(1, len(stop))):
                yield from waiting
                waiting = []
        yield from waiting


def _before(waiting: Iterable[Piece], place: int) -> Iterator[Piece]:
    """The pieces that make the first `place` characters, the last of them cut."""
    for piece in waiting:
        if place <= 0:
            return
        yield Piece(piece.text[:place], piece.tokens)
        place -= len(piece.text)


def logprob_entries(tokens: Iterable[Sampled], top: int) -> list[dict[str, object]]:
    """Tokens as OpenAI's APIs write them: `token`, `logprob`, `bytes`, and at most `top` of the `top_logprobs`."""
    return [
        {
            "token": spelled(token.data),
            "logprob": token.logprob,
            "bytes": list(token.data),
            "top_logprobs": [
                {"token": spelled(other.data), "logprob": other.logprob, "bytes": list(other.data)}
                for other in token.top[:top]
            ],
        }
        for token in tokens
    ]
