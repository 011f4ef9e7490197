"""`inspector`: the proxy and its screen."""

from __future__ import annotations

from pathlib import Path

import click

from inspector.cli.config import Settings, load_settings
from inspector.cli.options import proxy_options, recording_options
from inspector.cli.recording import recording
from inspector.cli.runtime import LogBuffer, on_signal, run, settle, start_log
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts


@click.command("live")
@proxy_options
@recording_options
def command(config: ProxyConfig, jsonl: Path | None, log: Path | None) -> None:
    """Listen, relay, and show what passes."""
    run(live(config, jsonl, start_log(log), load_settings()))


async def live(config: ProxyConfig, jsonl: Path | None, log: LogBuffer, settings: Settings) -> None:
    """Run until the person quits."""
    store, transcripts = FlowStore(), Transcripts()
    async with recording(store, transcripts, jsonl), ProxyServer(config, store) as server:
        await show(store, transcripts, server, log, settings)


async def show(
    store: FlowStore,
    transcripts: Transcripts,
    server: ProxyServer | None,
    log: LogBuffer,
    settings: Settings,
    title: str = "",
) -> None:
    """Open the screen on a store, and come back when it is closed."""
    from inspector.tui.app import InspectorApp

    app = InspectorApp(
        store,
        transcripts,
        listener=server,
        profile="observe" if server else "",
        log_lines=log,
        keymap=settings.keys,
        theme=settings.theme,
        title=title,
    )
    on_signal(app.exit)
    settle()
    await app.run_async()
