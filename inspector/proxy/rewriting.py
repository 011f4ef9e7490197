"""What a person changed in an answer that is on its way, and what the client therefore gets."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects import by_name
from inspector.dialects._writing import Rewriter, Splicer
from inspector.model.edits import Edits
from inspector.model.flow import Capture, Flow, Mutation, Response
from inspector.model.headers import Headers
from inspector.model.message import Message, Part, ToolCall, Usage
from inspector.proxy.intake import events_of, named
from inspector.store.summary import part_text
from inspector.wire.body import decoded
from inspector.wire.event import Event


class Rewriting:
    """The changed part of one answer."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._rewriter: Rewriter | None = None
        self.final = False
        """The answer ends where the edits end."""

    def edit(self, edits: Edits, by: str, written: Message | None, released: int) -> None:
        """Take edits. `written` is what the model wrote so far; the client has `released` bytes of it as they came."""
        flow = self._flow
        writer = by_name(flow.dialect).writer
        if writer is None:
            raise ValueError(f"answers of the dialect {flow.dialect} can be held, not edited")
        rewriter = self._rewriter or writer.rewriter(self.delivered(released))
        rewriter.edit(edits)
        self._rewriter = rewriter
        self.final = self.final or edits.final
        flow.mutations.extend(mutations(edits, by, written.parts if written else ()))

    def splicer(self, had: list[Event], before: str, spent: Usage | None) -> Splicer:
        """A splicer behind the events that the client has by then. ValueError where nothing can go on there."""
        writer = by_name(self._flow.dialect).writer
        if writer is None:
            raise ValueError(f"answers of the dialect {self._flow.dialect} can be held, not continued")
        return writer.splicer(had, before, spent)

    def feed(self, event: Event) -> list[bytes] | None:
        """What goes in an event's place; None where it goes as it is."""
        if self._rewriter is None:
            return None
        try:
            return self._rewriter.feed(event)
        except Exception as error:  # the border to dialects, which meet malformed input of every kind
            self._give_up(error)
            return None

    def close(self) -> list[bytes]:
        """What is missing at the end."""
        if self._rewriter is None:
            return []
        try:
            return self._rewriter.close()
        except Exception as error:  # as above
            self._give_up(error)
            return []

    def _give_up(self, error: Exception) -> None:
        self._rewriter = None
        self._flow.note(f"from here on the answer is not edited: {type(error).__name__}: {error}")

    @property
    def active(self) -> bool:
        """Whether anything was edited."""
        return self._rewriter is not None

    def delivered(self, released: int) -> list[Event]:
        """The events that the client has."""
        flow = self._flow
        if flow.delivered is not None:
            return events_of(named(flow, flow.delivered.headers), bytes(flow.delivered.body))
        assert flow.response is not None
        return events_of(named(flow, flow.response.headers), bytes(flow.response.body)[:released])

    def given(self, released: int) -> bytes:
        """The bytes that the client has, decoded."""
        flow = self._flow
        if flow.delivered is not None:
            return bytes(flow.delivered.body)
        assert flow.response is not None
        return decoded(flow.response.headers, bytes(flow.response.body)[:released])[0]

    def arrived(self) -> list[Event]:
        """The events that the upstream sent so far."""
        response = self._flow.response
        assert response is not None
        body, _ = decoded(response.headers, bytes(response.body))
        return events_of(named(self._flow, delivered_headers(response.headers)), body)

    def part(self, released: int) -> None:
        """From here on the client gets something else than what came: keep both."""
        flow = self._flow
        if flow.delivered is None and flow.response is not None:
            kept, body = flow.response, _beginning(flow.response.body, released)
            flow.delivered = Response(kept.status, delivered_headers(kept.headers), kept.reason, body)


def delivered_headers(headers: Headers) -> Headers:
    """The headers of an answer that goes to the client event by event, decoded."""
    return headers.without("content-length", "content-encoding")


def mutations(edits: Edits, by: str, parts: Sequence[Part]) -> list[Mutation]:
    """The edits as the flow tells of them."""
    told = [
        Mutation(_name(parts[index]), by, _words(parts[index]), _words(part) if part is not None else "")
        for index, part in edits.replaced.items()
        if index < len(parts)
    ]
    told += [Mutation(_name(part), by, "", _words(part)) for part in edits.added]
    if edits.finish_reason:
        told.append(Mutation("finish reason", by, "", edits.finish_reason))
    if edits.final:
        told.append(Mutation("answer", by, "", "ended here"))
    return told


def _name(part: Part) -> str:
    return "tool call" if isinstance(part, ToolCall) else type(part).__name__.lower()


def _words(part: Part) -> str:
    return f"{part.name} {part.arguments}" if isinstance(part, ToolCall) else part_text(part)


def _beginning(body: Capture, length: int) -> Capture:
    """The first `length` bytes of a body, with the times of their chunks."""
    beginning = Capture()
    for index in range(body.chunks):
        room = length - len(beginning)
        if room <= 0:
            break
        beginning.append(body.times[index], body.chunk(index)[:room])
    return beginning
