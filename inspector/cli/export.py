"""`inspector export FILE`: write what was recorded in another format, or a part of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from inspector.cli.reading import TOLD, Broken, items, tell_broken
from inspector.cli.terminal import escaped
from inspector.formats import EXPORTERS, Line
from inspector.formats.redaction import Redaction
from inspector.model.flow import Flow
from inspector.store import filters
from inspector.store.filters import Filter
from inspector.store.private_files import fresh, opened, take_place
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
    "--redact",
    is_flag=True,
    help="Put pseudonyms in the place of keys that bodies quote: those that can be told by their looks (sk-…, AIza…,"
    " ghp_…, AKIA…, JSON web tokens, private keys).",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Replace this file.  [default: stdout]"
)
def command(file: Path, name: str, text: str, tokens: bool, redact: bool, output: Path | None) -> None:
    """Write the flows of a session, a JSONL file or a training trace to stdout. Secrets in heads and URLs are masked.

    The exit status is 1 where nothing could be read.
    """
    filter_ = filters.parse(text)
    if filter_.errors:
        raise click.UsageError("--filter: " + "; ".join(error.message for error in filter_.errors))
    exporter = EXPORTERS[name]
    if tokens and not exporter.takes_tokens:
        raise click.UsageError(f"--tokens is for {', '.join(_with_tokens())}: a {exporter.title} has its own")
    source = _Source(file, filter_)
    with _opened(output) as target:
        line = exporter.lines(
            source.flows(f"reading {file.name}", bodies=bool(text)), Transcripts(limit=1), tokens=tokens
        )
        target.write(exporter.head)
        _write(source, Redaction().line(line) if redact else line, target)
        target.write(exporter.foot)
        target.flush()
        source.tell()


class _Source:
    """A file's flows that a filter lets through. It is read anew each time, so that it may be larger than memory: a
    training trace must know all its turns to number them.
    """

    def __init__(self, file: Path, filter_: Filter) -> None:
        self._file = file
        self._filter = filter_
        self._broken: list[Broken] = []
        self._more = 0
        """What could not be read besides `_broken`."""
        self._empty = True

    def flows(self, label: str, *, hidden: bool = False, bodies: bool = True) -> Iterator[Flow]:
        """The flows with the numbers that they have in a list of all, one in memory at a time."""
        self._broken, self._more, last = [], 0, 0
        for item in items(self._file, label, hidden=hidden, bodies=bodies):
            if not isinstance(item, Flow):
                if len(self._broken) < TOLD:
                    self._broken.append(item)
                else:
                    self._more += 1
                continue
            self._empty = False
            item.seq = item.seq or last + 1
            last = max(last, item.seq)
            # One that is asked about many flows keeps something of each.
            if self._filter.matches(item, Transcripts(limit=1)):
                yield item

    def tell(self) -> None:
        """Name what could not be read. click.ClickException where that is everything."""
        tell_broken(self._file, self._broken, self._more)
        if self._empty and self._broken:
            raise click.ClickException(f"{self._file}: not a single line could be read")


def _with_tokens() -> Iterator[str]:
    return (name for name, exporter in EXPORTERS.items() if exporter.takes_tokens)


def _write(source: _Source, line: Line, target: BinaryIO) -> None:
    shown = target.isatty()
    for flow in source.flows("exporting", hidden=shown):
        target.write(escaped(line(flow)) if shown else line(flow))


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
        with fresh(part) if plain else opened(part, "wb") as target:
            yield target
        if plain:
            take_place(part, output)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    finally:
        if plain:
            part.unlink(missing_ok=True)
