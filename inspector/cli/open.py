"""`inspector open FILE`: browse what was recorded."""

from __future__ import annotations

from pathlib import Path

import click

from inspector.cli.config import Settings, load_settings
from inspector.cli.live import show
from inspector.cli.reading import load, tell_broken
from inspector.cli.runtime import LogBuffer, run, start_log
from inspector.cli.watching import watch_option, with_watched
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.store.watch import Watched
from inspector.tui.desk import Desk


@click.command("open")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@watch_option
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append what goes wrong to this file.")
def command(file: Path, watched: tuple[Watched, ...], log: Path | None) -> None:
    """Show the flows of a JSONL file, or the turns of a training trace."""
    buffer = start_log(log)
    store = FlowStore()
    broken = load(file, store)
    tell_broken(file, broken)
    if not len(store) and broken:
        raise click.ClickException(f"{file}: not a single line could be read")
    run(browse(store, file.name, buffer, with_watched(load_settings(), watched)))


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
