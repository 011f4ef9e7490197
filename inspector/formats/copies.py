"""What becomes of one flow on its way to the clipboard, or to a file of its own."""

from __future__ import annotations

from typing import ClassVar, Protocol

from inspector.formats.markdown import Markdown
from inspector.formats.snippet_curl import Curl
from inspector.formats.snippet_python import Python
from inspector.model.flow import Flow, Request, Response
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded


class Copy(Protocol):
    """One form. Stateless; found by its name in `COPIES`."""

    name: ClassVar[str]
    title: ClassVar[str]
    """As it is called on the screen."""
    suffix: ClassVar[str]
    """How a file of it ends, with its dot."""

    def data(self, flow: Flow, transcripts: Transcripts) -> bytes:
        """The flow in this form. ValueError, in words for the person, where it has none."""


class RequestBody:
    """The body that went upstream, decoded."""

    name: ClassVar[str] = "request-body"
    title: ClassVar[str] = "request body"
    suffix: ClassVar[str] = ".request"

    def data(self, flow: Flow, transcripts: Transcripts) -> bytes:
        """Its bytes."""
        return _body(flow.sent, "request")


class ResponseBody:
    """The body of the answer as the client has it, as far as it has come, decoded."""

    name: ClassVar[str] = "response-body"
    title: ClassVar[str] = "response body"
    suffix: ClassVar[str] = ".response"

    def data(self, flow: Flow, transcripts: Transcripts) -> bytes:
        """Its bytes."""
        return _body(flow.answered, "response")


_ALL: tuple[Copy, ...] = (Curl(), Python(), Markdown(), RequestBody(), ResponseBody())

COPIES: dict[str, Copy] = {copy.name: copy for copy in _ALL}
"""By name, in the order in which they are offered."""


def _body(message: Request | Response | None, kind: str) -> bytes:
    if message is None or not len(message.body):
        raise ValueError(f"the {kind} has no body")
    return decoded(message.headers, bytes(message.body))[0]
