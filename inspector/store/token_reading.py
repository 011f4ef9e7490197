"""One flow's tokens, read when somebody looks at them, a slice at a time."""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_left
from collections import deque

from inspector import dialects
from inspector.model.flow import Flow
from inspector.model.token import Alternative, Certainty, Token
from inspector.store.answer_events import AnswerEvents
from inspector.wire.body import BodyReader, decoded
from inspector.wire.event import Event


class TokenReading:
    """The tokens of a flow's answer as far as they were read. Cheap to throw away: the bytes stay with the flow.

    Of each token only what its line shows is kept; its alternatives are read again from the bytes of its event.
    """

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.tokens: list[Token] = []
        """Grows at its end only; a new TokenReading is made where the flow's answer is another (`is_of`)."""
        self.certainty = Certainty()
        """Over all of `tokens` that the model wrote."""
        logprobs = dialects.by_name(flow.dialect).logprobs
        self._dialect = flow.dialect
        self._reader = logprobs.reader() if logprobs is not None else None
        self._events = AnswerEvents(flow)
        self._pending: deque[Event] = deque()
        self._read = 0
        self._logprob_sums = array("d")
        self._counts = array("Q")
        self._telling = array("Q")
        """The numbers of the events that brought tokens, ascending; beside it, where these lie in the decoded body."""
        self._starts = array("Q")
        self._ends = array("Q")
        self._texts: dict[bytes, bytes] = {}
        self._latest: Event | None = None
        """The last event that brought tokens."""
        self._again: tuple[int, Event | None] = (-1, None)
        """Another one, by its place among them, that was read again last."""
        self._decoded = b""

    def is_of(self, flow: Flow) -> bool:
        """Whether it can go on with this flow, and what was read of it stands as it stood."""
        return self._dialect == flow.dialect and self._events.is_of(flow)

    def place(self, index: int) -> int:
        """Where the event that brought a token begins, in bytes of the decoded body."""
        return self._starts[bisect_left(self._telling, self.tokens[index].event)]

    def pull(self, seconds: float) -> bool:
        """Read what came since the last time, for at most about `seconds`; whether there is more to be read."""
        if self._reader is None:
            return False
        until = time.perf_counter() + seconds
        if not self._take_pending(until):
            return True
        for events in self._events.read():
            self._pending.extend(events)
            if not self._take_pending(until):
                return True
        return False

    def _take_pending(self, until: float) -> bool:
        """Read the events that wait; whether there was time for all of them."""
        while self._pending:
            self._take(self._pending.popleft())
            if time.perf_counter() >= until:
                return False
        return True

    def _take(self, event: Event) -> None:
        assert self._reader is not None
        number, self._read = self._read, self._read + 1
        try:
            tokens = self._reader.event(event)
        except Exception:  # the border to dialects; the transcript has the remark
            return
        if not tokens:
            return
        for column, value in ((self._telling, number), (self._starts, event.start), (self._ends, event.end)):
            column.append(value)
        self._latest = event
        for token in tokens:
            token.event = number
            token.data = self._texts.setdefault(token.data, token.data)
            if token.channel != "prompt":
                self.certainty.add(token.logprob, token.entropy)
            self._logprob_sums.append(self.certainty.logprob_sum)
            self._counts.append(self.certainty.tokens)
        self.tokens += tokens

    def alternatives(self, index: int) -> tuple[Alternative, ...]:
        """What else might have stood at a token's place, most probable first; the chosen one is among them."""
        token = self.tokens[index]
        assert self._reader is not None
        event = self._event(bisect_left(self._telling, token.event))
        try:
            found = self._reader.alternatives(event, token.place) if event is not None else ()
        except Exception:  # the border to dialects
            found = ()
        return with_chosen(found, token)

    def _event(self, index: int) -> Event | None:
        """The event that stands at a place among those that brought tokens."""
        if index == len(self._telling) - 1:
            return self._latest
        if index != self._again[0]:
            self._again = index, self._reread(self._starts[index], self._ends[index])
        return self._again[1]

    def _reread(self, start: int, end: int) -> Event | None:
        """An event, from its bytes in the decoded body."""
        response = self._events.response
        if response is None:
            return None
        if not response.headers.get("content-encoding"):
            data = bytes(response.body.data[start:end])
        else:
            if len(self._decoded) < end:
                self._decoded = decoded(response.headers, bytes(response.body))[0]
            data = self._decoded[start:end]
        reader = BodyReader(response.headers.without("content-encoding"))
        events = [event for event in (*reader.feed(data, 0.0), *reader.close(0.0)) if event.kind != "comment"]
        return events[-1] if events else None

    def perplexity(self, index: int) -> float | None:
        """The perplexity of the answer up to and with a token."""
        count = self._counts[index]
        return math.exp(min(-self._logprob_sums[index] / count, 700.0)) if count else None

    def text_before(self, index: int) -> str:
        """What was said in the same choice, channel and call before a token, as text."""
        return self.said_before(index).decode("utf-8", "replace")

    def said_before(self, index: int) -> bytes:
        """The same as it came: it may end in the middle of a character."""
        token = self.tokens[index]
        place = token.choice, token.channel, token.call
        return b"".join(each.data for each in self.tokens[:index] if (each.choice, each.channel, each.call) == place)


def with_chosen(alternatives: tuple[Alternative, ...], token: Token) -> tuple[Alternative, ...]:
    """Alternatives, most probable first, with the chosen token among them, and its text where only its number came."""
    found = list(alternatives)
    for place, other in enumerate(found):
        if _is_chosen(other, token):
            found[place] = Alternative(other.data or token.data, other.logprob, other.id)
            break
    else:
        found.append(Alternative(token.data, token.logprob, token.id))
        found.sort(key=lambda other: -math.inf if other.logprob is None else other.logprob, reverse=True)
    return tuple(found)


def _is_chosen(other: Alternative, token: Token) -> bool:
    by_id = other.id is not None and token.id is not None
    return other.id == token.id if by_id else other.data == token.data
