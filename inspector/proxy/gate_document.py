"""The gate for an answer that is one document: the client gets nothing of it until it is whole, and let go."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from inspector.dialects import by_name
from inspector.model.edits import Edits
from inspector.model.flow import Flow, Moment, Mutation, Response
from inspector.model.message import Message, Transcript
from inspector.proxy.continuation import Continuation
from inspector.proxy.guarded import GuardedWatch
from inspector.proxy.held import Dropped, Holds, Step, Waiting
from inspector.proxy.hooks import Halt, Instead
from inspector.proxy.progress import Progress
from inspector.proxy.rewriting import delivered_headers, mutations
from inspector.store.flows import FlowStore
from inspector.wire.body import decoded
from inspector.wire.event import Event


class DocumentGate:
    """One whole answer on its way through."""

    def __init__(self, flow: Flow, store: FlowStore, holds: Holds, watch: GuardedWatch | None) -> None:
        assert flow.response is not None
        self._flow = flow
        self._response: Response = flow.response
        self._store = store
        self._holds = holds
        self._watch = watch
        self._asked = ""
        self._document = Event(b"", "document")
        self._edited = False

    async def run(self, chunks: AsyncIterator[bytes]) -> tuple[Response, bytes]:
        """Take the document in, and give what the client gets. Raises Dropped, and what `chunks` raises."""
        async for chunk in chunks:
            self._response.body.append(self._now(), chunk)
            self._store.touch(self._flow)
        data, _ = decoded(self._response.headers, bytes(self._response.body))
        self._document = Event(data, "document", end=len(data), at=self._now())
        await self._stop()
        if not self._edited:
            return self._response, bytes(self._response.body)
        headers = delivered_headers(self._response.headers)
        self._flow.delivered = delivered = Response(self._response.status, headers, self._response.reason)
        delivered.body.append(self._now(), self._document.data)
        return delivered, self._document.data

    def hold(self, by: str) -> None:
        """Stop it when it is whole."""
        self._asked = by

    async def _stop(self) -> None:
        """Hold the document for everybody who stops it, one after the other."""
        by = ""
        if (watch := self._watch) is not None:
            decision = watch.event(self._document)
            decision = await decision if isinstance(decision, Awaitable) else decision
            if isinstance(decision, Instead):
                self._become(b"".join(decision.pieces), decision.by)
                decision = decision.then
            by = decision.by if isinstance(decision, Halt) else ""
        if self._asked:
            await self._hold(Moment.EVENT, self._asked)
        if watch is not None and by and watch.stops:
            await self._hold(Moment.EVENT, by)
        if watch is not None and (by := watch.end()):
            await self._hold(Moment.END, by)

    async def _hold(self, moment: Moment, by: str) -> None:
        held = self._holds.begin(self._flow, moment, by, self)
        assert self._flow.hold is not None
        self._flow.hold.upstream_done, self._flow.hold.waiting = True, 1
        self._flow.hold.waiting_bytes = len(self._document.data)
        try:
            while (step := await self._holds.wait(held)) is None:
                pass
        finally:
            self._holds.end(held)
        if step is Step.DROP:
            raise Dropped
        if step is Step.END and self._watch is not None:
            self._watch.stops = False

    def _become(self, data: bytes, by: str) -> None:
        self._flow.mutations.append(Mutation("event", by, f"{len(self._document.data)} bytes", f"{len(data)} bytes"))
        self._document = Event(data, "document", end=len(data), at=self._document.at)
        self._edited = True

    @property
    def waiting(self) -> Sequence[Waiting]:
        """The document."""
        return [Waiting(self._document, self._document.data, -1, self._edited)]

    @property
    def delivered(self) -> Transcript:
        """Nothing."""
        return Transcript()

    @property
    def editable(self) -> str:
        """Empty: a document can be edited as a whole in any dialect."""
        return ""

    def edit(self, edits: Edits, by: str) -> None:
        """Change parts of the answer."""
        writer = by_name(self._flow.dialect).writer
        if writer is None:
            raise ValueError(f"answers of the dialect {self._flow.dialect} are edited as raw text only")
        data = writer.edit_document(self._document.data, edits)
        written: Message | None = Progress(self._flow, [self._document]).transcript.answer.message
        self._flow.mutations.extend(mutations(edits, by, written.parts if written else ()))
        self._document = Event(data, "document", end=len(data), at=self._document.at)
        self._edited = True

    def splice(self, before: str, source: Callable[[], Continuation], by: str) -> None:
        """A document is whole before the client has any of it: nothing need be joined."""
        raise ValueError("this answer is one document: edit its text, or go on as a new flow")

    def edit_event(self, index: int, raw: bytes, by: str) -> None:
        """Give the document other bytes."""
        self._become(raw, by)

    def _now(self) -> float:
        return (time.perf_counter() - self._flow.clock) * 1000
