"""A request of any provider, written for the Converse API, by way of the Messages API, whose rules for turns it has."""

from __future__ import annotations

from dataclasses import replace

from inspector.dialects._anthropic_prompt import write_prompt as write_messages
from inspector.dialects._base import Json
from inspector.dialects._converse_document import block_of
from inspector.dialects._converse_request import INFERENCE
from inspector.dialects._fields import list_of, object_of, objects_of, text_of
from inspector.model.message import Prompt

_OWN = (
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
)
"""Settings of Converse itself."""
_ADDITIONAL = ("top_k", "thinking")
"""Settings that go to the model as they are."""


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """The body, and in words for the person what could not be said. The model goes into the path."""
    own = {name: value for name, value in prompt.parameters.items() if name in _OWN}
    rest = {name: value for name, value in prompt.parameters.items() if name not in _OWN}
    said, lost = write_messages(replace(prompt, parameters=rest))
    body: Json = {}
    if system := said.get("system"):
        words = [system] if isinstance(system, str) else [text_of(block.get("text")) for block in objects_of(system)]
        body["system"] = [{"text": text} for text in words]
    body["messages"] = [_turn(turn, lost) for turn in said["messages"]]
    body["inferenceConfig"] = {
        name: said[theirs] for name, theirs in INFERENCE.items() if theirs in said and theirs not in _ADDITIONAL
    }
    if tools := _tools(said, lost):
        body["toolConfig"] = tools
    more = {
        **{name: said[name] for name in _ADDITIONAL if name in said},
        **object_of(own.pop("additionalModelRequestFields", {})),
    }
    if more:
        body["additionalModelRequestFields"] = more
    known = {"model", "stream", "system", "messages", "tools", "tool_choice", *INFERENCE.values(), *_ADDITIONAL}
    lost += [f"{name} has no counterpart" for name in said if name not in known]
    return {**body, **own}, lost


def _turn(turn: Json, lost: list[str]) -> Json:
    content = turn["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else objects_of(content)
    kept = [block for block in blocks if object_of(block.get("source")).get("type") != "url"]
    if len(kept) < len(blocks):
        lost.append("media at a URL is left out: Bedrock fetches from S3 only")
    return {"role": turn["role"], "content": [block_of(block) for block in kept] or [{"text": "[left out]"}]}


def _tools(said: Json, lost: list[str]) -> Json:
    specs = [_tool(tool) for tool in objects_of(said.get("tools")) if "input_schema" in tool]
    if len(specs) < len(list_of(said.get("tools"))):
        lost.append("tools that Anthropic runs are left out")
    choice = object_of(said.get("tool_choice"))
    kind = text_of(choice.get("type"))
    if kind == "none":
        lost.append("that no tool may be called: none is declared")
        return {}
    if choice.get("disable_parallel_tool_use"):
        lost.append("that tools are called one at a time")
    if not specs:
        return {}
    named = {"name": choice.get("name")} if kind == "tool" else {}
    return {"tools": specs, **({"toolChoice": {kind: named}} if kind else {})}


def _tool(tool: Json) -> Json:
    described = {"description": tool["description"]} if tool.get("description") else {}
    return {"toolSpec": {"name": tool.get("name"), **described, "inputSchema": {"json": tool["input_schema"]}}}
