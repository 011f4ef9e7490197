"""`inspector demo`: everything to see, without a key and without a network."""

from __future__ import annotations

import asyncio
import sys
from io import RawIOBase
from pathlib import Path
from typing import cast

import click

from inspector.cli.config import Settings, load_settings
from inspector.cli.control import Wanted, control_options, controlled, warn_of_holds
from inspector.cli.live import work
from inspector.cli.options import PORT, recording_options
from inspector.cli.profile import profile_options
from inspector.cli.recording import Files, Recorder, recording
from inspector.cli.runtime import LogBuffer, run, start_log
from inspector.demo import agent
from inspector.demo.session import DemoServer
from inspector.formats import EXPORTERS
from inspector.proxy.server import ProxyConfig
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts

PACE = 40.0
"""Tokens a second that the demo's model speaks on a screen."""


@click.command("demo")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: 7077; with --headless any free one]")
@profile_options("capture")
@click.option("--headless", is_flag=True, help="One full run as fast as it goes; the flows as JSONL on stdout.")
@recording_options
@control_options
def command(
    host: str,
    port: int | None,
    headless: bool,
    files: Files,
    log: Path | None,
    wanted: Wanted,
) -> None:
    """Watch a scripted agent talk to a small model, both built in. The profile is `capture`, if no other is named.

    Nothing is kept of it, unless a session is named.
    """
    buffer = start_log(log)
    if files.session is not None and not files.session.named:
        files = files._replace(session=None)
    if headless:
        run(_headless(host, port or 0, files, wanted))
    else:
        run(_on_screen(host, PORT if port is None else port, files, buffer, load_settings(), wanted))


async def _headless(host: str, port: int, files: Files, wanted: Wanted) -> None:
    store, transcripts = FlowStore(), Transcripts()
    async with DemoServer(pace=0) as model, recording(store, transcripts, *files):
        with controlled(_config(host, port, model), wanted, store, transcripts) as (server, control):
            warn_of_holds(wanted, control)
            async with server:
                await agent.run(server.url, pace=0, rounds=1)
        lines = EXPORTERS["jsonl"].lines(store, transcripts)
        output = Recorder(store, lines, lambda flow: cast(RawIOBase, sys.stdout.buffer))
        while output.pull():
            sys.stdout.flush()


async def _on_screen(
    host: str,
    port: int,
    files: Files,
    log: LogBuffer,
    settings: Settings,
    wanted: Wanted,
) -> None:
    store, transcripts, stop = FlowStore(), Transcripts(), asyncio.Event()
    async with DemoServer(pace=PACE) as model, recording(store, transcripts, *files) as kept:
        with controlled(_config(host, port, model), wanted, store, transcripts) as (server, control):
            async with server:
                working = spawn(agent.run(server.url, rounds=None, stop=stop), "demo agent")
                try:
                    await work(store, transcripts, server, control, log, settings, kept)
                finally:
                    stop.set()
                    await working


def _config(host: str, port: int, model: DemoServer) -> ProxyConfig:
    # Its only client is our own agent: nobody loses anything where it is cut off.
    return ProxyConfig(host=host, port=port, upstreams={"anthropic": model.url, "openai": model.url}, drain=0)
