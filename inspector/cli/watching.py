"""The option that puts watch expressions beside the flows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from inspector.cli.config import Settings
from inspector.store.watch import Watched, parse_watch


def watch_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --watch; the command gets `watched`, a tuple of Watched."""
    return click.option(
        "--watch",
        "watched",
        multiple=True,
        metavar="[TITLE=]KEY",
        callback=_parsed,
        help="A column beside the usual ones, as request.max_tokens or hit=in.cached/in. May be repeated.",
    )(command)


def with_watched(settings: Settings, watched: tuple[Watched, ...]) -> Settings:
    """The settings with these columns behind their own; the same key once, with the title that it was given last."""
    by_key = {each.key: each for each in (*settings.watched, *watched)}
    return replace(settings, watched=tuple(by_key.values()))


def _parsed(context: click.Context, option: click.Parameter, lines: tuple[str, ...]) -> tuple[Watched, ...]:
    try:
        return tuple(parse_watch(line) for line in lines)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from None
