"""What is new in a prompt since the lane's last turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from inspector.model.message import Message, Prompt
from inspector.store.alignment import Gap, Steps, gaps
from inspector.store.diff import line_up

News = Literal["new", "changed"]


@dataclass(frozen=True, slots=True)
class Since:
    """The messages of a prompt that the one before did not have."""

    news: Mapping[int, News] = field(default_factory=dict)
    """By index into `Prompt.messages`: `changed` where another message of the same role stood in its place."""
    gone: int = 0
    """Messages that the prompt before had, and that neither stand here nor were changed."""


def since(before: Prompt, after: Prompt) -> Steps[Since]:
    """Compare two prompts message by message. Tool-call ids do not count: some clients number them anew."""
    found = yield from line_up(before.messages, after.messages)
    news: dict[int, News] = {}
    gone = 0
    for gap in gaps(found, len(before.messages), len(after.messages)):
        yield
        changed = _changed(gap, before.messages, after.messages)
        news.update((index, "changed" if index in changed else "new") for index in gap.after)
        gone += len(gap.before) - len(changed)
    return Since(news, gone)


def _changed(gap: Gap, before: Sequence[Message], after: Sequence[Message]) -> set[int]:
    """Messages of a gap that stand where one of the same role stood."""
    pairs = zip(gap.before, gap.after, strict=False)
    return {new for old, new in pairs if before[old].role == after[new].role}
