"""Reading a recorded file: a session, JSON lines or a training trace, told apart by how it begins."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import click

from inspector.cli.terminal import inert
from inspector.formats.jsonl import BrokenLine
from inspector.formats.reading import read
from inspector.formats.session_reader import SessionReader
from inspector.formats.session_schema import SessionError, is_session
from inspector.model.flow import Flow
from inspector.store.flows import FlowStore

Broken = BrokenLine | str
"""What could not be read, in words for the person."""
TOLD = 20
"""Of what could not be read, so much is named."""


def load(file: Path, store: FlowStore) -> list[Broken]:
    """Put a file's flows into a store, with progress where it takes long; gives what could not be read."""
    broken: list[Broken] = []
    for item in items(file, f"reading {file.name}"):
        if isinstance(item, Flow):
            store.add(item)
        else:
            broken.append(item)
    return broken


def items(file: Path, label: str, *, hidden: bool = False, bodies: bool = True) -> Iterator[Flow | Broken]:
    """A file's flows and what could not be read, one in memory at a time; on a terminal with progress.

    Without `bodies`, those of a session are left out.
    click.ClickException where the file is a database, but no session that can be read.
    """
    label = inert(label)
    if is_session(file):
        yield from _of_session(file, label, hidden or not sys.stderr.isatty(), bodies)
        return
    size, silent = file.stat().st_size, hidden or not sys.stderr.isatty()
    with file.open("rb") as source, click.progressbar(length=size, label=label, file=sys.stderr, hidden=silent) as bar:
        for item in read(source):
            yield item
            bar.update(source.tell() - bar.pos)


def opened_session(file: Path) -> SessionReader:
    """A session to look at. click.ClickException where it cannot be."""
    try:
        return SessionReader(file)
    except SessionError as error:
        raise click.ClickException(str(error)) from None


def _of_session(file: Path, label: str, silent: bool, bodies: bool) -> Iterator[Flow | Broken]:
    with closing(opened_session(file)) as reader:
        with click.progressbar(length=reader.count(), label=label, file=sys.stderr, hidden=silent) as bar:
            for flow in reader.flows(bodies=bodies):
                yield flow
                bar.update(1)
        yield from reader.remarks


def tell_broken(file: Path, broken: Sequence[Broken], more: int = 0) -> None:
    """Name what of a file could not be read, on stderr; the first of much. `more` is not among it."""
    for each in broken[:TOLD]:
        click.echo(inert(f"{file}: {each}"), err=True)
    if (rest := len(broken[TOLD:]) + more) > 0:
        click.echo(inert(f"{file}: and {rest} lines more"), err=True)
