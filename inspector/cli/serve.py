"""`inspector serve`: the proxy without a screen."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

from inspector.cli.aside import Aside
from inspector.cli.control import Wanted, control_options, controlled, warn_of_holds
from inspector.cli.draining import drained
from inspector.cli.options import proxy_options, recording_options
from inspector.cli.recording import Files, recording
from inspector.cli.runtime import on_signal, run, settle, start_log
from inspector.cli.terminal import inert_line
from inspector.formats.recorded import Recording
from inspector.model.flow import Flow, State
from inspector.model.headers import mask_url
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.summary import Summary, summarise
from inspector.store.transcripts import Transcripts
from inspector.tui.format import count, duration

logger = logging.getLogger("inspector.serve")

INTERVAL = 0.1
"""Seconds between two looks at what ended."""
_SLACK = 5000
"""Flows that left the store, and are remembered until so many are to be forgotten at once."""
MEMORY = 32 << 20
"""Bytes of flows that are kept where no session keeps them, and nobody can look at them."""


@click.command("serve")
@proxy_options
@recording_options
@control_options
@click.option("--headless", is_flag=True, expose_value=False, help="As it is here anyway.")
def command(config: ProxyConfig, files: Files, log: Path | None, wanted: Wanted) -> None:
    """Relay without a screen, with a line for each flow on stderr, until interrupted."""
    start_without_screen(config, files, log, wanted)


def start_without_screen(config: ProxyConfig, files: Files, log: Path | None, wanted: Wanted) -> None:
    """What `inspector serve` does."""
    start_log(log)
    if wanted.rules is not None and not wanted.rules.exists():
        raise click.UsageError(f"--rules {wanted.rules}: there is no such file, and no screen to make rules on")
    run(_serve(config, files, wanted))


async def _serve(config: ProxyConfig, files: Files, wanted: Wanted) -> None:
    store, transcripts = FlowStore(), Transcripts()
    if wanted == Wanted():
        await serve(ProxyServer(config, store), transcripts, files)
        return
    with controlled(config, wanted, store, transcripts) as (server, control):
        warn_of_holds(wanted, control)
        await serve(server, transcripts, files)


async def serve(server: ProxyServer, transcripts: Transcripts, files: Files) -> None:
    """Run until SIGINT or SIGTERM."""
    store, stop = server.store, asyncio.Event()
    on_signal(stop.set)
    with closing(Aside(sys.stderr)) as aside:
        async with recording(store, transcripts, *files, memory=MEMORY) as kept, server:
            click.echo(f"inspector listens on {server.url}", err=True)
            narrator = Narrator(store, transcripts, kept.all(), aside.say)
            task = spawn(narrator.run(), "narrator")
            settle()
            await stop.wait()
            await drained(server, aside.say)
            task.cancel()
        narrator.pull()


class Narrator:
    """A puller that tells of each flow in one line, when it has ended; and of one that is held, for it waits.

    It also tells when what is recorded begins to be refused by the disk, and when it is taken again.
    """

    def __init__(
        self,
        store: FlowStore,
        transcripts: Transcripts,
        recordings: Sequence[Recording] = (),
        say: Callable[[str], None] = lambda line: click.echo(line, err=True),
    ) -> None:
        self._store = store
        self._transcripts = transcripts
        self._cursor = store.revision
        self._told: set[str] = set()
        self._recordings = recordings
        self._write = say
        self._stopped: set[Path] = set()

    async def run(self) -> None:
        """Pull for ever."""
        while True:
            await asyncio.sleep(INTERVAL)
            self.pull()

    def pull(self) -> None:
        """Tell of what ended, was held, or was refused since the last time."""
        self._tell_of_recordings()
        self._cursor, changed = self._store.changes_since(self._cursor)
        if len(self._told) > len(self._store) + _SLACK:
            self._told = {told for told in self._told if told.partition(" ")[0] in self._store}
        for flow in changed:
            if flow.end is not None:
                self._tell(flow.id, self._line(flow))
            elif flow.hold is not None:
                self._tell(f"{flow.id} {flow.hold.since}", f"#{flow.seq} is held at {flow.hold.moment}: {flow.hold.by}")

    def _tell_of_recordings(self) -> None:
        for each in self._recordings:
            if each.stopped is not None and each.path not in self._stopped:
                self._stopped.add(each.path)
                since = datetime.fromtimestamp(each.stopped.since)
                self._say(f"not recorded since {since:%H:%M:%S}: {each.path}: {each.stopped.why}; the relay goes on")
            elif each.stopped is None and each.path in self._stopped:
                self._stopped.discard(each.path)
                self._say(f"recorded again, with all that came meanwhile: {each.path}")

    def _line(self, flow: Flow) -> str:
        try:
            return flow_line(flow, summarise(flow, self._transcripts.of(flow), figures_only=True))
        except Exception as error:  # the border to whatever a flow holds: the next flows are told of, too
            logger.exception("#%s could not be summed up", flow.number)
            return f"#{flow.seq} could not be summed up: {type(error).__name__}"

    def _tell(self, what: str, line: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self._say(line)

    def _say(self, line: str) -> None:
        self._write(inert_line(line))


def flow_line(flow: Flow, summary: Summary) -> str:
    """One ended flow for a log: `#42 claude-code POST /v1/messages 200 claude-opus-4-5 tool_use in 41.2k out 312 …`."""
    status = str(flow.response.status) if flow.response else "–"
    words = [f"#{flow.seq}", flow.agent or "–", flow.request.method, mask_url(flow.request.url), status, summary.model]
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
