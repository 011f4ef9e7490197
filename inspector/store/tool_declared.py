"""The tools that a request declares: what they cost, which of them are used, and what changed since the last turn."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inspector import dialects
from inspector.model.flow import Flow
from inspector.model.message import Tool
from inspector.store.summary import CHARACTERS_PER_TOKEN
from inspector.store.transcripts import REQUEST_LIMIT
from inspector.wire.body import decoded

Change = Literal["", "added", "changed"]


@dataclass(frozen=True, slots=True)
class Declared:
    """One tool, declared."""

    tool: Tool
    text: str
    """Its schema, or its settings, as JSON; empty where it has none."""
    used: int
    """How often it was called in the lane."""
    injected: bool
    """The client did not declare it: it was added on the way."""
    change: Change
    """What became of it since the lane's last turn."""

    @property
    def tokens(self) -> int:
        """About how many tokens its declaration has."""
        return -(-(len(self.tool.name) + len(self.tool.description) + len(self.text)) // CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class Declarations:
    """All of them, in the order of the request."""

    tools: tuple[Declared, ...] = ()
    removed: tuple[str, ...] = ()
    """Names of those that the lane's last turn declared, and this one does not."""
    reordered: bool = False
    """The same tools stand in another order than in the last turn."""

    @property
    def tokens(self) -> int:
        """About how many tokens each request spends on them."""
        return sum(each.tokens for each in self.tools)

    @property
    def unused(self) -> tuple[Declared, ...]:
        """Those that were never called in the lane."""
        return tuple(each for each in self.tools if not each.used)

    @property
    def changed(self) -> bool:
        """Whether they are others than in the last turn: then nothing of the prompt can come from its cache."""
        return bool(self.removed or self.reordered or any(each.change for each in self.tools))


def declarations(
    tools: Sequence[Tool], used: Counter[str], before: Sequence[Tool] | None, injected: frozenset[str] = frozenset()
) -> Declarations:
    """Look the tools of a request over. `before` are those of the lane's last turn, None where there is none."""
    texts = [dump(tool.schema) for tool in tools]
    if before is None:
        return Declarations(tuple(_declared(*each, used, injected, "") for each in zip(tools, texts, strict=True)))
    known = {tool.name: (tool.description, tool.kind, dump(tool.schema)) for tool in before}
    told = []
    for tool, text in zip(tools, texts, strict=True):
        old = known.get(tool.name)
        change: Change = "added" if old is None else "" if old == (tool.description, tool.kind, text) else "changed"
        told.append(_declared(tool, text, used, injected, change))
    names = dict.fromkeys(tool.name for tool in tools)
    removed = tuple(name for name in known if name not in names)
    stayed = [name for name in names if name in known]
    return Declarations(tuple(told), removed, stayed != [name for name in known if name in names])


def _declared(tool: Tool, text: str, used: Counter[str], injected: frozenset[str], change: Change) -> Declared:
    return Declared(tool, text, _uses(tool, used), tool.name in injected, change)


def _uses(tool: Tool, used: Counter[str]) -> int:
    """How often it was called. A provider's own tool is called by its name without its version: `web_search`."""
    if tool.name in used or tool.kind in ("function", "custom"):
        return used[tool.name]
    return max((count for name, count in used.items() if name and tool.kind.startswith(name)), default=0)


def injected_names(flow: Flow, tools: Sequence[Tool]) -> frozenset[str]:
    """The names of the tools that the request has as it was sent on, and had not as it came from the client."""
    if flow.forwarded is None or not tools:
        return frozenset()
    data, _ = decoded(flow.request.headers, bytes(flow.request.body), REQUEST_LIMIT)
    try:
        asked = dialects.by_name(flow.dialect).prompt(flow.request, data)
    except Exception:  # the border to dialects: what cannot be read tells nothing
        return frozenset()
    return frozenset(tool.name for tool in tools) - {tool.name for tool in asked.tools}


def dump(value: object) -> str:
    """A schema as JSON; empty where there is none."""
    return json.dumps(value, ensure_ascii=False, default=str) if value is not None else ""
