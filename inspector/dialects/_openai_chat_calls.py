"""Putting the fragments of streamed tool calls together."""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, object_of, objects_of, text_of
from inspector.dialects._openai_chat_parts import arguments_text, call_fields
from inspector.model.message import Part, ToolCall, ToolResult


class Calls:
    """The tool calls of one choice, added to its parts as they begin.

    A fragment belongs to the call of its `index`. Where that is missing (Mistral, Gemini's compatible API), or where a
    server gives every call the same one, a new id or a new name begins a new call. Id and name are set once.
    """

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts
        self._by_index: dict[int, ToolCall] = {}
        self._last: ToolCall | None = None
        self._legacy: ToolCall | None = None
        self._executed: dict[int, ToolCall] = {}

    def take(self, delta: Json) -> None:
        """Take the calls of a delta, or of a whole message."""
        for fragment in objects_of(delta.get("tool_calls")):
            self.fragment(fragment)
        if legacy := object_of(delta.get("function_call")):
            self.function_call(legacy)
        for tool in objects_of(delta.get("executed_tools")):
            self.execution(tool)

    def finish(self) -> None:
        """Nothing more comes."""
        for part in self._parts:
            if isinstance(part, ToolCall):
                part.done = True

    def fragment(self, fragment: Json) -> ToolCall | None:
        """Take one member of `tool_calls`; gives the call that it belongs to, None where it says nothing."""
        identity = text_of(fragment.get("id"))
        kind, name, arguments = call_fields(fragment)
        index = int_of(fragment.get("index"))
        call = self._last if index is None else self._by_index.get(index)
        if call is None or _begins(call, identity, name, placed=index is not None):
            if not (identity or name or arguments):
                return None
            call = self._begin(ToolCall(identity))
        if index is not None:
            self._by_index[index] = call
        self._last = call
        call.id = call.id or identity
        call.kind = kind or call.kind
        _add_name(call, name)
        if isinstance(object_of(fragment.get("function")).get("arguments"), dict):
            call.arguments.replace(arguments)
        else:
            call.arguments.append(arguments)
        return call

    def _begin(self, call: ToolCall) -> ToolCall:
        if self._last is not None:
            self._last.done = True
        self._parts.append(call)
        return call

    def function_call(self, given: Json) -> ToolCall | None:
        """Take a piece of the one call of the API's first years, without an id; gives that call."""
        name, arguments = text_of(given.get("name")), arguments_text(given.get("arguments"))
        if self._legacy is None:
            if not (name or arguments):
                return None
            self._legacy = self._last = self._begin(ToolCall())
        _add_name(self._legacy, name)
        self._legacy.arguments.append(arguments)
        return self._legacy

    def execution(self, tool: Json) -> ToolCall:
        """Take a tool that the server ran itself (Groq's `executed_tools`): told whole, and again with its outcome."""
        index = int_of(tool.get("index")) or 0
        call = self._executed.get(index)
        if call is None:
            kind = text_of(tool.get("type")) or "executed"
            call = ToolCall(name=text_of(tool.get("name")) or kind, kind=kind)
            self._executed[index] = call
            self._parts.append(call)
        if arguments := arguments_text(tool.get("arguments")):
            call.arguments.replace(arguments)
        if (output := text_of(tool.get("output"))) and not call.done:
            call.done = True
            self._parts.append(ToolResult(content=output, name=call.name))
        return call


def _begins(call: ToolCall, identity: str, name: str, placed: bool) -> bool:
    """Whether a fragment with this id and name is not of `call`, the one that its index, or its place, points to."""
    if identity and identity == call.id:
        return False
    if not placed:
        return bool((identity and call.id) or (name and call.name))
    # A server with a fixed index: only a whole new head after arguments is a call of its own; ids alone may vary.
    return bool(name and call.arguments and (identity or name != call.name))


def _add_name(call: ToolCall, name: str) -> None:
    """Take a name, which servers send once, repeat with every fragment, or cut in pieces."""
    if not call.name or name.startswith(call.name):
        call.name = name or call.name
    elif name and not call.arguments:
        call.name += name
