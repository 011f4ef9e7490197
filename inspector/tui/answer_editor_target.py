"""What of a held answer is in the editor: a part, the reason why it ends, or a waiting event as raw text."""

from __future__ import annotations

from inspector.proxy.held import Held
from inspector.tui.held_draft import AnswerDraft, Given, PartDraft
from inspector.tui.json_text import json_problem
from inspector.tui.request_editor_changes import Change
from inspector.tui.spans import Line
from inspector.tui.text import one_line


class Target:
    """A text that can be edited. What a subclass does not say is true of most."""

    title = ""
    """What it is called."""

    @property
    def text(self) -> str:
        """As it stands now."""
        raise NotImplementedError

    @text.setter
    def text(self, value: str) -> None:
        raise NotImplementedError

    @property
    def changed(self) -> bool:
        """Whether it is another one than came."""
        raise NotImplementedError

    def restore(self) -> None:
        """Take the changes back."""
        raise NotImplementedError

    @property
    def name(self) -> str | None:
        """A tool's name; None for what has none."""
        return None

    @property
    def state(self) -> str:
        """What is to be said of it while nothing is wrong."""
        return ""

    @property
    def problem(self) -> str:
        """Why it should not be sent as it stands."""
        return ""

    @property
    def fixed(self) -> str:
        """Its beginning that cannot be changed."""
        return ""

    @property
    def json(self) -> bool:
        """Whether it is to be JSON."""
        return False

    @property
    def editable(self) -> bool:
        """Whether it can be changed."""
        return True


class PartTarget(Target):
    """A part of the answer."""

    def __init__(self, draft: AnswerDraft, index: int) -> None:
        self._draft = draft
        self.index = index
        part = self.part
        self.title = f"{index + 1} · " + (
            f"{one_line(part.name) or 'tool call'} · arguments" if part.call else part.kind
        )

    @property
    def part(self) -> PartDraft:
        """The part."""
        return self._draft.parts[self.index]

    @property
    def text(self) -> str:
        """Words, thoughts or arguments."""
        return self.part.text

    @text.setter
    def text(self, value: str) -> None:
        self.part.text = value

    @property
    def changed(self) -> bool:
        """Whether it is changed, or taken out."""
        return self.part.changed

    def restore(self) -> None:
        """As the model wrote it."""
        self.part.restore()

    @property
    def name(self) -> str | None:
        """The tool's."""
        return self.part.name if self.part.call else None

    @property
    def state(self) -> str:
        """Whether it may be changed, and is valid."""
        if self.part.out:
            return "taken out: ctrl+t puts it back"
        if self.part.given is Given.ALL:
            return "already with the agent: nothing of it can be changed"
        if not self.part.editable:
            return "this cannot be edited, only taken out"
        if not self.json:
            return "the agent has the beginning: what is grey stays" if self.fixed else ""
        found = json_problem(self.text)
        return "json · valid" if found is None else f"json · {found}"

    @property
    def problem(self) -> str:
        """Why it should not be sent as it stands."""
        return self.part.problem

    @property
    def fixed(self) -> str:
        """What the agent has of it."""
        return self.part.delivered

    @property
    def json(self) -> bool:
        """Arguments are."""
        return self.part.json

    @property
    def editable(self) -> bool:
        """Unless the agent has it whole, or it has no text."""
        return self.part.editable and not self.part.out


class FinishTarget(Target):
    """Why the answer ends."""

    title = "finish reason"

    def __init__(self, draft: AnswerDraft) -> None:
        self._draft = draft

    @property
    def text(self) -> str:
        """The provider's word."""
        return self._draft.finish

    @text.setter
    def text(self, value: str) -> None:
        self._draft.finish = value.strip()

    @property
    def changed(self) -> bool:
        """Whether it is another one."""
        return self._draft.finish != self._draft.finish_before

    def restore(self) -> None:
        """As the model said."""
        self._draft.finish = self._draft.finish_before

    @property
    def state(self) -> str:
        """What an empty one means."""
        return "the provider's own word; empty: as it follows from the parts"


class EventTarget(Target):
    """One event that waits, as it stands on the wire."""

    title = "event as it stands on the wire"

    def __init__(self, draft: AnswerDraft, held: Held, index: int) -> None:
        assert held.stream is not None
        self._draft = draft
        self._stream = held.stream
        event = held.stream.waiting[index]
        self._start = event.event.start
        self._came = event.raw.decode("utf-8", "surrogateescape")
        self._is_json = event.event.data.lstrip()[:1] == b"{"
        self._is_line = event.raw.lstrip(b" \t\r\n\x1e")[:1] == b"{"
        """It is JSON without fields around it."""

    @property
    def text(self) -> str:
        """The event, framing included."""
        return self._draft.events.get(self._start, self._came)

    @text.setter
    def text(self, value: str) -> None:
        self._draft.events[self._start] = value

    @property
    def changed(self) -> bool:
        """Whether it is another text than came."""
        return self.text != self._came

    def restore(self) -> None:
        """As it came."""
        self._draft.events.pop(self._start, None)

    @property
    def state(self) -> str:
        """What may be done with it."""
        return "an empty text takes the event out"

    @property
    def problem(self) -> str:
        """What is wrong with its payload, where that was JSON."""
        if not self._is_json or not self.changed or not self.text.strip():
            return ""
        found = next((problem for text in self._payloads() if (problem := json_problem(text)) is not None), None)
        return f"the data is no JSON: {found.message}" if found is not None else ""

    def _payloads(self) -> list[str]:
        """What should be JSON: each line by itself where an event is a line."""
        if self._is_line:
            lines = self.text.split("\n") if self._came.endswith("\n") else [self.text]
            return [line.strip("\x1e") for line in lines if line.strip()]
        fields = [line for line in self.text.splitlines() if line.startswith("data:")]
        return ["\n".join(line.removeprefix("data:").strip() for line in fields)]

    def lines(self) -> list[Line]:
        """What changes by it."""
        return [[("", " "), *line] for line in Change((), self._came, self.text).lines()] if self.changed else []

    def send(self) -> None:
        """Give the agent this event instead. ValueError where it is gone, or is none."""
        waiting = self._stream.waiting
        index = next((index for index, each in enumerate(waiting) if each.event.start == self._start), None)
        if index is None:
            raise ValueError("this event is with the agent meanwhile")
        text = self.text
        if text.strip() and (self._is_line or not text.endswith(("\n\n", "\r\n\r\n"))):
            text = text.rstrip("\r\n") + ("\n" if self._is_line else "\n\n")
        self._stream.edit_event(index, text.encode("utf-8", "surrogateescape") if text.strip() else b"", by="hand")
        self._came = text
        self.restore()
