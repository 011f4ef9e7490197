"""Serving a recording: an agent is answered from a session that was recorded, so that debugging it costs nothing.

A request is looked up as it is; then without what changes from run to run (`sameness`); then by its conversation alone,
so that an agent whose prompts or tools were changed meanwhile still finds its answers.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, get_args

import httpx

from inspector.dialects import by_name, detect
from inspector.model.flow import Flow, Moment, Reason, Request, Response
from inspector.proxy.held import BY
from inspector.proxy.hooks import Context, Hooks
from inspector.proxy.refusal import Refusal
from inspector.proxy.replay import SOURCE
from inspector.proxy.replay_credentials import without_credential
from inspector.rules.sameness import conversation, digest, first_difference, normalised
from inspector.store.summary import url_path
from inspector.wire.body import decoded

Miss = Literal["fail", "ask", "live", "mixed"]
"""What becomes of a request that was not recorded: an error; a hold, for the person to answer or let go; it goes
upstream, and so does everything after it; it alone goes upstream."""

MISSES: tuple[Miss, ...] = get_args(Miss)
RECORDING = "recording"
_HOW = ("", "but for what changes from run to run", "by its conversation alone")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request is looked up by."""

    place: str
    """Its API; where that is unknown, its method and the end of its path."""
    keys: tuple[bytes, ...]
    """The strictest first."""
    turns: tuple[bytes, ...]
    """Each message of its conversation."""


class RecordedAnswers(Hooks):
    """Answers requests as recorded flows were answered: errors, broken streams and pauses too.

    Equal requests get their answers in the order of the recording; the last one repeats. `pace` scales the recorded
    pauses: 1 is `recorded`, 0 is `none`. ValueError for one that is neither.
    """

    def __init__(self, flows: Iterable[Flow], miss: Miss = "fail", pace: str | float = "recorded") -> None:
        self.miss = miss
        self.pace = pace_factor(pace)
        self.answered = 0
        """Requests that were answered from the recording."""
        self.missed = 0
        self._live = False
        self._used: set[Flow] = set()
        self._found: defaultdict[bytes, list[Flow]] = defaultdict(list)
        self._recorded: defaultdict[str, list[tuple[tuple[bytes, ...], Flow]]] = defaultdict(list)
        for flow in flows:
            if flow.answered is not None and not flow.live and flow.source != SOURCE:
                self._take(flow)

    @property
    def known(self) -> int:
        """Answers that there are."""
        return sum(map(len, self._recorded.values()))

    async def request(self, context: Context) -> httpx.Response | None:
        """The recorded answer; where there is none, whatever `miss` says."""
        if self._live:
            return None
        flow = context.flow
        asked = _asked(flow.request)
        recorded, how = self._find(asked)
        if recorded is None:
            return await self._not_found(context, asked)
        self.answered += 1
        flow.injected = recorded.injected
        flow.note(" ".join(filter(None, (f"answered as #{recorded.number} was", how))))
        await asyncio.sleep(self.pace * _until_head(recorded))
        return _response(recorded, self.pace)

    def _take(self, flow: Flow) -> None:
        asked = _asked(flow.request)
        self._recorded[asked.place].append((asked.turns, flow))
        for key in asked.keys:
            self._found[key].append(flow)

    def _find(self, asked: _Asked) -> tuple[Flow | None, str]:
        for key, how in zip(asked.keys, _HOW, strict=False):
            if candidates := self._found.get(key):
                flow = next((flow for flow in candidates if flow not in self._used), candidates[-1])
                self._used.add(flow)
                return flow, how
        return None, ""

    async def _not_found(self, context: Context, asked: _Asked) -> httpx.Response | None:
        self.missed += 1
        flow, why = context.flow, self._why(context.flow.request, asked)
        flow.note(why)
        if self.miss == "fail":
            return _refusal(flow, why)
        if self.miss == "ask":
            return await context.hold(Moment.REQUEST, "no recorded answer")
        self._live = self.miss == "live"
        return None

    def _why(self, request: Request, asked: _Asked) -> str:
        """Why nothing was found, in words: the nearest of what was recorded, and where that first differs."""
        near = self._recorded.get(asked.place)
        if not near:
            return f"no recorded answer: nothing like {request.method} {url_path(request.url)} was recorded"
        _, flow = max(near, key=lambda each: (_shared(each[0], asked.turns), -abs(len(each[0]) - len(asked.turns))))
        difference = first_difference(normalised(_body(flow.request)), normalised(_body(request)))
        return f"no recorded answer: the nearest is that of #{flow.number}, which first differs at {difference}"


def pace_factor(pace: str | float) -> float:
    """By what the recorded pauses are multiplied. ValueError where it is neither `recorded`, `none` nor a factor."""
    try:
        factor = float({"recorded": 1.0, "none": 0.0}.get(pace, pace) if isinstance(pace, str) else pace)
    except ValueError:
        factor = -1.0
    if not 0 <= factor < float("inf"):
        raise ValueError(f"{pace} is no pace: recorded, none, or a factor such as 0.5")
    return factor


def _asked(request: Request) -> _Asked:
    body, dialect = _body(request), detect(request).name
    ending = "/".join(without_credential(request).url.split("/")[-2:])
    place = dialect if body and dialect != "raw" else f"{request.method} {ending}"
    plain = normalised(body)
    turns = conversation(plain)
    keys = [digest(place.encode() + b"\0" + body)]
    if not isinstance(plain, bytes):
        keys.append(digest([place, plain]))
    if turns:
        keys.append(digest([place, plain.get("model"), plain.get("stream") is True, turns]))
    return _Asked(place, tuple(keys), tuple(map(digest, turns)))


def _body(request: Request) -> bytes:
    return decoded(request.headers, bytes(request.body))[0]


def _shared(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> int:
    """How many messages two conversations have in common, from the first."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _until_head(flow: Flow) -> float:
    """Seconds that the upstream took to answer."""
    timing = flow.timing
    return max(0.0, (timing.head or 0.0) - (timing.forwarded or 0.0) - timing.held) / 1000


def _response(flow: Flow, pace: float) -> httpx.Response:
    recorded = flow.answered
    assert recorded is not None
    # Secrets are masked in a recording: a client would store them as they are.
    headers = recorded.headers.end_to_end().without_secrets()
    extensions = {"reason_phrase": recorded.reason.encode("latin-1", "replace"), BY: RECORDING}
    stream = _Body(recorded, flow, pace)
    return httpx.Response(recorded.status, headers=headers.raw(), stream=stream, extensions=extensions)


class _Body(httpx.AsyncByteStream):
    """A recorded body, in the pieces and at the times in which it came; where it broke off, it breaks off again."""

    def __init__(self, response: Response, flow: Flow, pace: float) -> None:
        self._body = response.body
        self._pace = pace
        self._head = flow.timing.head or 0.0
        # What the proxy itself answered has no head of the upstream's, and is whole however the flow ended.
        whole = flow.timing.head is None or (flow.end is not None and flow.end.reason is Reason.DONE)
        self._broken = "" if whole else flow.error or "the recorded answer breaks off here"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        clock = asyncio.get_running_loop().time
        begun = clock()
        for at, chunk in self._chunks():
            await asyncio.sleep(max(0.0, begun + (at - self._head) * self._pace / 1000 - clock()))
            yield chunk
        if self._broken:
            raise httpx.ReadError(self._broken)

    def _chunks(self) -> Iterator[tuple[float, bytes]]:
        for index, at in enumerate(self._body.times):
            if chunk := self._body.chunk(index):
                yield at, chunk


def _refusal(flow: Flow, why: str) -> httpx.Response:
    """The error that a client gets, in its own API's shape; the SDKs are told that trying again does not help."""
    writer = by_name(flow.dialect).writer
    refusal = Refusal(502, Reason.REFUSED, RECORDING, why)
    body = writer.error(refusal.status, why) if writer is not None else refusal.body()
    headers = {"content-type": "application/json", "content-length": str(len(body)), "x-should-retry": "false"}
    return httpx.Response(refusal.status, headers=headers, content=body, extensions={BY: RECORDING})
