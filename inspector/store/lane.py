"""A lane: the flows of one conversation, or of one sub-agent, with what they amount to."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from inspector.model.flow import Flow


class Work(StrEnum):
    """What a request is for."""

    TURN = "turn"
    """It goes on with the conversation."""
    TITLE = "title"
    """It asks for a title or a topic, beside the conversation."""
    COMPACTION = "compaction"
    """It asks to sum the conversation up, so that the summary can stand in its place."""
    COUNT = "count"
    """It asks how many tokens a prompt has."""
    PROBE = "probe"
    """It only tries whether model, key and quota are there, or warms them up."""
    POLL = "poll"
    """It asks how far an answer is that is made in the background."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The tool call that started a sub-agent."""

    flow: Flow
    """In whose answer the call stands."""
    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class LaneTotals:
    """What the flows of a lane amount to, those of its sub-agents not counted."""

    turns: int = 0
    """Requests that go on with the conversation; retries of the same one count once."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """US dollars, over those flows whose cost is known; None where there are none."""
    window: int | None = None
    """Input tokens of the last turn that tells them: how full the context is."""


@dataclass(slots=True, eq=False)
class Lane:
    """Flows that belong together, by arrival."""

    id: str
    """The id of its first flow."""
    title: str = ""
    """What it is about, on one line: what the user asked for first, or the title that the agent had made."""
    agent: str = ""
    session: str = ""
    """The client's own name of the session, where it sends one."""
    flows: list[Flow] = field(default_factory=list)
    """Those that are in the store."""
    left: int = 0
    """How many of its flows have left the store."""
    begun: int = 0
    """The number of its first flow, which may have left."""
    parent: Lane | None = None
    """The lane that started it, where this is a sub-agent."""
    cause: Cause | None = None
    totals: LaneTotals = field(default_factory=LaneTotals)

    @property
    def path(self) -> tuple[int, ...]:
        """Its place among the lanes: a sub-agent stands right behind the flow that started it.

        A flow's place is its lane's path with its own number behind it; one without a lane stands at its number.
        """
        first = self.begun or (self.flows[0].seq if self.flows else 0)
        if self.parent is None:
            return (first,)
        return (*self.parent.path, self.cause.flow.seq if self.cause is not None else first, first)

    @property
    def size(self) -> int:
        """How many flows it has, with those that left."""
        return len(self.flows) + self.left

    @property
    def depth(self) -> int:
        """How many lanes it stands under."""
        return 0 if self.parent is None else self.parent.depth + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a flow belongs, and what it is there."""

    lane: Lane
    work: Work = Work.TURN
    turn: int = 0
    """Its number among the lane's turns, from 1; 0 where it is no turn."""
    previous: Flow | None = None
    """The lane's turn before it, with which it is compared: not a failed attempt where another one succeeded."""
    compacted: bool = False
    """It is the first turn after the history was replaced by less."""
    retry_of: Flow | None = None
    """The first attempt at the same request."""
    attempt: int = 1
    storm: bool = False
    """It is one of many attempts in a short time."""
