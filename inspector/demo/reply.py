"""One answer of the demo's model: blocks of thoughts, words and calls, each spoken piece by piece, in time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from inspector.demo.ask import Ask
from inspector.demo.behaviour import LONG_ANSWER
from inspector.demo.call_tokens import Sentence, argument_tokens, certain
from inspector.demo.model import NGramModel, Sampled, Speaking
from inspector.demo.pace import Pace
from inspector.demo.policy import Call, Plan, decide
from inspector.demo.prompt_cache import Counted
from inspector.demo.speech import Piece, Until, first_sentence, pieces
from inspector.demo.token_ids import TokenIds
from inspector.proxy.embedded import Aborted

MISHAP_AFTER = 25
"""After how many tokens an answer breaks off, where that was asked for; a shorter one does so at its end."""
SENTENCE_TOKENS = 40
THINKING_TOKENS = 120


class Failure(Exception):
    """The answer ends in an error."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        """The error's type, as Anthropic names it; OpenAI's names differ little."""


def overloaded() -> Failure:
    """What a server says when it has too much to do."""
    return Failure(529, "overloaded_error", "The demo model is overloaded. Please try again.")


@dataclass(slots=True)
class Block:
    """A part of the answer."""

    kind: Literal["thought", "words", "call"]
    source: Iterator[Piece]
    id: str = ""
    """Of a call."""
    name: str = ""
    text: str = ""
    """What was spoken of it so far; of a call, its arguments."""
    tokens: list[Sampled] = field(default_factory=list)
    """Those of what was spoken; of a call, those of its name come first."""


class Reply:
    """Speaks an answer. Usage and finish are known once all blocks are spoken.

    `rate` is the pace in tokens a second; 0 speaks as fast as possible.
    """

    def __init__(
        self, ask: Ask, model: NGramModel, ids: TokenIds, size: Counted, chance: random.Random, rate: float
    ) -> None:
        self.ask = ask
        self.ids = ids
        self.size = size
        self.id = f"{chance.getrandbits(96):024x}"
        self.finish: Literal["stop", "stop_sequence", "length", "calls"] = "stop"
        self.output_tokens = 0
        """Everything that was spoken, thoughts included."""
        self.reasoning_tokens = 0
        self._model = model
        self._chance = chance
        self._pace = Pace(rate, ask.behaviour.slow)
        self._speaking = Speaking(ask.topic_tokens(), ask.temperature, ask.top or 0, ask.behaviour.long)
        self._until: Until | None = None
        self._plan: Plan = decide(ask, model, chance, self._sentence)

    @property
    def limit(self) -> int:
        """How many tokens it may have."""
        return LONG_ANSWER if self.ask.behaviour.long else self.ask.max_tokens

    @property
    def stop_sequence(self) -> str | None:
        """The stop sequence that ended it."""
        return self._until.found if self._until else None

    def blocks(self) -> Iterator[Block]:
        """The parts of the answer, in their order; none after its end. Speak each before asking for the next.

        Raises Aborted or Failure where that was asked for and has not happened yet.
        """
        for block in self._planned():
            if self.finish == "length":
                break
            yield block
        self._break_off()
        if self.finish == "length":
            return
        if self.stop_sequence is not None:
            self.finish = "stop_sequence"
        elif self._plan.calls:
            self.finish = "calls"

    async def speak(self, block: Block) -> AsyncIterator[Piece]:
        """The pieces of a block, in time. Raises Aborted or Failure where that was asked for."""
        for piece in block.source:
            if self.output_tokens + piece.count > self.limit:
                self.finish = "length"
                return
            await asyncio.sleep(self._pace.gap(self.output_tokens, self.size.total, self._chance))
            if self.output_tokens >= MISHAP_AFTER:
                self._break_off()
            self.output_tokens += piece.count
            if block.kind == "thought":
                self.reasoning_tokens += piece.count
            block.text += piece.text
            block.tokens += piece.tokens
            yield piece

    async def finished(self) -> list[Block]:
        """All blocks, spoken: for an answer that does not stream."""
        blocks = []
        for block in self.blocks():
            async for _ in self.speak(block):
                continue
            blocks.append(block)
        return blocks

    def _planned(self) -> Iterator[Block]:
        if self.ask.reasons and self.ask.beginning is None:
            yield Block("thought", islice(self._speech("thinking"), THINKING_TOKENS))
        if self._plan.calls:
            yield Block("words", first_sentence(self._words("acting"), SENTENCE_TOKENS))
        else:
            self._until = Until(self._words(self._plan.section), self.ask.stops)
            yield Block("words", iter(self._until))
        for call in self._plan.calls:
            yield self._call(call)

    def _call(self, call: Call) -> Block:
        arguments = pieces(argument_tokens(call.arguments, call.draws))
        block_id = f"{self._chance.getrandbits(96):024x}"
        return Block("call", arguments, block_id, call.name, tokens=list(certain(call.name)))

    def _speech(self, section: str, beginning: str = "") -> Iterator[Piece]:
        return pieces(self._model.speak(section, self._chance, self._speaking, beginning))

    def _words(self, section: str) -> Iterator[Piece]:
        """What is said aloud, behind the beginning that was given."""
        return self._speech(section, self.ask.beginning or "")

    def _sentence(self) -> str:
        """A sentence for an argument that has to be said in words."""
        words = pieces(self._model.speak("delegating", self._chance, Speaking(top=self.ask.top or 0)))
        said = list(first_sentence(words, SENTENCE_TOKENS))
        tokens = tuple(token for piece in said for token in piece.tokens)
        return Sentence("".join(piece.text for piece in said), tokens)

    def _break_off(self) -> None:
        if self.ask.behaviour.cut and self.ask.prompt.stream:
            raise Aborted
        if self.ask.behaviour.error:
            raise overloaded()
