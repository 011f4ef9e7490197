"""Reads a request of the Converse API. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html"""

from __future__ import annotations

from itertools import groupby

from inspector.dialects._base import Json
from inspector.dialects._converse_blocks import parts_of
from inspector.dialects._fields import name_results, object_of, objects_of, text_of
from inspector.model.message import Message, Part, Prompt, Tool, ToolResult

INFERENCE = {
    "maxTokens": "max_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "stopSequences": "stop_sequences",
}
"""Settings of `inferenceConfig`, and what other APIs call them."""
_NOT_PARAMETERS = frozenset({"messages", "system", "toolConfig", "inferenceConfig", "schemaVersion"})


def read_prompt(data: Json) -> Prompt:
    """The prompt that a body holds. The model stands in the path."""
    messages = [message for given in objects_of(data.get("messages")) for message in _messages(given)]
    if system := parts_of(data.get("system")):
        messages.insert(0, Message("system", system))
    name_results(messages)
    tools = object_of(data.get("toolConfig"))
    return Prompt(
        messages=messages,
        tools=[tool for given in objects_of(tools.get("tools")) if (tool := _tool(given)) is not None],
        parameters={
            **{INFERENCE.get(name, name): value for name, value in object_of(data.get("inferenceConfig")).items()},
            **_choice(object_of(tools.get("toolChoice"))),
            **{name: value for name, value in data.items() if name not in _NOT_PARAMETERS},
        },
    )


def _messages(given: Json) -> list[Message]:
    """One message of the request. The tool results in a user's turn become messages of role tool, in their place."""
    parts = parts_of(given.get("content"))
    if given.get("role") == "assistant":
        return [Message("assistant", parts)]
    if given.get("role") == "system":
        return [Message("system", parts)]
    runs = groupby(parts, key=_is_result)
    return [Message("tool" if results else "user", list(run)) for results, run in runs] or [Message("user")]


def _is_result(part: Part) -> bool:
    return isinstance(part, ToolResult)


def _tool(given: Json) -> Tool | None:
    """A declared tool; None for a mark of the prompt cache, which stands among them."""
    if "toolSpec" in given:
        spec = object_of(given["toolSpec"])
        schema = object_of(spec.get("inputSchema")).get("json")
        return Tool(text_of(spec.get("name")), text_of(spec.get("description")), schema)
    if "cachePoint" in given:
        return None
    kind = next(iter(given), "tool")
    inner = object_of(given.get(kind))
    return Tool(text_of(inner.get("name")) or kind, schema=inner or None, kind=kind)


def _choice(choice: Json) -> Json:
    """Which tool is to be called, as the Messages API says it."""
    kind = next(iter(choice), "")
    return {"tool_choice": {"type": kind, **object_of(choice[kind])}} if kind else {}
