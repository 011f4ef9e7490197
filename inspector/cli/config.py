"""The person's settings: a TOML file that may be absent."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from platformdirs import user_config_path

from inspector.store.watch import Watched, parse_watch

PATH_VARIABLE = "INSPECTOR_CONFIG"
"""Names another file than the usual one."""

MOST_ALTERNATIVES = 20
"""Alternatives to a token that may be asked for: OpenAI's limit of `top_logprobs`."""


def _switch(value: object) -> bool:
    return isinstance(value, bool)


def _alternatives(value: object) -> bool:
    return value is False or (isinstance(value, int) and value is not True and 0 <= value <= MOST_ALTERNATIVES)


def _cap(value: object) -> bool:
    return value is False or (isinstance(value, int) and value is not True and value >= 0)


def _name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


_SWITCH = (_switch, "true or false")
_CAPTURE: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "top_logprobs": (_alternatives, f"a number from 0 to {MOST_ALTERNATIVES}, or false"),
    "token_ids": _SWITCH,
    "max_tokens_cap": (_cap, "a number of tokens, or false"),
    "translate_max_tokens": _SWITCH,
    "disable_thinking": _SWITCH,
    "model_override": (_name, "a name in quotes"),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may set for good."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of what they do, e.g. `{"flow.export": "ctrl+x"}`."""
    theme: str | None = None
    profile: str | None = None
    """`observe` or `capture`."""
    capture: Mapping[str, int | bool | str] = field(default_factory=dict)
    """What the capture profile has otherwise than its preset, by the names of CaptureSettings; `false` for none."""
    watched: tuple[Watched, ...] = ()
    """Columns beside the usual ones: `watch` in the file."""
    fsync: bool = False
    """Whether recordings and traces wait for the disk."""


def settings_path() -> Path:
    """Where the file lies."""
    return Path(os.environ.get(PATH_VARIABLE) or user_config_path("inspector") / "config.toml")


def load_settings() -> Settings:
    """Read the file; defaults where there is none. Raises click.ClickException where it cannot be read as meant."""
    path = settings_path()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.ClickException(f"{path}: {error}") from None
    try:
        return _settings(table)
    except _Wrong as error:
        raise click.ClickException(f"{path}: {error}") from None


class _Wrong(ValueError):
    """The file says something that cannot be meant."""


def _settings(table: dict[str, Any]) -> Settings:
    unknown = set(table) - {"keys", "theme", "profile", "capture", "watch", "fsync"}
    keys, theme, profile = table.get("keys", {}), table.get("theme"), table.get("profile")
    if unknown:
        known = "`theme`, `profile`, `watch`, `fsync`, [keys] and [capture]"
        raise _Wrong(f"unknown: {', '.join(sorted(unknown))}; there are {known}")
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise _Wrong('[keys] holds lines such as "flow.export" = "ctrl+x"')
    if theme is not None and not isinstance(theme, str):
        raise _Wrong("theme is a name in quotes")
    if profile not in (None, "observe", "capture"):
        raise _Wrong('profile is "observe" or "capture"')
    if not isinstance(fsync := table.get("fsync", False), bool):
        raise _Wrong("fsync is true or false")
    watched = _watched(table.get("watch", []))
    return Settings(keys, theme, profile, _capture(table.get("capture", {})), watched, fsync)


def _watched(lines: object) -> tuple[Watched, ...]:
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise _Wrong('watch is a list of keys, as in ["usage.output_tokens", "max=request.max_tokens"]')
    watched: dict[str, Watched] = {}
    for number, line in enumerate(lines, 1):
        try:
            found = parse_watch(line)
        except ValueError as error:
            raise _Wrong(f"watch, entry {number} ({line}): {error}") from None
        watched.setdefault(found.key, found)
    return tuple(watched.values())


def _capture(table: Any) -> dict[str, int | bool | str]:
    if not isinstance(table, dict):
        raise _Wrong("[capture] is a table, with lines such as top_logprobs = 5")
    for name, value in table.items():
        if name not in _CAPTURE:
            raise _Wrong(f"[capture] has no {name}; there are {', '.join(_CAPTURE)}")
        fits, words = _CAPTURE[name]
        if not fits(value):
            raise _Wrong(f"[capture] {name} is {words}")
    return table
