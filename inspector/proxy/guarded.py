"""A watch and a strip that cannot do harm: what they raise is noted, and from then on everything passes."""

from __future__ import annotations

from collections.abc import Awaitable

from inspector.dialects._logprobs import Strip
from inspector.model.flow import Flow
from inspector.proxy.hooks import Decision, Instead, Verdict, Watch
from inspector.wire.event import Event


class GuardedWatch:
    """A watch between the relay and whoever is behind it. The relay asks only this one."""

    def __init__(self, flow: Flow, watch: Watch) -> None:
        self._flow = flow
        self._watch: Watch | None = watch
        self.stops = True
        """Whether the answer may be stopped: the person can do without from here on."""

    def head(self) -> str:
        """Who stops the answer at its head."""
        try:
            return self._watch.head() if self._watch is not None else ""
        except Exception as error:  # the border to rules and hooks: the agent must not notice
            self._excuse(error)
            return ""

    def event(self, event: Event) -> Decision | Awaitable[Decision]:
        """Decide on the next event."""
        if self._watch is None:
            return Verdict.PASS
        try:
            decision = self._watch.event(event)
        except Exception as error:  # as above
            self._excuse(error)
            return Verdict.PASS
        if isinstance(decision, Verdict):
            return decision if self.stops else Verdict.PASS
        return self._later(decision) if isinstance(decision, Awaitable) else self._allowed(decision)

    def end(self) -> str:
        """Who stops the answer now that it is whole."""
        try:
            by = self._watch.end() if self._watch is not None else ""
        except Exception as error:  # as above
            self._excuse(error)
            return ""
        return by if self.stops else ""

    def retire(self) -> None:
        """Ask it no more."""
        self._watch = None

    async def _later(self, decision: Awaitable[Decision]) -> Decision:
        try:
            return self._allowed(await decision)
        except Exception as error:  # as above
            self._excuse(error)
            return Verdict.PASS

    def _allowed(self, decision: Decision) -> Decision:
        if self.stops:
            return decision
        return Instead(decision.pieces, decision.by) if isinstance(decision, Instead) else Verdict.PASS

    def _excuse(self, error: Exception) -> None:
        self._watch = None
        excuse(self._flow, error)


class GuardedStrip:
    """A strip between the relay and a dialect. What the dialect kept back before it failed is given as far as it gives
    it.
    """

    def __init__(self, flow: Flow, strip: Strip) -> None:
        self._flow = flow
        self._strip: Strip | None = strip

    def feed(self, data: bytes) -> bytes:
        """The next bytes, and what the client gets for them."""
        if (strip := self._strip) is None:
            return data
        try:
            return strip.feed(data)
        except Exception as error:  # the border to dialects, which meet malformed input of every kind
            self._give_up(error)
            try:
                return strip.close() + data
            except Exception:  # as above; it is noted already
                return data

    def close(self) -> bytes:
        """What is still owed."""
        try:
            return self._strip.close() if self._strip is not None else b""
        except Exception as error:  # as above
            self._give_up(error)
            return b""

    def document(self, body: bytes) -> bytes:
        """A whole document as the client gets it."""
        try:
            return self._strip.document(body) if self._strip is not None else body
        except Exception as error:  # as above
            self._give_up(error)
            return body

    def _give_up(self, error: Exception) -> None:
        self._strip = None
        added = ", ".join(self._flow.injected)
        self._flow.note(f"from here on {added} could not be taken out of the answer: {type(error).__name__}: {error}")


def excuse(flow: Flow, error: Exception) -> None:
    """Note that somebody's rule or hook failed, and that the flow goes on without it."""
    flow.note(f"a rule failed and was passed over: {type(error).__name__}: {error}")
