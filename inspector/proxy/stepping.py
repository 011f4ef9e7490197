"""How far the person has let a held answer go, event by event or block by block."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from inspector.proxy.lineup import Item, Lineup


class Stepping:
    """What is owed to the client of the events that wait, or are still to come."""

    def __init__(self, lineup: Lineup, deliver: Callable[[Item], Awaitable[None]]) -> None:
        self._lineup = lineup
        self._deliver = deliver
        self._events = 0
        self._block = False

    @property
    def owes(self) -> bool:
        """Whether the next event goes on as soon as it comes."""
        return bool(self._events or self._block)

    def event(self) -> None:
        """Let one event go."""
        self._events += 1

    def block(self) -> None:
        """Let go all that belongs to the part of the next event."""
        self._block = True

    def reset(self) -> None:
        """Owe nothing."""
        self._events, self._block = 0, False

    async def pay(self) -> bool:
        """Deliver what is owed, as far as it has come; whether there was anything."""
        part: int | None = None
        paid = False
        while self._lineup and self.owes:
            if self._events:
                self._events -= 1
            else:
                part = self._lineup[0].part if part is None else part
                if self._lineup[0].part != part:
                    self._block = False
                    break
            await self._deliver(self._lineup.take())
            paid = True
        return paid
