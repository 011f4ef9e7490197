"""The person's settings: a TOML file that may be absent."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
from platformdirs import user_config_path

PATH_VARIABLE = "INSPECTOR_CONFIG"
"""Names another file than the usual one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person may set for good."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of what they do, e.g. `{"flow.export": "ctrl+x"}`."""
    theme: str | None = None


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
    unknown = set(table) - {"keys", "theme"}
    keys, theme = table.get("keys", {}), table.get("theme")
    if unknown:
        raise click.ClickException(f"{path}: unknown: {', '.join(sorted(unknown))}; there are `theme` and [keys]")
    if not isinstance(keys, dict) or not all(isinstance(key, str) for key in keys.values()):
        raise click.ClickException(f'{path}: [keys] holds lines such as "flow.export" = "ctrl+x"')
    if theme is not None and not isinstance(theme, str):
        raise click.ClickException(f"{path}: theme is a name in quotes")
    return Settings(keys, theme)
