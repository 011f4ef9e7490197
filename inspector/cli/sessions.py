"""`inspector sessions`: the sessions that lie where nobody gave another place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from inspector.cli.importing import command as import_
from inspector.cli.keeping import folder
from inspector.cli.session_list import Session, files_of, found, named
from inspector.cli.terminal import inert_line
from inspector.formats.session_lock import is_written, lock_path
from inspector.formats.session_reader import SessionReader
from inspector.formats.session_schema import SessionError
from inspector.tui.format import at_home, count
from inspector.tui.text import clip

_NAME = 48
"""Cells of a name at most."""
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SPANS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@click.group("sessions", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """List the recorded sessions, the newest first; open one, go on in one, or throw old ones away."""
    if ctx.invoked_subcommand is None:
        _list(found())


def _list(sessions: Sequence[Session]) -> None:
    if not sessions:
        click.echo(f"no sessions in {at_home(folder())}")
        return
    click.echo(click.style(f"  #  {_HEADS}", dim=True))
    for number, each in enumerate(sessions, 1):
        click.echo(f"{number:>3}  {_line(each)}")
    whole = _size(sum(each.size for each in sessions))
    click.echo(click.style(f"{whole} in {at_home(folder())} · inspector sessions open|resume #", dim=True))


_HEADS = "written last         size   flows  agents            name"
_AGENTS = 16
"""Cells for the agents: with them, a line with a usual name is no longer than eighty."""


def _line(session: Session) -> str:
    when = session.last.astimezone().strftime("%Y-%m-%d %H:%M")
    name = clip(inert_line(session.path.stem), _NAME)
    mark = click.style("●", fg="green") + " " if session.written else "  "
    return f"{when}  {_size(session.size):>7}  {_content(session.path)}{mark}{name}"


def _content(path: Path) -> str:
    try:
        with closing(SessionReader(path)) as reader:
            agents = clip(inert_line(" ".join(reader.agents())) or "–", _AGENTS)
            return f"{count(reader.count()):>6}  {agents:<{_AGENTS}}"
    except SessionError:
        return click.style(f"{'–':>6}  {'cannot be read':<{_AGENTS}}", fg="red")


command.add_command(import_)


@command.command("open")
@click.argument("name", required=False)
@click.pass_context
def open_(ctx: click.Context, name: str | None) -> None:
    """Show a session: by its number in the list or its name; the newest if none is given."""
    from inspector.cli.open import command as open_command

    ctx.invoke(open_command, file=named(name), log=None)


@command.command("resume", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def resume(name: str, options: tuple[str, ...]) -> None:
    """Go on in a session, with any options of `inspector live`."""
    from inspector.cli.live import command as live

    live.main(["--session", str(named(name)), *options], prog_name="inspector live", standalone_mode=False)


def _age(ctx: click.Context, parameter: click.Parameter, value: str | None) -> timedelta | None:
    match = re.fullmatch(r"(\d+)([hdw])", value or "1d")
    if match is None:
        raise click.BadParameter("a number with h, d or w, such as 30d")
    return int(match[1]) * _SPANS[match[2]] if value else None


def _bytes(ctx: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)B?", value or "1", re.IGNORECASE)
    if match is None:
        raise click.BadParameter("a number with KB, MB, GB or TB, such as 5GB")
    return int(float(match[1]) * _UNITS[match[2].upper()]) if value else None


@command.command("prune")
@click.option("--older-than", callback=_age, metavar="AGE", help="Those last written so long ago: 12h, 30d, 8w.")
@click.option("--keep", type=click.IntRange(0), metavar="N", help="All but the newest N.")
@click.option("--max-size", callback=_bytes, metavar="SIZE", help="The oldest, until all take no more than this: 5GB.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def prune(older_than: timedelta | None, keep: int | None, max_size: int | None, yes: bool) -> None:
    """Throw sessions away that any of the options names; never one that is being written."""
    if older_than is None and keep is None and max_size is None:
        raise click.UsageError("say which: --older-than, --keep or --max-size")
    doomed = to_prune(found(), datetime.now(UTC), older_than, keep, max_size)
    if not doomed:
        click.echo("nothing to throw away")
        return
    for each in doomed:
        click.echo(f"  {_line(each)}")
    if not yes:
        click.confirm(f"Throw away {len(doomed)} sessions, {_size(sum(each.size for each in doomed))}?", abort=True)
    freed = sum(_remove(each) for each in doomed)
    click.echo(f"freed {_size(freed)}")


def to_prune(
    sessions: Sequence[Session], now: datetime, age: timedelta | None, keep: int | None, size: int | None
) -> list[Session]:
    """Those of sessions, the newest first, that any limit names. One that is being written stays, and counts."""
    doomed, total = [], 0
    for number, each in enumerate(sessions):
        old = age is not None and now - each.last > age
        many = keep is not None and number >= keep
        large = size is not None and total + each.size > size
        if (old or many or large) and not each.written:
            doomed.append(each)
        else:
            total += each.size
    return doomed


def _remove(session: Session) -> int:
    """Throw one away, if nobody began to write it meanwhile; gives the bytes that are free."""
    if is_written(session.path):
        return 0
    try:
        for file in (*files_of(session.path), lock_path(session.path)):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise click.ClickException(f"cannot throw {session.path} away: {error.strerror}") from None
    return session.size


def _size(size: int) -> str:
    return f"{count(size)}B"
