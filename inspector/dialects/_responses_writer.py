"""Writes the Responses API: answers by hand, edited answers, requests translated to it.

https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from inspector.dialects._base import Json
from inspector.dialects._fields import object_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.dialects._responses_build import Ids, begun, ended, items_of
from inspector.dialects._responses_document import edit_document
from inspector.dialects._responses_events import event, whole_item
from inspector.dialects._responses_numbers import stream
from inspector.dialects._responses_prompt import write_prompt
from inspector.dialects._responses_rewriter import ResponsesRewriter
from inspector.dialects._writing import Rewriter, Section, Splicer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Part, Prompt, Usage
from inspector.wire.event import Event

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_SPOKEN = frozenset({"instructions", "input", "tools"})


class ResponsesWriter:
    """The Responses API of OpenAI over HTTP."""

    keep_alive = b": keep-alive\n\n"

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer, event by event. ValueError for parts that only the provider can write."""
        ids = Ids()
        response = begun(answer, asked, ids)
        items = items_of(_parts(answer), ids)
        whole = ended(response, answer, items)
        events = [event(f"response.{step}", response=response) for step in ("created", "in_progress")]
        for number, item in enumerate(items):
            events += whole_item(item, number)
        return stream([*events, event(f"response.{whole['status']}", response=whole)])

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer. ValueError for parts that only the provider can write."""
        ids = Ids()
        return json_bytes(ended(begun(answer, asked, ids), answer, items_of(_parts(answer), ids)))

    def error(self, status: int, message: str) -> bytes:
        """The body of an HTTP error."""
        kind = _ERRORS.get(status, "server_error" if status >= 500 else "invalid_request_error")
        code = "rate_limit_exceeded" if status == 429 else None
        return json_bytes({"error": {"message": message, "type": kind, "param": None, "code": code}})

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events. Edited thoughts lose their sealed form."""
        return ResponsesRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """ValueError: a request of this API cannot end with the beginning of an answer."""
        raise ValueError("the Responses API has no way to go on from the middle of an answer")

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """An answer with parts changed. Edited thoughts lose their sealed form; all other bytes stay."""
        return edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """Instructions, the items of the input, tools, and every other field as a setting."""
        sections = [Section("system", "instructions", ("instructions",))] if body.get("instructions") else []
        given = body.get("input")
        if isinstance(given, str):
            sections.append(Section("message", "user", ("input",)))
        elif isinstance(given, list):
            sections += [_section(item, number) for number, item in enumerate(given)]
        tools = body.get("tools")
        if isinstance(tools, list):
            sections += [Section("tool", _tool(tool), ("tools", number)) for number, tool in enumerate(tools)]
        return sections + [Section("setting", name, (name,)) for name in body if name not in _SPOKEN]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request that says the same, and what of the prompt this API has no words for."""
        return write_prompt(prompt)

    def path(self, model: str) -> str:
        """The path of such a request."""
        return "/v1/responses"


def _parts(answer: Answer) -> list[Part]:
    return answer.message.parts if answer.message else []


def _section(item: object, number: int) -> Section:
    given = object_of(item)
    kind = text_of(given.get("type")) or "message"
    role = text_of(given.get("role"))
    path = ("input", number)
    if kind == "message":
        return Section("system" if role in ("system", "developer") else "message", role or "user", path)
    if kind.endswith("_output"):
        return Section("message", "tool result", path)
    name = text_of(given.get("name"))
    return Section("message", f"call {name}" if name else kind.replace("_", " "), path)


def _tool(tool: object) -> str:
    given = object_of(tool)
    return text_of(given.get("name")) or text_of(given.get("server_label")) or text_of(given.get("type")) or "tool"
