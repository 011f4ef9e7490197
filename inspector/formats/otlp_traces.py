"""Which trace a flow belongs to, and which tools ran before it: found as flows pass, with little memory of them."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple, TypeVar

from inspector.model.flow import Flow
from inspector.model.message import ToolCall, ToolResult, Transcript
from inspector.model.sessions import session_of
from inspector.store.lane import Place

_K = TypeVar("_K")
_V = TypeVar("_V")

_CALLS = 4096
"""Calls, and flows, that are remembered: the last ones."""
_UNIQUE = 8
"""Characters from which on the id of a call stands for it alone: `call_1` is in many conversations."""


class Home(NamedTuple):
    """Where a flow's span belongs."""

    trace: str
    """What the trace is named by: the id of its first flow, or a session's name."""
    conversation: str = ""
    cause: tuple[str, str] | None = None
    """The flow and the id of the call in it that started this conversation, where it is a sub-agent's."""


class Call(NamedTuple):
    """A tool that a model wants run."""

    trace: str
    flow: str
    """The id of the flow in whose answer it stands."""
    at: float
    """When the client had that answer, in seconds since the epoch."""
    id: str
    name: str
    arguments: str


class ToolRun(NamedTuple):
    """A tool that ran: its result has come."""

    call: Call
    at: float
    """When the result came, in seconds since the epoch: until then it ran, or waited for its turn."""
    result: str
    failed: bool


_Key = tuple[str, str]
"""An agent and the id of a call."""


class Traces:
    """Asked for every flow once, in the order of their arrival.

    A flow's trace is that of its lane, with the lane's sub-agents, where somebody sorts flows into lanes. Else it is
    that of the flow that it repeats, of the session that its client names, or of the flow that called the tools whose
    results it has; one of its own where there is none of these.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[_Key, Call] = OrderedDict()
        self._traces: OrderedDict[_Key, str] = OrderedDict()
        self._conversation: OrderedDict[str, str] = OrderedDict()
        """The traces of flows."""

    def take(self, flow: Flow, transcript: Transcript, place: Place | None = None) -> tuple[Home, list[ToolRun]]:
        """Where a flow belongs, and the tools whose results it is the first to have."""
        home = _in_lanes(place) if place is not None else self._home(flow, transcript)
        _keep(self._conversation, flow.id, home.trace)
        runs = self._runs(flow, transcript)
        self._expect(flow, transcript, home)
        return home, runs

    def _home(self, flow: Flow, transcript: Transcript) -> Home:
        if flow.parent:
            return Home(self._conversation.get(flow.parent, flow.parent))
        session = session_of(flow.request.headers, transcript.prompt.parameters, flow.session)
        if name := session.name or session.thread:
            return Home(f"session {name}", session.thread or name)
        for message in reversed(transcript.prompt.messages):
            for part in reversed(message.parts):
                if isinstance(part, ToolCall | ToolResult) and (trace := self._traces.get((flow.agent, part.id))):
                    return Home(trace, trace)
        return Home(flow.id, flow.id)

    def _runs(self, flow: Flow, transcript: Transcript) -> list[ToolRun]:
        parts = (part for message in transcript.prompt.messages for part in message.parts)
        results = [part for part in parts if isinstance(part, ToolResult)] if self._waiting else []
        found = [(self._waiting.pop((flow.agent, result.id), None), result) for result in results]
        return [ToolRun(call, flow.started, result.content, result.is_error) for call, result in found if call]

    def _expect(self, flow: Flow, transcript: Transcript, home: Home) -> None:
        """Remember the calls of an answer."""
        at = flow.started + (flow.timing.ended or 0.0) / 1000
        for choice in transcript.answer.choices:
            for call in choice.tool_calls():
                if not call.id or call.server_side:
                    continue
                key = (flow.agent, call.id)
                waiting = Call(home.trace, flow.id, at, call.id, call.name, str(call.arguments))
                _keep(self._waiting, key, waiting)
                if len(call.id) >= _UNIQUE:
                    _keep(self._traces, key, home.trace)


def _in_lanes(place: Place) -> Home:
    lane = place.lane
    root = lane
    while root.parent is not None:
        root = root.parent
    cause = (lane.cause.flow.id, lane.cause.call_id) if lane.cause is not None else None
    return Home(root.id, lane.id, cause)


def _keep(kept: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    """Keep something, and the oldest no longer where that is too much."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _CALLS:
        kept.popitem(last=False)
