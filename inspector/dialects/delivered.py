"""What the client got of an answer that had more in it."""

from __future__ import annotations

from inspector.dialects import by_name
from inspector.model.flow import Flow
from inspector.wire.body import decoded


def delivered_body(flow: Flow) -> bytes:
    """The body that the client really got, decoded: without what was asked for behind its back. Empty where no answer
    came.
    """
    response = flow.delivered or flow.response
    if response is None:
        return b""
    body, _ = decoded(response.headers, bytes(response.body))
    logprobs = by_name(flow.dialect).logprobs
    if not flow.injected or logprobs is None:
        return body
    strip = logprobs.strip(flow.injected)
    if response.headers.get("content-type").lower().startswith("text/event-stream"):
        return strip.feed(body) + strip.close()
    return strip.document(body)
