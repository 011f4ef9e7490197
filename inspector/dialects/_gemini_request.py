"""The request of the Gemini API, read into a prompt."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import name_results, object_of, objects_of, text_of
from inspector.dialects._gemini_parts import parts_of
from inspector.dialects._gemini_shape import pick, snake
from inspector.model.message import Message, Prompt, Role, Tool, ToolCall, ToolResult

_ROLES: dict[str, Role] = {
    "model": "assistant",
    "assistant": "assistant",
    "system": "system",
    "function": "tool",
    "tool": "tool",
}
_NOT_PARAMETERS = frozenset({"model", "contents", "system_instruction", "tools", "generation_config"})


def inner_request(body: Json) -> Json:
    """The request within what Code Assist (`request`) or counting (`generateContentRequest`) put around it."""
    for name in ("request", "generateContentRequest"):
        inner = pick(body, name)
        if isinstance(inner, dict) and "contents" not in body:
            return inner
    return body


def read_prompt(body: Json, model: str, stream: bool) -> Prompt:
    """Read a request's body; `model` is the one that its path names. ValueError where it has no contents."""
    asked = inner_request(body)
    contents = asked.get("contents")
    if not isinstance(contents, list | dict | str):
        raise ValueError("a Gemini request has contents")
    messages = [
        message
        for content in (contents if isinstance(contents, list) else [contents])
        for message in _messages(content)
    ]
    if system := parts_of(pick(asked, "systemInstruction")):
        messages.insert(0, Message("system", system))
    _pair(messages)
    name_results(messages)
    named = text_of(asked.get("model")) or text_of(body.get("model"))
    tools = asked.get("tools")
    return Prompt(
        model=model or named.removeprefix("models/"),
        messages=messages,
        tools=[tool for given in objects_of([tools] if isinstance(tools, dict) else tools) for tool in _tools(given)],
        stream=stream,
        parameters=_parameters(asked),
    )


def _parameters(asked: Json) -> Json:
    """All settings under one spelling, that of `max_output_tokens`: Google takes both."""
    settings = {**asked, **object_of(pick(asked, "generationConfig"))}
    named = {snake(name): value for name, value in settings.items() if value is not None}
    return {name: value for name, value in named.items() if name not in _NOT_PARAMETERS}


def _messages(content: object) -> list[Message]:
    """One entry of the contents. The results of tools in a user's turn become messages of role tool, in their place."""
    role = _ROLES.get(text_of(object_of(content).get("role")), "user")
    if role != "user":
        return [Message(role, parts_of(content))]
    given = object_of(content).get("parts")
    turns = [parts_of([part]) for part in given] if isinstance(given, list) else [parts_of(content)]
    messages: list[Message] = []
    for parts in turns:
        speaker: Role = "tool" if any(isinstance(part, ToolResult) for part in parts) else "user"
        if messages and messages[-1].role == speaker:
            messages[-1].parts += parts
        else:
            messages.append(Message(speaker, parts))
    return messages or [Message("user")]


def _pair(messages: list[Message]) -> None:
    """Give calls and results that came without ids one for each pair, by name and order."""
    waiting: list[ToolCall] = []
    made = 0
    for message in messages:
        for part in message.parts:
            if isinstance(part, ToolCall) and not part.id:
                made += 1
                part.id = f"call_{made}"
                waiting.append(part)
            elif isinstance(part, ToolResult) and not part.id and waiting:
                call = next((call for call in waiting if call.name == part.name), waiting[0])
                waiting.remove(call)
                part.id = call.id


def _tools(given: Json) -> list[Tool]:
    """What one entry of `tools` declares: functions of the client's, and tools that Google runs itself."""
    declared = objects_of(pick(given, "functionDeclarations"))
    tools = [Tool(text_of(each.get("name")), text_of(each.get("description")), _schema(each)) for each in declared]
    own = [name for name, value in given.items() if snake(name) != "function_declarations" and value is not None]
    return tools + [Tool(snake(name), schema=given[name] or None, kind=snake(name)) for name in own]


def _schema(declared: Json) -> object:
    schema = pick(declared, "parametersJsonSchema")
    return schema if schema is not None else declared.get("parameters")
