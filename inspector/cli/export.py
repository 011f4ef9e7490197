"""`inspector export FILE`: write what was recorded in another format, or a part of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from inspector.cli.reading import Broken, items, tell_broken
from inspector.cli.terminal import escaped
from inspector.formats import EXPORTERS, Line
from inspector.formats.redaction import Redaction
from inspector.formats.session_batch import head_of
from inspector.model.flow import Flow
from inspector.store import filters
from inspector.store.filters import Filter
from inspector.store.flows import FlowStore
from inspector.store.private_files import opened, take_place
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
    heads, broken = _chosen(file, filter_)
    tell_broken(file, broken)
    if heads is None:
        raise click.ClickException(f"{file}: not a single line could be read")
    with _opened(output) as target:
        line = exporter.lines(list(heads.values()), Transcripts(limit=1), tokens=tokens)
        _write(file, heads, Redaction().line(line) if redact else line, target)


def _chosen(file: Path, filter_: Filter) -> tuple[dict[str, Flow] | None, list[Broken]]:
    """The flows that a filter lets through, without their bodies, by id; None where nothing of a file can be read.

    The file is read twice, so that it may be larger than memory: a training trace must know all its turns to number
    them.
    """
    store, transcripts, broken = FlowStore(), Transcripts(limit=1), list[Broken]()
    wanted: dict[str, bool] = {}
    for item in items(file, f"reading {file.name}"):
        if isinstance(item, Flow):
            head = head_of(item)
            store.add(head)
            item.seq = head.seq
            wanted[item.id] = filter_.matches(item, transcripts)
        else:
            broken.append(item)
    nothing = not len(store) and bool(broken)
    return None if nothing else {flow.id: flow for flow in store if wanted[flow.id]}, broken


def _with_tokens() -> Iterator[str]:
    return (name for name, exporter in EXPORTERS.items() if exporter.takes_tokens)


def _write(file: Path, heads: dict[str, Flow], line: Line, target: BinaryIO) -> None:
    shown = target.isatty()
    for flow in items(file, "exporting", hidden=shown):
        if isinstance(flow, Flow) and flow.id in heads:
            flow.seq = heads[flow.id].seq
            target.write(escaped(line(flow)) if shown else line(flow))
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
        with opened(part, "wb") as target:
            yield target
        if plain:
            take_place(part, output)
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    finally:
        if plain:
            part.unlink(missing_ok=True)
