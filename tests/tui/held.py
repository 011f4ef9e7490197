"""What the tests of holding share: a flow that stands still in the middle of its answer, and a screen to act on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from inspector.model.edits import Edits
from inspector.model.flow import Flow, Moment
from inspector.model.message import Transcript
from inspector.proxy.continuation import Continuation
from inspector.proxy.held import Held, Waiting
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.wire.body import BodyReader
from inspector.wire.event import Event
from tests.tui.detail_app import anthropic_flow, begin, sse, text_events
from tests.tui.screens import HandListener

COMMAND = '{"command": "rm -rf build && make", "description": "Rebuild from scratch"}'


@dataclass
class HandStream:
    """A held answer of which the client has the first events; what is done to it is written down."""

    flow: Flow
    had: int
    """How many events the client has."""
    parts: Sequence[int]
    """The part of each event."""
    editable: str = ""
    edited: list[Edits] = field(default_factory=list)
    raw: dict[int, bytes] = field(default_factory=dict)
    """By the event's place in the answer."""
    refuses: str = ""

    @property
    def events(self) -> list[Event]:
        """All that came."""
        assert self.flow.response is not None
        reader = BodyReader(self.flow.response.headers)
        return reader.feed(bytes(self.flow.response.body), 0.0)

    @property
    def waiting(self) -> Sequence[Waiting]:
        """What the client does not have."""
        assert self.flow.response is not None
        body = bytes(self.flow.response.body)
        return [
            Waiting(each, self.raw.get(number, body[each.start : each.end]), self.parts[number], number in self.raw)
            for number, each in enumerate(self.events)
            if number >= self.had
        ]

    @property
    def delivered(self) -> Transcript:
        """What the client has."""
        response = self.flow.response
        assert response is not None
        end = self.events[self.had - 1].end if self.had else 0
        short = replace(self.flow, response=replace(response, body=type(response.body)(bytes(response.body)[:end])))
        return Transcripts().of(short)

    def edit(self, edits: Edits, by: str) -> None:
        """Take edits, or refuse them."""
        if self.refuses:
            raise ValueError(self.refuses)
        self.edited.append(edits)

    def splice(self, before: str, source: Callable[[], Continuation], by: str) -> None:
        """Refuse another answer: there is no client that could get it."""
        raise ValueError("nobody reads this answer")

    def edit_event(self, index: int, raw: bytes, by: str) -> None:
        """Take another event."""
        if self.refuses:
            raise ValueError(self.refuses)
        self.raw[self.had + index] = raw


def call_flow(arguments: str = COMMAND, *, whole: bool = True) -> tuple[Flow, list[int]]:
    """An answer of a text and a tool call, and the part of each of its events."""
    flow = begin(anthropic_flow([{"role": "user", "content": "Rebuild."}], model="claude-haiku-4-5"))
    flow.started = time.time() - 14
    flow.clock = time.perf_counter() - 14
    flow.agent = "claude-code"
    empty = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-haiku-4-5", "content": []}
    start = sse("message_start", message={**empty, "usage": {"input_tokens": 812, "output_tokens": 1}})
    words = text_events(["The build folder is stale. ", "I'll remove it and build again."])
    call = {"type": "tool_use", "id": "toolu_01ZqHpX", "name": "Bash", "input": {}}
    pieces = [arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]]
    deltas = [
        sse("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": p}) for p in pieces
    ]
    events = [start, *words, sse("content_block_stop", index=0)]
    events += [sse("content_block_start", index=1, content_block=call), *(deltas if whole else deltas[:1])]
    parts = [-1, 0, 0, 0, 0, 1, 1, 1]
    if whole:
        events.append(sse("content_block_stop", index=1))
        events.append(sse("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 61}))
        events.append(sse("message_stop"))
        parts += [1, -1, -1]
    assert flow.response is not None
    for number, each in enumerate(events):
        flow.response.body.append(100.0 + 10 * number, each)
    return flow, parts


@dataclass
class Bench:
    """A screen, and one held flow on it."""

    app: InspectorApp
    store: FlowStore
    control: Control
    flow: Flow
    held: Held
    stream: HandStream


def bench(*, had: int = 5, arguments: str = COMMAND, whole: bool = True, theme: str | None = None) -> Bench:
    """A screen on which the answer of a text and a tool call is held, of which the agent has `had` events."""
    store, transcripts = FlowStore(), Transcripts()
    control = Control(store, transcripts)
    flow, parts = call_flow(arguments, whole=whole)
    store.add(flow)
    stream = HandStream(flow, had, parts)
    held = control.holds.begin(flow, Moment.EVENT, 'event tool:Bash arg.command~"rm "', stream)
    assert flow.hold is not None
    flow.hold.since -= 12_000
    flow.hold.waiting, flow.hold.upstream_done, flow.hold.kept_alive = len(stream.waiting), whole, 2
    flow.hold.gives_up = flow.hold.since + 600_000
    desk = Desk(store, transcripts, control)
    app = InspectorApp(store, transcripts, listener=HandListener(), desk=desk, theme=theme)
    return Bench(app, store, control, flow, held, stream)
