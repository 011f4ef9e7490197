"""One request of the harness: what is asked, what the upstream is to do with it, and what each side has of it."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import random
from dataclasses import dataclass, field
from typing import NamedTuple

from inspector.proxy.held import Held
from tests.harness.traffic import Kind, body_of

MANNERS = (
    *("whole", "slow", "slow", "slow"),
    *("cut", "reset"),  # in the middle of a chunked answer, at any byte
    *("short", "long"),  # less, and more, than the length that was promised
    "unframed",  # ends where the connection does
    *("error", "garbage"),  # a whole answer that says so, and one that is none of the dialect
    *("silent", "noise"),  # no answer, and one that is not HTTP
)
"""What an upstream may do."""

BROKEN = ("cut", "reset", "short", "long", "silent", "noise")
"""After which an answer need not be whole; what stands behind its promised length may count as no HTTP."""

CLIENTS = ("raw", "raw", "httpx", "half", "pair")
"""How a client may ask; `half`: it sends the rest of its request later; `pair`: two requests before an answer."""


@dataclass(eq=False)
class Exchange:
    """One request."""

    number: int
    kind: Kind
    streamed: bool
    manner: str
    client: str = "raw"
    zipped: bool = False
    """The answer comes compressed."""
    place: int = 0
    """Where the answer is cut, and how it is split: any number."""
    due: int = 0
    """How many pieces a slow upstream may send."""
    received: bytes | None = None
    """The body that the upstream got."""
    sent: bytes = b""
    """What the upstream sent of the answer's body, in the length that it promised."""
    finished: bool = False
    """The upstream has done what it was to do."""
    asking: asyncio.Event = field(default_factory=asyncio.Event)
    """A client that sent half a request goes on when this is set."""
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    """A client that reads slowly reads while this is set."""
    status: int = 0
    body: bytes = b""
    """What the client has of the answer."""
    whole: bool = False
    """The client was told that the answer is whole."""
    over: bool = False
    """The client has the answer's end, or none will come."""
    left: bool = False
    """The client hung up first."""
    task: asyncio.Task[None] | None = None
    after: Exchange | None = None
    """The one before it on the same connection."""
    held: Held | None = None
    """The hold at which a person changed it."""

    def __post_init__(self) -> None:
        if self.client != "half":
            self.asking.set()

    @property
    def asked(self) -> bytes:
        """The request's body."""
        return body_of(self.streamed)

    @property
    def plain(self) -> bytes:
        """The body that the upstream means to send, not compressed."""
        if self.manner == "error":
            return b'{"error": {"message": "overloaded", "type": "overloaded_error"}}'
        if self.manner == "garbage":
            return b"\x16\x03\x01\xff\x00" + self.kind.stream[::-1]
        return self.kind.stream if self.streamed else self.kind.document

    @property
    def answer(self) -> bytes:
        """The same as it is on the wire."""
        return gzip.compress(self.plain, mtime=0) if self.zipped else self.plain

    def pieces(self) -> list[bytes]:
        """The answer as it is sent, by event or split anywhere; without what a broken one does not send."""
        answer = self.answer
        if answer == self.kind.stream and self.place % 2 and self.manner != "cut":
            pieces = list(self.kind.pieces)
        else:
            dice = random.Random(self.place)
            places = sorted({0, len(answer), *(dice.randrange(len(answer)) for _ in range(8))})
            pieces = [answer[start:end] for start, end in itertools.pairwise(places)]
        if self.manner in ("cut", "reset", "short"):
            left = len(answer) * self.place // 1001
            ends = list(itertools.accumulate(map(len, pieces)))
            pieces = [p[: max(0, left - end + len(p))] for p, end in zip(pieces, ends, strict=True)]
        return [piece for piece in pieces if piece]


class Answer(NamedTuple):
    """What a client has of an answer."""

    status: int
    body: bytes
    whole: bool


def answers(raw: bytes) -> list[Answer]:
    """What a client has of the answers on a connection; all but the last are whole. ValueError for bad framing."""
    found: list[Answer] = []
    while (split := raw.partition(b"\r\n\r\n"))[1]:
        head, _, rest = split
        status, fields = int(head.split(b" ", 2)[1]), head.lower()
        if b"transfer-encoding: chunked" in fields:
            body, raw, whole = _chunked(rest)
        else:
            length = int(fields.partition(b"content-length:")[2].partition(b"\r\n")[0])
            body, raw, whole = rest[:length], rest[length:], len(rest) >= length
        found.append(Answer(status, body, whole))
        if not whole:
            break
    return found


def _chunked(rest: bytes) -> tuple[bytes, bytes, bool]:
    """The body, what stands behind it, and whether its end has come."""
    body = b""
    while (size := rest.partition(b"\r\n"))[1]:
        length = int(size[0], 16)
        if len(size[2]) < length + 2:
            return body + size[2][:length], b"", False
        if size[2][length : length + 2] != b"\r\n":
            raise ValueError("a chunk is longer than it says")
        rest = size[2][length + 2 :]
        if not length:
            return body, rest, True
        body += size[2][:length]
    return body, b"", False
