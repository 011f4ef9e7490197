"""What fills a model's context window: every item of a prompt with its size, and what kinds of items there are.

A provider tells how many tokens a prompt had, never which of its parts had how many: the parts are estimated from
their bytes, and scaled so that together they are what the provider says.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from inspector.dialects._fields import dump
from inspector.model.message import (
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from inspector.store.alignment import PAUSE_EVERY, Steps
from inspector.store.context_paths import Paths
from inspector.store.summary import CHARACTERS_PER_TOKEN, one_line

PICTURE = 1_300
"""Tokens of a picture, for want of its dimensions: what Anthropic counts for about a million pixels."""
_PAGE = 2_000
"""Tokens of any other piece of media whose words are not known."""
_WORDS = 80
"""Characters of an item that tell which one it is."""

_READERS = frozenset(
    {"read", "readfile", "readfiles", "readmanyfiles", "readtextfile", "viewfile", "view", "cat", "openfile", "open"}
    | {"getfilecontents", "notebookread", "fsread", "fetchfile", "showfile"}
)
"""Tools that read files, by their names without case, separators and the MCP server's part."""
_SHELL_READ = re.compile(r"\s*(?:cat|head|tail|nl|bat|less|sed\s+-n)\s")
_PATHS = ("file_path", "path", "filename", "absolute_path", "target_file", "filePath", "notebook_path", "uri", "paths")
_WRAPPED = re.compile(r"\s*<([A-Za-z][\w.-]*)[^<>]*>.*</\1>\s*\Z", re.DOTALL)


class Kind(StrEnum):
    """What an item is, in the order in which they are shown."""

    SYSTEM = "system"
    TOOLS = "tools"
    """Tools that are declared."""
    USER = "user"
    NOTES = "notes"
    """What the agent puts into the user's mouth: reminders, surroundings, in tags of their own."""
    FILES = "files"
    """Documents, and what tools that read files gave back."""
    RESULTS = "results"
    """What all other tools gave back."""
    CALLS = "calls"
    """What the model gave its tools."""
    MODEL = "model"
    """The model's own words."""
    REASONING = "reasoning"
    MEDIA = "media"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in the window."""

    kind: Kind
    name: str
    """The tool, the file, or the tag; empty where it has no name."""
    words: str
    """How it begins, on one line. Text from the wire, as `name`."""
    path: str
    """Where it stands in the body, as a JSON path; empty where that is not known."""
    message: int
    """Index into the prompt's messages; -1 for a declared tool."""
    characters: int
    bytes: int
    tokens: float
    """Estimated by its size alone."""
    key: int
    """The same for the same thing in another prompt of this process."""


@dataclass(frozen=True, slots=True)
class Group:
    """Items of one kind, or of one name within it. Tokens are whole numbers that are estimated."""

    kind: Kind
    name: str
    items: int
    characters: int
    bytes: int
    tokens: int
    share: float
    """Of the window's content, 0 to 1."""
    parts: tuple[Group, ...] = ()
    """By name, the biggest first, where there is more than one."""


@dataclass(frozen=True, slots=True)
class Composition:
    """Everything that a prompt holds."""

    items: tuple[Item, ...]
    estimate: float
    """Tokens of all items by their sizes."""
    given: int | None = None
    """Input tokens as the provider counted them; None where that is not known."""

    @property
    def total(self) -> int:
        """Tokens of the prompt: counted, or else estimated."""
        return self.given if self.given is not None else round(self.estimate)

    def tokens(self, item: Item) -> int:
        """An item's tokens, scaled so that all together are the provider's count."""
        return round(item.tokens * self._scale)

    def share(self, item: Item) -> float:
        """An item's part of the whole, 0 to 1."""
        return item.tokens / self.estimate if self.estimate else 0.0

    def counted(self, given: int | None) -> Composition:
        """The same with the provider's count."""
        return Composition(self.items, self.estimate, given or None)

    def groups(self, items: Iterable[Item] | None = None) -> list[Group]:
        """The kinds with their names, in the order of `Kind`; of some of the items only, where they are given."""
        by_kind: dict[Kind, list[Item]] = {}
        for item in self.items if items is None else items:
            by_kind.setdefault(item.kind, []).append(item)
        return [self._group(kind, by_kind[kind]) for kind in Kind if kind in by_kind]

    def biggest(self, number: int = 10) -> list[Item]:
        """The items that take most."""
        return sorted(self.items, key=lambda item: -item.tokens)[:number]

    def new_since(self, before: Composition) -> Steps[tuple[Item, ...]]:
        """The items that another prompt does not hold."""
        known = Counter(item.key for item in before.items)
        fresh: list[Item] = []
        for index, item in enumerate(self.items):
            if index % PAUSE_EVERY == 0:
                yield
            if known[item.key]:
                known[item.key] -= 1
            else:
                fresh.append(item)
        return tuple(fresh)

    @property
    def _scale(self) -> float:
        return self.total / self.estimate if self.estimate else 0.0

    def _group(self, kind: Kind, items: list[Item]) -> Group:
        names: dict[str, list[Item]] = {}
        for item in items:
            names.setdefault(item.name, []).append(item)
        parts = [self._sum(kind, name, own) for name, own in names.items()] if len(names) > 1 else []
        parts.sort(key=lambda part: -part.tokens)
        return self._sum(kind, next(iter(names)) if len(names) == 1 else "", items, tuple(parts))

    def _sum(self, kind: Kind, name: str, items: list[Item], parts: tuple[Group, ...] = ()) -> Group:
        estimate = sum(item.tokens for item in items)
        characters, size = sum(item.characters for item in items), sum(item.bytes for item in items)
        share = estimate / self.estimate if self.estimate else 0.0
        return Group(kind, name, len(items), characters, size, round(estimate * self._scale), share, parts)


def compose(prompt: Prompt, paths: Paths) -> Steps[Composition]:
    """Weigh everything that a prompt holds, a message at a step."""
    items: list[Item] = []
    for index, tool in enumerate(prompt.tools):
        items.append(_tool(tool, paths.tools[index] if index < len(paths.tools) else ""))
        yield
    calls = {call.id: call for message in prompt.messages for call in message.tool_calls() if call.id}
    for number, message in enumerate(prompt.messages):
        for place, part in enumerate(message.parts):
            items.append(_item(message, number, part, paths.part(number, place), calls))
        yield
    return Composition(tuple(items), sum(item.tokens for item in items))


def _tool(tool: Tool, path: str) -> Item:
    text = "\n".join((tool.name, tool.description, "" if tool.schema is None else dump(tool.schema)))
    return _of_text(Kind.TOOLS, tool.name, text, path, -1, words=tool.description)


def _item(message: Message, number: int, part: Part, path: str, calls: dict[str, ToolCall]) -> Item:
    match part:
        case Text() | Refusal():
            text = str(part.content)
            kind, name = _speaker(message, text)
            return _of_text(kind, name, text, path, number)
        case Reasoning():
            text = str(part.content)
            return _of_text(Kind.REASONING, "", text + part.encrypted, path, number, words=text or "sealed")
        case ToolCall():
            return _of_text(
                Kind.CALLS, part.name, part.name + str(part.arguments), path, number, words=str(part.arguments)
            )
        case ToolResult():
            return _result(part, path, number, calls.get(part.id))
        case Media():
            return _media(part, path, number)
        case Other():
            return _of_text(Kind.OTHER, part.kind, _dump(part.data), path, number)


def _speaker(message: Message, text: str) -> tuple[Kind, str]:
    """Whose words they are."""
    if message.role == "assistant":
        return Kind.MODEL, ""
    if message.role == "system":
        return Kind.SYSTEM, ""
    wrapped = _WRAPPED.match(text) if text.lstrip().startswith("<") else None
    return (Kind.NOTES, wrapped[1]) if wrapped is not None else (Kind.USER, "")


def _result(part: ToolResult, path: str, number: int, call: ToolCall | None) -> Item:
    """What a tool gave back: a file, where it was asked for one."""
    file = _file(part.name, str(call.arguments) if call is not None else "")
    kind = Kind.RESULTS if file is None else Kind.FILES
    return _of_text(kind, part.name if file is None else file or part.name, part.content, path, number)


def _file(tool: str, arguments: str) -> str | None:
    """The file that a call reads; empty where it does not say which, None where it reads none."""
    short = re.sub(r"[\W_]", "", tool.rpartition("__")[2]).lower()
    given = _object(arguments) if len(arguments) < 10_000 else {}
    command = given.get("command", given.get("cmd"))
    shell = " ".join(map(str, command)) if isinstance(command, list) else command
    if isinstance(shell, str) and _SHELL_READ.match(shell):
        return " ".join(shell.split())
    if short not in _READERS:
        return None
    return next((str(given[name]) for name in _PATHS if isinstance(given.get(name), str)), "")


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _media(part: Media, path: str, number: int) -> Item:
    words = str(part.transcript)
    tokens = len(words) / CHARACTERS_PER_TOKEN if words else PICTURE if part.modality == "image" else _PAGE
    kind = Kind.FILES if part.modality == "file" else Kind.MEDIA
    about = part.uri or f"{part.mime_type or part.modality}, {part.size:,} bytes"
    key = hash((kind, part.mime_type, part.size, part.uri, words))
    return Item(kind, part.modality, about, path, number, len(words), part.size, tokens, key)


def _of_text(kind: Kind, name: str, text: str, path: str, message: int, *, words: str | None = None) -> Item:
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    begins = one_line(text if words is None else words, _WORDS)
    tokens = size / CHARACTERS_PER_TOKEN
    return Item(kind, one_line(name, _WORDS), begins, path, message, len(text), size, tokens, hash((kind, text)))


def _dump(value: object) -> str:
    return value if isinstance(value, str) else dump(value)
