"""Which profile is on: a preset, what the file says of it, and what the command line says of each part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from inspector.cli.config import MOST_ALTERNATIVES, load_settings

if TYPE_CHECKING:  # what is only imported where a command runs: it takes a tenth of the start
    from inspector.rules.capture import CaptureSettings

CAPTURE_TIMEOUT = 600.0
"""Seconds of silence that an upstream may keep in the capture profile, unless the command line says otherwise."""


def _cap(value: str) -> int:
    """A number of tokens; 0 for none."""
    if value.lower() == "none":
        return 0
    if not value.isdecimal():
        raise click.BadParameter(f"{value!r} is neither a number of tokens nor `none`")
    return int(value)


_PARTS = (
    click.option(
        "--top-logprobs",
        type=click.IntRange(0, MOST_ALTERNATIVES),
        help="Ask for log-probabilities, with so many alternatives to each token.  [capture: 5]",
    ),
    click.option("--no-logprobs", is_flag=True, help="Ask for none."),
    click.option(
        "--token-ids/--no-token-ids", default=None, help="Ask for the tokens' numbers, where a server has them."
    ),
    click.option(
        "--max-tokens-cap",
        type=_cap,
        metavar="N|none",
        help="The most tokens that a request may ask for; 0 or none for no cap.  [default: none; capture: 16384]",
    ),
    click.option(
        "--translate-max-tokens/--no-translate-max-tokens",
        default=None,
        help="Send max_tokens as max_completion_tokens to models that insist on it.  [capture: on]",
    ),
    click.option(
        "--disable-thinking/--no-disable-thinking",
        default=None,
        help="Switch thinking off, for chat templates that can (enable_thinking).",
    ),
    click.option("--model-override", metavar="NAME", help="Ask this model, whichever the client asks for."),
)


def profile_options(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add all of them; the command gets them as one `capture`: CaptureSettings, or None where nothing is changed."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def with_profile(**given: Any) -> Any:
            _, capture = chosen(given, default)
            return command(capture=capture, **given)

        return with_options(with_profile, default)

    return add


def with_options(command: Callable[..., Any], default: str = "observe") -> Callable[..., Any]:
    """Add the options alone, for a command that calls `chosen` itself."""
    preset = click.option(
        "--profile",
        "preset",
        type=click.Choice(["observe", "capture"]),
        help="observe: nothing is changed. capture: log-probabilities and token ids are asked for and taken out of the"
        f" answers again, token limits are translated and capped.  [default: {default}]",
    )
    for option in reversed((preset, *_PARTS)):
        command = option(command)
    return command


def chosen(given: dict[str, Any], default: str = "observe") -> tuple[str, CaptureSettings | None]:
    """Take what was given for the profile out of `given`: the preset's name, and what is changed, if anything.

    The preset is the command line's, else the file's, else `default`. What the file says of `capture` counts in that
    preset only; what the command line says of a part counts in every one.
    """
    from inspector.rules.capture import CAPTURE, CaptureSettings

    settings = load_settings()
    preset: str = given.pop("preset") or settings.profile or default
    result = _with(CAPTURE, settings.capture) if preset == "capture" else CaptureSettings()
    if given.pop("no_logprobs"):
        if given["top_logprobs"] is not None:
            raise click.UsageError("--no-logprobs and --top-logprobs exclude each other")
        result = replace(result, top_logprobs=None)
    parts = {name: given.pop(name) for name in CaptureSettings.__dataclass_fields__}
    result = _with(result, {name: part for name, part in parts.items() if part is not None})
    return preset, result if result.on else None


def _with(base: CaptureSettings, parts: Mapping[str, Any]) -> CaptureSettings:
    """Settings with some parts changed, as a person writes them: a cap of 0, or `false` for a number, is none."""
    own = dict(parts)
    if own.get("top_logprobs") is False:
        own["top_logprobs"] = None
    if "max_tokens_cap" in own:
        own["max_tokens_cap"] = own["max_tokens_cap"] or None
    return replace(base, **own)
