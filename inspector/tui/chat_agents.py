"""Sub-agents in a conversation: the calls that started some, and the call that started the one it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from inspector.model.flow import Flow
from inspector.store.lane import Cause, Lane
from inspector.store.transcripts import Transcripts
from inspector.tui.chat_blocks import Block
from inspector.tui.format import count
from inspector.tui.spans import Line
from inspector.tui.text import clip, one_line


@dataclass(frozen=True, slots=True)
class Started:
    """A sub-agent, as it stands beside the call that started it."""

    flow: Flow
    """Its first flow."""
    words: str


@dataclass(frozen=True, slots=True)
class Agents:
    """What is known of sub-agents where one flow is shown."""

    started: Mapping[str, Started] = field(default_factory=dict)
    """Those of its lane, by the ids of the calls."""
    cause: Cause | None = None
    """The call that started its own lane, where that is a sub-agent."""


def agents_of(flow: Flow, transcripts: Transcripts) -> Agents:
    """The sub-agents that a flow's lane started, and what started the lane."""
    place = transcripts.place(flow)
    if place is None:
        return Agents()
    started: dict[str, Started] = {}
    for lane in transcripts.below(place.lane):
        if lane.cause is not None and lane.cause.call_id and lane.flows:
            started.setdefault(lane.cause.call_id, Started(lane.flows[0], _words(lane)))
    return Agents(started, place.lane.cause)


def with_agent(block: Block, agents: Agents) -> Block:
    """A call with the sub-agent that it started behind it; any other block as it is."""
    started = agents.started.get(block.call)
    if started is None:
        return block
    return replace(
        block, head=[*block.head, ("", "  "), ("accent", f"→ {_number(started.flow)}"), ("key", started.words)]
    )


def cause_blocks(agents: Agents) -> list[Block]:
    """What says that the conversation is a sub-agent's."""
    if agents.cause is None:
        return []
    name = one_line(agents.cause.name) or "a call"
    number = _number(agents.cause.flow)
    head: Line = [("accent", f"← {number}"), ("key", " · sub-agent, started by "), ("accent", name)]
    return [Block("cause", "", head)]


def _number(flow: Flow) -> str:
    return f"#{clip(one_line(flow.number), 12)}"


def _words(lane: Lane) -> str:
    totals = lane.totals
    turns = f" · {totals.turns} turn{'' if totals.turns == 1 else 's'}" if totals.turns else ""
    tokens = totals.input_tokens + totals.output_tokens
    return f" · sub-agent{turns}" + (f" · {count(tokens)} tokens" if tokens else "")
