"""`inspector serve`: the proxy without a screen."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from inspector.cli.control import Wanted, control_options, controlled, warn_of_holds
from inspector.cli.options import proxy_options, recording_options
from inspector.cli.recording import recording
from inspector.cli.runtime import on_signal, run, settle, start_log
from inspector.model.flow import Flow, State
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.summary import Summary, summarise
from inspector.store.transcripts import Transcripts
from inspector.tui.format import count, duration

INTERVAL = 0.1
"""Seconds between two looks at what ended."""


@click.command("serve")
@proxy_options
@recording_options
@control_options
@click.option("--headless", is_flag=True, expose_value=False, help="As it is here anyway.")
def command(config: ProxyConfig, jsonl: Path | None, trace: Path | None, log: Path | None, wanted: Wanted) -> None:
    """Relay without a screen, with a line for each flow on stderr, until interrupted."""
    start_without_screen(config, jsonl, trace, log, wanted)


def start_without_screen(
    config: ProxyConfig, jsonl: Path | None, trace: Path | None, log: Path | None, wanted: Wanted
) -> None:
    """What `inspector serve` does."""
    start_log(log)
    if wanted.rules is not None and not wanted.rules.exists():
        raise click.UsageError(f"--rules {wanted.rules}: there is no such file, and no screen to make rules on")
    run(_serve(config, jsonl, trace, wanted))


async def _serve(config: ProxyConfig, jsonl: Path | None, trace: Path | None, wanted: Wanted) -> None:
    store, transcripts = FlowStore(), Transcripts()
    if wanted == Wanted():
        await serve(ProxyServer(config, store), transcripts, jsonl, trace)
        return
    with controlled(config, wanted, store, transcripts) as (server, control):
        warn_of_holds(wanted, control)
        await serve(server, transcripts, jsonl, trace)


async def serve(server: ProxyServer, transcripts: Transcripts, jsonl: Path | None, trace: Path | None = None) -> None:
    """Run until SIGINT or SIGTERM."""
    store, stop = server.store, asyncio.Event()
    on_signal(stop.set)
    async with recording(store, transcripts, jsonl, trace), server:
        click.echo(f"inspector listens on {server.url}", err=True)
        narrator = Narrator(store, transcripts)
        task = spawn(narrator.run(), "narrator")
        settle()
        await stop.wait()
        task.cancel()
    narrator.pull()


class Narrator:
    """A puller that tells of each flow in one line, when it has ended; and of one that is held, for it waits."""

    def __init__(self, store: FlowStore, transcripts: Transcripts) -> None:
        self._store = store
        self._transcripts = transcripts
        self._cursor = 0
        self._told: set[str] = set()

    async def run(self) -> None:
        """Pull for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            self.pull()

    def pull(self) -> None:
        """Tell of what ended, or was held, since the last time."""
        self._cursor, changed = self._store.changes_since(self._cursor)
        for flow in changed:
            if flow.end is not None:
                figures = summarise(flow, self._transcripts.of(flow), figures_only=True)
                self._tell(flow.id, flow_line(flow, figures))
            elif flow.hold is not None:
                self._tell(f"{flow.id} {flow.hold.since}", f"#{flow.seq} is held at {flow.hold.moment}: {flow.hold.by}")

    def _tell(self, what: str, line: str) -> None:
        if what not in self._told:
            self._told.add(what)
            # Models and upstreams are quoted here, and this is a terminal.
            if not line.isprintable():
                line = "".join(character if character.isprintable() else "·" for character in line)
            print(line, file=sys.stderr, flush=True)


def flow_line(flow: Flow, summary: Summary) -> str:
    """One ended flow for a log: `#42 claude-code POST /v1/messages 200 claude-opus-4-5 tool_use in 41.2k out 312 …`."""
    status = str(flow.response.status) if flow.response else "–"
    words = [f"#{flow.seq}", flow.agent or "–", flow.request.method, flow.request.url, status, summary.model]
    words.append(summary.finish or "")
    for name, tokens in (("in", summary.input_tokens), ("out", summary.output_tokens)):
        if tokens is not None:
            words.append(f"{name} {count(tokens)}")
    for name, ms in (("ttft", summary.ttft), ("total", flow.timing.ended)):
        if ms is not None:
            words.append(f"{name} {duration(ms)}")
    if flow.state is not State.DONE:
        why = flow.error or summary.error or "; ".join(flow.notes)
        words.append(f"{flow.state}: {why}" if why else flow.state)
    return " ".join(word for word in words if word)
