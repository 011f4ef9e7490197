"""Which tool call started a sub-agent: the one that was given the words with which it begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from inspector.dialects._base import parse_object
from inspector.model.message import ToolCall
from inspector.store.lane_asked import Asked
from inspector.store.lane_prints import own_words, title_line
from inspector.store.lane_state import Entry
from inspector.store.lane_work import starts_agents
from inspector.store.transcripts import Transcripts

SHORTEST = 12
"""Characters that an argument has at least by which a call is known."""
_LONG = 40
"""Characters from which on an argument is telling, whatever the tool's name."""
_ANSWERS = 64
"""How many answers with open calls are looked at, the latest first …"""
_LOOKED = 2000
"""… among so many with calls."""
_RECENT = 3
"""Turns after its answer during which a call may still start something: some agents do not wait for their helpers."""
_DEPTH = 4
_TITLES = ("description", "title", "name", "task_name", "subagent_type")


@dataclass(frozen=True, slots=True)
class Started:
    """A call that may have started a sub-agent."""

    entry: Entry
    """In whose answer it stands."""
    call_id: str
    name: str
    title: str = ""


def started_by(
    asked: Asked, callers: list[Entry], claimed: Mapping[tuple[str, str], int], transcripts: Transcripts
) -> Started | None:
    """The call whose argument a conversation begins with; the longest argument, and one that started nothing yet.

    `callers` are answers with calls, the latest last; `claimed` says how much each call, by its flow and id, started.
    """
    opening = asked.opening
    if len(opening) < SHORTEST:
        return None
    found: list[tuple[tuple[Any, ...], Started]] = []
    for entry in islice(_open(asked, callers), _ANSWERS):
        for call, arguments in _calls(entry, transcripts):
            length = max((len(words) for words in _strings(arguments) if _is_of(words, opening, call.name)), default=0)
            if length and (_of_session(asked, entry) or length == len(opening)):
                free = not claimed.get((entry.flow.id, call.id))
                found.append(
                    ((length, free, not entry.branches, entry.seq, -len(found)), _started(entry, call, arguments))
                )
    return max(found, key=lambda each: each[0])[1] if found else None


def open_task(entry: Entry | None, transcripts: Transcripts) -> Started | None:
    """A call to a tool for sub-agents that waits for its result."""
    if entry is None or entry.branches:
        return None
    for call, arguments in _calls(entry, transcripts):
        if starts_agents(call.name):
            return _started(entry, call, arguments)
    return None


def _started(entry: Entry, call: ToolCall, arguments: dict[str, Any]) -> Started:
    title = next((arguments[key] for key in _TITLES if isinstance(arguments.get(key), str)), "")
    return Started(entry, call.id, call.name, title_line(title))


def _open(asked: Asked, callers: list[Entry]) -> Iterator[Entry]:
    for entry in islice(reversed(callers), _LOOKED):
        if entry.calls and entry.lane.turns - entry.turn <= _RECENT:
            yield entry


def _of_session(asked: Asked, entry: Entry) -> bool:
    session, other = asked.session, entry.lane.lane.session
    return not session.name or not other or other in (session.name, session.parent)


def _is_of(words: str, opening: str, tool: str) -> bool:
    """Whether a conversation begins with the words of a call: no chance likeness, as that of a file's name."""
    if len(words) < SHORTEST or words not in opening:
        return False
    return words == opening or len(words) >= _LONG or starts_agents(tool)


def _calls(entry: Entry, transcripts: Transcripts) -> Iterator[tuple[ToolCall, dict[str, Any]]]:
    for choice in transcripts.answered(entry.flow).answer.choices:
        for call in choice.tool_calls():
            if not call.server_side:
                yield call, _object(str(call.arguments))


def _object(text: str) -> dict[str, Any]:
    """Arguments as an object; what is none is taken for a text of its own."""
    try:
        return parse_object(text.encode())
    except (ValueError, RecursionError):
        return {"": text}


def _strings(value: object, depth: int = 0) -> Iterator[str]:
    """The texts in a call's arguments, as they would stand in a conversation."""
    if isinstance(value, str):
        yield own_words(value)
    elif depth < _DEPTH and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each, depth + 1)
