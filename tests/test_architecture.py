"""The house's shape: floors, cycles, sizes, and what may know what. Read from the sources, nothing is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "inspector"
FLOORS = {
    "model": 0,
    "wire": 0,
    "dialects": 1,
    "store": 2,
    "formats": 3,
    "proxy": 4,
    "rules": 5,
    "tui": 6,
    "demo": 6,
    "cli": 7,
}
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 400
FUNCTION_LINES = 60
TEXTUAL_SHARE = 0.50


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, in functions and under TYPE_CHECKING too."""
    found: set[str] = set()
    names = {name_of(module) for module in MODULES}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(whole & names or {node.module or ""})
    return found


def floor_of(module: str) -> int:
    """The floor of a module of ours; the package itself lies below all, its entry above all."""
    parts = module.split(".")
    if len(parts) == 1:
        return -1
    return FLOORS.get(parts[1], 8)


GRAPH = {name_of(path): imports_of(path) for path in MODULES}


def test_imports_go_only_downward() -> None:
    upward = [
        f"{module} -> {imported}"
        for module, imports in GRAPH.items()
        for imported in imports
        if imported.startswith("inspector") and floor_of(imported) > floor_of(module)
    ]
    assert not upward


def test_tui_and_demo_do_not_know_each_other() -> None:
    for module, imports in GRAPH.items():
        if module.startswith(("inspector.tui", "inspector.demo")):
            other = "inspector.demo" if module.startswith("inspector.tui") else "inspector.tui"
            assert not [name for name in imports if name.startswith(other)], module


def test_there_are_no_cycles() -> None:
    graph = {module: {name for name in imports if name in GRAPH} - {module} for module, imports in GRAPH.items()}
    while leaves := [module for module, imports in graph.items() if not imports]:
        for leaf in leaves:
            del graph[leaf]
        for imports in graph.values():
            imports.difference_update(leaves)
    assert not graph, f"these import each other: {sorted(graph)}"


def test_only_the_screen_knows_textual_and_rich() -> None:
    for module, imports in GRAPH.items():
        knows = {name.split(".")[0] for name in imports} & {"textual", "rich"}
        assert not knows or module.startswith("inspector.tui"), module


def test_the_nouns_need_the_standard_library_only() -> None:
    for module, imports in GRAPH.items():
        if module.startswith("inspector.model"):
            foreign = {name.split(".")[0] for name in imports} - set(sys.stdlib_module_names) - {"inspector"}
            assert not foreign, module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE_LINES, f"{path} wants to be two modules"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            lines = node.end_lineno - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{path}: {node.name} has {lines} lines"


def test_the_screen_is_not_the_whole_program() -> None:
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    knowing = sum(
        count
        for path, count in lines.items()
        if {name.split(".")[0] for name in GRAPH[name_of(path)]} & {"textual", "rich"}
    )
    assert knowing <= TEXTUAL_SHARE * sum(lines.values())


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import inspector.cli", ("textual", "rich", "httpx", "aiohttp", "uvicorn", "starlette")),
        ("import inspector.cli.serve, inspector.cli.demo", ("textual",)),
        ("import inspector.store.view, inspector.formats.jsonl", ("textual", "rich", "httpx", "aiohttp", "uvicorn")),
    ],
)
def test_what_is_not_needed_is_not_loaded(code: str, absent: tuple[str, ...]) -> None:
    check = f"{code}; import sys; print([name for name in {absent!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
