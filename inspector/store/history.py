"""What an agent made of the past: the last turn with its answer, compared with what the next request sends back.

A turn that is altered, shortened, out of order, left out or without its tool result changes what the model believes to
have said and seen, and mostly nobody notices. What agents do without changing the meaning is no finding.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from inspector.model.flow import Flow
from inspector.model.message import Answer, Message, Prompt, ToolCall, ToolResult, Transcript
from inspector.store.alignment import PAUSE_EVERY, Steps, finish
from inspector.store.history_compare import Comparison, Finding, Kind
from inspector.store.history_units import has_ids, joined, units_of
from inspector.store.lane import Place
from inspector.store.transcripts import Transcripts

__all__ = ["Finding", "Histories", "History", "Kind", "compare", "findings", "history", "is_stored"]

MOST = 40
"""Findings of one request; what is more is counted in the last one."""
_KEPT_THERE = ("previous_response_id", "conversation")
"""Settings that name what the provider keeps."""


@dataclass(frozen=True, slots=True)
class History:
    """What was found, and what is gone."""

    findings: tuple[Finding, ...] = ()
    lost: tuple[tuple[str, int], ...] = ()
    """Where the history was replaced: what is gone with it, and its characters, the biggest first."""
    compared: bool = False
    """Whether there was an earlier turn to compare with."""


def findings(flow: Flow, transcripts: Transcripts) -> tuple[Finding, ...]:
    """What is odd about the history that a request sends back; nothing where it has none. Reads two transcripts.

    The answer is compared as the client got it, so that what a person edited on its way is no finding.
    """
    return history(flow, transcripts).findings


def history(flow: Flow, transcripts: Transcripts) -> History:
    """As `findings`, with what was lost."""
    return finish(_history(flow, transcripts.place(flow), transcripts))


class Histories:
    """The histories that were asked for last, worked out anew only after one of the two flows changed."""

    def __init__(self, transcripts: Transcripts, limit: int = 256) -> None:
        self._transcripts = transcripts
        self._limit = limit
        self._known: OrderedDict[str, tuple[tuple[object, ...], History]] = OrderedDict()

    def of(self, flow: Flow) -> History:
        """The history of a flow."""
        return finish(self.steps(flow))

    def steps(self, flow: Flow) -> Steps[History]:
        """The history of a flow, in steps where it is not known."""
        place = self._transcripts.place(flow)
        previous = place.previous if place is not None else None
        # Of the flow itself only the request counts: its answer may grow.
        before = (previous.id, previous.revision, previous.live) if previous is not None else ()
        stamp = (id(flow.sent), len(flow.sent.body), before, place is not None and place.compacted)
        known = self._known.get(flow.id)
        if known is not None and known[0] == stamp:
            self._known.move_to_end(flow.id)
            return known[1]
        made = yield from _history(flow, place, self._transcripts)
        self._known[flow.id] = stamp, made
        while len(self._known) > self._limit:
            self._known.popitem(last=False)
        return made


def is_stored(prompt: Prompt) -> bool:
    """Whether the provider has the history itself, so that a request need not send it."""
    return any(prompt.parameters.get(name) for name in _KEPT_THERE)


def _history(flow: Flow, place: Place | None, transcripts: Transcripts) -> Steps[History]:
    if flow.dialect in ("mcp", "raw"):
        return History()
    previous = place.previous if place is not None else None
    prompt = transcripts.of(flow).prompt
    stored = is_stored(prompt)
    if place is None or previous is None or stored or previous.dialect != flow.dialect:
        torn = yield from _torn(prompt, stored=stored)
        return History(_few(torn))
    yield
    return (yield from compare(transcripts.of(previous), prompt, compacted=place.compacted))


def compare(before: Transcript, prompt: Prompt, *, compacted: bool = False) -> Steps[History]:
    """The last turn with its answer against the prompt of the next one."""
    said = _answered(before.answer, prompt)
    by_id = yield from has_ids([*before.prompt.messages, *said, *prompt.messages])
    asked = yield from units_of(before.prompt.messages, by_id=by_id)
    answered = yield from units_of(said, by_id=by_id)
    sent = yield from units_of(prompt.messages, by_id=by_id)
    whole = before.answer.complete and before.answer.error is None
    # The client may forget an answer that broke off.
    compared = Comparison(joined(asked, answered), sent, len(prompt.messages), due=None if whole else len(asked))
    yield from compared.run()
    if compacted or compared.replaced:
        words = f"history replaced: {_messages(before.prompt)} messages → {_messages(prompt)}"
        return History((Finding(Kind.REPLACED, _first(prompt), words),), compared.lost(), compared=True)
    torn = yield from _torn(prompt, stored=False)
    return History(_few([*compared.found, *torn]), compared=True)


def _few(found: list[Finding]) -> tuple[Finding, ...]:
    """The first findings in the order of the prompt; the last one tells how many there are beyond them."""
    found.sort(key=lambda finding: (finding.message, finding.part))
    if len(found) <= MOST:
        return tuple(found)
    return (*found[:MOST], replace(found[MOST], words=f"and {len(found) - MOST} more findings"))


def _answered(answer: Answer, prompt: Prompt) -> list[Message]:
    """The answer that was gone on with: of several, the one whose words or calls are sent back."""
    if len(answer.choices) < 2:
        return answer.choices[:1]
    known = {call.id for message in prompt.messages for call in message.tool_calls()}
    texts = {message.text() for message in prompt.messages if message.role == "assistant"}
    for choice in answer.choices:
        if (choice.text() and choice.text() in texts) or any(call.id in known for call in choice.tool_calls()):
            return [choice]
    return answer.choices[:1]


def _torn(prompt: Prompt, *, stored: bool) -> Steps[list[Finding]]:
    """Calls without a result, results without a call, and those that stand there twice.

    `stored`: the provider has what came before, the calls of the first results among it.
    """
    calls: dict[str, tuple[int, int, ToolCall]] = {}
    results: dict[str, tuple[int, int, ToolResult]] = {}
    found: list[Finding] = []
    for index, message in enumerate(prompt.messages):
        if index % PAUSE_EVERY == 0:
            yield
        for place, part in enumerate(message.parts):
            if isinstance(part, ToolCall):
                if part.id and part.id in calls:
                    found.append(_twice("call", part, index, place))
                calls[part.id] = index, place, part
            elif isinstance(part, ToolResult):
                if part.id and part.id in results:
                    found.append(_twice("result", part, index, place))
                results[part.id] = index, place, part
    for id, (index, place, call) in calls.items():
        if id not in results and not call.server_side:
            found.append(Finding(Kind.NO_RESULT, index, f"the call of {call.name or 'a tool'} has no result", place))
    for id, (index, place, result) in results.items():
        if id not in calls and not stored and prompt.messages[index].role != "assistant":
            words = f"a result of {result.name or 'a tool'} without its call"
            found.append(Finding(Kind.NO_RESULT, index, words, place))
    return found


def _twice(what: str, part: ToolCall | ToolResult, message: int, place: int) -> Finding:
    return Finding(Kind.DUPLICATE, message, f"the {what} of {part.name or 'a tool'} stands there twice", place)


def _messages(prompt: Prompt) -> int:
    return sum(message.role != "system" for message in prompt.messages)


def _first(prompt: Prompt) -> int:
    """Index of the first message that is not the system's."""
    return next((index for index, message in enumerate(prompt.messages) if message.role != "system"), 0)
