"""Flows as OpenTelemetry traces in OTLP/JSON: one document a line, as the collector's file exporter writes them.

https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/ and, for the mapping of Protobuf to JSON,
https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: ids are hexadecimal, integers of 64 bits are strings.
A flow is a span of kind CLIENT, after the GenAI conventions where a model was asked; a tool that ran between two flows
is a span below the flow that called it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from inspector import __version__
from inspector.formats._exporter import Line
from inspector.formats._json_line import json_line
from inspector.formats._otlp_values import attributes, nanoseconds, span_id, tool_span_id, trace_id
from inspector.formats.otlp_attributes import flow_attributes, span_name
from inspector.formats.otlp_traces import Home, ToolRun, Traces
from inspector.model.flow import Flow, State
from inspector.model.message import Transcript
from inspector.store.transcripts import Transcripts

Json = dict[str, Any]

_INTERNAL, _CLIENT = 1, 3
"""Kinds of spans."""
_ERROR = 2
"""The code of a failed span's status. Others have none: what is OK is for a person to say."""


class Otlp:
    """See `Exporter`. A flow is a line, with the tools whose results it brings."""

    name: ClassVar[str] = "otlp"
    title: ClassVar[str] = "OpenTelemetry"
    remark: ClassVar[str] = "OTLP/JSON with what was said: a trace a conversation."
    suffix: ClassVar[str] = ".jsonl"
    takes_tokens: ClassVar[bool] = False
    head: ClassVar[bytes] = b""
    foot: ClassVar[bytes] = b""

    def lines(self, flows: Iterable[Flow], transcripts: Transcripts, *, tokens: bool = False) -> Line:
        """Tools are found where flows come in the order of their arrival."""
        traces = Traces()

        def line(flow: Flow) -> bytes:
            transcript = transcripts.of(flow)
            home, runs = traces.take(flow, transcript, transcripts.place(flow))
            try:
                return json_line(_document(flow, [*map(_tool_span, runs), _flow_span(flow, transcript, home)]))
            except RecursionError:
                return json_line(_document(flow, [_flow_span(flow, Transcript(), home)]))

        return line


def _document(flow: Flow, spans: list[Json]) -> Json:
    """The spans of one flow, as one whole export."""
    resource = {"service.name": flow.agent or "inspector", "inspector.source": flow.source}
    scope = {"name": "inspector", "version": __version__}
    return {
        "resourceSpans": [
            {"resource": {"attributes": attributes(resource)}, "scopeSpans": [{"scope": scope, "spans": spans}]}
        ]
    }


def _flow_span(flow: Flow, transcript: Transcript, home: Home) -> Json:
    trace = trace_id(home.trace)
    span: Json = {"traceId": trace, "spanId": span_id(flow.id)}
    if home.cause is not None:
        span["parentSpanId"] = tool_span_id(*home.cause)
    span |= {
        "name": span_name(flow, transcript),
        "kind": _CLIENT,
        "startTimeUnixNano": nanoseconds(flow.started),
        "endTimeUnixNano": nanoseconds(flow.started, _last(flow)),
        "attributes": attributes({**flow_attributes(flow, transcript), "gen_ai.conversation.id": home.conversation}),
    }
    if flow.parent:
        original = {"traceId": trace, "spanId": span_id(flow.parent)}
        span["links"] = [{**original, "attributes": attributes({"inspector.link": "replay of"})}]
    if status := _status(flow, transcript):
        span["status"] = status
    return span


def _last(flow: Flow) -> float:
    """The last moment of a flow that is known, in ms since its start."""
    timing, body = flow.timing, flow.answered.body if flow.answered is not None else None
    known = (timing.ended, body.times[-1] if body is not None and body.chunks else None, timing.head, timing.received)
    return max(0.0, next((at for at in known if at is not None), 0.0))


def _status(flow: Flow, transcript: Transcript) -> Json:
    error = flow.error or transcript.answer.error
    if error or flow.state in (State.FAILED, State.CANCELLED):
        return {"code": _ERROR, **({"message": error} if error else {})}
    return {}


def _tool_span(run: ToolRun) -> Json:
    call = run.call
    said = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": call.name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call.id,
        "gen_ai.tool.call.arguments": call.arguments,
        "gen_ai.tool.call.result": run.result,
        "error.type": "tool_error" if run.failed else None,
    }
    return {
        "traceId": trace_id(call.trace),
        "spanId": tool_span_id(call.flow, call.id),
        "parentSpanId": span_id(call.flow),
        "name": f"execute_tool {call.name}",
        "kind": _INTERNAL,
        "startTimeUnixNano": nanoseconds(call.at),
        "endTimeUnixNano": nanoseconds(max(call.at, run.at)),
        "attributes": attributes(said),
        **({"status": {"code": _ERROR}} if run.failed else {}),
    }
