"""`inspector open FILE`: browse what was recorded, also while it still is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import click

from inspector.cli.config import Settings, load_settings
from inspector.cli.live import show
from inspector.cli.reading import load, opened_session, tell_broken
from inspector.cli.runtime import LogBuffer, run, start_log
from inspector.cli.watching import watch_option, with_watched
from inspector.formats.session_following import Follower
from inspector.formats.session_lock import is_written
from inspector.formats.session_schema import SessionError, is_session
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.store.watch import Watched
from inspector.tui.desk import Desk

logger = logging.getLogger("inspector.session")

INTERVAL = 0.2
"""Seconds between two looks at a session that another process writes."""
_AT_ONCE = 10
"""Flows that are taken over between two frames."""


@click.command("open")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@watch_option
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append what goes wrong to this file.")
def command(file: Path, watched: tuple[Watched, ...], log: Path | None) -> None:
    """Show the flows of a session or a JSONL file, or the turns of a training trace.

    A session that another process writes is followed.
    """
    open_file(file, start_log(log), watched)


def open_file(file: Path, log: LogBuffer, watched: tuple[Watched, ...] = ()) -> None:
    """What `inspector open` does."""
    settings = with_watched(load_settings(), watched)
    store = FlowStore()
    if is_session(file) and is_written(file):
        run(_follow(file, store, log, settings))
        return
    broken = load(file, store)
    tell_broken(file, broken)
    if not len(store) and broken:
        raise click.ClickException(f"{file}: not a single line could be read")
    run(browse(store, file.name, log, settings))


async def browse(store: FlowStore, title: str, log: LogBuffer, settings: Settings) -> None:
    """Show the flows; they can be sent again with a key from the environment."""
    from inspector.proxy.replay import Replayer
    from inspector.proxy.upstream import AiohttpTransport

    async with AiohttpTransport() as transport:
        replayer = Replayer(store, transport)
        try:
            await show(Desk(store, Transcripts(), replayer=replayer), None, log, settings, title)
        finally:
            await replayer.aclose()


async def _follow(file: Path, store: FlowStore, log: LogBuffer, settings: Settings) -> None:
    async with following(file, store):
        await browse(store, file.name, log, settings)


@asynccontextmanager
async def following(file: Path, store: FlowStore) -> AsyncIterator[None]:
    """Keep a store up to date with a session while the block runs."""
    with closing(opened_session(file)) as reader:
        follower = Follower(reader, store)
        task = spawn(_pull(follower), "following")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))


async def _pull(follower: Follower) -> None:
    while True:
        more = False
        try:
            more = follower.pull(_AT_ONCE)
        except SessionError as error:
            logger.error("the session cannot be followed: %s", error)
        await asyncio.sleep(0 if more else INTERVAL)
