"""`inspector open FILE`: browse what was recorded, also while it still is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import click

from inspector.cli.bounding import pulled
from inspector.cli.config import Settings, load_settings
from inspector.cli.live import show
from inspector.cli.reading import load, opened_session, tell_broken
from inspector.cli.runtime import LogBuffer, run, start_log
from inspector.cli.session_list import named
from inspector.cli.watching import watch_option, with_watched
from inspector.formats.session_following import Follower
from inspector.formats.session_schema import SessionError, is_session
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.memory import MemoryBudget
from inspector.store.transcripts import Transcripts
from inspector.store.watch import Watched
from inspector.tui.desk import Desk

logger = logging.getLogger("inspector.session")

INTERVAL = 0.2
"""Seconds between two looks at a session that another process writes."""
_FIRST = 200
"""Flows that are there when the screen opens."""
_AT_ONCE = 20
"""Flows that are taken over while nothing else runs: about two milliseconds."""


@click.command("open")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@watch_option
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append what goes wrong to this file.")
def command(file: Path | None, watched: tuple[Watched, ...], log: Path | None) -> None:
    """Show the flows of a session or a JSONL file, or the turns of a training trace; without FILE the newest session.

    A session that another process writes is followed.
    """
    open_file(file if file is not None else named(None), start_log(log), watched)


def open_file(file: Path, log: LogBuffer, watched: tuple[Watched, ...] = ()) -> None:
    """What `inspector open` does."""
    settings = with_watched(load_settings(), watched)
    store, transcripts = FlowStore(), Transcripts()
    if is_session(file):
        run(_follow(file, store, transcripts, log, settings))
        return
    broken = load(file, store)
    tell_broken(file, broken)
    if not len(store) and broken:
        raise click.ClickException(f"{file}: not a single line could be read")
    run(browse(Desk(store, transcripts), file.name, log, settings))


async def browse(desk: Desk, title: str, log: LogBuffer, settings: Settings) -> None:
    """Show the flows; they can be sent again with a key from the environment."""
    from inspector.proxy.replay import Replayer
    from inspector.proxy.upstream import AiohttpTransport

    async with AiohttpTransport() as transport:
        replayer = Replayer(desk.store, transport)
        try:
            await show(replace(desk, replayer=replayer), None, log, settings, title)
        finally:
            await replayer.aclose()


async def _follow(file: Path, store: FlowStore, transcripts: Transcripts, log: LogBuffer, settings: Settings) -> None:
    async with following(file, store, transcripts) as budget:
        await browse(Desk(store, transcripts, budget=budget), file.name, log, settings)


@asynccontextmanager
async def following(
    file: Path, store: FlowStore, transcripts: Transcripts | None = None
) -> AsyncIterator[MemoryBudget]:
    """Fill a store from a session, and keep it up to date while the block runs; gives what keeps memory bounded.

    Bodies stay in the file until somebody looks at them. What could not be read is told at the end. Where that is
    everything: click.ClickException.
    """
    with closing(opened_session(file)) as reader:
        follower = Follower(reader, store)
        budget = MemoryBudget(store, follower, transcripts=transcripts)
        follower.fetch = budget.fetch
        follower.pull(_FIRST)
        if not len(store) and reader.remarks:
            tell_broken(file, reader.remarks)
            raise click.ClickException(f"{file}: not a single flow could be read")
        task = spawn(_pull(follower), "following")
        try:
            async with pulled(budget):
                yield budget
        finally:
            task.cancel()
            await asyncio.wait((task,))
            tell_broken(file, reader.remarks)


async def _pull(follower: Follower) -> None:
    while True:
        more = False
        try:
            more = follower.pull(_AT_ONCE)
        except SessionError as error:
            logger.error("the session cannot be followed: %s", error)
        await asyncio.sleep(0 if more else INTERVAL)
