"""Several answers to one request, side by side: what each decided, and where they part."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from inspector.model.flow import Flow, State
from inspector.model.message import Message, Refusal, Text, ToolCall
from inspector.store.transcripts import Transcripts


@dataclass(frozen=True, slots=True)
class Parting:
    """The first place at which an answer is another than the one that it is compared with."""

    character: int
    """Its index in the decision."""
    word: int
    """Its index in the decision's words."""
    text: str
    """What is said from that word on; empty where the answer ends there."""


@dataclass(frozen=True, slots=True)
class Run:
    """One answer as a row of the table. None where something is not known."""

    flow: Flow
    state: State
    status: int | None
    model: str
    """As answered, or as asked for."""
    decision: str
    """The text, then each tool call on a line of its own: `Bash {"command":"ls"}`. Thoughts are left out."""
    parting: Parting | None
    """None where it says the same as the one that it is compared with."""
    finish: str | None
    input_tokens: int | None
    output_tokens: int | None
    output_estimated: bool
    ttft: float | None
    """Time to the first token, in ms since the flow's start."""
    total: float | None
    """In ms; None while it runs."""
    cost: float | None
    """US dollars, where the provider itself names them."""
    error: str | None


def runs(flows: Sequence[Flow], transcripts: Transcripts, original: Flow | None = None) -> list[Run]:
    """A row for each flow, in their order.

    They are compared with the original's answer; where there is none, with what most of those that are done decided,
    the first of them where several are as frequent.
    """
    decisions = [decision(flow, transcripts) for flow in flows]
    own = decision(original, transcripts) if original is not None else ""
    against = _against(original, flows, decisions, own)
    return [_run(flow, said, against, transcripts) for flow, said in zip(flows, decisions, strict=True)]


class RunTable:
    """The rows of flows that grow. `update` works out anew only what changed since it was called last."""

    def __init__(self, transcripts: Transcripts, original: Flow) -> None:
        self._transcripts = transcripts
        self._original = original
        self._against = ""
        self._known: dict[str, tuple[int, Run]] = {}

    def update(self, flows: Sequence[Flow]) -> list[Run]:
        """A row for each flow, as `runs` gives it; a row that did not change is the same object."""
        said = [self._decision(flow) for flow in flows]
        against = _against(self._original, flows, said, self._decision(self._original))
        if against != self._against:
            self._against, self._known = against, {}
        rows = []
        for flow, words in zip(flows, said, strict=True):
            known = self._known.get(flow.id)
            if known is None or known[0] != flow.revision:
                known = self._known[flow.id] = flow.revision, _run(flow, words, against, self._transcripts)
            rows.append(known[1])
        return rows

    def _decision(self, flow: Flow) -> str:
        known = self._known.get(flow.id)
        return known[1].decision if known and known[0] == flow.revision else decision(flow, self._transcripts)


def decision(flow: Flow, transcripts: Transcripts) -> str:
    """What an answer decided, as far as it has come."""
    message = transcripts.of(flow).answer.message
    return "\n".join(filter(None, _pieces(message))) if message is not None else ""


def parting(said: str, against: str) -> Parting | None:
    """Where a text parts from another; None where both are equal."""
    if said == against:
        return None
    at = common(said, against)
    word = at
    while word and not said[word - 1].isspace():
        word -= 1
    return Parting(at, len(said[:word].split()), said[word:])


def common(one: str, other: str) -> int:
    """How many characters two texts have in common, from the first."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def _pieces(message: Message) -> list[str]:
    said = ""
    calls = []
    for part in message.parts:
        match part:
            case Text() | Refusal():
                said += str(part.content)
            case ToolCall():
                calls.append(f"{part.name} {_arguments(part)}".rstrip())
    return [said.strip(), *calls]


def _arguments(call: ToolCall) -> str:
    """Arguments without the white space that one model sets and another does not."""
    text = str(call.arguments)
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        return text


def _against(original: Flow | None, flows: Sequence[Flow], decisions: list[str], own: str) -> str:
    """What the answers are compared with."""
    return (own if original is not None and original.state is State.DONE else "") or _majority(flows, decisions)


def _majority(flows: Sequence[Flow], decisions: list[str]) -> str:
    counted = Counter(said for flow, said in zip(flows, decisions, strict=True) if said and flow.state is State.DONE)
    return counted.most_common(1)[0][0] if counted else ""


def _run(flow: Flow, said: str, against: str, transcripts: Transcripts) -> Run:
    summary, usage = transcripts.summary(flow), transcripts.of(flow).answer.usage
    # While an answer comes it may yet say the same.
    still_equal = flow.live and against.startswith(said)
    return Run(
        flow=flow,
        state=flow.state,
        status=flow.answered.status if flow.answered is not None else None,
        model=summary.response_model or summary.model,
        decision=said,
        parting=parting(said, against) if said and against and not still_equal else None,
        finish=summary.finish,
        input_tokens=summary.input_tokens,
        output_tokens=summary.output_tokens,
        output_estimated=summary.output_estimated,
        ttft=summary.ttft,
        total=flow.timing.ended,
        cost=usage.cost if usage is not None else None,
        error=summary.error,
    )
