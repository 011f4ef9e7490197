"""What the person controls, from the command line: breakpoints, hooks, rules, and a recording that answers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from inspector.cli.config import settings_path
from inspector.cli.reading import load
from inspector.proxy.held import KEEP_ALIVE, Holds
from inspector.proxy.hooks import RequestHandler
from inspector.rules.control import Control
from inspector.rules.recorded import RecordedAnswers
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts

_OPTIONS = (
    click.option(
        "--break",
        "breaks",
        multiple=True,
        metavar="[MOMENT] FILTER",
        help="Hold what matches: 'tool:Bash arg.command~\"rm \"', 'request model:opus'. May be repeated.",
    ),
    click.option("--hooks", metavar="MODULE:CLASS", help="A RequestHandler of your own; FILE.py:CLASS will do, too."),
    click.option(
        "--rules", type=click.Path(dir_okay=False, path_type=Path), help="Keep breakpoints and other rules there."
    ),
    click.option("--release-after", type=click.FloatRange(0.1), help="Seconds that a flow is held.  [default: any]"),
    click.option(
        "--keep-alive",
        default=KEEP_ALIVE,
        show_default=True,
        type=click.FloatRange(0.1),
        help="Seconds between two signs of life to a client whose answer is held.",
    ),
    click.option(
        "--replay",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Answer from this recording; no model is asked.",
    ),
    click.option(
        "--miss",
        default="fail",
        show_default=True,
        type=click.Choice(["fail", "ask", "live", "mixed"]),
        help="A request that the recording lacks: gets an error, is held, or goes to a model: all from then on,"
        " or that one.",
    ),
    click.option("--pace", metavar="recorded|none|FACTOR", default="recorded", show_default=True, help="Of --replay."),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for."""

    breaks: tuple[str, ...] = ()
    hooks: str | None = None
    rules: Path | None = None
    release_after: float | None = None
    keep_alive: float = KEEP_ALIVE
    replay: Path | None = None
    miss: str = "fail"
    pace: str = "recorded"

    def with_usual_rules(self) -> Wanted:
        """The same with the person's own file of rules, unless another one was named."""
        return self if self.rules is not None else replace(self, rules=settings_path().with_name("rules.toml"))


def control_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all of them; the command gets them as one `wanted`."""

    @wraps(command)
    def with_wanted(**given: Any) -> Any:
        wanted = Wanted(**{name: given.pop(name) for name in Wanted.__slots__})
        return command(wanted=wanted, **given)

    for option in reversed(_OPTIONS):
        with_wanted = option(with_wanted)
    return with_wanted


@contextlib.contextmanager
def controlled(
    wanted: Wanted, store: FlowStore, transcripts: Transcripts
) -> Iterator[tuple[Control, RequestHandler | None]]:
    """Everything that was asked for, and the person's hook. Raises click.ClickException where it cannot be had."""
    handler = None
    try:
        if wanted.hooks is not None:
            from inspector.rules.python_hooks import load

            handler = load(wanted.hooks)
        control = Control(
            store,
            transcripts,
            holds=Holds(store, release_after=wanted.release_after, keep_alive_every=wanted.keep_alive),
            keep=wanted.rules,
            answers=_recording(wanted),
            reader=handler.watch if handler is not None else None,
        )
        for text in wanted.breaks:
            control.breakpoints.add(text, kept=False)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    try:
        yield control, handler
    finally:
        if handler is not None:
            handler.close()


def _recording(wanted: Wanted) -> RecordedAnswers | None:
    if wanted.replay is None:
        return None
    recorded = FlowStore()
    broken = load(wanted.replay, recorded)
    for line in broken[:20]:
        click.echo(f"{wanted.replay}: {line}", err=True)
    answers = RecordedAnswers(recorded, miss=wanted.miss, pace=wanted.pace)  # type: ignore[arg-type]
    if not answers.known:
        raise ValueError(f"{wanted.replay}: there is no answer in it")
    return answers
