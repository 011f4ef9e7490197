"""What is put in a token's place, as the beginning of an answer; and where such a beginning may go. Pure."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from rich.cells import cell_len

from inspector.dialects import by_name
from inspector.model.token import Channel, Token
from inspector.proxy.held import Held
from inspector.rules.prefill import Manner
from inspector.store.token_reading import TokenReading
from inspector.tui.text import printable
from inspector.tui.token_pieces import BREAK

BLANK = "␣"

_ENDS = re.compile(r"<\|[^|>]*\|>|<｜[^｜>]*｜>|</s>|<eos>|<end_of_turn>|")
"""Tokens that models end an answer with, as servers write them; llama.cpp sends them without text."""


@dataclass(frozen=True, slots=True)
class TokenFork:
    """Where an answer is to go on."""

    beginning: str
    """The answer up to there."""
    manner: Manner | None = None
    """How the server is asked; None for its only way."""
    into_held: bool = False
    """Whether the held answer goes on with it, so that the agent reads one; else it is a flow of its own."""


class Beginning:
    """The answer before a token, to which something else is added in that token's place."""

    def __init__(self, reading: TokenReading, index: int) -> None:
        self.token: Token = reading.tokens[index]
        self.channel: Channel = self.token.channel
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.text = decoder.decode(reading.said_before(index))
        """Whole characters only."""
        self._part = decoder.getstate()[0]

    def with_token(self, data: bytes) -> str:
        """The beginning with another token at its end. ValueError where that is no text to go on from."""
        text = self._added(data)
        if _ENDS.fullmatch(data.decode("utf-8", "replace")):
            raise ValueError("this token ends the answer: nothing would follow it")
        return text

    def with_text(self, text: str) -> str:
        """The beginning with a text at its end. ValueError where it cannot be put there."""
        return self._added(text.encode("utf-8", "replace"))

    def _added(self, data: bytes) -> str:
        try:
            return self.text + (self._part + data).decode()
        except UnicodeDecodeError:
            raise ValueError(
                "this token is a part of a character, and servers take whole ones: choose a neighbour, or type a text"
            ) from None


def held_refusal(held: Held, beginning: Beginning) -> str:
    """Why a held answer cannot go on from there, in words; empty where it can."""
    flow, stream = held.flow, held.stream
    if stream is None or by_name(flow.dialect).writer is None:
        return "the held answer cannot be gone on with"
    if stream.editable:
        return stream.editable
    if beginning.token.choice != 0:
        return "only the first choice of a held answer can be gone on with"
    message = stream.delivered.answer.message
    if message is not None and message.tool_calls():
        return "the agent has a tool call of the held answer"
    if message is not None and not beginning.text.startswith(message.text()):
        return "what the agent has goes beyond this token"
    return ""


def shown(text: str) -> str:
    """A text on one line that ends where it ends: its blanks stay, its breaks are seen."""
    return printable(text.replace("\r\n", "\n").replace("\n", f"{BREAK} ").replace("\t", "⇥"))


def edged(text: str) -> str:
    """A text whose blanks at both ends are seen: a line may break there."""
    inner = text.strip(" ")
    start = len(text) - len(text.lstrip(" "))
    return f"{BLANK * start}{inner}{BLANK * (len(text) - start - len(inner))}"


def tail(text: str, cells: int) -> str:
    """The end of a text."""
    if cell_len(text) <= cells:
        return text
    end = text[-cells:]
    while cell_len(end) >= cells:
        end = end[max(1, (cell_len(end) - cells) // 2) :]
    return f"…{end}"
