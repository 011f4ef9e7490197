"""What the client hears when no response of the upstream's can be given, and what is recorded of it."""

from __future__ import annotations

import httpx
import orjson
from starlette.types import Send

from inspector.model.flow import Reason
from inspector.model.headers import Headers, mask_url


class Refusal(Exception):
    """The end of a request by the proxy's own word: an HTTP status with a JSON body, and the reason on the flow."""

    def __init__(self, status: int, reason: Reason, by: str, message: str) -> None:
        self.message = mask_url(message)
        super().__init__(self.message)
        self.status = status
        self.reason = reason
        self.by = by

    def body(self) -> bytes:
        """The JSON that the client gets, in the shape that both the OpenAI and the Anthropic SDKs read."""
        error = {"type": f"inspector_{self.reason}", "message": self.message}
        return orjson.dumps({"type": "error", "error": error})

    def headers(self) -> Headers:
        """The headers that go with it."""
        return Headers([("content-type", "application/json"), ("content-length", str(len(self.body())))])


async def answered(refusal: Refusal, send: Send) -> None:
    """Give a client its refusal."""
    await send({"type": "http.response.start", "status": refusal.status, "headers": refusal.headers().raw()})
    await send({"type": "http.response.body", "body": refusal.body(), "more_body": False})


def from_upstream(error: httpx.TransportError) -> Refusal:
    """The refusal for an upstream that failed before its response began."""
    message = str(error)
    match error:
        case httpx.ConnectTimeout():
            return Refusal(504, Reason.UPSTREAM_UNREACHABLE, "upstream", message)
        case httpx.TimeoutException():
            return Refusal(504, Reason.TIMEOUT, "upstream", message or "no answer within the request time-out")
        case httpx.ProxyError() | httpx.UnsupportedProtocol():  # their own words quote the address of the proxy
            words = "the proxy that the environment names cannot be used, or wants a password"
            return Refusal(502, Reason.UPSTREAM_UNREACHABLE, "upstream", words)
        case httpx.ConnectError():
            return Refusal(502, Reason.UPSTREAM_UNREACHABLE, "upstream", message)
        case httpx.LocalProtocolError():
            return Refusal(502, Reason.REFUSED, "proxy", message)
        case _:
            return Refusal(502, Reason.UPSTREAM_RESET, "upstream", message)
