"""What the demo's model does next: think or not, speak, call tools or answer.

This part is a script, and says so: a small n-gram model has no judgement. The words themselves are always sampled.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inspector.demo.arguments import Clues, Draws, Repair, fill
from inspector.demo.ask import Ask, paths_in
from inspector.demo.model import NGramModel
from inspector.model.message import Tool

STAGES: tuple[tuple[str, ...], ...] = (
    ("glob|^ls$|list", "grep|search|find|query"),
    ("read|open|cat$|view|get|fetch|look|weather",),
    ("task|agent|delegate",),
    ("edit|write|patch|replace",),
    ("test|bash|shell|run|exec|command",),
)
"""Which tools are called in which order, by what their names say; the tools of one stage are called at once."""
WORKING = STAGES[3:]
"""The stages that change or try something; after these there is work to tell of."""
_ROLES = (("title", "titles"), ("sub-agent that", "exploring"))
"""Sections by words of the system instructions."""
_OPENS_BLOCK = re.compile(r"^\s*(?:def|class|for|while|if|elif|else|try|with)\b.*[\w)\]]$")


@dataclass(frozen=True, slots=True)
class Call:
    """A tool to call."""

    name: str
    arguments: dict[str, Any]
    draws: Draws = field(default_factory=dict)
    """What of the arguments was drawn by lot."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer, before its words are known."""

    section: str
    """Which part of the text the words come from."""
    calls: tuple[Call, ...] = ()


def decide(ask: Ask, model: NGramModel, chance: random.Random, say: Callable[[], str]) -> Plan:
    """Decide what to do next; `say` gives a sampled sentence for arguments that need words."""
    tools = _chosen(ask)
    if not tools:
        return Plan(answer_section(ask, model))
    clues = _clues(ask, say)
    return Plan("acting", tuple(_call(tool, clues, chance) for tool in tools))


def _call(tool: Tool, clues: Clues, chance: random.Random) -> Call:
    draws: Draws = {}
    return Call(tool.name, fill(tool.schema, clues, chance, draws), draws)


def _chosen(ask: Ask) -> list[Tool]:
    """The tools to call now."""
    usable = [tool for tool in ask.prompt.tools if tool.kind == "function"]
    if ask.tool_choice == "none":
        return []
    if ask.tool_choice not in ("auto", "required", "any"):
        return [tool for tool in usable if tool.name == ask.tool_choice]
    called = {call.name for call in ask.calls()}
    open_tools = [tool for tool in usable if tool.name not in called and _makes_sense(tool, ask)]
    for stage in STAGES:
        found = [tool for tool in open_tools if any(re.search(names, tool.name.lower()) for names in stage)]
        if found:
            return found if ask.parallel else found[:1]
    if not called or ask.tool_choice != "auto":
        return (open_tools or usable)[:1]
    return []


def _makes_sense(tool: Tool, ask: Ask) -> bool:
    """Whether there is something to do for it: an edit needs a line that can be mended."""
    return not re.search(STAGES[3][0], tool.name.lower()) or find_repair(ask) is not None


def find_repair(ask: Ask) -> Repair | None:
    """A line in a file that was read in this turn which opens a block and lacks its colon."""
    read = {call.id: str(call.arguments) for call in ask.calls()}
    for result in reversed(ask.results()):
        paths = paths_in(read.get(result.id, ""))
        for line in result.content.split("\n") if paths else ():
            if _OPENS_BLOCK.match(line):
                return Repair(paths[0], line, f"{line}:")
    return None


def _clues(ask: Ask, say: Callable[[], str]) -> Clues:
    words, paths, repair = ask.topic(), ask.paths(), find_repair(ask)
    asked = [str(call.arguments) for call in ask.calls()]
    word = max(words, key=len, default="harbour")
    fresh = [path for path in paths if not any(path in arguments for arguments in asked)]
    likely = sorted(fresh, key=lambda path: word not in path) or paths or ["README.md"]
    return Clues(
        path=repair.path if repair else likely[0],
        word=word,
        question=ask.question,
        repair=repair,
        say=say,
    )


def answer_section(ask: Ask, model: NGramModel) -> str:
    """Where the words of an answer come from: by what the model is told to be, what it did, or what it is asked of."""
    told = next((section for word, section in _ROLES if word in ask.system.lower()), None)
    if told is not None:
        return told
    if any(re.search(stage[0], call.name.lower()) for stage in WORKING for call in ask.calls()):
        return "answer"
    named = {word.lower().rstrip("s") for word in ask.topic()}
    return next((section for section in model.sections if section.rstrip("s") in named), "answer")
