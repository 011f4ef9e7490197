"""`inspector export FILE`: write what was recorded in another format, or a part of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from inspector.cli.reading import load, tell_broken
from inspector.formats import EXPORTERS, Line
from inspector.model.flow import Flow
from inspector.store import filters
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts


@click.command("export")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "name",
    type=click.Choice(list(EXPORTERS)),
    default=next(iter(EXPORTERS)),
    show_default=True,
    help="`trace` is a training trace: a TurnRecord for each turn with a model.",
)
@click.option("--filter", "text", metavar="EXPR", default="", help="Only flows that this filter lets through.")
@click.option("--tokens", is_flag=True, help="In JSONL: every token, with its alternatives.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Replace this file.  [default: stdout]"
)
def command(file: Path, name: str, text: str, tokens: bool, output: Path | None) -> None:
    """Write the flows of a JSONL file, or of a training trace, to stdout. Secrets in heads and URLs are masked.

    The exit status is 1 where nothing could be read.
    """
    filter_ = filters.parse(text)
    if filter_.errors:
        raise click.UsageError("--filter: " + "; ".join(error.message for error in filter_.errors))
    exporter = EXPORTERS[name]
    if tokens and not exporter.takes_tokens:
        raise click.UsageError(f"--tokens is for {', '.join(_with_tokens())}: a {exporter.title} has its own")
    store, transcripts = FlowStore(), Transcripts(limit=1)
    broken = load(file, store)
    tell_broken(file, broken)
    if not len(store) and broken:
        raise click.ClickException(f"{file}: not a single line could be read")
    flows = [flow for flow in store if filter_.matches(flow, transcripts)]
    with _opened(output) as target:
        _write(flows, exporter.lines(flows, transcripts, tokens=tokens), target)


def _with_tokens() -> Iterator[str]:
    return (name for name, exporter in EXPORTERS.items() if exporter.takes_tokens)


def _write(flows: list[Flow], line: Line, target: BinaryIO) -> None:
    silent = not sys.stderr.isatty() or target.isatty()
    with click.progressbar(flows, label="exporting", file=sys.stderr, hidden=silent) as progress:
        for flow in progress:
            target.write(line(flow))
    target.flush()


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Where it is written to. A file takes its name when it is whole; a reader of stdout may leave when it likes."""
    if output is None:
        try:
            yield sys.stdout.buffer
        except BrokenPipeError:
            # What Python still holds for stdout is written when it ends, and would fail loudly.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    plain = output.is_file() or not output.exists()
    output = output.resolve() if plain else output
    part = output.with_name(output.name + ".part") if plain else output
    try:
        with part.open("wb") as target:
            yield target
        if plain:
            part.replace(output)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    finally:
        if plain:
            part.unlink(missing_ok=True)
