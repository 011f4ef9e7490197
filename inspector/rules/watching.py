"""Breakpoints on an answer: one flow's events are read before the client has them, and stopped where a filter holds.

A filter is settled once, as far as the flow's head settles it; only what can still change is asked again while the
answer grows. Flows that no breakpoint can stop are not watched at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector import dialects
from inspector.model.flow import Flow, Moment
from inspector.model.message import Transcript
from inspector.proxy.hooks import Decision, Halt, Verdict
from inspector.rules.breakpoints import Breakpoint, Breakpoints
from inspector.store.filter_live import LiveAnswer, LiveCall, asks_call, wants_whole_call
from inspector.store.filter_residual import residual
from inspector.store.filter_terms import Term, leaves, matches
from inspector.store.summary import has_substance
from inspector.store.transcripts import Transcripts
from inspector.wire.event import Event

_SHORT = 64
"""Bytes that a `ping` without a name of its own may have."""


class _Stop:
    """One breakpoint at `event`, as far as it is still open for this flow."""

    __slots__ = ("_through", "_whole", "about_calls", "breakpoint", "call_only", "rest")

    def __init__(self, breakpoint: Breakpoint, rest: Term | bool) -> None:
        self.breakpoint = breakpoint
        self.rest = rest
        asked = [] if isinstance(rest, bool) else [asks_call(leaf) for leaf in leaves(rest)]
        self.about_calls = any(asked)
        """It speaks of tool calls: each is kept back until it is judged, and judged by itself."""
        self.call_only = bool(asked) and all(asked)
        """It speaks of nothing else."""
        self._whole = not isinstance(rest, bool) and wants_whole_call(rest)
        self._through: set[LiveCall | None] = set()
        """The calls with which it is done; None stands for the whole answer."""

    def strikes(self, answer: LiveAnswer, changed: Sequence[LiveCall]) -> bool:
        """Whether it stops the answer here: once for each call where it speaks of calls, else once."""
        struck = [call for call in self._candidates(answer, changed) if self._judge(answer, call)]
        self._through.update(struck)
        return bool(struck)

    def keeps(self, call: LiveCall) -> bool:
        """Whether a call that is being written is kept back, for it may still be stopped."""
        if not self.about_calls or not self.breakpoint.on or call.call.server_side or call in self._through:
            return False
        if call.begun and not isinstance(self.rest, bool) and not call.may_satisfy(self.rest):
            self._through.add(call)
            return False
        return True

    def _candidates(self, answer: LiveAnswer, changed: Sequence[LiveCall]) -> Sequence[LiveCall | None]:
        if not self.about_calls:
            return (None,)
        if changed or self.call_only:
            return changed
        return answer.calls[-1:] or (None,)

    def _judge(self, answer: LiveAnswer, call: LiveCall | None) -> bool:
        if call in self._through or not (call is None or call.done or (call.name and not self._whole)):
            return False
        return self.rest if isinstance(self.rest, bool) else answer.matches(self.rest, call)


class AnswerWatch:
    """Reads one flow's answer for the breakpoints that may stop it; made by `watch`."""

    def __init__(self, flow: Flow, stops: Sequence[tuple[Breakpoint, Term | bool]], known: Transcripts) -> None:
        self._flow = flow
        transcript = Transcript(prompt=known.of(flow).prompt)
        self._answer = LiveAnswer(flow, transcript, known.place(flow))
        self._reader = dialects.by_name(flow.dialect).reader(transcript)
        self._heads = [stop for stop in stops if stop[0].moment is Moment.HEAD]
        self._events = [_Stop(*stop) for stop in stops if stop[0].moment is Moment.EVENT]
        self._ends = [stop for stop in stops if stop[0].moment is Moment.END]
        only_calls = not self._ends and all(stop.call_only for stop in self._events)
        self._marks = dialects.by_name(flow.dialect).call_marks if only_calls else ()
        """Where nothing but tool calls is asked for, events without any of these need not be read."""

    def head(self) -> str:
        """Who stops the answer at its head."""
        return self._whoever(self._heads)

    def event(self, event: Event) -> Decision:
        """Decide on the next event by what the answer says with it."""
        if not (self._events or self._ends):
            return Verdict.PASS
        if self._marks and not self._answer.open and not any(map(event.data.__contains__, self._marks)):
            return Verdict.PASS
        if not _is_keep_alive(event):
            self._read(event)
            changed = self._answer.update()
            struck = [stop for stop in self._events if stop.breakpoint.on and stop.strikes(self._answer, changed)]
            for stop in struck:
                stop.breakpoint.hits += 1
            if struck:
                return Halt(str(struck[0].breakpoint))
        return Verdict.WITHHOLD if self._withholds() else Verdict.PASS

    def end(self) -> str:
        """Who stops the answer now that it is whole."""
        if self._ends:
            self._reader.close()
        return self._whoever(self._ends)

    def _read(self, event: Event) -> None:
        transcript = self._answer.transcript
        try:
            self._reader.event(event)
        except Exception as error:  # the border to dialects: one bad event must not end the watch
            transcript.note(str(error) or type(error).__name__)
        if transcript.first_token is None and any(
            has_substance(part) for choice in transcript.answer.choices for part in choice.parts
        ):
            transcript.first_token = event.at

    def _withholds(self) -> bool:
        if any(breakpoint.on for breakpoint, _ in self._ends):
            return True
        return any(stop.keeps(call) for call in self._answer.open for stop in self._events)

    def _whoever(self, stops: Sequence[tuple[Breakpoint, Term | bool]]) -> str:
        """The first of those that hold now; each of them is counted."""
        found = [breakpoint for breakpoint, rest in stops if breakpoint.on and self._holds(rest)]
        for breakpoint in found:
            breakpoint.hits += 1
        return str(found[0]) if found else ""

    def _holds(self, rest: Term | bool) -> bool:
        return rest if isinstance(rest, bool) else matches(rest, self._flow, self._answer)


def watch(flow: Flow, breakpoints: Breakpoints, transcripts: Transcripts) -> AnswerWatch | None:
    """A watch on the answer of a flow whose head has come (`flow.response` is set); None where nothing can stop it."""
    active = breakpoints.active(Moment.HEAD, Moment.EVENT, Moment.END)
    stops = [(each, residual(each.filter.term, flow, transcripts)) for each in active]
    possible = [stop for stop in stops if stop[1] is not False]
    return AnswerWatch(flow, possible, transcripts) if possible else None


def _is_keep_alive(event: Event) -> bool:
    if event.kind == "comment" or event.name == "ping":
        return True
    return len(event.data) < _SHORT and b'"ping"' in event.data
