"""The small project that the demo's agent works on: a few files in memory, and real tools that read and change them."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from inspector.model.message import Tool

FILES = {
    "README.md": "# Tides\n\nReads the tide table of the harbour and says when the ferry leaves.\n",
    "tides.csv": "time,height,remark\n00:04,0.8,low\n06:15,4.1,high\n12:22,0.9,low\n18:31,4.3,high → ferry waits\n",
    "lexer.py": (
        '"""Splits a line of the tide table into its fields."""\n\n\n'
        "def fields(line):\n"
        '    return [field.strip() for field in line.split(",")]\n'
    ),
    "parser.py": (
        '"""Reads the tide table of the harbour."""\n\n'
        "from lexer import fields\n\n\n"
        "def parse_row(line):\n"
        "    time, height, *remark = fields(line)\n"
        "    return time, float(height), remark[0] if remark else None\n\n\n"
        "def parse_table(text):\n"
        "    rows = []\n"
        "    for line in text.splitlines()[1:]\n"
        "        rows.append(parse_row(line))\n"
        "    return rows\n\n\n"
        "def high_water(rows):\n"
        "    return [time for time, height, _ in rows if height > 4]\n"
    ),
    "tests/test_parser.py": (
        "from parser import high_water, parse_row, parse_table\n\n\n"
        "def test_row():\n"
        '    assert parse_row("06:15, 4.1, high")[1] == 4.1\n\n\n'
        "def test_empty_table():\n"
        '    assert parse_table("time,height\\n") == []\n\n\n'
        "def test_café_remark():\n"
        '    assert parse_row("06:15,4.1,café →")[2] == "café →"\n'
    ),
}
"""What the project holds when the work begins; one line of `parser.py` lacks its colon."""


def _tool(name: str, about: str, /, **properties: str) -> Tool:
    """A tool whose arguments are all strings, and all required."""
    described = {key: {"type": "string", "description": text} for key, text in properties.items()}
    return Tool(name, about, {"type": "object", "properties": described, "required": list(properties)})


READING = (
    _tool("Glob", "List the files whose paths match a pattern.", glob="such as **/*.py"),
    _tool("Grep", "Find the lines that match a regular expression.", pattern="a Python regular expression"),
    _tool("Read", "Read a file.", file_path="its path"),
)
CODING = (
    *READING,
    _tool(
        "Edit",
        "Replace a string that occurs exactly once in a file.",
        file_path="its path",
        old_string="what stands there",
        new_string="what shall stand there",
    ),
    _tool("RunTests", "Run the project's tests."),
    _tool(
        "Task",
        "Start a sub-agent with a context of its own; its last message comes back.",
        description="a few words",
        prompt="what it shall find out",
    ),
)
_WATER = {"type": "string", "enum": ["high", "low"]}
TIDES = (
    Tool(
        "LookUpTides",
        "Today's times of high or low water.",
        {"type": "object", "properties": {"water": _WATER}, "required": ["water"]},
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tool gave back."""

    text: str
    is_error: bool = False


class Project:
    """Files by path, and the tools to work on them."""

    def __init__(self, files: Mapping[str, str] = FILES) -> None:
        self.files = dict(files)
        self._tools: dict[str, Callable[..., str]] = {
            "Glob": self.glob,
            "Grep": self.grep,
            "Read": self.read,
            "Edit": self.edit,
            "RunTests": self.run_tests,
            "LookUpTides": self.tides,
        }

    def call(self, name: str, arguments: Mapping[str, Any]) -> Outcome:
        """Run a tool by its name. Whatever is wrong with the call comes back as an error for the model to read."""
        tool = self._tools.get(name)
        if tool is None:
            return Outcome(f"there is no tool {name}", is_error=True)
        try:
            return Outcome(tool(**arguments))
        except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
            return Outcome(f"{type(error).__name__}: {error}", is_error=True)

    def glob(self, glob: str) -> str:
        """The paths that match, one a line; `**/` also stands for no folder at all."""
        matching = [path for path in sorted(self.files) if fnmatch.fnmatch(path, glob.replace("**/", ""))]
        return "\n".join(matching) or "no files"

    def grep(self, pattern: str) -> str:
        """The lines that match, as `path:line: text`."""
        found = [
            f"{path}:{place}: {line}"
            for path, text in self.files.items()
            for place, line in enumerate(text.split("\n"), 1)
            if re.search(pattern, line)
        ]
        return "\n".join(found) or "no matches"

    def read(self, file_path: str) -> str:
        """A file's text. KeyError where there is none."""
        return self.files[file_path]

    def edit(self, file_path: str, old_string: str, new_string: str) -> str:
        """Replace a string that occurs once. ValueError where it does not, or occurs more often."""
        times = self.files[file_path].count(old_string)
        if times != 1:
            raise ValueError(f"old_string occurs {times} times in {file_path}, not once")
        self.files[file_path] = self.files[file_path].replace(old_string, new_string)
        return f"{file_path} changed"

    def tides(self, water: str) -> str:
        """The rows of the tide table with that remark."""
        rows = self.files["tides.csv"].split("\n")
        return "\n".join(row for row in rows if row.split(",")[-1].startswith(water)) or "no such water"

    def run_tests(self) -> str:
        """Check the project's Python files: each must parse, and tests may only import names that are there."""
        trees: dict[str, ast.Module] = {}
        failures: list[str] = []
        for path in sorted(path for path in self.files if path.endswith(".py")):
            try:
                trees[path] = ast.parse(self.files[path], path)
            except SyntaxError as error:
                failures.append(f"FAILED {path}:{error.lineno}: {error.msg}")
        failures += _missing_names(trees)
        cases = sum(isinstance(node, ast.FunctionDef) for path in trees if "test" in path for node in trees[path].body)
        return "\n".join([*failures, f"{cases} tests in {len(trees)} files that parse, {len(failures)} failures"])


def _missing_names(trees: Mapping[str, ast.Module]) -> list[str]:
    """Names that a file imports from another one of the project, and that are not defined there."""
    defined = {
        path.removesuffix(".py"): {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        for path, tree in trees.items()
    }
    return [
        f"FAILED {path}:{node.lineno}: {node.module} has no {alias.name}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
        if alias.name not in defined.get(node.module, set())
    ]
