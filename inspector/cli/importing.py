"""`inspector sessions import FILE`: a session of what lies in another format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from inspector.cli.keeping import fresh
from inspector.cli.reading import Broken, items, tell_broken
from inspector.formats.session_made import make_session
from inspector.formats.session_schema import SessionError
from inspector.model.flow import Flow
from inspector.store.private_files import make_folder


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--session",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Make this one, which must not be there.  [default: one among the others, called after FILE]",
)
def command(file: Path, path: Path | None) -> None:
    """Make a session of a JSONL file or a training trace, and print where it lies.

    Nothing of a JSONL file is lost: exported again, it has the same bytes.
    """
    if path is not None and path.exists():
        raise click.UsageError(f"--session {path}: it is there already")
    path, broken = path or fresh(file.stem), list[Broken]()
    try:
        make_folder(path.parent)
        count = make_session(path, _numbered(_flows(file, broken)))
    except (SessionError, OSError) as error:
        raise click.ClickException(str(error)) from None
    tell_broken(file, broken)
    if not count:
        path.unlink()
        raise click.ClickException(f"{file}: there is nothing in it")
    click.echo(path)


def _flows(file: Path, broken: list[Broken]) -> Iterator[Flow]:
    for item in items(file, f"importing {file.name}"):
        if isinstance(item, Flow):
            yield item
        else:
            broken.append(item)


def _numbered(flows: Iterator[Flow]) -> Iterator[Flow]:
    """The turns of a trace have no numbers of a list."""
    last = 0
    for flow in flows:
        flow.seq = flow.seq or last + 1
        last = max(last, flow.seq)
        yield flow
