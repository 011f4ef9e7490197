"""Pieces of a response's body, handed on in the loop's very turn in which they came.

A task that reads a body is woken for every piece: a future, a turn of the loop and a dozen frames, for one write. Here
it sleeps while the pieces go by.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import aiohttp


@runtime_checkable
class Pushing(Protocol):
    """A body that can hand its pieces on by itself."""

    async def push(self, take: Callable[[bytes], bool]) -> bool:
        """Call `take` with every piece that comes, until it says False (that piece is taken, too).

        Gives whether more may come. Raises what reading the body raises, and what `take` raises.
        """


class Push:
    """Stands where aiohttp has the future of whoever waits for data.

    It is set, as that would be, whenever some came, from within aiohttp's own `feed_data`: that is all we rely on.
    """

    def __init__(self, content: aiohttp.StreamReader, take: Callable[[bytes], bool]) -> None:
        self._content: Any = content
        self._take = take
        self._over: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def run(self) -> bool:
        """Hand on what is there, and what comes, to the end or until it is not wanted; then False or True."""
        if (error := self._content.exception()) is not None:
            raise error
        if self._content.at_eof():
            return False
        self.set_result(None)
        try:
            return await self._over
        finally:
            if self._content._waiter is self:
                self._content._waiter = None

    def done(self) -> bool:
        """Whether nothing can be set any more."""
        return self._over.done()

    def set_result(self, _: None) -> None:
        """Data came, or the end."""
        if self._over.done():
            return
        content = self._content
        try:
            wanted = not content._buffer or self._take(content.read_nowait())
        except Exception as error:  # it is the reading task's, not the connection's
            self.set_exception(error)
            return
        if not wanted:
            self._end(True)
        elif content._eof and not content._buffer:
            self._end(False)
        else:
            content._waiter = self

    def set_exception(self, error: BaseException) -> None:
        """The connection broke, or what was handed on could not be taken."""
        if not self._over.done():
            self._over.set_exception(error)

    def _end(self, more: bool) -> None:
        if not self._over.done():
            self._over.set_result(more)
