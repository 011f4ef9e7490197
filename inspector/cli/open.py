"""`inspector open FILE`: browse what was recorded."""

from __future__ import annotations

from pathlib import Path

import click

from inspector.cli.config import load_settings
from inspector.cli.live import show
from inspector.cli.runtime import run, start_log
from inspector.formats.jsonl import BrokenLine, read
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts


@click.command("open")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append what goes wrong to this file.")
def command(file: Path, log: Path | None) -> None:
    """Show the flows of a JSONL file."""
    buffer = start_log(log)
    store = FlowStore()
    broken = load(file, store)
    for line in broken[:20]:
        click.echo(f"{file}: {line}", err=True)
    if not len(store) and broken:
        raise click.ClickException(f"{file}: not a single line could be read")
    run(show(store, Transcripts(), None, buffer, load_settings(), title=file.name))


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
