"""What the person has at hand: the flows, and whatever can act on them."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.formats.recorded import Recording
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyServer
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.memory import MemoryBudget
from inspector.store.transcripts import Transcripts


@dataclass(slots=True)
class Desk:
    """Handed to the screen by whoever starts it. What is None is not there, and its actions are not offered."""

    store: FlowStore
    transcripts: Transcripts
    control: Control | None = None
    """Breakpoints, holds, mocks and sticky edits: where a proxy runs."""
    server: ProxyServer | None = None
    replayer: Replayer | None = None
    """Sends flows again: where there is a way out, a proxy or not."""
    session: Recording | None = None
    """Where everything is kept."""
    files: tuple[Recording, ...] = ()
    """What is written besides: `--jsonl`, `--trace`."""
    budget: MemoryBudget | None = None
    """Lets go what lies in the session, but never the flow that it is told is open."""
