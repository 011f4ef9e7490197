"""Which flow of a lane made a call, which one brought its result, and how long the tool ran between them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from inspector.model.flow import Flow
from inspector.model.message import ToolCall
from inspector.store.tool_calls import CallState, Pair, SeenCall, fingerprint, paired, start_of_last, used_names
from inspector.store.tool_times import AnswerTimes
from inspector.store.transcripts import Transcripts


@dataclass(frozen=True, slots=True)
class _Made:
    place: int
    flow: Flow
    ended: float
    """Wall clock."""


class LaneCalls:
    """The calls of a lane's answers: found once for each flow, a slice at a time, and kept as names and places.

    Requests are not read for it: every API wants the results of an answer's calls in the very next turn.
    """

    def __init__(self, transcripts: Transcripts) -> None:
        self._transcripts = transcripts
        self.revision = 0
        """Grows whenever more is known."""
        self.used: Counter[str] = Counter()
        """How often each tool was called in the lane, by its name or, where the provider ran it, by its kind too."""
        self._flows: list[Flow] = []
        """Those that were looked at."""
        self._open: list[int] = []
        """Places of flows whose answers are still to be read."""
        self._made: dict[str, list[_Made]] = defaultdict(list)
        self._nameless = False
        """Some calls have no ids: they are known by what they say."""
        self._times: AnswerTimes | None = None
        self._seen: tuple[object, ...] = ()

    def is_of(self, flows: Sequence[Flow]) -> bool:
        """Whether these are the flows that were looked at, and more behind them."""
        known = len(self._flows)
        return known <= len(flows) and (
            not known or (flows[0] is self._flows[0] and flows[known - 1] is self._flows[-1])
        )

    def behind(self, flows: Sequence[Flow]) -> bool:
        """Whether there is news that was not read."""
        return not self.is_of(flows) or len(flows) > len(self._flows) or self._seen != self._stamp()

    def pull(self, flows: Sequence[Flow], seconds: float) -> bool:
        """Read what is new in the lane, for at most about `seconds`; whether there is more to be read now."""
        until = time.perf_counter() + seconds
        known = len(self._flows)
        self._flows += flows[known:]
        self._open += range(known, len(self._flows))
        more = self._read_answers(until)
        stamp = self._stamp()
        self.revision += len(self._flows) > known or stamp != self._seen
        self._seen = stamp
        return more

    def _stamp(self) -> tuple[object, ...]:
        """What moves when a flow that is not over gets on: its request comes, it finds its place, it ends."""
        flows = [self._flows[place] for place in self._open]
        places = [self._transcripts.place(flow) for flow in flows]
        return tuple(
            (flow.live, _is_asked(flow), known and known.previous) for flow, known in zip(flows, places, strict=True)
        )

    def _read_answers(self, until: float) -> bool:
        """Read the answers that are whole; whether some of them are left."""
        ended = [place for place in self._open if not self._flows[place].live]
        for number, place in enumerate(ended):
            flow = self._flows[place]
            if self._times is None or self._times.flow is not flow:
                self._times = AnswerTimes(flow)
            if self._times.pull(max(0.0, until - time.perf_counter())):
                return True
            self._take(place, flow, self._times)
            self._open.remove(place)
            if time.perf_counter() >= until:
                return number + 1 < len(ended)
        return False

    def _take(self, place: int, flow: Flow, times: AnswerTimes) -> None:
        for part, call in times.calls():
            self._nameless = self._nameless or not call.id
            at = times.ends.get(part, flow.timing.ended or 0.0)
            for name in self._names(call):
                self._made[name].append(_Made(place, flow, flow.started + at / 1000))
            self.used += used_names([call])
            self.revision += 1

    def _names(self, call: ToolCall) -> list[str]:
        """What a call is known by, the surest first."""
        by_words = [fingerprint(call)] if self._nameless or not call.id else []
        return [f"#{call.id}", *by_words] if call.id else by_words

    # What is asked

    def tell(self, flow: Flow, calls: Sequence[SeenCall], times: AnswerTimes) -> None:
        """Put into the calls of a flow (`calls_of`) what the lane knows of them. `times` are those of its answer."""
        place = next((index for index in range(len(self._flows) - 1, -1, -1) if self._flows[index] is flow), -1)
        following = self._following(place)
        turns = self._turns_behind(flow) if any(seen.in_answer for seen in calls) else []
        behind: Counter[str] = Counter()
        for seen in reversed(calls):
            if seen.result_part is not None:
                _tell_ran(flow, seen, times)
            elif seen.in_answer:
                self._tell_own(flow, seen, times, turns)
            elif place >= 0:
                # Counted from the end: a history whose beginning was left out still ends with the latest calls.
                self._tell_past(seen, place, behind, following)

    def _following(self, last: int) -> dict[str, Flow]:
        """Up to one flow, the turn behind each: the first attempt at it."""
        following: dict[str, Flow] = {}
        for flow in self._flows[: last + 1]:
            known = self._transcripts.place(flow)
            if known is not None and known.previous is not None:
                following.setdefault(known.previous.id, flow)
        return following

    def _tell_past(self, seen: SeenCall, place: int, behind: Counter[str], following: dict[str, Flow]) -> None:
        for name in self._names(seen.call):
            behind[name] += 1
            made = [each for each in self._made.get(name, ()) if each.place < place]
            if seen.made_by is not None or behind[name] > len(made):
                continue
            maker = made[-behind[name]]
            seen.made_by = maker.flow
            if seen.result is not None:
                seen.brought_by = following.get(maker.flow.id)
            if seen.brought_by is not None:
                seen.took = max(0.0, (seen.brought_by.started - maker.ended) * 1000)

    def _tell_own(self, flow: Flow, seen: SeenCall, times: AnswerTimes, turns: list[tuple[Flow, list[Pair]]]) -> None:
        """What came of a call of the answer stands in the next turn's request."""
        if seen.state not in (CallState.WAITING, CallState.DONE):
            return
        names = self._names(seen.call)
        for other, pairs in turns:
            result = next((pair.result for pair in pairs if pair.result and self._is_one(pair.call, names)), None)
            if result is None:
                continue
            seen.result, seen.brought_by = result, other
            seen.state = CallState.FAILED if result.is_error else CallState.DONE
            end = times.ends.get(seen.part, flow.timing.ended)
            seen.took = max(0.0, (other.started - flow.started) * 1000 - end) if end is not None else None
            return
        if turns and seen.state is CallState.WAITING:
            seen.state = CallState.MISSING

    def _turns_behind(self, flow: Flow) -> list[tuple[Flow, list[Pair]]]:
        """The turns that go on from a flow, mostly one, each with the calls that it tells of, the last one first."""
        turns: list[tuple[Flow, list[Pair]]] = []
        for other in self._flows:
            known = self._transcripts.place(other)
            if known is not None and known.previous is flow and _is_asked(other):
                messages = self._transcripts.of(other).prompt.messages
                turns.append((other, paired(messages, start_of_last(messages))[::-1]))
        return turns

    def _is_one(self, call: ToolCall, names: list[str]) -> bool:
        return any(name in names for name in self._names(call))


def _tell_ran(flow: Flow, seen: SeenCall, times: AnswerTimes) -> None:
    """A call whose result stands in the answer: the provider ran it, or the request was the call itself, as for MCP."""
    assert seen.result_part is not None
    end = times.ends.get(seen.result_part)
    begin = times.ends.get(seen.part) if seen.in_answer else flow.timing.forwarded or 0.0
    seen.made_by = flow
    seen.took = max(0.0, end - begin) if end is not None and begin is not None else None


def _is_asked(flow: Flow) -> bool:
    """Whether the whole request is there."""
    return flow.timing.received is not None or flow.response is not None or not flow.live
