"""uvicorn's HTTP/1.1 protocol, made exact: header names keep their spelling, reason phrases their words.

ASGI asks servers to lower-case names and has no reason phrase. Both pass through a proxy unchanged, so the protocol
hands the lines as received to the app in `scope["extensions"]["inspector.headers"]`, and takes a `reason` (bytes) in
`http.response.start`. Beside them stand the connection's Hangup (`inspector.hangup`), and a way to write chunks without
ASGI's messages (`inspector.write`, see `write_chunk`) or to hang up (`inspector.drop`).
"""

from __future__ import annotations

import asyncio
from typing import Any, Literal, cast

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from inspector.proxy.client_watch import Hangup

BODILESS = (204, 304)


class HeadWaits:
    """A transport with the response's head before it, which waits for the end of the loop's turn: where the upstream's
    answer came in one piece, it leaves in one piece, for the price of one system call.
    """

    __slots__ = ("_head", "transport")

    def __init__(self, transport: asyncio.Transport, head: bytes) -> None:
        self.transport = transport
        self._head = head

    def write(self, data: bytes) -> None:
        """Write, behind the head."""
        head, self._head = self._head, b""
        self.transport.write(head + data)

    def flush(self) -> None:
        """Write the head, where it still waits."""
        if self._head and not self.transport.is_closing():
            self.write(b"")

    def close(self) -> None:
        """Close, when the head is out."""
        self.flush()
        self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def is_closing(self) -> bool:
        """Whether it closes, or is closed."""
        return self.transport.is_closing()


class ExactProtocol(HttpToolsProtocol):
    """One client connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.hangup = Hangup()

    def on_message_begin(self) -> None:
        """Make room for the names as they were spelled."""
        super().on_message_begin()
        self.spelled: list[tuple[bytes, bytes]] = []
        extensions: Any = {"inspector.headers": self.spelled, "inspector.hangup": self.hangup}
        self.scope["extensions"] = extensions

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header line as it came, beside uvicorn's own."""
        super().on_header(name, value)
        self.spelled.append((name, value))

    def on_message_complete(self) -> None:
        """Go on reading after a large body: a hang-up is read, too."""
        super().on_message_complete()
        self.flow.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell those who wait for the client's sake."""
        super().connection_lost(exc)
        self.hangup.happen()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # uvicorn builds the cycle in the middle of a long method; changing its class is the one seam it leaves.
        cycle.__class__ = ExactCycle
        extensions: Any = cycle.scope["extensions"]
        extensions["inspector.write"] = cast(ExactCycle, cycle).write_chunk
        extensions["inspector.drop"] = cast(ExactCycle, cycle).drop
        super()._start_asgi_task(cycle, app)


class ExactCycle(RequestResponseCycle):
    """One request and its response."""

    body_is: Literal["framed", "until close", "none"] = "framed"
    """How the client finds the body's end; a client of HTTP/1.0 knows no chunks."""
    _head: HeadWaits | None = None

    async def send(self, message: Any) -> None:
        """ASGI's send: the head is written as given, everything else by uvicorn."""
        if not self.response_started and message["type"] == "http.response.start":
            await self._send_head(message)
            return
        if self.body_is == "none":
            message = message | {"body": b""}
        elif self.body_is == "until close":
            self.expected_content_length = len(message["body"])
        await super().send(message)
        if self.response_complete:
            self._write_head()

    def write_chunk(self, chunk: bytes) -> bool:
        """Write a piece of a body at once; False where that cannot be, and it must go by `send`."""
        if not self.response_started or self.flow.write_paused or self.disconnected or self.response_complete:
            return False
        if self.chunked_encoding:
            if chunk:  # an empty one would end the body
                self.transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        elif self.body_is == "framed" and len(chunk) <= self.expected_content_length:
            self.expected_content_length -= len(chunk)
            self.transport.write(chunk)
        else:
            return False
        return True

    def drop(self) -> None:
        """Close the connection at once, wherever the response stands."""
        self.disconnected = True
        self.transport.abort()

    async def _send_head(self, message: Any) -> None:
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        status: int = message["status"]
        reason = message.get("reason")
        lines = [STATUS_LINE[status].rstrip() if reason is None else b"HTTP/1.1 %d %b" % (status, reason)]
        lines += [self._header(name, value) for name, value in message["headers"]]
        if status in BODILESS or self.scope["method"] == "HEAD":
            self.expected_content_length, self.body_is = 0, "none"
        elif self.chunked_encoding is None:
            if self.scope["http_version"] == "1.0":
                self.body_is = "until close"
            else:
                self.chunked_encoding = True
                lines.append(b"transfer-encoding: chunked")
        if not self.keep_alive:
            lines.append(b"connection: close")
        self.response_started = True
        self.waiting_for_100_continue = False
        self._head = HeadWaits(self.transport, b"\r\n".join([*lines, b"", b""]))
        self.transport = cast(Any, self._head)
        asyncio.get_running_loop().call_soon(self._write_head)

    def _write_head(self) -> None:
        """Write the head, where the body's first bytes did not take it along."""
        if self._head is not None:
            self._head.flush()
            self.transport, self._head = self._head.transport, None

    def _header(self, name: bytes, value: bytes) -> bytes:
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise ValueError(f"the header {name!r} cannot be written")
        if name.lower() == b"content-length":
            self.expected_content_length = int(value)
            self.chunked_encoding = False
        return name + b": " + value
