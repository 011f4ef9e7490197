"""The listener's token: in a file or in the environment, and never on a command line, which others can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

from inspector.model.pointing import Agent
from inspector.store.private_files import exposed, make_folder, opened

TOKEN_VARIABLE = "INSPECTOR_TOKEN"


def token_from(file: Path | None, *, make: bool = False) -> str | None:
    """The token in the file, else in the environment, else None. With `make`, a file that is missing is made.

    Raises click.ClickException where the file cannot be read or made.
    """
    if file is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    try:
        if make and not file.exists():
            return _made(file)
        if words := exposed(file):
            click.echo(words, err=True)
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"--token-file {file}: {error}") from None
    if not token:
        raise click.ClickException(f"--token-file {file}: it is empty")
    return token


def check_carrier(agent: Agent, token: str | None) -> None:
    """Raises click.UsageError for an agent that would get the token on its command line."""
    if token and agent.arguments:
        raise click.UsageError(
            f"{agent.name} is told its base URL on its command line, where others on this machine can read the token:"
            " write it into its settings, or listen on 127.0.0.1 without a token"
        )


def _made(file: Path) -> str:
    token = secrets.token_urlsafe(24)
    make_folder(file.parent)
    with opened(file, "xb") as target:
        target.write(token.encode() + b"\n")
    click.echo(f"made a token in {file}; the lines for an agent: inspector env AGENT --token-file {file}", err=True)
    return token
