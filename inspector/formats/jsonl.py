"""Flows as JSON, one a line: the format `inspector/1`. Written and read as a stream, a line at a time.

A line has everything that the flow has, its bytes and the time of each chunk, so that the flow can be built again from
it; secrets in headers and URLs are masked. `input`, `output`, `usage`, `cost`, `certainty` and `tokens` say what the
bytes mean, for readers that do not speak the provider's API; they are worked out anew when a file is opened.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import Any, ClassVar

from inspector.formats._exporter import Line
from inspector.formats._json_line import chunks_json, json_line, rfc3339
from inspector.formats.genai import answer_json, certainty_json, message_json, usage_json
from inspector.formats.jsonl_reader import FORMAT, BrokenLine, read
from inspector.formats.jsonl_timing import timing_json
from inspector.formats.tokens import tokens_json
from inspector.model.flow import Capture, Flow, Mutation, Request, Response
from inspector.model.headers import Headers, mask_url, masked
from inspector.model.message import Transcript
from inspector.store.cost import cost_of
from inspector.store.transcripts import Transcripts

__all__ = ["FORMAT", "BrokenLine", "Jsonl", "flow_to_line", "read"]

Json = dict[str, Any]


class Jsonl:
    """See `Exporter`."""

    name: ClassVar[str] = "jsonl"
    title: ClassVar[str] = "JSONL"
    remark: ClassVar[str] = "Secrets are masked."
    suffix: ClassVar[str] = ".jsonl"
    takes_tokens: ClassVar[bool] = True
    head: ClassVar[bytes] = b""
    foot: ClassVar[bytes] = b""

    def lines(self, flows: Iterable[Flow], transcripts: Transcripts, *, tokens: bool = False) -> Line:
        """Every flow is a line."""
        return lambda flow: flow_to_line(flow, transcripts.of(flow), tokens=tokens)


def flow_to_line(flow: Flow, transcript: Transcript, *, tokens: bool = False) -> bytes:
    """A flow as one line, its line feed included; with `tokens` every token and its alternatives, too."""
    bare: Json = {
        "format": FORMAT,
        "id": flow.id,
        "seq": flow.seq,
        "source": flow.source,
        "agent": flow.agent,
        "dialect": flow.dialect,
        "provider": flow.provider,
        "parent": flow.parent,
        "started": rfc3339(flow.started),
        "request": _request(flow.request),
    }
    if flow.session:
        bare["session"] = flow.session
    if flow.label:
        bare["label"] = flow.label
    if flow.marked:
        bare["marked"] = True
    if flow.comment:
        bare["comment"] = flow.comment
    if flow.forwarded is not None:
        bare["forwarded"] = _request(flow.forwarded)
    bare["mutations"] = [_mutation(mutation) for mutation in flow.mutations]
    if flow.injected:
        bare["injected"] = flow.injected
    bare["response"] = _response(flow.response) if flow.response is not None else None
    if flow.delivered is not None:
        bare["delivered"] = _response(flow.delivered)
    said = {**_said(transcript), "cost": _cost(flow, transcript)}
    if tokens:
        said["tokens"] = tokens_json(flow)
    tail: Json = {
        "timing": timing_json(flow.timing, transcript.first_token),
        "notes": flow.notes,
        "error": flow.error,
        "end": {"reason": flow.end.reason.value, "by": flow.end.by} if flow.end is not None else None,
    }
    try:
        return json_line({**bare, **said, **tail})
    except RecursionError:
        return json_line({**bare, "input": [], "output": None, "usage": None, "cost": None, **tail})


def _said(transcript: Transcript) -> Json:
    answer = transcript.answer
    said: Json = {
        "input": [message_json(message) for message in transcript.prompt.messages],
        "output": answer_json(answer.message) if answer.message is not None else None,
    }
    if len(answer.choices) > 1:
        said["choices"] = [answer_json(choice) for choice in answer.choices]
    said["usage"] = usage_json(answer.usage) if answer.usage is not None else None
    if certainty := certainty_json(answer.certainty):
        said["certainty"] = certainty
    return said


def _cost(flow: Flow, transcript: Transcript) -> Json | None:
    cost = cost_of(flow, transcript, wait=True)
    return {"usd": cost.usd, "source": cost.source} if cost is not None else None


def _request(request: Request) -> Json:
    return {
        "method": request.method,
        "url": mask_url(request.url),
        "headers": _headers(request.headers),
        **_body(request.body),
    }


def _response(response: Response) -> Json:
    return {
        "status": response.status,
        "reason": response.reason,
        "headers": _headers(response.headers),
        **_body(response.body),
        "chunks": chunks_json(response.body),
    }


def _headers(headers: Headers) -> list[tuple[str, str]]:
    return list(masked(headers))


def _body(body: Capture) -> Json:
    """Text where the bytes are UTF-8, which JSON gives back as they were; base64 of anything else."""
    data = bytes(body)
    try:
        return {"body": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": b64encode(data).decode("ascii")}


def _mutation(mutation: Mutation) -> Json:
    return {
        "name": mutation.name,
        "by": mutation.by,
        "before": mask_url(mutation.before),
        "after": mask_url(mutation.after),
    }
