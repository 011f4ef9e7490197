"""Flows, understood when somebody looks at them: read incrementally, cached, thrown away freely."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from itertools import islice
from typing import ParamSpec, TypeVar

from inspector import dialects
from inspector.dialects._base import Dialect
from inspector.model.flow import Flow, Request
from inspector.model.message import Transcript
from inspector.store import price_list
from inspector.store.ahead import MANY, THAW, Ahead
from inspector.store.alignment import Steps, finish
from inspector.store.answer_events import AnswerEvents
from inspector.store.lane import Lane, Place
from inspector.store.summary import Summary, has_substance, summarise
from inspector.wire.body import decoded
from inspector.wire.event import Event

_P = ParamSpec("_P")
_T = TypeVar("_T")

REQUEST_LIMIT = 64 * 1024 * 1024
"""Bytes of a decoded request body beyond which it is not read as a prompt."""
_LOOKED_AT = 64
"""Transcripts among which one is found that may be dropped."""
LARGE = 256 * 1024
"""Bytes of bodies from which on whoever draws lets them be read in a thread (`Transcripts.ready`)."""


class Transcripts:
    """The transcripts of the flows that were asked for last.

    At most `limit` flows are kept, and no more of them than have `budget` bytes of bodies together. What is dropped is
    read anew when it is asked for again, with the same outcome. Summaries are small: many more of them are kept.
    """

    def __init__(self, limit: int = 4096, budget: int = 48 * 1024 * 1024, summaries: int = 65_536) -> None:
        self._limit = limit
        self._budget = budget
        self._summary_limit = summaries
        self._readings: OrderedDict[str, _Reading] = OrderedDict()
        self._weight = 0
        self._summaries: OrderedDict[str, tuple[Flow, _Stamp, Summary]] = OrderedDict()
        self.looked: Callable[[Flow], None] | None = None
        """Called with each flow that is asked for."""
        self.placed_by: Callable[[Flow], Place | None] = _nowhere
        """Who sorts flows into lanes, where somebody does."""
        self.sorting: Callable[[Flow], bool] = _is_sorted
        """Whether a flow is being sorted in, and will have its place soon."""
        self.below: Callable[[Lane], Sequence[Lane]] = _none
        """Who tells the sub-agents that a lane started itself."""
        self._ahead: dict[str, Future[_Reading]] = {}
        """What is read in the thread."""
        self._thread = Ahead()

    @property
    def weight(self) -> int:
        """Bytes of the bodies whose transcripts are kept."""
        return self._weight

    def ready(self, flow: Flow) -> bool:
        """Whether `of` takes next to no time. Where it does not, the flow is read in a thread: ask again later.

        For those who draw and must not wait. Who needs the transcript at once calls `of` in any case.
        """
        if self._ahead or self._thread.frozen >= THAW:
            self._take_ahead()
            if flow.id in self._ahead:
                return False
        if (len(flow.sent.body) if flow.live else _weight(flow)) < LARGE or not _has_come(flow):
            return True
        reading = self._readings.get(flow.id)
        if reading is not None and reading.is_of(flow) and reading.request is not None:
            return True
        self._ahead[flow.id] = self.beside(partial(_read_ahead, flow), _weight(flow))
        return False

    def beside(self, work: Callable[[], _T], size: int) -> Future[_T]:
        """Have something done in the thread in which large flows are read. It may read what is whole, and change
        nothing; `size` is in bytes.
        """
        return self._thread.submit(work, size)

    def through(self, steps: Steps[_T], size: int) -> Steps[_T]:
        """Go through steps that read `size` bytes: one by one, or all in the thread where that is much.

        They may read what is whole, and change nothing.
        """
        if size < LARGE:
            return (yield from steps)
        ahead = self.beside(partial(finish, steps), size)
        try:
            while not ahead.done():
                yield True
            return ahead.result()
        finally:
            ahead.cancel()

    def of(self, flow: Flow) -> Transcript:
        """The transcript of a flow as far as it has come. Reads only what is new since the last call.

        The same object grows while the flow is kept; it is never raised from, whatever the bytes hold.
        """
        if self.looked is not None:
            self.looked(flow)
        if flow.id in self._ahead:
            wait([self._ahead[flow.id]])
        self._take_ahead()
        reading = self._readings.get(flow.id)
        if reading is None or not reading.is_of(flow):
            self._forget(flow.id)
            reading = self._readings[flow.id] = _Reading(flow)
        self._readings.move_to_end(flow.id)
        before = reading.weight
        reading.update()
        self._weight += reading.weight - before
        while len(self._readings) > 1 and (len(self._readings) > self._limit or self._weight > self._budget):
            self._forget(self._least())
        return reading.transcript

    def settled(self, flow: Flow) -> bool:
        """Whether a flow is read and has its place, for those who judge it once and for all. Ask until it is."""
        return self.ready(flow) and not self.sorting(flow)

    def answered(self, flow: Flow) -> Transcript:
        """As `of`, for those who ask for the answer alone: a large request that is not kept is not read for it."""
        reading = self._readings.get(flow.id)
        kept = flow.id not in self._ahead and reading is not None and reading.is_of(flow)
        if kept or len(flow.sent.body) < LARGE:
            return self.of(flow)
        if self.looked is not None:
            self.looked(flow)
        reading = _Reading(flow)
        reading.read_answer()
        return reading.transcript

    def summary(self, flow: Flow) -> Summary:
        """The flow in one line; worked out anew only after it changed."""
        stamp = _stamp(flow)
        known = self._summaries.get(flow.id)
        if known is not None and known[0] is flow and known[1] == stamp:
            return known[2]
        try:
            summary = summarise(flow, self.of(flow))
        except Exception as error:  # the border to prices, and to whatever a flow holds: one row must not cost the rest
            flow.note(f"it could not be summed up: {type(error).__name__}: {error}")
            summary = Summary()
        self._summaries[flow.id] = (flow, stamp, summary)
        self._summaries.move_to_end(flow.id)
        if len(self._summaries) > self._summary_limit:
            self._summaries.popitem(last=False)
        return summary

    def place(self, flow: Flow) -> Place | None:
        """The lane that a flow belongs to; None where it belongs to none, or nobody sorts them."""
        return self.placed_by(flow)

    def latest(self, flow: Flow) -> tuple[Summary | None, bool]:
        """The last summary of a flow, if there was one, and whether it still holds. Reads nothing."""
        known = self._summaries.get(flow.id)
        if known is None or known[0] is not flow:
            return None, False
        return known[2], known[1] == _stamp(flow)

    def forget(self, flow: Flow) -> None:
        """Drop all that is kept of a flow."""
        self._forget(flow.id)
        self._summaries.pop(flow.id, None)

    def _least(self) -> str:
        """Whose transcript is dropped: that of the flow not asked for longest, and of one that ended if it can be.

        What a live one has must be read again with all its next events.
        """
        first = islice(self._readings.items(), min(_LOOKED_AT, len(self._readings) - 1))
        return next((flow_id for flow_id, reading in first if reading.answer.closed), next(iter(self._readings)))

    def _take_ahead(self) -> None:
        """Keep what the thread is done with. Now and then drop all that is large: see `Ahead.thaw`."""
        for flow_id in [flow_id for flow_id, ahead in self._ahead.items() if ahead.done()]:
            self._forget(flow_id)
            reading = self._readings[flow_id] = self._ahead.pop(flow_id).result()
            self._weight += reading.weight
        if self._thread.frozen >= THAW:
            for flow_id in [flow_id for flow_id, reading in self._readings.items() if reading.weight >= MANY]:
                self._forget(flow_id)
            self._thread.thaw()

    def _forget(self, flow_id: str) -> None:
        reading = self._readings.pop(flow_id, None)
        if reading is not None:
            self._weight -= reading.weight


def _has_come(flow: Flow) -> bool:
    """Whether the request is there as a whole."""
    return flow.timing.received is not None or flow.response is not None or not flow.live


def _read_ahead(flow: Flow) -> _Reading:
    """Read the request, and of a flow that changes no more also the answer. Runs in the thread."""
    reading = _Reading(flow)
    if flow.live:
        reading.read_request()
    else:
        reading.update()
    return reading


def _nowhere(flow: Flow) -> Place | None:
    return None


def _is_sorted(flow: Flow) -> bool:
    return False


def _none(lane: Lane) -> Sequence[Lane]:
    return ()


_Stamp = tuple[object, ...]


def _stamp(flow: Flow) -> _Stamp:
    """What moves whenever a flow changes, or its price can be told. One that no store holds has no revision."""
    if flow.revision:
        return flow.revision, price_list.ready()
    return _weight(flow), flow.live, flow.error, price_list.ready()


def _weight(flow: Flow) -> int:
    return len(flow.sent.body) + (len(flow.answered.body) if flow.answered is not None else 0)


class _Reading:
    """One flow's transcript with the readers that feed it, and how far they are."""

    __slots__ = ("answer", "dialect", "events", "flow", "reader", "request", "transcript", "weight")

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.dialect: Dialect = dialects.by_name(flow.dialect)
        self.transcript = Transcript()
        self.reader = self.dialect.reader(self.transcript)
        self.request: Request | None = None
        self.answer = AnswerEvents(flow)
        self.events = 0
        self.weight = 0

    def is_of(self, flow: Flow) -> bool:
        """Whether it can go on with this flow: the same one, and what was read of it stands as it stood."""
        return (
            self.answer.is_of(flow)
            and self.dialect.name == flow.dialect
            and (self.request is None or self.request is flow.sent)
        )

    def update(self) -> None:
        """Read what came since the last time."""
        self.read_request()
        self.read_answer()
        self.weight = _weight(self.flow)

    def read_answer(self) -> None:
        """Read what came of the answer."""
        if self.flow.answered is not None and not self.answer.closed:
            self._read_response()

    def read_request(self) -> None:
        """Read the request, once it has come."""
        if self.request is None and _has_come(self.flow):
            self.request = self.flow.sent
            self._read_prompt(self.request)

    def _read_prompt(self, request: Request) -> None:
        data, remark = decoded(request.headers, bytes(request.body), REQUEST_LIMIT)
        if remark:
            self.transcript.note(f"request: {remark}")
        prompt = self._ask("request", self.dialect.prompt, request, data)
        if prompt is not None:
            self.transcript.prompt = prompt

    def _read_response(self) -> None:
        for events in self.answer.read():
            self._take(events)
        if self.answer.closed:
            self._ask("end", self.reader.close)
            answer = self.transcript.answer
            if self.events and self.dialect.terminal and not answer.complete and answer.error is None:
                self.transcript.note("the answer stops before its end")
        for remark in self.answer.notes:
            self.transcript.note(f"response: {remark}")

    def _take(self, events: list[Event]) -> None:
        for event in events:
            self.events += 1
            self._ask(f"event {self.events}", self.reader.event, event)
            if self.transcript.first_token is None and self._has_begun():
                self.transcript.first_token = event.at

    def _has_begun(self) -> bool:
        return any(has_substance(part) for choice in self.transcript.answer.choices for part in choice.parts)

    def _ask(self, where: str, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """Let the dialect read something. Whatever it raises is noted: one bad event does not spoil the rest."""
        try:
            return read(*args, **kwargs)
        except Exception as error:  # the border to dialects, which meet malformed input of every kind
            self.transcript.note(f"{where}: {str(error) or type(error).__name__}")
            return None
