"""The README promises what is there: commands, keys, files."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from textual.binding import Binding

import inspector.tui
from inspector import __version__
from inspector.cli.root import COMMANDS
from inspector.rules.breakpoints import Breakpoints, parse_breakpoint
from inspector.rules.mocks import Mocks
from inspector.rules.python_hooks import load
from inspector.rules.rulebook import Rulebook
from inspector.rules.sticky import StickyEdits
from inspector.store.filters import parse
from inspector.tui.edit_actions import EditActions
from inspector.tui.hold_actions import HoldActions
from inspector.tui.replay_actions import ReplayActions
from inspector.tui.welcome import Place, pointers

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KEY_NAMES = {
    "backslash": "\\",
    "slash": "/",
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "full_stop": ".",
    "greater_than_sign": ">",
    "asterisk": "*",
    "semicolon": ";",
    "left_parenthesis": "(",
}


def bindings() -> list[Binding]:
    """Every key of the screen."""
    found: list[Binding] = []
    for module in iter_modules(inspector.tui.__path__):
        for value in vars(import_module(f"inspector.tui.{module.name}")).values():
            if isinstance(value, type):
                found += [item for item in vars(value).get("BINDINGS", ()) if isinstance(item, Binding)]
    return found


def section(title: str) -> str:
    """The text of one section."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_ci_runs_the_second_command() -> None:
    first, second = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert first.endswith("inspector demo") and second.endswith("pytest -n 3")
    assert second in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_command_is_told_of() -> None:
    table = section("Commands")
    assert all(f"`inspector {name}" in table for name in COMMANDS if name != "live")


def test_every_key_that_is_told_of_does_something() -> None:
    keys = {KEY_NAMES.get(key, key) for binding in bindings() for key in binding.key.split(",")}
    told = re.findall(
        r"`([^`]+)`", "".join(line.split("|")[1] for line in section("Keys").splitlines() if "| `" in line)
    )
    assert len(told) > 15
    assert set(told) - {"tab"} <= keys


def test_every_action_that_the_footer_shows_is_told_of() -> None:
    told = section("Keys")
    shown = [binding for binding in bindings() if binding.id and binding.id.startswith(("flow.", "view.", "app."))]
    for family in (HoldActions, EditActions, ReplayActions):
        shown += [binding for binding in family.BINDINGS if isinstance(binding, Binding)]
    for binding in shown:
        keys = [KEY_NAMES.get(key, key) for key in binding.key.split(",")]
        assert all(f"`{key}`" in told or key == "escape" for key in keys), binding.id


def test_the_ids_of_the_example_exist() -> None:
    ids = {binding.id for binding in bindings()}
    named = re.findall(r'^"([a-z_.]+)" = ', README, re.MULTILINE)
    assert named and set(named) <= ids


def test_the_filters_of_the_examples_mean_something() -> None:
    examples = re.findall(r"`([a-z]+[:~][^`]+)`", section("Filters"))
    assert len(examples) > 8
    assert [(text, parse(text).errors) for text in examples if parse(text).errors] == []


def test_the_agents_lines_are_those_of_the_empty_screen() -> None:
    told = section("Point an agent at it")
    for pointer in pointers(Place("127.0.0.1:7077")):
        if pointer.agent != "opencode":
            assert pointer.line in told


def test_pictures_exist() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures and all((ROOT / picture).exists() for picture in pictures)


def test_the_changes_name_this_version() -> None:
    assert f"### {__version__}" in section("Changes")


def test_the_breakpoints_of_the_examples_mean_something() -> None:
    told = re.findall(r"--break '([^']+)'", README)
    assert len(told) > 2 and all(parse_breakpoint(text) for text in told)


def test_the_rules_of_the_example_can_be_read(tmp_path: Path) -> None:
    (rules,) = (block for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[[mock]]" in block)
    path, mocks = tmp_path / "rules.toml", Mocks()
    path.write_text(rules, encoding="utf-8")
    Rulebook(path, Breakpoints(), mocks, StickyEdits()).load()
    assert [mock.probability for mock in mocks] == [0.3, 1.0]


def test_the_hook_of_the_example_can_be_loaded(tmp_path: Path) -> None:
    (hook,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "class Mine" in code]
    path = tmp_path / "mine.py"
    path.write_text(hook, encoding="utf-8")
    load(f"{path}:Mine").close()


def test_the_script_of_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (script,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "InterceptionProxy" in code]
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []
    names: dict[str, object] = {"run_my_agent": lambda base_url: seen.append(base_url)}
    exec(script, names)
    assert seen[0].startswith("http://127.0.0.1:") and seen[0].endswith("/v1")
    assert names["turns"] == []
