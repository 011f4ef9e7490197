"""The demo's agent: several workers at once on a small project, each talking to its model as agents do.

It knows one base URL and nothing of what stands there: what goes wrong is met as an agent meets it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from itertools import count

import httpx

from inspector.demo.exchange import Client, Report, Unanswered
from inspector.demo.workers import WORKERS

USER_AGENT = "demo-agent/1.0"
_TIMEOUT = httpx.Timeout(120.0, connect=10.0)


async def run(base_url: str, *, pace: float = 1.0, rounds: int | None = 1, stop: asyncio.Event | None = None) -> Report:
    """Work for so many rounds (None: until stopped), and report what was met.

    `pace` scales the agent's pauses: 1 is lively to look at, 0 makes none. Setting `stop` breaks off at once. Failures
    of the server stand in the report and are never raised.
    """
    report = Report()
    headers = {"user-agent": USER_AGENT}
    async with (
        httpx.AsyncClient(base_url=base_url, headers=headers, timeout=_TIMEOUT, trust_env=False) as http,
        asyncio.TaskGroup() as group,
    ):
        work = group.create_task(_rounds(Client(http, report, pace), rounds), name="demo rounds")
        if stop is not None:
            watch = group.create_task(_break_off(work, stop), name="demo stop")
            work.add_done_callback(lambda _: watch.cancel())
    return report


async def _break_off(work: asyncio.Task[None], stop: asyncio.Event) -> None:
    await stop.wait()
    work.cancel()


async def _rounds(client: Client, rounds: int | None) -> None:
    for number in count(1) if rounds is None else range(1, rounds + 1):
        if number > 1:
            await client.pause(3.0)
        async with asyncio.TaskGroup() as group:
            for worker in WORKERS:
                group.create_task(_as_far_as_it_goes(client, worker(client)), name=f"demo {worker.__name__} {number}")


async def _as_far_as_it_goes(client: Client, work: Awaitable[None]) -> None:
    """Do a worker's work; where a model does not answer, that worker stops, and the others go on."""
    try:
        await work
    except Unanswered as error:
        client.report.errors.append(str(error))
