"""A prompt as a request of the Responses API. https://platform.openai.com/docs/api-reference/responses/create"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._responses_settings import write_settings
from inspector.model.message import (
    Media,
    Message,
    Part,
    Prompt,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)

_NOWHERE = {"type": "object", "properties": {}}
"""The schema of a tool that takes nothing."""


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """A request's body, and what of the prompt could not be said in it."""
    lost: list[str] = []
    messages = list(prompt.messages)
    body: Json = {"model": prompt.model}
    if messages and (instructions := _instructions(messages[0])):
        body["instructions"] = instructions
        del messages[0]
    custom = {call.id for message in messages for call in message.tool_calls() if call.kind == "custom"}
    body["input"] = [item for message in messages for item in _items(message, custom, lost)]
    if tools := [written for tool in prompt.tools if (written := _tool(tool, lost)) is not None]:
        body["tools"] = tools
    if prompt.stream:
        body["stream"] = True
    settings, unsaid = write_settings(prompt.parameters)
    return {**body, **settings}, list(dict.fromkeys([*lost, *unsaid]))


def _instructions(message: Message) -> str:
    """The text of a first message that can stand in `instructions`, which holds one string."""
    if message.role == "system" and not message.name and len(message.parts) == 1:
        part = message.parts[0]
        return str(part.content) if isinstance(part, Text) else ""
    return ""


def _items(message: Message, custom: set[str], lost: list[str]) -> list[Json]:
    """The input items of one message. Words that follow each other are one item."""
    items: list[Json] = []
    if message.name and message.role != "tool":
        lost.append(f"the name “{message.name}” of who speaks")
    for part in message.parts:
        match part:
            case ToolCall() if not part.server_side:
                items.append(_call(part))
            case ToolResult() if message.role == "tool":
                if part.is_error:
                    lost.append("that a tool failed, which only its words tell now")
                kind = "custom_tool_call_output" if part.id in custom else "function_call_output"
                items.append({"type": kind, "call_id": part.id, "output": part.content})
            case _:
                if content := _content(part, message, lost):
                    role = "user" if message.role == "tool" else message.role
                    if not items or items[-1].get("role") != role:
                        items.append({"type": "message", "role": role, "content": []})
                    items[-1]["content"].append(content)
    return items


def _call(call: ToolCall) -> Json:
    if call.kind == "custom":
        return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": str(call.arguments)}
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": str(call.arguments)}


def _content(part: Part, message: Message, lost: list[str]) -> Json | None:
    """A piece of a message's content; None where there is none for it."""
    match part:
        case Text():
            kind = "output_text" if message.role == "assistant" else "input_text"
            return {"type": kind, "text": str(part.content)}
        case Refusal() if message.role == "assistant":
            return {"type": "refusal", "refusal": str(part.content)}
        case Refusal():
            return {"type": "input_text", "text": str(part.content)}
        case Media(modality="image", uri=uri) if "://" in uri and message.role != "assistant":
            return {"type": "input_image", "detail": "auto", "image_url": uri}
        case Media(modality="file", uri=uri) if "://" in uri and message.role != "assistant":
            return {"type": "input_file", "file_url": uri}
        case _:
            lost.append(_unsaid(part))
            return None


def _unsaid(part: Part) -> str:
    match part:
        case Media():
            size = f" of {part.size} bytes" if part.size else ""
            return f"a piece of media ({part.mime_type or part.modality}{size})"
        case Reasoning():
            return "the model's earlier thoughts, which only their own provider takes back"
        case ToolCall():
            return f"the call of {part.name}, a tool that the provider ran itself"
        case ToolResult():
            return f"the result of {part.name or 'a tool'}, which the provider ran itself"
        case _:
            return f"a part of kind {getattr(part, 'kind', type(part).__name__)}"


def _tool(tool: Tool, lost: list[str]) -> Json | None:
    described = {"description": tool.description} if tool.description else {}
    if tool.kind == "function":
        schema = tool.schema or _NOWHERE
        return {"type": "function", "name": tool.name, **described, "parameters": schema, "strict": False}
    if tool.kind == "custom":
        form = _format(tool.schema)
        return {"type": "custom", "name": tool.name, **described, **({"format": form} if form else {})}
    lost.append(f"the tool {tool.name}, which its provider runs itself")
    return None


def _format(given: object) -> object:
    """What a custom tool takes. Chat Completions keeps a grammar's fields one level deeper."""
    if isinstance(given, dict) and isinstance(given.get("grammar"), dict):
        return {"type": "grammar", **given["grammar"]}
    return given
