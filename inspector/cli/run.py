"""`inspector run -- COMMAND`: an agent and the inspector beside it, each pointed at the other."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from inspector.cli import panes
from inspector.cli.child import CannotStart, Ended, attend, found
from inspector.cli.config import Settings, load_settings
from inspector.cli.control import Wanted, control_options, controlled
from inspector.cli.live import work
from inspector.cli.options import KEY_VARIABLE, proxy_options, recording_options
from inspector.cli.recording import Files, recording
from inspector.cli.runtime import LogBuffer, run, settle, start_log
from inspector.cli.token import check_carrier
from inspector.cli.watching import watch_option, with_watched
from inspector.model import pointing
from inspector.model.pointing import Agent
from inspector.proxy.server import ProxyConfig
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.store.watch import Watched

_WORDS = "inspector.run.words"


class _Command(click.Command):
    """Keeps the words as they were given: the pane beside gets the same options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_WORDS] = tuple(args)
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class Start:
    """An agent that is to be started."""

    command: Sequence[str]
    agent: Agent
    place: int
    """Where in its command the agent is named."""

    def pointed(self, config: ProxyConfig, port: int) -> tuple[list[str], dict[str, str]]:
        """Its command and environment for a proxy on this port."""
        url, given = pointing.base_url(config.host, port, config.token), os.environ
        at_home = config.upstream is None and not any(
            each.provider in config.upstreams for each in self.agent.variables
        )
        own = pointing.variables_for(self.agent, url, given, at_home=at_home)
        direct = pointing.not_proxied(given, config.host)
        after = self.place + 1
        command = [*self.command[:after], *pointing.arguments_for(self.agent, url), *self.command[after:]]
        return command, {**given, **direct, **own}


@click.command("run", cls=_Command, context_settings={"allow_interspersed_args": False})
@proxy_options
@recording_options
@control_options
@watch_option
@click.option(
    "--as", "name", metavar="AGENT", help="Which agent COMMAND is, where it does not say; `inspector env` lists them."
)
@click.option("--no-screen", is_flag=True, help="Open no screen.")
@click.option("--close", is_flag=True, help="In tmux: close the inspector's pane when the agent has ended.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def command(
    ctx: click.Context,
    config: ProxyConfig,
    files: Files,
    log: Path | None,
    wanted: Wanted,
    watched: tuple[Watched, ...],
    name: str | None,
    no_screen: bool,
    close: bool,
    command: tuple[str, ...],
) -> None:
    """Start an agent that is pointed here; the exit status is its own.

    In tmux, the screen opens in a pane beside it, and leaving it ends the relay. Elsewhere, the agent has the
    terminal, and the screen opens when it has ended. Write `--` before COMMAND. Where the usual port is taken, another
    one is used.
    """
    start = _start(command, name)
    check_carrier(start.agent, config.token)
    screen = not no_screen and sys.stdin.isatty() and sys.stdout.isatty()
    given = ctx.get_parameter_source("port") is not click.core.ParameterSource.DEFAULT
    try:
        found(command[0])
        config = replace(_with_upstreams(config, start.agent), any_port=not given)
        if screen and panes.inside():
            with _beside(_live(ctx, command, config), config, close) as port:
                if port is not None:
                    ctx.exit(run(attend(*start.pointed(config, port))).status)
        rules = wanted.with_usual_rules() if screen else wanted
        settings = with_watched(load_settings(), watched) if screen else None
        ctx.exit(run(_alone(start, config, files, start_log(log), rules, settings)))
    except CannotStart as error:
        click.echo(f"inspector: {error}", err=True)
        ctx.exit(error.status)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None


def _start(command: tuple[str, ...], name: str | None) -> Start:
    if name is None:
        return Start(command, *pointing.recognised(command))
    agent = pointing.agent_named(name)
    if agent is None:
        known = ", ".join(each.name for each in pointing.AGENTS)
        raise click.UsageError(f"--as {name}: there is no such agent; known are {known} and any")
    return Start(command, agent, 0)


def _with_upstreams(config: ProxyConfig, agent: Agent) -> ProxyConfig:
    """Send the agent's requests where they would go without us, unless the command line sends them elsewhere."""
    if config.upstream:
        below = (each.provider for each in agent.variables if each.path == f"/{each.provider}")
        return replace(config, upstreams={**dict.fromkeys(below, config.upstream), **config.upstreams})
    own = (f"{config.host}:{config.port}", pointing.base_url(config.host, config.port).removeprefix("http://"))
    before = pointing.upstreams_of(agent, os.environ, own)
    named = {name: url for name, url in before.items() if name}
    return replace(config, upstream=before.get(""), upstreams={**named, **config.upstreams})


def _live(ctx: click.Context, command: tuple[str, ...], config: ProxyConfig) -> list[str]:
    """The command of the pane: the same options as ours, and what we found out."""
    words: tuple[str, ...] = ctx.meta[_WORDS]
    options = list(words[: len(words) - len(command)])
    if options and options[-1] == "--":
        options.pop()
    options = _without(_without(options, "--as"), "--upstream-api-key")
    options = [word for word in options if word != "--close"]
    given = ctx.params["upstreams"]
    more = [*([config.upstream] if config.upstream else []), *(f"{n}={url}" for n, url in config.upstreams.items())]
    upstreams = [word for url in more if url not in given for word in ("--upstream", url)]
    where = ["--any-port"] if config.any_port else []
    # -P: what stands in this folder must not be taken for ours.
    return [sys.executable, "-P", "-m", "inspector", "live", *options, *upstreams, *where]


def _without(options: list[str], name: str) -> list[str]:
    """The options without one of them and its value."""
    while name in options:
        at = options.index(name)
        options = [*options[:at], *options[at + 2 :]]
    return [word for word in options if not word.startswith(f"{name}=")]


@contextlib.contextmanager
def _beside(command: list[str], config: ProxyConfig, close: bool) -> Iterator[int | None]:
    """The inspector's pane, once it listens; gives its port, or None where tmux has no room for it.

    The agent stays in the pane where it was started, as our own child: its terminal, signals and exit status need no
    detour through tmux. The pane stays when the agent has ended, for what it shows is nowhere else.
    """
    key = {KEY_VARIABLE: config.upstream_api_key} if config.upstream_api_key else {}
    try:
        pane, port = _listening(command, {**os.environ, **key})
    except panes.NoPane as error:
        click.echo(f"inspector: no pane beside ({error}); the screen opens when the agent has ended", err=True)
        yield None
        return
    try:
        yield port
    finally:
        if close:
            pane.close()


def _listening(command: list[str], environment: dict[str, str]) -> tuple[panes.Pane, int]:
    """The inspector's pane and its port. Raises NoPane where tmux has no room, click.ClickException where it ended."""
    with tempfile.TemporaryDirectory(prefix="inspector-") as folder:
        file = Path(folder, "port")
        pane = panes.Pane.split([*command, "--port-file", str(file)], environment, Path(folder))
        try:
            return pane, int(pane.await_file(file))
        except BaseException as error:
            pane.close()
            if isinstance(error, panes.NoPane):
                raise click.ClickException(f"the inspector beside did not start\n{error}") from None
            raise


async def _alone(
    start: Start,
    config: ProxyConfig,
    files: Files,
    log: LogBuffer,
    wanted: Wanted,
    settings: Settings | None,
) -> int:
    """The agent has the terminal; what passed is shown when it has ended, where there are settings for a screen."""
    store, transcripts = FlowStore(), Transcripts()
    with controlled(config, wanted, store, transcripts) as (server, control):
        _refuse_holds(wanted, control)
        async with recording(store, transcripts, *files) as kept, server:
            click.echo(f"inspector listens on {server.url}", err=True)
            settle()
            ended: Ended = await attend(*start.pointed(config, server.port))
            if settings is not None and not ended.told:
                await work(store, transcripts, server, control, log, settings, kept)
    if settings is None:
        click.echo(f"inspector saw {len(store)} request{'' if len(store) == 1 else 's'}", err=True)
    return ended.status


def _refuse_holds(wanted: Wanted, control: Control) -> None:
    """Nobody could let go what is held while the agent has the terminal: it would hang without a word."""
    may_hold = wanted.miss == "ask" or any(each.on for each in control.breakpoints)
    if may_hold and wanted.release_after is None:
        where = f" (see {wanted.rules})" if wanted.rules is not None else ""
        raise click.UsageError(
            f"breakpoints{where} hold flows, and without a screen nobody can let them go:"
            " start it in tmux, or with --release-after SECONDS"
        )
