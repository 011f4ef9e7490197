"""The blocks of a prompt, made message by message as they are shown; what was there before is folded away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from inspector.model.message import Message, Part, Prompt, ToolCall, ToolResult
from inspector.store.summary import part_text
from inspector.tui.chat_blocks import CHANGED, NEW, Block, asked_block, folded, part_block, tools_block
from inspector.tui.chat_turn import Turn
from inspector.tui.format import duration
from inspector.tui.spans import Line

STEP = 500
"""Messages that one key press unfolds at most."""
MOST = 300
"""Messages in a row that are shown without being folded."""
LAST = 100
"""Of a longer row, the messages at its end that are shown."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Messages that one line stands for."""

    start: int
    end: int
    words: str
    """What they have in common."""

    @property
    def key(self) -> str:
        """Names it over the life of the flow."""
        return f"fold{self.start}"


class PromptBlocks:
    """A prompt as blocks, seen from one turn to the next."""

    def __init__(self, prompt: Prompt, turn: Turn | None = None) -> None:
        self.prompt = prompt
        self._results: dict[str, tuple[ToolResult, int, int]] = {}
        """With the message and the part that each is."""
        self._calls: dict[str, int] = {}
        for number, message in enumerate(prompt.messages):
            for place, part in enumerate(message.parts):
                if isinstance(part, ToolResult):
                    self._results[part.id] = part, number, place
                elif isinstance(part, ToolCall):
                    self._calls[part.id] = number
        self._known: dict[int, list[Block]] = {}
        self._conversation = next((i for i, each in enumerate(prompt.messages) if each.role != "system"), None)
        self.take(turn or Turn())

    def take(self, turn: Turn) -> None:
        """Take what is known of the turn."""
        self._turn = turn
        self._known.clear()
        self._told: set[int | None] = {*turn.news, *(number for number, _ in turn.remarks)}
        self._told |= {self._calls.get(name) for name, (_, number, _) in self._results.items() if number in self._told}
        """Messages of which there is something to be said, or of the result of a call in them."""
        self.folds = self._find_folds()

    def blocks(self, shown: dict[str, int]) -> list[Block]:
        """All of them. `shown` says how many messages of a fold are unfolded, from its end."""
        made = [asked_block(self.prompt)] if self.prompt.model else []
        if self._turn.compacted:
            words = f" ⋮ history compacted: {self._turn.compacted}"
            made.append(Block("compacted", "", [("warning", words)], fold=True))
        at = 0
        for fold in self.folds:
            hidden = max(0, fold.end - fold.start - shown.get(fold.key, 0))
            for number in range(at, fold.start):
                made += self._of(number)
            made.append(Block(fold.key, "", _fold_line(fold, hidden), fold=True))
            at = fold.start + hidden
        for number in range(at, len(self.prompt.messages)):
            made += self._of(number)
        if self._conversation is None and self.prompt.tools:
            made.append(tools_block(self.prompt.tools))
        return made

    def texts(self, number: int) -> Iterator[str]:
        """What is said in a message, to be searched."""
        for part in self.prompt.messages[number].parts:
            yield part.content if isinstance(part, ToolResult) else part_text(part)

    def _of(self, number: int) -> list[Block]:
        known = self._known.get(number)
        if known is None:
            known = self._known[number] = list(self._made(number, self.prompt.messages[number]))
        return known

    def _made(self, number: int, message: Message) -> Iterator[Block]:
        if number == self._conversation and self.prompt.tools:
            yield tools_block(self.prompt.tools)
        for place, part in enumerate(message.parts):
            if isinstance(part, ToolResult) and part.id in self._calls:
                continue
            block = folded(self._block(f"{number}.{place}", message, part))
            result = self._results.get(part.id) if isinstance(part, ToolCall) else None
            spots = [(number, place), *([result[1:]] if result is not None else [])]
            remarks = [self._turn.remarks[spot] for spot in spots if spot in self._turn.remarks]
            for remark in remarks:
                block = replace(block, head=[*block.head, ("", "  "), ("warning", remark)][0 if block.head else 1 :])
            news = {self._turn.news.get(spot[0]) for spot in spots}
            mark = CHANGED if remarks or "changed" in news else NEW if "new" in news else ""
            yield replace(block, mark=mark) if mark else block
        if missing := self._turn.remarks.get((number, len(message.parts))):
            yield Block(f"{number}!", "note", [("warning", missing)], mark=CHANGED)

    def _block(self, key: str, message: Message, part: Part) -> Block:
        result = self._results.get(part.id) if isinstance(part, ToolCall) else None
        if result is None or not isinstance(part, ToolCall):
            return part_block(key, message, part, None)
        block = part_block(key, message, part, result[0])
        took = self._turn.waits.get(part.id)
        return block if took is None else replace(block, head=[*block.head, ("faint", f"   {duration(took)}")])

    def _find_folds(self) -> list[Fold]:
        """What lies between the user's first words and what is new; of long rows, all but their end."""
        messages, turn = self.prompt.messages, self._turn
        first = next((i for i, message in enumerate(messages) if message.role == "user"), self._conversation or 0)
        same = f"unchanged since {turn.since}"
        told = sorted(number for number in self._told if number is not None)
        changed = told[0] if told else len(messages)
        folds: list[Fold] = []
        for start, end, old in _runs(first + 1, len(messages), told if turn.since else None):
            if old and end - start > 1:
                # What a cache has ends where the prompt first differs.
                cached = f", {turn.cached}" if turn.cached and end <= changed else ""
                folds.append(Fold(start, end, same + cached))
            elif end - start > MOST:
                folds.append(Fold(start, end - LAST, "before"))
        return folds


def _runs(at: int, end: int, told: list[int] | None) -> Iterator[tuple[int, int, bool]]:
    """Messages in a row that the last turn had and of which there is nothing to be said, and those between them.

    `told` are all others, ascending; None where all are.
    """
    others = iter(range(at, end) if told is None else [number for number in told if at <= number < end])
    other = next(others, end)
    while at < end:
        start = at
        if old := at < other:
            at = other
        while not old and at == other < end:
            at, other = at + 1, next(others, end)
        yield start, at, old


def _fold_line(fold: Fold, hidden: int) -> Line:
    """`⋮ 11 messages unchanged since #41, cached  ⊞`."""
    size = fold.end - fold.start
    many = f"{size:,}" if hidden in (0, size) else f"{hidden:,} of {size:,}"
    words = f" ⋮ {many} messages {fold.words}"
    return [("muted", words), ("muted", "  ⊞" if hidden else "  ⊟")]
