"""Reading a recorded file into a store."""

from __future__ import annotations

from pathlib import Path

import click

from inspector.formats.jsonl import BrokenLine, read
from inspector.store.flows import FlowStore


def load(file: Path, store: FlowStore) -> list[BrokenLine]:
    """Put a file's flows into a store, with progress where it takes long; gives the lines that could not be read."""
    broken: list[BrokenLine] = []
    with file.open("rb") as source, click.progressbar(length=file.stat().st_size, label=f"reading {file.name}") as bar:
        for item in read(source):
            if isinstance(item, BrokenLine):
                broken.append(item)
            else:
                store.add(item)
            bar.update(source.tell() - bar.pos)
    return broken
