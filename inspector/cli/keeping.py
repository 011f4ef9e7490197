"""The session of a run: where it lies, and the task that keeps it up to date."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import click
from platformdirs import user_state_path

from inspector.cli.pulling import pulling
from inspector.cli.reading import opened_session
from inspector.cli.terminal import inert
from inspector.formats.session import INTERVAL, SessionWriter
from inspector.formats.session_lock import lock_path
from inspector.formats.session_schema import SessionError, is_session
from inspector.formats.session_shelf import BodyFile
from inspector.model.flow import Fetch
from inspector.store.flows import FlowStore
from inspector.store.private_files import make_folder, opened

logger = logging.getLogger("inspector.session")

SUFFIX = ".db"
_SOON = 0.01
"""Seconds to wait where more is to be written than went into one transaction."""
_SILENCE = 0.3
"""Seconds that writing the rest may take before the person is told of it."""


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
    path = place.path if place.named else _claimed(place.path)
    bodies = BodyFile(path)
    if path.exists() and path.stat().st_size:
        _read(path, store, bodies.fetch)
    writer = SessionWriter(store, path, store.revision)
    try:
        writer.open()
    except SessionError as error:
        if place.named:
            writer.close()
            raise click.ClickException(str(error)) from None

    async def pull() -> float:
        return _SOON if writer.pull() else INTERVAL

    try:
        async with pulling(pull, "session"):
            yield writer
    finally:
        await _write_the_rest(writer)
        writer.close()
        bodies.close()
        if not place.named and not len(store):
            path.unlink(missing_ok=True)


def _claimed(path: Path) -> Path:
    """That place, or one beside it where somebody took it since it was chosen: two may start in the same second."""
    stem, number = path.stem, 2
    with suppress(OSError):  # whoever writes there says so
        make_folder(path.parent)
        while True:
            try:
                opened(path, "xb").close()
                break
            except FileExistsError:
                path, number = path.with_name(f"{stem}-{number}{SUFFIX}"), number + 1
    return path


def _read(path: Path, store: FlowStore, fetch: Fetch) -> None:
    """Take over the flows of a session. Their bodies stay there until somebody looks at them."""
    if not is_session(path):
        raise click.ClickException(f"{path} is not a session: what is in it would be lost")
    label, hidden = inert(f"reading {path.name}"), not sys.stderr.isatty()
    with (
        closing(opened_session(path)) as reader,
        click.progressbar(length=reader.count(), label=label, file=sys.stderr, hidden=hidden) as bar,
    ):
        for row in reader.rows():
            if row.whole:
                reader.lay(row, fetch)
            else:
                reader.fill(row)
            store.add(row.flow)
            bar.update(1)
        for remark in reader.remarks:
            logger.warning("%s: %s", path, remark)


async def _write_the_rest(writer: SessionWriter) -> None:
    """Write what is left; where that takes long, the person sees how far it is."""
    silence = time.monotonic() + _SILENCE
    writer.pull()
    while not writer.is_idle and time.monotonic() < silence:
        await asyncio.sleep(_SOON)
        writer.pull()
    if writer.is_idle or writer.stopped is not None:
        return
    left = writer.waiting
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=left, label="writing the session", file=sys.stderr, hidden=hidden) as bar:
        while writer.stopped is None and not writer.is_idle:
            writer.pull()
            bar.update(max(0, left - writer.waiting - bar.pos))
            await asyncio.sleep(_SOON)
