"""Columns of one's own, from the file of settings and from the command line."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from inspector.cli.config import Settings, load_settings
from inspector.cli.watching import watch_option, with_watched
from inspector.store.watch import Watched

MAX = Watched("request.max_tokens", "max")


def settings_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Settings:
    """What a file says."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    monkeypatch.setenv("INSPECTOR_CONFIG", str(path))
    return load_settings()


def test_the_file_names_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'watch = ["usage.output_tokens", "max=request.max_tokens", "again=usage.output_tokens"]'
    assert settings_of(tmp_path, monkeypatch, text).watched == (
        Watched("usage.output_tokens", "output_tokens"),
        MAX,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('watch = "dur"', "watch is a list of keys"),
        ("watch = [1]", "watch is a list of keys"),
        ('watch = ["dur", "x=nope"]', "watch, entry 2 (x=nope): there is no key nope"),
        ('watch = ["request.a[x]"]', "is not understood"),
    ],
)
def test_a_column_that_cannot_be_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str) -> None:
    with pytest.raises(click.ClickException) as raised:
        settings_of(tmp_path, monkeypatch, text)
    assert said in raised.value.message


def test_the_option_adds_columns() -> None:
    given: list[tuple[Watched, ...]] = []

    @click.command()
    @watch_option
    def command(watched: tuple[Watched, ...]) -> None:
        given.append(watched)

    runner = CliRunner()
    assert runner.invoke(command, ["--watch", "max=request.max_tokens", "--watch", "dur"]).exit_code == 0
    assert given == [(MAX, Watched("dur", "dur"))]
    refused = runner.invoke(command, ["--watch", "nope"])
    assert refused.exit_code == 2
    assert "there is no key nope" in refused.output


def test_the_command_line_comes_behind_the_file() -> None:
    settings = Settings(watched=(Watched("dur", "dur"), Watched("request.max_tokens", "max_tokens")))
    assert with_watched(settings, (MAX, Watched("in", "in"))).watched == (
        Watched("dur", "dur"),
        MAX,
        Watched("in", "in"),
    )
