"""Reads what an MCP server sends for one request into a transcript: its answer, and what it says and asks meanwhile.

The answer is whole where every request that was posted has its response; a stream may go on behind that. One that was
opened to listen has no end of its own.
"""

from __future__ import annotations

from dataclasses import replace

from inspector.dialects._base import Json
from inspector.dialects._fields import error_text, object_of, objects_of, text_of, text_part
from inspector.dialects._mcp_messages import CALL, error_of, key_of, messages_in, said, server_of
from inspector.dialects._mcp_results import declared, result_parts
from inspector.model.message import Message, Part, Transcript
from inspector.wire.event import Event


class McpReader:
    """Takes the events of one answer, or its one document."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._answer = transcript.answer
        self._answered: set[str | None] = set()

    def event(self, event: Event) -> None:
        """Take one event. ValueError where a stream's event is no JSON."""
        if event.kind == "comment" or not event.data.strip():
            return
        if event.name == "endpoint":
            self._say([text_part(f"endpoint {event.data.decode('utf-8', 'replace')}")])
            return
        try:
            messages = messages_in(event.data)
        except ValueError:
            if event.kind != "document":
                raise
            # Servers refuse requests in plain words, too.
            self._say([text_part(event.data.decode("utf-8", "replace"))])
            return
        for message in messages:
            self._take(message)

    def close(self) -> None:
        """Take the end of the response, which is all that there is to notifications, and to listening."""
        if not self._awaited():
            self._answer.complete = True

    def _take(self, message: Json) -> None:
        if method := text_of(message.get("method")):
            self._say(said(method, object_of(message.get("params"))))
        elif "result" in message:
            self._result(message, object_of(message["result"]))
        elif error := error_of(message) or error_text(message):
            self._answer.error = error
            self._close_request(key_of(message))
        else:
            self._transcript.note("a message that is neither a request nor a response")

    def _say(self, parts: list[Part]) -> None:
        self._message().parts.extend(parts)

    def _message(self) -> Message:
        message = self._answer.choice(0)
        message.role = "tool"
        return message

    def _result(self, message: Json, result: Json) -> None:
        key = key_of(message)
        asked = self._awaited().get(key or "", {})
        tool = text_of(object_of(asked.get("params")).get("name")) if asked.get("method") == CALL else ""
        self._say(result_parts(result, key or "", tool))
        if server := text_of(server_of(result).get("name")):
            self._answer.model = server
        if (kind := text_of(result.get("resultType"))) not in ("", "complete"):
            self._message().finish_reason = kind
        if tools := declared(result):
            self._transcript.prompt = replace(self._transcript.prompt, tools=tools)
        self._close_request(key)

    def _close_request(self, key: str | None) -> None:
        """A request has its response: an error may come without an id, where nobody knows which it was."""
        self._answered.add(key)
        awaited = self._awaited()
        self._answer.complete = None in self._answered or self._answered >= awaited.keys()

    def _awaited(self) -> dict[str, Json]:
        """The requests that were posted, by their ids."""
        posted = self._transcript.prompt.parameters
        messages = objects_of(posted.get("batch")) or [posted]
        return {key: message for message in messages if "method" in message and (key := key_of(message)) is not None}
