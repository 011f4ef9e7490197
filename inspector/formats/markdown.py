"""A flow as Markdown: the conversation as a person reads it, from the instructions to the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import ClassVar

from inspector.formats._exporter import Line
from inspector.formats._markdown_text import code, fenced, quoted
from inspector.model.flow import Capture, Flow, Request, Response
from inspector.model.headers import Headers, mask_url
from inspector.model.message import (
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Usage,
)
from inspector.store.cost import cost_of
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded
from inspector.wire.json_edit import pretty
from inspector.wire.json_errors import JsonError

_TITLES = {"system": "System", "user": "User", "assistant": "Assistant", "tool": "Tool"}
_SETTING = 60
"""Characters of a setting from which on it is left out: a schema says little at the head of a conversation."""


class Markdown:
    """See `Exporter` and `Copy`. Each flow is a chapter of its own."""

    name: ClassVar[str] = "markdown"
    title: ClassVar[str] = "Markdown"
    remark: ClassVar[str] = "For reading; it cannot be opened again."
    takes_tokens: ClassVar[bool] = False
    suffix: ClassVar[str] = ".md"
    head: ClassVar[bytes] = b""
    foot: ClassVar[bytes] = b""

    def lines(self, flows: Iterable[Flow], transcripts: Transcripts, *, tokens: bool = False) -> Line:
        """Every flow is a chapter, with a blank line behind it."""
        return lambda flow: self.data(flow, transcripts) + b"\n"

    def data(self, flow: Flow, transcripts: Transcripts) -> bytes:
        """The chapter, a line feed at its end. It never raises, whatever the flow holds."""
        return chapter(flow, transcripts.of(flow)).encode("utf-8", "replace")


def chapter(flow: Flow, transcript: Transcript) -> str:
    """A flow as Markdown."""
    prompt, answer = transcript.prompt, transcript.answer
    blocks = [f"# Flow {code(flow.number)}", "\n".join(f"- {line}" for line in _facts(flow, transcript))]
    for message in prompt.messages:
        blocks += _message(message)
    for number, choice in enumerate(answer.choices, 1):
        blocks += _message(choice, "Answer" if len(answer.choices) == 1 else f"Answer {number}")
    if not prompt.messages and not answer.choices:
        blocks += _bodies(flow)
    return "\n\n".join(blocks) + "\n"


def _facts(flow: Flow, transcript: Transcript) -> Iterator[str]:
    """What stands above the conversation."""
    prompt, answer = transcript.prompt, transcript.answer
    if model := prompt.model or answer.model:
        given = f", answered by {code(answer.model)}" if answer.model not in ("", model) else ""
        yield f"model: {code(model)}{given}"
    yield f"request: {code(f'{flow.sent.method} {mask_url(flow.sent.url)}')}"
    if flow.comment:
        yield f"comment: {code(flow.comment)}"
    if flow.marked:
        yield "marked"
    if flow.agent:
        yield f"agent: {code(flow.agent)}"
    yield f"time: {datetime.fromtimestamp(flow.started, UTC):%Y-%m-%d %H:%M:%S} UTC{_duration(flow)}"
    if answer.usage is not None and (counts := ", ".join(_counts(answer.usage))):
        yield f"tokens: {counts}"
    if cost := cost_of(flow, transcript, wait=not flow.live):
        yield f"cost: {_dollars(cost.usd)}" + (" by the price list" if cost.source != "provider" else "")
    if settings := ", ".join(_settings(prompt.parameters)):
        yield f"settings: {settings}"
    if prompt.tools:
        yield f"tools: {', '.join(code(tool.name) for tool in prompt.tools)}"
    if flow.response is not None and flow.response.status != 200:
        yield f"status: {flow.response.status}"
    if error := flow.error or answer.error:
        yield f"error: {code(error)}"
    if flow.edited:
        yield f"changed by: {', '.join(sorted({code(mutation.by) for mutation in flow.mutations}))}"


def _duration(flow: Flow) -> str:
    return f", {flow.timing.ended / 1000:.1f} s" if flow.timing.ended is not None else ""


def _dollars(usd: float) -> str:
    return "less than $0.000001" if 0 < usd < 0.000_001 else f"${usd:.6f}"


def _counts(usage: Usage) -> Iterator[str]:
    if usage.input_tokens is not None:
        cached = usage.cache_read_input_tokens
        yield f"{usage.input_tokens:,} in" + (f" ({cached:,} from the cache)" if cached else "")
    if usage.output_tokens is not None:
        reasoning = usage.reasoning_output_tokens
        yield f"{usage.output_tokens:,} out" + (f" ({reasoning:,} of reasoning)" if reasoning else "")


def _settings(parameters: dict[str, object]) -> Iterator[str]:
    for name, value in parameters.items():
        if isinstance(value, str | int | float) and len(written := f"{name}={value}") <= _SETTING:
            yield code(written)


def _message(message: Message, title: str = "") -> Iterator[str]:
    """A heading and the parts of a message; nothing of one that is empty."""
    blocks = [block for part in message.parts for block in _part(part)]
    finish = message.finish_reason
    if not blocks and not finish:
        return
    named = f" {code(message.name)}" if message.name else ""
    yield f"## {title or _TITLES[message.role]}{named}"
    yield from blocks
    if finish:
        yield f"*ended:* {code(finish)}"


def _part(part: Part) -> Iterator[str]:
    match part:
        case Text():
            yield from _quote(str(part.content))
        case Refusal():
            yield from chain(["**Refused**"], _quote(str(part.content)))
        case Reasoning():
            yield from _reasoning(part)
        case ToolCall():
            yield from _call(part)
        case ToolResult():
            words = "Failed result" if part.is_error else "Result"
            yield " · ".join([f"**{words}**", *(code(each) for each in (part.name, part.id) if each)])
            yield fenced(part.content)
        case Media():
            yield from _media(part)
        case Other():
            yield f"**Other part** {code(part.kind)}"


def _quote(text: str) -> Iterator[str]:
    if text:
        yield quoted(text)


def _reasoning(part: Reasoning) -> Iterator[str]:
    sealed = "" if part.content else ", sealed by the provider"
    yield f"<details>\n<summary>Reasoning{sealed}</summary>"
    yield from _quote(str(part.content))
    yield "</details>"


def _call(call: ToolCall) -> Iterator[str]:
    words = "Call" if not call.server_side else "Call, run by the provider"
    yield " · ".join([f"**{words}**", *(code(each) for each in (call.name, call.id) if each)])
    if arguments := str(call.arguments):
        yield _json_or_text(arguments)


def _media(media: Media) -> Iterator[str]:
    size = f"{media.size:,} bytes" if media.size else ""
    known = (code(each) for each in (media.mime_type, media.uri) if each)
    yield ", ".join(filter(None, (f"**{media.modality.capitalize()}**", *known, size)))
    yield from _quote(str(media.transcript))


def _bodies(flow: Flow) -> Iterator[str]:
    """The bodies of a flow that is no conversation."""
    messages: list[tuple[str, Request | Response | None]] = [("Request", flow.sent), ("Response", flow.answered)]
    for title, message in messages:
        if message is not None and len(message.body):
            yield f"## {title}"
            yield _body(message.headers, message.body)


def _body(headers: Headers, body: Capture) -> str:
    data, _ = decoded(headers, bytes(body))
    try:
        return _json_or_text(data.decode())
    except UnicodeDecodeError:
        kind = headers.get("content-type")
        return ", ".join([*([code(kind)] if kind else []), f"{len(data):,} bytes that are no text"])


def _json_or_text(text: str) -> str:
    try:
        return fenced(pretty(text.encode()), "json")
    except (JsonError, UnicodeEncodeError, RecursionError):
        return fenced(text)
