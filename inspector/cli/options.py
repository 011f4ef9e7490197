"""What the commands have in common on the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.config import load_settings
from inspector.cli.keeping import Place, fresh
from inspector.cli.profile import CAPTURE_TIMEOUT, chosen, with_options
from inspector.cli.recording import Files
from inspector.cli.token import TOKEN_VARIABLE, token_from
from inspector.store.private_files import exposed

if TYPE_CHECKING:
    from inspector.proxy.server import ProxyConfig

PORT = 7077
KEY_VARIABLE = "INSPECTOR_UPSTREAM_API_KEY"

_LISTEN = (
    click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on."),
    click.option(
        "--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one."
    ),
    click.option(
        "--token-file",
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"Let in only who has the token in this file (or in {TOKEN_VARIABLE}); a file that is not there is made."
        " Another --host than this machine's own takes one.",
    ),
    click.option(
        "--allow-host",
        "allow_hosts",
        multiple=True,
        metavar="NAME",
        help="Another name for this listener, such as host.docker.internal. May be repeated.",
    ),
    click.option(
        "--allow-origin",
        "allow_origins",
        multiple=True,
        metavar="ORIGIN",
        help="Let a web page in, such as http://localhost:3000. May be repeated.",
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
    click.option(
        "--drain",
        default=30.0,
        show_default=True,
        type=click.FloatRange(0),
        help="Seconds that requests on their way get when you leave; asked twice, it leaves at once.",
    ),
)
_AS_GIVEN = ("host", "port", "connect_timeout", "allow_hosts", "allow_origins", "token_file", "drain")
_RECORDING = (
    click.option(
        "--session",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Keep everything in this session, and go on in it where it exists.  [default: a new one]",
    ),
    click.option("--no-session", is_flag=True, help="Keep no session."),
    click.option(
        "--jsonl",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append each flow to this file as it ends. {session} in its name makes one for each session (/s/NAME/).",
    ),
    click.option(
        "--trace",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append each turn with a model to this file as it ends: a training trace. {session} as above.",
    ),
    click.option(
        "--fsync/--no-fsync",
        default=None,
        help="Whether --jsonl and --trace wait for the disk, so that a power cut takes nothing.  [default: no]",
    ),
    click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Append what goes wrong to this file."),
)


def recording_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --session, --jsonl, --trace and --fsync, which the command gets as one `files`, and --log.

    Where others can read one that exists, that is said.
    """

    @wraps(command)
    def with_warning(**given: Any) -> Any:
        for file in filter(None, (given["session"], given["jsonl"], given["trace"], given["log"])):
            if words := exposed(file):
                click.echo(words, err=True)
        session = _session(given.pop("session"), given.pop("no_session"), given.get("command"))
        wanted = given.pop("fsync")
        fsync = load_settings().fsync if wanted is None else wanted
        return command(files=Files(given.pop("jsonl"), given.pop("trace"), session, fsync), **given)

    return _apply(with_warning, _RECORDING)


def _session(given: Path | None, none: bool, started: Sequence[str] | None) -> Place | None:
    if given is not None and none:
        raise click.UsageError("--session and --no-session exclude each other")
    if none:
        return None
    return Place(given, True) if given is not None else Place(fresh(Path(started[0]).name if started else ""), False)


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
            token=token_from(given["token_file"], make=True),
            **{name: given.pop(name) for name in _AS_GIVEN},
        )
        _check(config)
        return command(config=config, capture=capture, **given)

    return _apply(with_options(with_config), (*_LISTEN, *_ROUTING))


def _check(config: ProxyConfig) -> None:
    """Raises click.UsageError where nobody may listen like this."""
    from inspector.proxy.visitors import Visitors

    try:
        Visitors(config.host, config.token, config.allow_hosts, config.allow_origins)
    except ValueError as error:
        advice = (
            "" if config.token else f": --token-file FILE, which makes FILE where it is missing, or {TOKEN_VARIABLE}"
        )
        raise click.UsageError(f"{error}{advice}") from None


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
