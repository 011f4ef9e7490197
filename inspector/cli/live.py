"""`inspector`: the proxy and its screen."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from inspector.cli.config import Settings, load_settings
from inspector.cli.control import Wanted, control_options, controlled
from inspector.cli.options import proxy_options, recording_options
from inspector.cli.recording import Files, recording
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
def command(
    config: ProxyConfig,
    files: Files,
    log: Path | None,
    wanted: Wanted,
    watched: tuple[Watched, ...],
    headless: bool,
) -> None:
    """Listen, relay, and show what passes. Without --rules, the rules are kept beside the settings, in rules.toml."""
    if headless:
        start_without_screen(config, files, log, wanted)
        return
    settings = with_watched(load_settings(), watched)
    run(live(config, files, start_log(log), settings, wanted.with_usual_rules()))


async def live(config: ProxyConfig, files: Files, log: LogBuffer, settings: Settings, wanted: Wanted) -> None:
    """Run until the person quits."""
    store, transcripts = FlowStore(), Transcripts()
    with controlled(config, wanted, store, transcripts) as (server, control):
        async with recording(store, transcripts, *files), server:
            await work(store, transcripts, server, control, log, settings)


async def work(
    store: FlowStore,
    transcripts: Transcripts,
    server: ProxyServer,
    control: Control,
    log: LogBuffer,
    settings: Settings,
) -> None:
    """Open the screen with everything at hand that acts on flows."""
    replayer = Replayer(store, server.transport)
    try:
        await show(Desk(store, transcripts, control, server, replayer), server, log, settings)
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
