"""A conversation as lines of a given width. Only blocks that are shown are made, and only those that changed anew."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from itertools import accumulate

from inspector.model.flow import Flow
from inspector.model.message import Prompt, Transcript
from inspector.tui.chat_agents import Agents, cause_blocks, with_agent
from inspector.tui.chat_blocks import Block, answer_blocks, closing_blocks
from inspector.tui.chat_laid import LaidOut
from inspector.tui.chat_prompt import STEP, PromptBlocks
from inspector.tui.chat_turn import Turn
from inspector.tui.json_progress import JsonProgress
from inspector.tui.spans import Line

_SEARCHED = 1 << 18
"""Characters that are searched at a time."""


@dataclass(slots=True)
class Unfolded:
    """What a person unfolded in a conversation."""

    blocks: set[str] = field(default_factory=set)
    """Keys of blocks."""
    messages: dict[str, int] = field(default_factory=dict)
    """How many messages of each fold are shown, from its end."""

    def take(self, other: Unfolded) -> None:
        """Become what another one is."""
        self.blocks, self.messages = set(other.blocks), dict(other.messages)


class ChatLines:
    """The lines of one flow's conversation at one width; `update` takes what is new and says what changed."""

    def __init__(self, width: int, unfolded: Unfolded | None = None) -> None:
        self.width = width
        self.unfolded = unfolded or Unfolded()
        self._prompt = PromptBlocks(Prompt())
        self._turn = Turn()
        self.agents = Agents()
        """The sub-agents that are marked."""
        self._prompt_blocks: list[Block] = []
        self._last: tuple[Flow, Transcript] | None = None
        self._laid: list[LaidOut] = []
        self._ends: list[int] = []
        self._progress: dict[str, tuple[JsonProgress, str]] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self._laid)

    @property
    def busy(self) -> bool:
        """Whether a long text is not laid out to its end yet."""
        return any(laid.busy for laid in self._laid)

    def advance(self, seconds: float) -> int | None:
        """Lay out more of the long texts for about that long; the first line that changed, or None."""
        until = time.perf_counter() + seconds
        first: int | None = None
        for place, laid in enumerate(self._laid):
            if laid.busy and time.perf_counter() < until:
                changed = self.start_of(place) + laid.advance(until)
                first = changed if first is None else first
        if first is not None:
            self._sum_up()
        return first

    def update(self, flow: Flow, transcript: Transcript, turn: Turn | None = None) -> int | None:
        """Take the flow as it is now; the first line that changed, or None where none did.

        `turn` says how the prompt stands to the one before it, as soon as that is known.
        """
        turn = turn or self._turn
        if transcript.prompt is not self._prompt.prompt:
            self._turn, self._prompt = turn, PromptBlocks(transcript.prompt, turn)
            self._prompt_blocks = self._prompt.blocks(self.unfolded.messages)
        elif turn != self._turn:
            self._turn = turn
            self._prompt.take(turn)
            self._prompt_blocks = self._prompt.blocks(self.unfolded.messages)
        self._last = flow, transcript
        answers = [self._judged(block) for block in answer_blocks(transcript.answer, flow.live)]
        said = [with_agent(block, self.agents) for block in (*self._prompt_blocks, *answers)]
        return self._lay([*cause_blocks(self.agents), *said, *closing_blocks(flow, transcript)])

    def resize(self, width: int) -> None:
        """Lay everything out at another width."""
        self.width = width
        blocks = [laid.block for laid in self._laid]
        self._laid = []
        self._lay(blocks)

    def line(self, index: int) -> Line:
        """One line."""
        place = self.block_at(index)
        return self._laid[place].line(index - self.start_of(place))

    def block_at(self, index: int) -> int:
        """The block that a line belongs to."""
        return min(bisect_right(self._ends, index), len(self._laid) - 1)

    def start_of(self, place: int) -> int:
        """The first line of a block."""
        return self._ends[place - 1] if place else 0

    def place_of(self, key: str) -> int | None:
        """The block of that key; None where it is folded away."""
        return next((place for place, laid in enumerate(self._laid) if laid.block.key == key), None)

    def key_at(self, place: int) -> str:
        """The key of a block."""
        return self._laid[place].block.key

    def call_at(self, place: int) -> str:
        """The id of the call that a block shows; empty for none."""
        return self._laid[place].block.call

    def place_of_call(self, call_id: str) -> int | None:
        """The last block that shows the call of that id; None where it is folded away."""
        places = range(len(self._laid) - 1, -1, -1)
        return next((place for place in places if self._laid[place].block.call == call_id), None)

    def fold(self, place: int) -> bool:
        """Fold or unfold a block, or the messages that it stands for; False where there is nothing to fold."""
        laid = self._laid[place]
        for fold in self._prompt.folds:
            if fold.key == laid.block.key:
                shown, size = self.unfolded.messages.get(fold.key, 0), fold.end - fold.start
                self.unfolded.messages[fold.key] = min(size, shown + STEP) if shown < size else 0
                self._make_anew()
                return True
        if not laid.foldable:
            return False
        self.unfolded.blocks ^= {laid.block.key}
        self._laid[place] = LaidOut(laid.block, self.width, laid.block.key in self.unfolded.blocks)
        self._sum_up()
        return True

    def fold_all(self) -> None:
        """Unfold every block, or fold all where all are unfolded. Long stretches of messages stay folded."""
        short = {fold.key: fold.end - fold.start for fold in self._prompt.folds if fold.end - fold.start <= STEP}
        if self._foldable() <= self.unfolded.blocks and short.items() <= self.unfolded.messages.items():
            self.unfolded.take(Unfolded())
        else:
            self.unfolded.messages |= short
            self._make_anew()
            self.unfolded.blocks |= self._foldable()
        self._make_anew()
        self.resize(self.width)

    def unfold_as(self, unfolded: Unfolded) -> int:
        """Unfold this and nothing else; gives the first line that may have changed."""
        if unfolded != self.unfolded:
            self.unfolded.take(unfolded)
            self._make_anew()
            self.resize(self.width)
        return 0

    def seek(self, pattern: str) -> Generator[bool, None, None]:
        """Unfold all that holds a text, given in lower case, with pauses. True where something was unfolded."""
        for fold in self._prompt.folds:
            for number in range(fold.start, fold.end):
                found = False
                for text in self._prompt.texts(number):
                    found = found or (yield from _holds(text, pattern))
                if found:
                    before = self.unfolded.messages.get(fold.key, 0)
                    self.unfolded.messages[fold.key] = max(before, fold.end - number)
                    self._make_anew()
                    yield True
                    break
        for block in [laid.block for laid in self._laid if laid.foldable and not laid.opened]:
            found = False
            for body in block.bodies:
                found = found or (yield from _holds(body.text, pattern))
            place = self.place_of(block.key)
            if found and place is not None:
                self.unfolded.blocks.add(block.key)
                self._laid[place] = LaidOut(self._laid[place].block, self.width, True)
                self._sum_up()
                yield True

    def _foldable(self) -> set[str]:
        return {laid.block.key for laid in self._laid if laid.foldable}

    def _make_anew(self) -> None:
        """Lay out what is shown now that another part of the prompt is folded."""
        self._prompt_blocks = self._prompt.blocks(self.unfolded.messages)
        if self._last is not None:
            self.update(*self._last)

    def _lay(self, blocks: list[Block]) -> int | None:
        """Take these blocks; what is laid out of them stays. The first line that changed, or None."""
        known = {laid.block.key: laid for laid in self._laid}
        first: int | None = None
        laid: list[LaidOut] = []
        total = 0
        for place, block in enumerate(blocks):
            old, changed = known.get(block.key), None
            if old is not None and old.block is not block and old.block != block:
                changed = old.grow(block)
                old = old if changed is not None else None
            if old is None:
                old, changed = LaidOut(block, self.width, block.key in self.unfolded.blocks), 0
            elif place >= len(self._laid) or self._laid[place] is not old:
                changed = 0
            if changed is not None and first is None:
                first = total + changed
            laid.append(old)
            total += len(old)
        if first is None and len(laid) < len(self._laid):
            first = total
        self._laid = laid
        self._sum_up()
        return first

    def _sum_up(self) -> None:
        self._ends = list(accumulate(map(len, self._laid)))

    def _judged(self, block: Block) -> Block:
        """A call that is being written, with a word on whether its arguments can still become JSON."""
        if not block.arguments:
            return block
        text = block.bodies[0].text
        progress, seen = self._progress.get(block.key, (JsonProgress(), ""))
        if not text.startswith(seen):
            progress, seen = JsonProgress(), ""
        progress.feed(text[len(seen) :])
        self._progress[block.key] = progress, text
        word = ("ok", "valid so far") if progress.valid else ("error", "not valid JSON")
        return replace(block, head=[*block.head, ("muted", " · "), word])


def _holds(text: str, pattern: str) -> Generator[bool, None, bool]:
    """Whether a text holds a pattern, in lower case. Gives False at every pause."""
    for start in range(0, len(text), _SEARCHED):
        if pattern in text[start : start + _SEARCHED + len(pattern)].lower():
            return True
        yield False
    return False
