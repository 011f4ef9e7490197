"""The session of a run: where it lies, and the task that keeps it up to date."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import click
from platformdirs import user_state_path

from inspector.cli.reading import items
from inspector.formats.session import INTERVAL, SessionWriter
from inspector.formats.session_lock import lock_path
from inspector.formats.session_schema import SessionError, is_session
from inspector.model.flow import Flow
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore

logger = logging.getLogger("inspector.session")

SUFFIX = ".db"
_SOON = 0.01
"""Seconds to wait where more is to be written than went into one transaction."""


class Place(NamedTuple):
    """Where a run keeps its session."""

    path: Path
    named: bool
    """The person named it: then it must be possible to write it."""


def folder() -> Path:
    """Where the sessions lie that nobody gave another place."""
    return user_state_path("inspector") / "sessions"


def fresh(name: str = "", now: datetime | None = None) -> Path:
    """A place for a new session: `2026-11-21T14-03-22-claude.db`, where `name` says what it is about."""
    moment = f"{now or datetime.now():%Y-%m-%dT%H-%M-%S}"
    words = "-".join(filter(None, (moment, re.sub(r"[^\w.-]+", "-", name)[:40].strip("-."))))
    path, number = folder() / (words + SUFFIX), 2
    while path.exists() or lock_path(path).exists():
        path, number = folder() / f"{words}-{number}{SUFFIX}", number + 1
    return path


@asynccontextmanager
async def keeping(store: FlowStore, place: Place) -> AsyncIterator[SessionWriter]:
    """Keep all flows in a session while the block runs. What it has already is read first; none is left of nothing.

    Where it cannot be written: click.ClickException if the person named it. Else that is said in the log, and tried
    again from time to time.
    """
    path = place.path
    if path.exists() and path.stat().st_size:
        _read(path, store)
    writer = SessionWriter(store, path, store.revision)
    try:
        writer.open()
    except SessionError as error:
        if place.named:
            writer.close()
            raise click.ClickException(str(error)) from None
    over = asyncio.Event()
    task = spawn(_pull_until(over, writer), "session")
    try:
        yield writer
    finally:
        over.set()
        await task
        writer.close()
        if not place.named and not len(store):
            path.unlink(missing_ok=True)


def _read(path: Path, store: FlowStore) -> None:
    if not is_session(path):
        raise click.ClickException(f"{path} is not a session: what is in it would be lost")
    for item in items(path, f"reading {path.name}"):
        if isinstance(item, Flow):
            store.add(item)
        else:
            logger.warning("%s: %s", path, item)


async def _pull_until(over: asyncio.Event, writer: SessionWriter) -> None:
    while not over.is_set():
        more = writer.pull()
        try:
            await asyncio.wait_for(over.wait(), _SOON if more else INTERVAL)
        except TimeoutError:
            continue
