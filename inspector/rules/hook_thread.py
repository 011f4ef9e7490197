"""A thread with an event loop of its own, for code that may hang: it can be left behind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any


class HookThread:
    """Runs functions and coroutines in a thread of its own. It ends by itself when the program does."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="hooks", daemon=True)
        self._users = 0
        self._retired = False
        self._thread.start()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> concurrent.futures.Future[Any]:
        """Call a function there; where it gives an awaitable, that is awaited there."""
        if self._loop.is_closed():
            raise RuntimeError("the thread of this hook was left behind")
        return asyncio.run_coroutine_threadsafe(_call(function, arguments), self._loop)

    def enter(self) -> None:
        """Somebody needs the thread from now on."""
        self._users += 1

    def leave(self) -> None:
        """Somebody needs it no more."""
        self._users -= 1
        self._end_if_unused()

    def retire(self) -> None:
        """Let it end when nobody needs it any more; where it is stuck, when it no longer is."""
        self._retired = True
        self._end_if_unused()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._thread.is_alive()

    def stack(self) -> str:
        """Where it stands now, as a traceback has it."""
        frame: FrameType | None = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)) if frame is not None else ""

    def _end_if_unused(self) -> None:
        if self._retired and self._users <= 0 and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._loop.stop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._end_tasks()
        finally:
            self._loop.close()

    def _end_tasks(self) -> None:
        """Let what was cancelled, or is awaited by nobody any more, come to its end."""
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


async def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    try:
        result = function(*arguments)
        return await result if inspect.isawaitable(result) else result
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("it cancelled itself") from error
    except (SystemExit, KeyboardInterrupt) as error:
        # These would end the thread's loop, and not the program.
        raise RuntimeError(f"it raised {type(error).__name__}") from error
