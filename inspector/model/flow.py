"""A flow: one request on its way through, what came back, and everything that was done to it.

Bytes are the truth. A flow keeps what passed, and when; what it means (messages, tool calls, usage) is worked out
elsewhere and may be thrown away. All times are milliseconds since the flow's start, unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from inspector.model.capture import Capture, Fetch
from inspector.model.headers import Headers, mask_url

__all__ = [
    "Capture",
    "End",
    "Fetch",
    "Flow",
    "Hold",
    "Moment",
    "Mutation",
    "Reason",
    "Request",
    "Response",
    "State",
    "Timing",
]


class State(StrEnum):
    """Where a flow stands."""

    RECEIVING = "receiving"
    """The client is still sending its request."""
    WAITING = "waiting"
    """The upstream has not answered yet."""
    STREAMING = "stream"
    """The response is on its way."""
    HELD = "held"
    """Somebody stopped it, and it waits to be let go."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Moment(StrEnum):
    """The points of a flow's way at which it can be stopped."""

    REQUEST = "request"
    """The request has come whole, and nothing of it went on."""
    HEAD = "head"
    """The answer's status and headers have come, and the client has nothing of it."""
    EVENT = "event"
    """In the middle of the answer, as soon as it means something."""
    END = "end"
    """The answer has come whole, and the client has nothing of its content."""


class Reason(StrEnum):
    """Why a flow ended."""

    DONE = "done"
    """The response was relayed to its end."""
    CLIENT_GONE = "client_gone"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    """Refused, no such name, TLS failure, or no connection within the connect time-out."""
    UPSTREAM_RESET = "upstream_reset"
    """The upstream broke off before the end of its response."""
    TIMEOUT = "timeout"
    UNROUTED = "unrouted"
    """Nothing says where this path should go."""
    REFUSED = "refused"
    """The proxy itself turned the request down: too large, an upgrade, a bad path."""
    HANDLER_ERROR = "handler_error"
    """A hook raised."""
    UNFINISHED = "unfinished"
    """A hook returned without a response."""
    DROPPED = "dropped"
    """The person closed the connection."""
    FAULT = "fault"
    """A fault that somebody asked for broke it off."""
    SHUTDOWN = "shutdown"
    INTERRUPTED = "interrupted"
    """A recording stops before the flow's end: the process that wrote it died."""


@dataclass(frozen=True, slots=True)
class End:
    """The one end of a flow: why, and who brought it about (client, upstream, proxy, hook)."""

    reason: Reason
    by: str


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change that somebody made to what passes: nothing is altered in silence. URLs in it are masked."""

    name: str
    """What changed, e.g. `credential`, `headers`, `body`, `response`."""
    by: str
    """Who changed it: `config`, `hook`, or a rule's name."""
    before: str = ""
    after: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", mask_url(self.before))
        object.__setattr__(self, "after", mask_url(self.after))


@dataclass(slots=True)
class Request:
    """A request: what the client asked for, or what was sent on in its place."""

    method: str
    url: str
    """Absolute, with the upstream's host; the path and query are spelled as the client spelled them."""
    headers: Headers
    body: Capture = field(default_factory=Capture)

    def copy(self, **changes: Any) -> Request:
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def with_body(self, body: bytes) -> Request:
        """A copy with another body, not encoded; its length and encoding in the headers are put right."""
        headers = self.headers.without("content-encoding")
        if "content-length" in headers:
            headers = headers.set("Content-Length", str(len(body)))
        return replace(self, headers=headers, body=Capture(body))


@dataclass(slots=True)
class Response:
    """A response, growing while it streams."""

    status: int
    headers: Headers
    reason: str = ""
    body: Capture = field(default_factory=Capture)


@dataclass(slots=True)
class Timing:
    """Milestones of a flow in ms since its start; None where it was never reached."""

    received: float | None = None
    """The last byte of the request had come."""
    forwarded: float | None = None
    """The request was handed to the upstream client."""
    head: float | None = None
    """The response's status and headers had come."""
    ended: float | None = None
    held: float = 0.0
    """How long somebody held it, all holds together."""
    held_request: float | None = None
    """How much of `held` was before the request went on; None where it did not get as far, or nobody knows."""
    held_head: float | None = None
    """How much of `held` was between the answer's head and its first byte to the client; None as above."""
    resolved: float | None = None
    """The upstream's name had become an address; None where the connection was there already, as the next one is."""
    reached: float | None = None
    """The TCP connection stood. Where there is TLS, it came after that."""
    connected: float | None = None
    """The connection was ready for the request, TLS and a proxy's tunnel included."""
    reused: bool | None = None
    """Whether that connection was there already; None where nobody knows."""
    added: float | None = None
    """What relaying the answer's chunks took, each from its arrival until the client had it, all together. A client
    that reads too slowly counts; a hold does not, but where the answer is too large to be kept meanwhile.
    """
    added_most: float | None = None
    """The most of it for one chunk."""


@dataclass(slots=True)
class Hold:
    """That a flow stands still, and what is known of it meanwhile."""

    moment: Moment
    by: str
    """Who stopped it: `hand`, or the breakpoint as it is written."""
    since: float
    """In ms since the flow's start."""
    waiting: int = 0
    """Events of the upstream that the client does not have yet."""
    waiting_bytes: int = 0
    upstream_done: bool = False
    """The upstream's answer has come whole."""
    kept_alive: int = 0
    """Keep-alives that the client was sent meanwhile."""
    gives_up: float | None = None
    """When the client is likely to run out of patience, in ms since the flow's start; None where nobody knows."""


@dataclass(slots=True, eq=False)
class Flow:
    """One request and its response, from the first byte to the one recorded end."""

    id: str
    request: Request
    started: float
    """Wall clock, in seconds since the epoch."""
    clock: float = 0.0
    """The monotonic clock at the start, in seconds; zero of all other times of the flow."""
    seq: int = 0
    """Place in the session, from 1, by arrival; 0 until a store has it."""
    source: str = "net"
    """How it came in: `net` over the listener; `file` from a file that does not say."""
    agent: str = ""
    dialect: str = "raw"
    provider: str = ""
    parent: str | None = None
    """The id of the flow that this one repeats or continues."""
    session: str = ""
    """The session that its client was given by the base URL or a header of ours; see `model/sessions.py` for others."""
    label: str = ""
    """What it is called in the list where its number alone would not say it: `42.1` is the first replay of 42."""
    forwarded: Request | None = None
    """What was sent on, only where it differs from `request`."""
    response: Response | None = None
    """What the upstream (or whoever answered in its place) gave."""
    delivered: Response | None = None
    """What the client got, only where it differs from `response`."""
    hold: Hold | None = None
    """Set while it is held."""
    mutations: list[Mutation] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Remarks of those who read the flow: what could not be parsed, what a hook raised."""
    injected: tuple[str, ...] = ()
    """What was added to the request for the person's sake, by its names in the API. What the answer has of it is taken
    out on the last step to the client: `response` and `delivered` still have it.
    """
    marked: bool = False
    """The person picked it out, to find it again and to compare others with it."""
    comment: str = ""
    """What the person wrote on it, on one line."""
    error: str | None = None
    """What went wrong, in words, where something did."""
    end: End | None = None
    timing: Timing = field(default_factory=Timing)
    revision: int = 0
    """Grows with every change; set by the store that holds the flow."""

    @property
    def state(self) -> State:
        """Where the flow stands, from what is known of it."""
        if self.end is None:
            if self.hold is not None:
                return State.HELD
            if self.response is not None:
                return State.STREAMING
            return State.RECEIVING if self.timing.received is None else State.WAITING
        if self.end.reason is Reason.CLIENT_GONE:
            return State.CANCELLED
        failed = self.end.reason is not Reason.DONE or self.response is None or self.response.status >= 400
        return State.FAILED if failed else State.DONE

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.end is None

    @property
    def sent(self) -> Request:
        """The request as it went upstream."""
        return self.forwarded or self.request

    @property
    def answered(self) -> Response | None:
        """The response as the client has it; while the flow is held, as it has come."""
        return self.response if self.delivered is None or self.hold is not None else self.delivered

    @property
    def edited(self) -> bool:
        """Whether a person, a rule or a hook changed what passed. What a profile changes of each request is no news."""
        return any(mutation.by not in ("config", "proxy", "capture") for mutation in self.mutations)

    @property
    def number(self) -> str:
        """What it is called in the list. A label comes from a file, which anybody may have written."""
        return self.label if self.label and self.label.isprintable() else str(self.seq)

    def note(self, text: str) -> None:
        """Add a remark, once; credentials in URLs are masked."""
        text = mask_url(text)
        if text not in self.notes:
            self.notes.append(text)

    def finish(self, at: float, reason: Reason, by: str, error: str | None = None) -> bool:
        """End the flow; False where it had ended already, and then nothing changes. URLs in `error` are masked."""
        if self.end is not None:
            return False
        self.timing.ended = at
        self.error = mask_url(error) if error is not None else self.error
        self.end = End(reason, by)
        return True
