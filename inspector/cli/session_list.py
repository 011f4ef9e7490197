"""The sessions that lie where nobody gave another place, and how one of them is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from inspector.cli.keeping import SUFFIX, folder
from inspector.formats.session_lock import is_written
from inspector.tui.format import at_home


@dataclass(frozen=True, slots=True)
class Session:
    """A session file as it is listed."""

    path: Path
    size: int
    """Bytes, with what SQLite has beside it."""
    last: datetime
    """When it was written last."""
    written: bool
    """Whether a process writes it now."""


def found() -> list[Session]:
    """All sessions, the newest first."""
    sessions = []
    for path in folder().glob("*" + SUFFIX):
        files = [each.stat() for each in files_of(path)[:2] if each.is_file()]
        if files:
            last = datetime.fromtimestamp(max(each.st_mtime for each in files), UTC)
            sessions.append(Session(path, sum(each.st_size for each in files), last, is_written(path)))
    return sorted(sessions, key=lambda each: (each.last, each.path.name), reverse=True)


def named(name: str | None) -> Path:
    """The session of that number in the list, from 1, or that name; the newest for None. UsageError for none."""
    sessions = found()
    if not sessions:
        raise click.UsageError(f"there are no sessions in {at_home(folder())}")
    if name is None or name.isdigit():
        number = int(name or 1)
        if not 1 <= number <= len(sessions):
            raise click.UsageError(f"there are {len(sessions)} sessions; inspector sessions lists them")
        return sessions[number - 1].path
    matching = [each.path for each in sessions if name in (each.path.name, each.path.stem)]
    if not matching:
        raise click.UsageError(f"there is no session {name}; inspector sessions lists them")
    return matching[0]


def files_of(path: Path) -> list[Path]:
    """The session, what is not in it yet, and what its writers share."""
    return [path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]
