"""The file that keeps the person's rules: breakpoints, mocks and sticky edits, in TOML, to be read and changed by hand.

[[breakpoint]]
when = 'event tool:Bash arg.command~"rm "'

[[mock]]
filter = "agent:codex"
reply = {status = 529, retry_after = 3}
count = 2
"""

from __future__ import annotations

import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from inspector.rules.breakpoints import Breakpoint, Breakpoints, parse_breakpoint
from inspector.rules.mocks import MockRule, Mocks
from inspector.rules.reply_table import parse_reply, reply_table
from inspector.rules.sticky import StickyEdits
from inspector.rules.toml_text import toml_of
from inspector.store.filters import parse
from inspector.store.private_files import make_folder

_T = TypeVar("_T")
_Kinds = Mapping[str, type | tuple[type, ...]]
"""The keys of a table, and what their values are."""

_HEAD = "# The rules of inspector. It writes this file anew whenever a rule is changed on its screen.\n\n"
_SECTIONS = ("breakpoint", "mock", "sticky")


@dataclass(slots=True)
class Rulebook:
    """All rules that are kept, and the file that keeps them."""

    path: Path
    breakpoints: Breakpoints
    mocks: Mocks
    sticky: StickyEdits

    def load(self) -> None:
        """Take the file's rules in the place of all; none where there is no file.

        ValueError, in words that begin with the file's name, where it cannot be read as meant; then nothing changes.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
            tables = _sections(tomllib.loads(text))
            breakpoints = _all("breakpoint", tables, _breakpoint, text)
            mocks = _all("mock", tables, _mock, text)
            self.sticky.load(tables["sticky"])
        except FileNotFoundError:
            return
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            raise ValueError(f"{self.path}: {words}") from None
        except RecursionError:
            raise ValueError(f"{self.path}: its tables stand too deep in one another") from None
        self.breakpoints.restore(breakpoints)
        self.mocks.restore(mocks)

    def save(self) -> None:
        """Write the file whole, so that nobody ever reads half of it; only its owner may read it.

        Raises OSError, and ValueError for a mock whose answer cannot be written.
        """
        tables = {
            "breakpoint": [_breakpoint_table(each) for each in self.breakpoints if each.kept],
            "mock": [_mock_table(each) for each in self.mocks],
            "sticky": self.sticky.dump(),
        }
        _write(self.path, _HEAD + toml_of(tables))


def _write(path: Path, text: str) -> None:
    """Write a file beside its place, and put it there."""
    make_folder(path.parent)
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
    except BaseException:
        os.unlink(made)
        raise


def _sections(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The lists of tables in the file. ValueError for anything else."""
    for name, tables in document.items():
        if name not in _SECTIONS:
            raise ValueError(f"unknown: {name}; there are {', '.join(f'[[{known}]]' for known in _SECTIONS)}")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise ValueError(f"{name} is written as [[{name}]]")
    return {name: document.get(name, []) for name in _SECTIONS}


def _all(
    name: str, tables: Mapping[str, list[dict[str, Any]]], read: Callable[[dict[str, Any]], _T], text: str
) -> list[_T]:
    found = []
    for number, table in enumerate(tables[name], 1):
        try:
            found.append(read(table))
        except ValueError as error:
            raise ValueError(f"{_line(text, name, number)}{name} {number}: {error}") from None
    return found


def _line(text: str, name: str, number: int) -> str:
    """Where the so many-th table of a name begins; nothing where it has no heading of its own."""
    heading = re.compile(rf"\s*\[\[\s*{name}\s*\]\]")
    lines = [at for at, line in enumerate(text.split("\n"), 1) if heading.match(line)]
    return f"line {lines[number - 1]}: " if number <= len(lines) else ""


def _breakpoint(table: dict[str, Any]) -> Breakpoint:
    _check(table, {"when": str, "on": bool}, "when")
    found = parse_breakpoint(table["when"])
    found.on = table.get("on", True)
    return found


def _breakpoint_table(breakpoint: Breakpoint) -> dict[str, Any]:
    return {"when": str(breakpoint), **({} if breakpoint.on else {"on": False})}


def _mock(table: dict[str, Any]) -> MockRule:
    kinds: _Kinds = {
        "filter": str,
        "reply": (str, dict),
        "on": bool,
        "count": int,
        "probability": (int, float),
        "seed": int,
    }
    _check(table, kinds, "reply")
    found = parse(table.get("filter", ""))
    if found.errors:
        raise ValueError(found.errors[0].message)
    count, probability = table.get("count"), float(table.get("probability", 1))
    if count is not None and count < 1:
        raise ValueError("count is 1 or more")
    if not 0 <= probability <= 1:
        raise ValueError("probability is a number from 0 to 1")
    return MockRule(found, parse_reply(table["reply"]), table.get("on", True), count, probability, table.get("seed", 0))


def _mock_table(rule: MockRule) -> dict[str, Any]:
    usual = {"on": True, "count": None, "probability": 1.0, "seed": 0}
    said = {key: getattr(rule, key) for key, value in usual.items() if getattr(rule, key) != value}
    return {"filter": rule.filter.text, "reply": reply_table(rule.reply), **said}


def _check(table: dict[str, Any], kinds: _Kinds, wanted: str) -> None:
    """ValueError where a table has a key that means nothing, a value of another kind, or lacks what it needs."""
    for key, value in table.items():
        if key not in kinds:
            raise ValueError(f"there is no {key}; there are {', '.join(kinds)}")
        if not isinstance(value, kinds[key]) or (isinstance(value, bool) and kinds[key] is not bool):
            raise ValueError(f"{key} cannot be {value!r}")
    if wanted not in table:
        raise ValueError(f"{wanted} is missing")
