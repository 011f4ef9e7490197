"""`inspector env NAME`: what points an agent here, as lines for a shell."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from inspector.cli.options import PORT
from inspector.cli.token import TOKEN_VARIABLE, check_carrier, token_from
from inspector.model import pointing
from inspector.model.pointing import AGENTS, ANY

_PROXIES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
"""Where one of these is set, our address must be taken out of it."""


def _fish(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _powershell(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _posix_lines(variables: Mapping[str, str], name: str, arguments: Sequence[str]) -> list[str]:
    lines = [f"export {variable}={shlex.quote(value)}" for variable, value in variables.items()]
    return lines + [f'{name}() {{ command {name} {shlex.join(arguments)} "$@"; }}'] * bool(arguments)


def _fish_lines(variables: Mapping[str, str], name: str, arguments: Sequence[str]) -> list[str]:
    lines = [f"set -gx {variable} {_fish(value)}" for variable, value in variables.items()]
    words = " ".join(map(_fish, arguments))
    return lines + [f"function {name}; command {name} {words} $argv; end"] * bool(arguments)


def _powershell_lines(variables: Mapping[str, str], name: str, arguments: Sequence[str]) -> list[str]:
    lines = [f"$env:{variable} = {_powershell(value)}" for variable, value in variables.items()]
    words = " ".join(map(_powershell, arguments))
    program = f"(Get-Command {name} -CommandType Application,ExternalScript -TotalCount 1)"
    return lines + [f"function {name} {{ & {program} {words} @args }}"] * bool(arguments)


SHELLS: Mapping[str, Callable[[Mapping[str, str], str, Sequence[str]], list[str]]] = {
    "posix": _posix_lines,
    "fish": _fish_lines,
    "powershell": _powershell_lines,
}
"""Lines that set variables, and give a command arguments by way of a function, in each shell's own words."""


@click.command("env")
@click.argument("name", required=False, metavar="[AGENT]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the inspector listens.")
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(1, 65535), help="And its port.")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"The listener's token, where it wants one (or set {TOKEN_VARIABLE}).",
)
@click.option("--shell", default="posix", show_default=True, type=click.Choice(list(SHELLS)), help="Whose words.")
def command(name: str | None, host: str, port: int, token_file: Path | None, shell: str) -> None:
    """Print what points AGENT at the inspector: eval "$(inspector env claude)". Without AGENT, list the known ones.

    fish: inspector env claude --shell fish | source. PowerShell: pipe to Out-String and Invoke-Expression.
    """
    if name is None:
        for each in (*AGENTS, ANY):
            click.echo(f"{each.name:<11}{each.title}")
        return
    agent = pointing.agent_named(name)
    if agent is None:
        known = ", ".join(each.name for each in (*AGENTS, ANY))
        raise click.UsageError(f"there is no agent {name}; known are {known}")
    token = token_from(token_file)
    check_carrier(agent, token)
    url = pointing.base_url(host, port, token)
    try:
        variables = pointing.variables_for(agent, url, os.environ)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    if any(os.environ.get(proxy) for proxy in _PROXIES):
        variables |= pointing.not_proxied(os.environ, host)
    for line in SHELLS[shell](variables, agent.name, pointing.arguments_for(agent, url)):
        click.echo(line)
