"""A prompt of any API as a request of the Gemini API. https://ai.google.dev/api/generate-content"""

from __future__ import annotations

from collections import Counter

from inspector.dialects._base import Json, parse_object
from inspector.dialects._gemini_parameters import write_parameters, write_tools
from inspector.dialects._gemini_wire import wire_parts
from inspector.model.message import Media, Message, Part, Prompt, Reasoning, Refusal, Text, ToolCall, ToolResult


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """A request's body, and what of the prompt could not be said in it. The model stands in the path."""
    lost: Counter[str] = Counter()
    calls = {call.id: call.name for message in prompt.messages for call in message.tool_calls()}
    system: list[Json] = []
    contents: list[Json] = []
    for message in prompt.messages:
        parts = _parts(message, calls, lost)
        if message.role == "system":
            system += parts
            continue
        role = "model" if message.role == "assistant" else "user"
        if parts and contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    body: Json = {"systemInstruction": {"parts": system}} if system else {}
    body["contents"] = contents
    tools, unsaid = write_tools(prompt.tools)
    if tools:
        body["tools"] = tools
    settings, unknown = write_parameters(prompt.parameters, declared=bool(tools))
    lost.update([*unsaid, *unknown])
    return {**body, **settings}, [words if count == 1 else f"{words} ({count} times)" for words, count in lost.items()]


def _parts(message: Message, calls: dict[str, str], lost: Counter[str]) -> list[Json]:
    """The parts of one turn. Only the model's own seals are taken back, and only by Google."""
    if message.role == "assistant":
        known = [part for part in message.parts if _is_said(part, lost)]
        return wire_parts(known)
    return [wire for part in message.parts for wire in _given(part, calls, lost)]


def _is_said(part: Part, lost: Counter[str]) -> bool:
    """Whether a part of the model's can be given back to it."""
    if isinstance(part, ToolCall) and not part.server_side:
        if _is_object(str(part.arguments)):
            return True
        lost[f"the call of {part.name}, whose arguments are no JSON object"] += 1
        return False
    if isinstance(part, Text | Refusal | Reasoning):
        return True
    lost[_unsaid(part)] += 1
    return False


def _given(part: Part, calls: dict[str, str], lost: Counter[str]) -> list[Json]:
    """What the user, a tool or the system says."""
    match part:
        case Text() | Refusal():
            return [{"text": str(part.content)}]
        case ToolResult():
            return [{"functionResponse": _result(part, calls)}]
        case Media(uri=uri) if "://" in uri:
            kind = {"mimeType": part.mime_type} if part.mime_type else {}
            return [{"fileData": {**kind, "fileUri": uri}}]
        case _:
            lost[_unsaid(part)] += 1
            return []


def _result(result: ToolResult, calls: dict[str, str]) -> Json:
    """A result, which is an object: `output` and `error` are Google's words for what is none."""
    if _is_object(result.content):
        response = parse_object(result.content.encode("utf-8", "replace")) if result.content.strip() else {}
    else:
        response = {"error" if result.is_error else "output": result.content}
    identity = {"id": result.id} if result.id else {}
    return {**identity, "name": result.name or calls.get(result.id, ""), "response": response}


def _is_object(text: str) -> bool:
    try:
        parse_object(text.encode("utf-8", "replace"))
    except ValueError:
        return not text.strip()
    return True


def _unsaid(part: Part) -> str:
    match part:
        case Media():
            size = f" of {part.size} bytes" if part.size else f" at {part.uri}" if part.uri else ""
            return f"a piece of media ({part.mime_type or part.modality}{size})"
        case ToolCall():
            return f"the call of {part.name}, a tool that the provider ran itself"
        case ToolResult():
            return f"the result of {part.name or 'a tool'}, which the provider ran itself"
        case _:
            return f"a part of the kind {getattr(part, 'kind', type(part).__name__)}"
