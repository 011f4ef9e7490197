"""`inspector replay FILE ID`: send a recorded request again, from a script."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from inspector.cli.reading import items
from inspector.cli.runtime import on_signal, run
from inspector.cli.terminal import escaped, inert
from inspector.dialects import DIALECTS
from inspector.formats.jsonl import flow_to_line
from inspector.model.flow import Flow, State
from inspector.proxy.replay import Batch, Replayer
from inspector.proxy.upstream import AiohttpTransport
from inspector.rules.variants import Variant, variant
from inspector.store.flows import FlowStore
from inspector.store.private_files import opened
from inspector.store.runs import Run, runs
from inspector.store.summary import one_line
from inspector.store.transcripts import Transcripts
from inspector.tui.format import NOTHING, count, duration, estimate

INTERVAL = 0.05
"""Seconds between two looks at what ended."""
DECISION = 48
"""Characters of an answer in the table."""
HEADINGS = ("#", "state", "decision", "parts at", "in", "out", "ttft", "total", "cost")


@click.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("name", metavar="ID")
@click.option("--times", default=1, show_default=True, type=click.IntRange(1), help="How often it is sent.")
@click.option("--at-once", default=4, show_default=True, type=click.IntRange(1), help="How many of them together.")
@click.option("--model", help="Ask this model.")
@click.option("--upstream", metavar="URL|NAME", help="Ask there: a base URL, or openai, anthropic, …")
@click.option(
    "--api",
    type=click.Choice([dialect.name for dialect in DIALECTS if dialect.writer is not None]),
    help="Say the same in another API.",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="PATH=VALUE",
    help="Change the body: messages[-1].content=Hello, temperature=0. The value is JSON, or text. May be repeated.",
)
@click.option("--request-timeout", type=click.FloatRange(0.1), help="Seconds of silence allowed.  [default: any]")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Append the replays to this file instead of writing them to stdout.",
)
def command(
    file: Path,
    name: str,
    times: int,
    at_once: int,
    model: str | None,
    upstream: str | None,
    api: str | None,
    sets: tuple[str, ...],
    request_timeout: float | None,
    output: Path | None,
) -> None:
    """Send the request of a flow in a JSONL file again. ID is its id, its number (42), or its label (42.1).

    The replays are written as JSONL as they end, and compared in a table on stderr where there are several. Keys come
    from the environment: ANTHROPIC_API_KEY, OPENAI_API_KEY, …, or INSPECTOR_UPSTREAM_API_KEY before all others.

    The exit status is 0 where every replay was answered with a status below 400, else 1; 2 for a request that cannot
    be sent.
    """
    original, children = find(file, name)
    try:
        made = variant(original, model=model, upstream=upstream, dialect=api, sets=[_pair(text) for text in sets])
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for words in made.said:
        click.echo(inert(words), err=True)
    store = FlowStore()
    for flow in (original, *children):
        store.add(flow)
    with _opened(output) as target:
        good = run(_replay(store, original, made, times, at_once, request_timeout, target))
    sys.exit(0 if good else 1)


def find(file: Path, name: str) -> tuple[Flow, list[Flow]]:
    """The flow of that id, number or label in a file, and its replays. UsageError where it is not there, or not one."""
    by_id: Flow | None = None
    by_number: list[Flow] = []
    replays: list[Flow] = []
    for item in items(file, f"reading {file.name}"):
        if not isinstance(item, Flow):
            click.echo(inert(f"{file}: {item}"), err=True)
            continue
        if item.id == name:
            by_id = item
        elif item.number == name:
            by_number.append(item)
        if item.parent is not None:
            replays.append(item)
    if by_id is None and len(by_number) > 1:
        ids = ", ".join(flow.id for flow in by_number)
        raise click.UsageError(f"several flows in {file} are called {name}: give the id of one ({ids})")
    found = by_id or next(iter(by_number), None)
    if found is None:
        raise click.UsageError(f"there is no flow {name} in {file}")
    return found, [flow for flow in replays if flow.parent == found.id and flow is not found]


async def _replay(
    store: FlowStore,
    original: Flow,
    made: Variant,
    times: int,
    at_once: int,
    timeout: float | None,
    target: BinaryIO,
) -> bool:
    """Send, write what ends, and say whether all was well."""
    transcripts = Transcripts()
    async with AiohttpTransport(read_timeout=timeout) as transport:
        replayer = Replayer(store, transport)
        try:
            batch = replayer.many(original, made.request, made.mutations, times=times, at_once=at_once)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        on_signal(batch.stop)
        try:
            await _write(batch, transcripts, target)
        finally:
            await replayer.aclose()
    if len(batch.flows) > 1:
        click.echo(inert("\n".join(table(runs(batch.flows, transcripts, original)))), err=True)
    return len(batch.flows) == times and all(flow.state is State.DONE for flow in batch.flows)


async def _write(batch: Batch, transcripts: Transcripts, target: BinaryIO) -> None:
    """Write each replay when it has ended."""
    written: set[str] = set()
    finished = False
    with click.progressbar(length=batch.times, label="replaying", file=sys.stderr, hidden=batch.times == 1) as bar:
        while not finished:
            finished = batch.finished
            for flow in batch.flows:
                if flow.end is not None and flow.id not in written:
                    written.add(flow.id)
                    line = flow_to_line(flow, transcripts.of(flow))
                    target.write(escaped(line) if target.isatty() else line)
                    target.flush()
                    bar.update(1)
            await asyncio.sleep(0 if finished else INTERVAL)


def table(rows: list[Run]) -> list[str]:
    """Answers side by side, as lines."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cells(row: Run) -> tuple[str, ...]:
    parts = "" if row.parting is None else f"{row.parting.word + 1}: {_shown(row.parting.text, 16)}"
    return (
        row.flow.number,
        f"{row.state} {row.status or ''}".rstrip(),
        _shown(row.decision or row.error or "", DECISION),
        parts,
        count(row.input_tokens),
        estimate(row.output_tokens, row.output_estimated),
        duration(row.ttft),
        duration(row.total),
        NOTHING if row.cost is None else f"${row.cost:.4f}",
    )


def _shown(text: str, limit: int) -> str:
    """The beginning of a text that may hold anything, safe for a terminal."""
    line = one_line(text, limit + 1)
    line = "".join(character if character.isprintable() else "·" for character in line)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _pair(text: str) -> tuple[str, Any]:
    """A path and the JSON value, or the text, that shall stand there."""
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise click.UsageError(f"--set {text}: PATH=VALUE is needed, as in messages[-1].content=Hello")
    try:
        return path, json.loads(value)
    except json.JSONDecodeError:
        return path, value


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        return
    try:
        file = opened(output, "ab")
    except OSError as error:
        raise click.ClickException(f"cannot write {output}: {error.strerror}") from None
    with file:
        yield file
