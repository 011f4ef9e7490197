"""What is known of a request beside its own words: what the lane's last turn had already, and what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from inspector.model.flow import Flow
from inspector.model.message import Answer, Prompt, Usage
from inspector.store.alignment import Steps
from inspector.store.history import findings
from inspector.store.lane import Place
from inspector.store.since import News, since
from inspector.store.transcripts import Transcripts
from inspector.tui.text import one_line

MOST_CHECKED = 2000
"""Messages of a request up to which its history is checked here; the Context tab checks longer ones, too."""
_CACHED = 0.9
"""Share of the last prompt that has to come from the cache for it to count as cached."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A request against the lane's last turn. Empty where there is none."""

    since: str = ""
    """The last turn, as the list calls it: `#41`."""
    news: Mapping[int, News] = field(default_factory=dict)
    """What is new, by index into the prompt's messages."""
    compacted: str = ""
    """How much was there before it was replaced by less, and is now, in words."""
    cached: str = ""
    """How much of what is unchanged came from the provider's cache, in words; empty where nothing is known to."""
    remarks: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """What is odd about a part of a message, on one printable line; one that is missing stands behind the last."""
    waits: Mapping[str, float] = field(default_factory=dict)
    """How long the newest calls took, in ms, by their ids."""
    tokens: int = 0
    """How many the last prompt had; 0 where the provider did not say."""


def read_turn(flow: Flow, place: Place, previous: Flow, transcripts: Transcripts) -> Steps[Turn]:
    """Compare a request with the last turn of its lane. Pauses while either of them is still being read."""
    while not (transcripts.ready(previous) and transcripts.ready(flow)):
        yield True
    before, after = transcripts.of(previous).prompt, transcripts.of(flow).prompt
    size = len(previous.sent.body) + len(flow.sent.body)
    known = yield from transcripts.through(since(before, after), size)
    compacted = f"{_messages(before)} → {len(after.messages)}" if place.compacted else ""
    remarks: dict[tuple[int, int], str] = {}
    if len(after.messages) <= MOST_CHECKED and not previous.live:
        yield
        for finding in findings(flow, transcripts):
            parts = after.messages[finding.message].parts if finding.message < len(after.messages) else []
            spot = finding.message, min(finding.part, len(parts))
            remarks.setdefault(spot, one_line(f"! {finding.kind}: {finding.words}"))
    answer = transcripts.of(previous).answer
    counted = (answer.usage.input_tokens if answer.usage is not None else None) or 0
    waits = _waits(flow, previous, answer)
    return Turn(f"#{one_line(previous.number)}", known.news, compacted, "", remarks, waits, counted)


def with_usage(turn: Turn, usage: Usage | None) -> Turn:
    """The same, with a word on whether the last prompt came from the cache, by the usage that the provider tells."""
    if usage is None or not usage.cache_read_input_tokens or not turn.since:
        return turn
    whole = turn.tokens or usage.input_tokens or 0
    return replace(turn, cached="cached" if usage.cache_read_input_tokens >= _CACHED * whole else "partly cached")


def _messages(prompt: Prompt) -> str:
    return f"{len(prompt.messages)} message{'' if len(prompt.messages) == 1 else 's'}"


def _waits(flow: Flow, previous: Flow, answer: Answer) -> dict[str, float]:
    """From the end of the answer that called, to the request that brought the results."""
    if previous.timing.ended is None:
        return {}
    took = (flow.started - previous.started) * 1000 - previous.timing.ended
    calls = [call for choice in answer.choices for call in choice.tool_calls() if not call.server_side]
    return {call.id: took for call in calls} if took >= 0 else {}
