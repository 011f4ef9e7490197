"""Requests read for placing: a small one when it is asked for, a large one in a thread before that."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

from inspector.model.flow import Flow
from inspector.model.message import Prompt
from inspector.store import transcripts as limits
from inspector.store.lane_asked import Asked, asked_of, size_of
from inspector.store.transcripts import Transcripts


class Asking:
    """Reads what flows ask for, with the same outcome wherever it is done."""

    def __init__(self, transcripts: Transcripts) -> None:
        self._transcripts = transcripts
        self._ahead: dict[str, Future[Asked | None]] = {}

    def ready(self, flow: Flow, *, text: bool) -> bool:
        """Whether `of` takes next to no time; `text` says whether the prompt's text will be wanted.

        Where it does not, the flow is read in a thread: ask again later.
        """
        if flow.id in self._ahead:
            return self._ahead[flow.id].done()
        if not self._transcripts.ready(flow):
            return False
        if is_small(flow):
            return True
        prompt = self._transcripts.of(flow).prompt
        self._ahead[flow.id] = self._transcripts.beside(partial(_read, flow, prompt, text), size_of(flow))
        return False

    def of(self, flow: Flow) -> Asked | None:
        """What a flow asks for; None where that is no part of any conversation."""
        ahead = self._ahead.pop(flow.id, None)
        if ahead is None:
            return asked_of(flow, lambda each: self._transcripts.of(each).prompt)
        return ahead.result()

    def forget(self, flow_id: str) -> None:
        """The flow is there no more."""
        self._ahead.pop(flow_id, None)


def is_small(flow: Flow) -> bool:
    """Whether a flow's request may be read while somebody draws."""
    return size_of(flow) < limits.LARGE


def _read(flow: Flow, prompt: Prompt, text: bool) -> Asked | None:
    """Runs in the thread."""
    asked = asked_of(flow, lambda each: prompt)
    if asked is not None:
        asked.prepare(text=text)
    return asked
