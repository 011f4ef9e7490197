"""A transcript as blocks: what one chip on the left stands for, with what is shown of it while it is folded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

from inspector.model.flow import Flow, Moment, State
from inspector.model.message import (
    Answer,
    Media,
    Message,
    Other,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Transcript,
    Usage,
)
from inspector.tui.format import count, duration, share
from inspector.tui.spans import Line
from inspector.tui.text import one_line

HISTORY_LINES = 12
"""Lines of an earlier message that are shown before the rest is folded."""
RESULT_LINES = 3
ARGUMENT_LINES = 6
NEW = "+ new"
CHANGED = "~ changed"
_TOKEN_BYTES = 4
"""A rule of thumb, for sizes that no provider names."""
_NAMES = {"system": "system", "user": "user", "assistant": "model", "tool": "tool"}


@dataclass(frozen=True, slots=True)
class Body:
    """A text below the head of a block."""

    text: str
    style: str = ""
    is_json: bool = False
    """Whether it is valid JSON, to be shown indented and coloured."""
    keep: int | None = None
    """Lines that are shown while the block is folded; None: all."""
    gutter: bool = False
    """Whether a rule runs down its left side."""


@dataclass(frozen=True, slots=True)
class Block:
    """One thing that was said, called or given back."""

    key: str
    """Names it over the life of the flow: whether it is folded hangs on it."""
    chip: str
    """The word on the left; empty where the block belongs to the one above."""
    head: Line = field(default_factory=list)
    """The first line; empty where the body begins on it."""
    bodies: tuple[Body, ...] = ()
    live: bool = False
    """Whether it is being written: a caret stands at its end."""
    arguments: bool = False
    """Whether its only body is a call's arguments in JSON, still being written."""
    call: str = ""
    """The id of the call that it shows."""
    mark: str = ""
    """What sets it apart from the turn before (`NEW`, `CHANGED`); a bar runs down its left edge then."""
    fold: bool = False
    """Whether it stands for messages that are folded away; its head has the whole line."""


def answer_blocks(answer: Answer, live: bool) -> list[Block]:
    """What came back so far; the last part is the one that grows."""
    blocks: list[Block] = []
    for number, choice in enumerate(answer.choices):
        if len(answer.choices) > 1:
            blocks.append(Block(f"c{number}", "", [("muted", f"choice {number + 1} of {len(answer.choices)}")]))
        results = {part.id: part for part in choice.parts if isinstance(part, ToolResult)}
        calls = {call.id for call in choice.tool_calls()}
        for place, part in enumerate(choice.parts):
            if isinstance(part, ToolResult) and part.id in calls:
                continue
            growing = live and place == len(choice.parts) - 1
            result = results.get(part.id) if isinstance(part, ToolCall) else None
            block = part_block(f"a{number}.{place}", choice, part, result, writing=live)
            if isinstance(part, Reasoning) and not growing:
                block = _keep(block, HISTORY_LINES)
            blocks.append(replace(block, live=growing))
    return blocks


def closing_blocks(flow: Flow, transcript: Transcript) -> list[Block]:
    """What stands below the conversation: waiting, errors, remarks, the finish and the tokens."""
    answer = transcript.answer
    blocks: list[Block] = []
    if flow.live and not any(choice.parts for choice in answer.choices):
        waiting = {State.RECEIVING: "the request is coming in", State.WAITING: "waiting for the upstream"}
        words = waiting.get(flow.state, "the answer begins")
        if flow.hold is not None:
            words = "held: the upstream does not have the request yet" if flow.hold.moment is Moment.REQUEST else "held"
        blocks.append(Block("wait", "model", [("muted", words)], live=flow.hold is None))
    for place, error in enumerate(dict.fromkeys(text for text in (answer.error, _failure(flow)) if text)):
        blocks.append(Block(f"e{place}", "error", bodies=(Body(error, "error", keep=HISTORY_LINES),)))
    for place, note in enumerate(dict.fromkeys([*flow.notes, *transcript.notes])):
        blocks.append(Block(f"n{place}", "note", bodies=(Body(note, "warning"),)))
    finish = _finish(flow, answer)
    return [*blocks, Block("finish", "", finish)] if finish else blocks


def _failure(flow: Flow) -> str | None:
    if flow.error or flow.response is None or flow.response.status < 400:
        return flow.error
    return f"HTTP {flow.response.status} {flow.response.reason}".strip()


def asked_block(prompt: Prompt) -> Block:
    told = [("stream", True)] if prompt.stream else []
    plain = [(name, value) for name, value in prompt.parameters.items() if isinstance(value, str | int | float | bool)]
    words = [name if value is True else f"{name} {value}" for name, value in [*told, *plain]]
    return Block("asked", "", [("bold", one_line(prompt.model)), ("muted", "  " + one_line(" · ".join(words)))])


def tools_block(tools: list[Tool]) -> Block:
    names = one_line(", ".join(tool.name for tool in tools[:40]))
    size = sum(len(tool.description) + len(_dump(tool.schema)) for tool in tools)
    head: Line = [("muted", f"{names[:80]}{'…' if len(names) > 80 else ''}  "), ("muted", f"{len(tools)}  ")]
    text = "\n\n".join(_declared(tool) for tool in tools)
    return Block("tools", "tools", [*head, ("faint", tokens(size))], (Body(text, "muted", keep=0),))


def _declared(tool: Tool) -> str:
    kind = "" if tool.kind == "function" else f" ({tool.kind})"
    return "\n".join(filter(None, (f"{tool.name}{kind}", tool.description, _dump(tool.schema))))


def part_block(key: str, message: Message, part: Part, result: ToolResult | None, writing: bool = False) -> Block:
    chip = _NAMES[message.role]
    match part:
        case Text():
            cited = (Body(f"{len(part.citations)} citations", "muted"),) if part.citations else ()
            return Block(key, chip, bodies=(Body(str(part.content)), *cited))
        case Reasoning():
            sealed = f"sealed, {size_of(len(part.encrypted))}" if part.encrypted else "no words"
            return Block(key, "thought", bodies=(Body(str(part.content) or f"({sealed})", "muted"),))
        case Refusal():
            return Block(key, chip, [("error", "refused")], (Body(str(part.content), "error"),))
        case ToolCall():
            return _call(key, part, result, writing)
        case ToolResult():
            return _result(key, part)
        case Media():
            return Block(key, chip, *_media(part))
        case Other():
            return Block(key, chip, [("muted", one_line(part.kind))], (Body(_dump(part.data), is_json=True, keep=0),))


def _media(part: Media) -> tuple[Line, tuple[Body, ...]]:
    words = [part.mime_type, part.uri, size_of(part.size) if part.size else ""]
    head: Line = [("accent", f"▣ {part.modality}"), ("muted", "  " + one_line(" · ".join(filter(None, words))))]
    said = str(part.transcript)
    return head, (Body(said),) if said else ()


def _call(key: str, call: ToolCall, result: ToolResult | None, writing: bool) -> Block:
    head: Line = [("accent", one_line(call.name) or "?")]
    text = str(call.arguments)
    if writing and not call.done:
        size = size_of(len(text.encode("utf-8", "replace")))
        head += [("faint", f" {one_line(call.id, 14)}  "), ("muted", f"writing arguments · {size}")]
        arguments = call.kind != "custom"
        return Block(key, "tool", head, (Body(text, gutter=True),), arguments=arguments, call=call.id)
    if call.server_side:
        head.append(("faint", f"  {one_line(call.kind)}, run by the provider"))
    bodies: list[Body] = []
    brief = _brief(text)
    if brief is not None:
        head.append(("", f" {one_line(brief)}"))
    elif text:
        bodies.append(Body(text, is_json=True, keep=ARGUMENT_LINES))
    if result is not None:
        style = "error" if result.is_error else "muted"
        head += [("error", "  failed")] if result.is_error else []
        bodies.append(Body(result.content, style, keep=RESULT_LINES, gutter=True))
    return Block(key, "tool", head, tuple(bodies), call=call.id)


def _result(key: str, result: ToolResult) -> Block:
    head: Line = [("bold", one_line(result.name) or "result"), ("faint", f" {one_line(result.id)}")]
    style = "error" if result.is_error else "muted"
    return Block(key, "tool", head, (Body(result.content, style, keep=RESULT_LINES, gutter=True),))


def folded(block: Block) -> Block:
    """A block of the history: long ones are folded; system instructions to a line."""
    if block.chip == "system" and block.bodies and not block.head:
        text = block.bodies[0].text
        words = one_line(text, 300)
        head: Line = [("muted", f"{words[:80]}{'…' if len(words) > 80 else ''}  "), ("faint", tokens(len(text)))]
        return replace(block, head=head, bodies=tuple(replace(body, keep=0) for body in block.bodies))
    return _keep(block, HISTORY_LINES)


def _keep(block: Block, lines: int) -> Block:
    bodies = tuple(body if body.keep is not None else replace(body, keep=lines) for body in block.bodies)
    return replace(block, bodies=bodies)


def _finish(flow: Flow, answer: Answer) -> Line:
    reasons = ", ".join(choice.finish_reason for choice in answer.choices if choice.finish_reason)
    words = [*_counts(answer.usage)] if answer.usage is not None else []
    if flow.timing.ended is not None and not flow.live:
        words.append(duration(flow.timing.ended))
    glyph = {State.DONE: "✓ ", State.FAILED: "✗ ", State.CANCELLED: "⊘ "}.get(flow.state, "")
    style = "ok" if flow.state is State.DONE else "error"
    head: Line = [(style, glyph + (one_line(reasons) or flow.state))] if glyph else []
    return [*head, ("muted", ("   " if head else "") + " · ".join(words))] if words or head else []


def _counts(usage: Usage) -> list[str]:
    read = usage.cache_read_input_tokens
    cached = f" ({share(read / usage.input_tokens)} cached)" if read and usage.input_tokens else ""
    known = [
        (f"in {count(usage.input_tokens)}{cached}", usage.input_tokens),
        (f"cache written {count(usage.cache_creation_input_tokens)}", usage.cache_creation_input_tokens or None),
        (f"out {count(usage.output_tokens)}", usage.output_tokens),
        (f"reasoning {count(usage.reasoning_output_tokens)}", usage.reasoning_output_tokens or None),
        (f"${usage.cost:.4f}" if usage.cost is not None else "", usage.cost),
    ]
    return [text for text, number in known if number is not None]


def _brief(arguments: str) -> str | None:
    """The only argument of a call, where it is one short line of text: what a person would read aloud."""
    if len(arguments) > 300:
        return None
    try:
        value = json.loads(arguments)
    except ValueError:
        return None if arguments else ""
    if isinstance(value, dict) and len(value) <= 1:
        only = next(iter(value.values()), "")
        return only if isinstance(only, str) and "\n" not in only else None
    return None


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if value is not None else ""


def tokens(size: int) -> str:
    """About how many tokens a text of that many characters has."""
    return f"~{count(-(-size // _TOKEN_BYTES))} tok"


def size_of(size: int) -> str:
    """A size in bytes, as a person reads it."""
    return f"{size} bytes" if size < 1000 else f"{count(size)}B"
