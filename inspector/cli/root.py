"""The `inspector` command: a sub-command a module, imported only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from inspector import __version__
from inspector.cli.terminal import inert

COMMANDS = {
    "live": "The proxy and its screen: what `inspector` without a command does.",
    "run": "Start an agent that is pointed here, and see what it says.",
    "env": "The settings that point an agent here, for a shell.",
    "serve": "The proxy without a screen: a line for each flow on stderr.",
    "open": "Browse a session, a JSONL file, or a training trace.",
    "sessions": "List the sessions of earlier runs; open, resume or prune them.",
    "export": "Write a recording in another format: a training trace, or filtered JSONL.",
    "replay": "Send a recorded request again, from a script.",
    "demo": "No key, no network: a small model of its own and a scripted agent.",
}
"""Every sub-command with its one-line help; each lives in the module of its name."""


class LazyGroup(click.Group):
    """Finds sub-commands by name; without one, `live` is meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"inspector.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run a sub-command. What it has to say against a file or a name may quote it, and acts on no terminal."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            error.message = inert(error.message)  # type: ignore[misc]
            raise

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `live` in where no command is named."""
        if not args or (args[0].startswith("-") and args[0] not in ("--help", "-h", "--version")):
            args = ["live", *args]
        return super().parse_args(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="inspector %(version)s")
def main() -> None:
    """See, live, every token between an agent and its model.

    `inspector` alone listens on 127.0.0.1:7077 and opens its screen; `inspector live --help` lists what can be set.
    """
