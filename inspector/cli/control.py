"""What the person controls, from the command line: breakpoints, hooks, rules, and a recording that answers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.config import settings_path
from inspector.proxy.held import KEEP_ALIVE, Holds
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts

if TYPE_CHECKING:  # what is only imported where it is asked for: it takes a tenth of the start
    from inspector.rules.breakpoints import Breakpoints
    from inspector.rules.capture import CaptureSettings
    from inspector.rules.control import Control
    from inspector.rules.recorded import Miss, RecordedAnswers

_OPTIONS = (
    click.option(
        "--break",
        "breaks",
        multiple=True,
        metavar="[MOMENT] FILTER",
        help="Hold what matches: 'request model:opus', 'tool:Bash arg.command~rm'. MOMENT is request, head, event or"
        " end. May be repeated.",
    ),
    click.option(
        "--hooks",
        metavar="MODULE:CLASS",
        help="A RequestHandler of your own, read anew when its file changes; FILE.py:CLASS will do, too.",
    ),
    click.option(
        "--rules",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Breakpoints, mocks, faults and sticky edits; what is changed on the screen is kept there.",
    ),
    click.option(
        "--release-after",
        type=click.FloatRange(0.1),
        help="Seconds after which a held flow goes on by itself.  [default: never]",
    ),
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
        help="Answer from this recording (JSONL); no model is asked.",
    ),
    click.option(
        "--miss",
        default="fail",
        show_default=True,
        type=click.Choice(["fail", "ask", "live", "mixed"]),
        help="What --replay lacks gets an error (fail), is held (ask), goes to a model alone (mixed), or with all that"
        " follows (live).",
    ),
    click.option(
        "--pace",
        metavar="recorded|none|FACTOR",
        default="recorded",
        show_default=True,
        help="The pauses of --replay: as they were, none, or so many times as long.",
    ),
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
    miss: Miss = "fail"
    pace: str = "recorded"
    capture: CaptureSettings | None = None
    """What the profile changes of each request; None for nothing."""

    def with_usual_rules(self) -> Wanted:
        """The same with the person's own file of rules, unless another one was named."""
        return self if self.rules is not None else replace(self, rules=settings_path().with_name("rules.toml"))


def control_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all of them; the command gets them, with the `capture` of the options around these, as one `wanted`."""

    @wraps(command)
    def with_wanted(**given: Any) -> Any:
        wanted = Wanted(**{name: given.pop(name) for name in Wanted.__slots__})
        return command(wanted=wanted, **given)

    for option in reversed(_OPTIONS):
        with_wanted = option(with_wanted)
    return with_wanted


@contextlib.contextmanager
def controlled(
    config: ProxyConfig, wanted: Wanted, store: FlowStore, transcripts: Transcripts
) -> Iterator[tuple[ProxyServer, Control]]:
    """A proxy with everything that was asked for. ValueError, in words for the person, where it cannot be had."""
    from inspector.rules.capture import CaptureProfile
    from inspector.rules.control import Control

    answers, usual = None, Wanted()
    if wanted.replay is not None:
        config, answers = _recording(config, wanted, wanted.replay)
    elif (wanted.miss, wanted.pace) != (usual.miss, usual.pace):
        raise click.UsageError("--miss and --pace say how --replay answers: name the recording, too")
    with contextlib.ExitStack() as stack:
        handler = None
        if wanted.hooks is not None:
            from inspector.rules.python_hooks import load

            handler = load(wanted.hooks)
            stack.callback(handler.close)
        control = Control(
            store,
            transcripts,
            holds=Holds(store, release_after=wanted.release_after, keep_alive_every=wanted.keep_alive),
            keep=wanted.rules,
            answers=answers,
            reader=handler.watch if handler is not None else None,
            listener=handler.done if handler is not None else None,
            profile=CaptureProfile(wanted.capture),
        )
        for text in wanted.breaks:
            _break(control.breakpoints, text)
        yield ProxyServer(config, store, handler, control, control.holds), control


def warn_of_holds(wanted: Wanted, control: Control) -> None:
    """Say on stderr where flows may be held that nobody can let go, for there is no screen."""
    may_hold = wanted.miss == "ask" or any(each.on for each in control.breakpoints)
    if may_hold and wanted.release_after is None:
        click.echo("without a screen, held flows wait for --release-after, which is not set", err=True)


def _break(breakpoints: Breakpoints, text: str) -> None:
    from inspector.rules.breakpoints import WrongFilter

    try:
        breakpoints.add(text, kept=False)
    except WrongFilter as error:
        place = f"character {error.start + 1}, {text[error.start : error.end]}"
        raise ValueError(f"--break '{text}': at {place}: {error}") from None
    except ValueError as error:
        raise ValueError(f"--break '{text}': {error}") from None


def _recording(config: ProxyConfig, wanted: Wanted, file: Path) -> tuple[ProxyConfig, RecordedAnswers]:
    from inspector.cli.reading import load, tell_broken
    from inspector.cli.recorded_places import with_recorded_places
    from inspector.rules.recorded import RecordedAnswers, pace_factor

    pace, recorded = pace_factor(wanted.pace), FlowStore()
    tell_broken(file, load(file, recorded))
    answers = RecordedAnswers(recorded, wanted.miss, pace)
    if not answers.known:
        raise ValueError(f"{file}: there is no answer in it")
    return with_recorded_places(config, recorded, may_leave=wanted.miss != "fail"), answers
