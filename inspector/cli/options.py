"""What the commands have in common on the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from inspector.cli.profile import CAPTURE_TIMEOUT, chosen, with_options

PORT = 7077
KEY_VARIABLE = "INSPECTOR_UPSTREAM_API_KEY"

_LISTEN = (
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    click.option(
        "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one."
    ),
)
_ROUTING = (
    click.option(
        "--upstream",
        "--upstream-url",
        "upstreams",
        multiple=True,
        metavar="[NAME=]URL",
        help="URL: everything goes there. NAME=URL: reachable below /NAME/. May be repeated.",
    ),
    click.option(
        "--upstream-api-key-file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"Send the key in this file instead of the client's (or set {KEY_VARIABLE}).",
    ),
    click.option(
        "--upstream-api-key",
        metavar="KEY",
        help="The key itself. Others on this machine can read it in the list of processes: prefer the file or the"
        " variable.",
    ),
    click.option("--connect-timeout", default=10.0, show_default=True, type=click.FloatRange(0.1), help="Seconds."),
    click.option(
        "--request-timeout",
        type=click.FloatRange(0),
        help=f"Seconds of silence that an upstream may keep; 0 for any.  [default: any; capture: {CAPTURE_TIMEOUT:g}]",
    ),
    click.option(
        "--max-body",
        default=256,
        show_default=True,
        type=click.IntRange(1),
        help="MiB that a request may have; more is refused with 413.",
    ),
)
_RECORDING = (
    click.option(
        "--jsonl",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append each flow to this file as it ends.",
    ),
    click.option(
        "--trace",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append each turn with a model to this file as it ends: a training trace.",
    ),
    click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append what goes wrong to this file."),
)


def recording_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --jsonl, --trace and --log."""
    return _apply(command, _RECORDING)


def proxy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all that a proxy needs; the command gets them as one `config`, a ProxyConfig, and one `capture`."""

    @wraps(command)
    def with_config(**given: Any) -> Any:
        from inspector.proxy.server import ProxyConfig

        default, named = split_upstreams(given.pop("upstreams"))
        preset, capture = chosen(given)
        config = ProxyConfig(
            upstream=default,
            upstreams=named,
            upstream_api_key=_key(given.pop("upstream_api_key"), given.pop("upstream_api_key_file")),
            request_timeout=_timeout(given.pop("request_timeout"), preset),
            max_body=given.pop("max_body") << 20,
            **{name: given.pop(name) for name in ("host", "port", "connect_timeout")},
        )
        return command(config=config, capture=capture, **given)

    return _apply(with_options(with_config), (*_LISTEN, *_ROUTING))


def split_upstreams(values: tuple[str, ...]) -> tuple[str | None, dict[str, str]]:
    """Tell `URL` from `NAME=URL`. Raises click.UsageError where two defaults are given, or a name twice."""
    default: str | None = None
    named: dict[str, str] = {}
    for value in values:
        name, equals, url = value.partition("=")
        if not equals or "/" in name:
            if default is not None:
                raise click.UsageError(
                    f"--upstream {value}: everything goes to {default} already; give this one a name"
                )
            default = value
        elif name in named:
            raise click.UsageError(f"--upstream {value}: {name} is {named[name]} already")
        else:
            named[name] = url
    return default, named


def _key(given: str | None, file: Path | None) -> str | None:
    if given is not None:
        if file is not None:
            raise click.UsageError("--upstream-api-key and --upstream-api-key-file exclude each other")
        click.echo(
            f"--upstream-api-key: others on this machine can read it; prefer --upstream-api-key-file or {KEY_VARIABLE}",
            err=True,
        )
        return given or None
    if file is None:
        return os.environ.get(KEY_VARIABLE) or None
    return file.read_text(encoding="utf-8").strip() or None


def _timeout(given: float | None, preset: str) -> float | None:
    if given is None:
        return CAPTURE_TIMEOUT if preset == "capture" else None
    return given or None


def _apply(command: Callable[..., Any], options: tuple[Callable[..., Any], ...]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command
