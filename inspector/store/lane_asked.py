"""What a flow's client asked for, as far as it says where the flow belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from inspector import dialects
from inspector.model.flow import Flow
from inspector.model.message import Message, Prompt
from inspector.model.sessions import Session, session_of
from inspector.store.lane import Work
from inspector.store.lane_prints import Prints, opening_of, own_words, prints_of
from inspector.store.lane_work import aside, order_of, polled, small_work
from inspector.store.summary import url_host
from inspector.store.transcripts import REQUEST_LIMIT, Transcripts
from inspector.wire.body import decoded

_NO_CONVERSATION = frozenset({"raw", "models", "mcp", "openai-embeddings"})


_SLICE = 1 << 20
"""Bytes that are hashed at a time: meanwhile no other thread runs."""


@dataclass
class Asked:
    """A request, read for placing. Holds the whole prompt: it is not kept."""

    flow: Flow
    prompt: Prompt
    session: Session
    work: Work | None = None
    """What it is for, where the request alone tells; None for a turn."""
    polled: str = ""
    """The id of the answer that it asks after."""
    seed: int = 0
    """A hash of whose conversations it may go on with: one upstream's, and one session's where it names one."""
    repeat: int = 0
    """A hash of the whole request: two that have the same are attempts at the same thing."""
    prints: Prints = field(default_factory=Prints)

    @cached_property
    def opening(self) -> str:
        """What the user said first."""
        return opening_of(self.prompt.messages)

    @cached_property
    def order(self) -> str:
        """The end of what the user said last, where the prompt ends with it."""
        return order_of(self.prompt)

    @cached_property
    def words(self) -> str:
        """All that the user said."""
        return "\n".join(own_words(message.text()) for message in self.prompt.messages if message.role == "user")

    @cached_property
    def text(self) -> str:
        """All that anybody said, on one line."""
        return " ".join(" ".join(message.text() for message in self.prompt.messages).split())

    def prepare(self, *, text: bool) -> None:
        """Work out what placing asks for, and `text` where it may. Of a large prompt, it takes long."""
        _ = self.opening, self.order, self.work and self.words, text and self.text


def is_whole(flow: Flow) -> bool:
    """Whether all of a flow's request is there."""
    return flow.timing.received is not None or flow.response is not None or not flow.live


def size_of(flow: Flow) -> int:
    """Bytes of what a flow's client sent, or what was sent in its place."""
    return max(len(flow.request.body), len(flow.sent.body))


def asked_of(flow: Flow, sent: Callable[[Flow], Prompt]) -> Asked | None:
    """What a flow asks for; None where that is no part of any conversation with a model.

    `sent` gives the prompt that went upstream. Otherwise it reads only what stays as it is: it may run in a thread.
    """
    request = flow.request
    if answer := polled(request) if "/responses/" in request.url else "":
        return Asked(flow, Prompt(), session_of(request.headers, {}, flow.session), Work.POLL, answer)
    beside = aside(request)
    if flow.dialect in _NO_CONVERSATION and beside is None:
        return None
    prompt = _prompt(flow, sent, beside)
    if prompt is None or not prompt.messages:
        return None
    session = session_of(request.headers, prompt.parameters, flow.session)
    named = (session.name, session.thread) if session.lasting else ("", "")
    seed = hash((url_host(request.url), *named))
    repeat = hash((request.method, request.url, _hashes(request.body.data), session.name, flow.agent))
    asked = Asked(flow, prompt, session, beside or small_work(flow.dialect, prompt), seed=seed, repeat=repeat)
    asked.prints = prints_of(prompt.messages, seed)
    return asked


def prompt_of(flow: Flow, transcripts: Transcripts) -> list[Message]:
    """The messages that a flow's client sent."""
    prompt = _prompt(flow, lambda each: transcripts.of(each).prompt, aside(flow.request))
    return prompt.messages if prompt is not None else []


def _hashes(data: bytearray) -> tuple[int, ...]:
    return tuple(hash(bytes(data[at : at + _SLICE])) for at in range(0, len(data), _SLICE))


def _prompt(flow: Flow, sent: Callable[[Flow], Prompt], beside: Work | None) -> Prompt | None:
    """What the client sent, not what somebody made of it; its next request goes on from that. None if unreadable."""
    if beside is None and (flow.forwarded is None or flow.forwarded.body is flow.request.body):
        return sent(flow)
    dialect = dialects.by_name(flow.dialect if beside is None else "openai-responses")
    data, _ = decoded(flow.request.headers, bytes(flow.request.body), REQUEST_LIMIT)
    try:
        return dialect.prompt(flow.request, data)
    except Exception:  # the border to dialects, which meet malformed input of every kind
        return None
