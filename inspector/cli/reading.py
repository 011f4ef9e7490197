"""Reading a recorded file into a store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from inspector.formats.jsonl import BrokenLine
from inspector.formats.reading import read
from inspector.store.flows import FlowStore


def load(file: Path, store: FlowStore) -> list[BrokenLine]:
    """Put a file's flows into a store, with progress where it takes long; gives the lines that could not be read."""
    broken: list[BrokenLine] = []
    size, label, silent = file.stat().st_size, f"reading {file.name}", not sys.stderr.isatty()
    with file.open("rb") as source, click.progressbar(length=size, label=label, file=sys.stderr, hidden=silent) as bar:
        for item in read(source):
            if isinstance(item, BrokenLine):
                broken.append(item)
            else:
                store.add(item)
            bar.update(source.tell() - bar.pos)
    return broken


def tell_broken(file: Path, broken: Sequence[BrokenLine]) -> None:
    """Name the lines of a file that could not be read, on stderr; the first of many."""
    for line in broken[:20]:
        click.echo(f"{file}: {line}", err=True)
    if len(broken) > 20:
        click.echo(f"{file}: and {len(broken) - 20} lines more", err=True)
