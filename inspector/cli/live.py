"""`inspector`: the proxy and its screen."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from inspector.cli.config import Settings, load_settings
from inspector.cli.control import Wanted, control_options, controlled
from inspector.cli.draining import drained
from inspector.cli.options import proxy_options, recording_options
from inspector.cli.recording import Files, Kept, recording
from inspector.cli.runtime import LogBuffer, on_signal, run, settle, start_log
from inspector.cli.serve import start_without_screen
from inspector.cli.watching import watch_option, with_watched
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.store.watch import Watched
from inspector.tui.desk import Desk

logger = logging.getLogger("inspector.screen")

FAILED = 1
"""What Textual's apps return when an exception ended them."""
REOPENED = 5
"""How often a screen that failed is opened again."""


@click.command("live")
@proxy_options
@recording_options
@control_options
@watch_option
@click.option("--headless", is_flag=True, help="No screen: the same as `inspector serve`.")
@click.option("--any-port", is_flag=True, hidden=True)
@click.option("--port-file", type=click.Path(dir_okay=False, path_type=Path), hidden=True)
def command(
    config: ProxyConfig,
    files: Files,
    log: Path | None,
    wanted: Wanted,
    watched: tuple[Watched, ...],
    headless: bool,
    any_port: bool,
    port_file: Path | None,
) -> None:
    """Listen, relay, and show what passes. Without --rules, the rules are kept beside the settings, in rules.toml."""
    config = replace(config, any_port=any_port)
    if headless:
        start_without_screen(config, files, log, wanted)
        return
    settings = with_watched(load_settings(), watched)
    run(live(config, files, start_log(log), settings, wanted.with_usual_rules(), port_file))


async def live(
    config: ProxyConfig, files: Files, log: LogBuffer, settings: Settings, wanted: Wanted, port_file: Path | None
) -> None:
    """Run until the person quits. The port goes to `port_file` once it listens: who started us may wait for it."""
    store, transcripts = FlowStore(), Transcripts()
    with controlled(config, wanted, store, transcripts) as (server, control):
        async with recording(store, transcripts, *files) as kept, server:
            if port_file is not None:
                _write_at_once(port_file, str(server.port))
            await work(store, transcripts, server, control, log, settings, kept)
            await drained(server, partial(click.echo, err=True))


def _write_at_once(file: Path, text: str) -> None:
    part = file.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


async def work(
    store: FlowStore,
    transcripts: Transcripts,
    server: ProxyServer,
    control: Control,
    log: LogBuffer,
    settings: Settings,
    kept: Kept,
) -> None:
    """Open the screen with everything at hand that acts on flows."""
    replayer = Replayer(store, server.transport)
    try:
        desk = Desk(store, transcripts, control, server, replayer, kept.session, kept.files, kept.budget)
        await show(desk, server, log, settings)
    finally:
        await replayer.aclose()


async def show(desk: Desk, server: ProxyServer | None, log: LogBuffer, settings: Settings, title: str = "") -> None:
    """Open the screen, and come back when it is closed."""
    from inspector.tui.app import InspectorApp

    for _ in range(1 + REOPENED):
        app = InspectorApp(
            desk.store,
            desk.transcripts,
            desk=desk,
            listener=server,
            profile="",
            log_lines=log,
            watched=settings.watched,
            keymap=settings.keys,
            theme=settings.theme,
            title=title,
        )
        on_signal(app.exit)
        settle()
        await app.run_async()
        if app.return_code != FAILED:
            return
        logger.error("the screen failed, and was opened again: what is relayed does not depend on it")
