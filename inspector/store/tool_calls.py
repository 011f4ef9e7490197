"""The tool calls of a flow: those of its answer and those of the conversation before it, with what came of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson

from inspector.model.flow import Flow
from inspector.model.message import Message, ToolCall, ToolResult, Transcript
from inspector.wire.json_layout import bytes_of

MOST_SORTED = 8_000
"""Characters of arguments up to which their spelling (blanks, order of keys) does not count when they are compared."""

MOST = 1_000
"""Calls of a conversation that are listed: its last ones. Nobody reads more of them as a list, nor waits for it."""


class CallState(StrEnum):
    """How far a call is."""

    WRITING = "writing"
    """The model still writes its arguments."""
    WAITING = "waiting"
    """It is whole; nothing of its result is known yet."""
    DONE = "result"
    FAILED = "error"
    """Its result says that it failed."""
    MISSING = "no result"
    """The conversation went on without a result."""
    CUT = "cut off"
    """The answer ended before the call did."""


@dataclass(slots=True, eq=False)
class Pair:
    """A call and its result, wherever they stand."""

    message: int
    """The index of the call's message."""
    place: int
    """Its index among the parts of it."""
    call: ToolCall
    result: ToolResult | None = None
    result_at: tuple[int, int] | None = None
    """Where the result stands, by message and part."""


@dataclass(slots=True, eq=False)
class SeenCall:
    """One call as a person looks at it."""

    key: str
    """Names it over the life of the flow."""
    call: ToolCall
    state: CallState
    in_answer: bool
    part: tuple[int, int]
    """Where it stands: the index of the message, or of the choice of the answer, and that of the part in it."""
    result: ToolResult | None = None
    result_part: tuple[int, int] | None = None
    """Where its result stands in this answer, by choice and part."""
    made_by: Flow | None = None
    """The flow whose answer it stands in; None where nobody knows."""
    brought_by: Flow | None = None
    """The flow whose request brought its result, or whose answer did where the provider ran the tool."""
    took: float | None = None
    """Milliseconds from the end of the call to the arrival of the request with its result, or to the result."""
    nth: int = 1
    same: int = 1
    """It is the `nth` of so many calls with this name and these arguments."""


def start_of_last(messages: Sequence[Message]) -> tuple[int, int]:
    """Where the last `MOST` calls begin, by message and part."""
    left = MOST
    for number in range(len(messages) - 1, -1, -1):
        parts = messages[number].parts
        for place in range(len(parts) - 1, -1, -1):
            left -= isinstance(parts[place], ToolCall)
            if not left:
                return number, place
    return 0, 0


def earlier(messages: Sequence[Message]) -> list[ToolCall]:
    """The calls before the last `MOST`."""
    number, place = start_of_last(messages)
    calls = [part for message in messages[:number] for part in message.parts if isinstance(part, ToolCall)]
    if messages:
        calls += [part for part in messages[number].parts[:place] if isinstance(part, ToolCall)]
    return calls


def used_names(calls: Iterable[ToolCall]) -> Counter[str]:
    """How often each tool was called, by its name and, where the provider ran it, by its kind: so it is declared."""
    used: Counter[str] = Counter()
    for call in calls:
        used[call.name] += 1
        if call.server_side and (kind := call.kind.removesuffix("_call")) != call.name:
            used[kind] += 1
    return used


def paired(messages: Sequence[Message], start: tuple[int, int] = (0, 0)) -> list[Pair]:
    """The calls in messages, in their order, each with its result: by id, and those without ids by name and order.

    Those before `start` are left out.
    """
    pairs: list[Pair] = []
    by_id: dict[str, list[Pair]] = {}
    for number in range(start[0], len(messages)):
        for place, part in enumerate(messages[number].parts):
            if isinstance(part, ToolCall) and (number, place) >= start:
                pair = Pair(number, place, part)
                pairs.append(pair)
                by_id.setdefault(part.id, []).append(pair)
            elif isinstance(part, ToolResult):
                owner = _owner(part, by_id.get(part.id, []))
                if owner is not None:
                    owner.result, owner.result_at = part, (number, place)
    return pairs


def _owner(result: ToolResult, waiting: list[Pair]) -> Pair | None:
    """Takes out of those that wait for a result the one that this is of: the last one of an id."""
    if result.id:
        return waiting.pop() if waiting else None
    found = next((pair for pair in waiting if result.name in ("", pair.call.name)), None)
    if found is not None:
        waiting.remove(found)
    return found


def fingerprint(call: ToolCall) -> str:
    """The same for calls of one tool with the same arguments, however these are spelled."""
    text = str(call.arguments)
    if len(text) <= MOST_SORTED:
        try:
            text = orjson.dumps(orjson.loads(bytes_of(text)), option=orjson.OPT_SORT_KEYS).decode()
        except (orjson.JSONDecodeError, TypeError):
            text = text.strip()
    return f"{call.name}\0{text}"


def number_repeats(calls: Sequence[SeenCall]) -> None:
    """Find those that are the same call again. They come in the order in which they were made."""
    prints = [fingerprint(seen.call) if seen.state is not CallState.WRITING else None for seen in calls]
    totals = Counter(prints)
    so_far: Counter[str] = Counter()
    for seen, text in zip(calls, prints, strict=True):
        if text is not None:
            so_far[text] += 1
            seen.nth, seen.same = so_far[text], totals[text]


def calls_of(flow: Flow, transcript: Transcript) -> list[SeenCall]:
    """The calls of the conversation, oldest first, the answer's last, as far as this flow alone tells of them.

    Of those in its request, the last `MOST`.
    """
    prompt = transcript.prompt.messages
    pairs = paired([*prompt, *transcript.answer.choices], start_of_last(prompt))
    calls = [_seen(flow, transcript, pair, len(prompt)) for pair in pairs]
    number_repeats(calls)
    return calls


def _seen(flow: Flow, transcript: Transcript, pair: Pair, answer_at: int) -> SeenCall:
    in_answer = pair.message >= answer_at
    number = pair.message - answer_at if in_answer else pair.message
    key = f"{'a' if in_answer else 'h'}{number}.{pair.place}"
    state = _state(flow, transcript, pair, in_answer)
    seen = SeenCall(key, pair.call, state, in_answer, (number, pair.place), pair.result)
    if in_answer:
        seen.made_by = flow
    if pair.result_at is not None and pair.result_at[0] >= answer_at:
        seen.brought_by, seen.result_part = flow, (pair.result_at[0] - answer_at, pair.result_at[1])
    return seen


def _state(flow: Flow, transcript: Transcript, pair: Pair, in_answer: bool) -> CallState:
    call, result = pair.call, pair.result
    if result is not None:
        return CallState.FAILED if result.is_error else CallState.DONE
    if in_answer and not call.done and not transcript.answer.complete:
        return CallState.WRITING if flow.live else CallState.CUT
    if call.server_side:
        # Not every provider tells what came of what it ran.
        return CallState.DONE
    # A request that ends with a call is one itself, as those to MCP servers are.
    awaited = in_answer or (flow.live and pair.message == len(transcript.prompt.messages) - 1)
    return CallState.WAITING if awaited else CallState.MISSING
