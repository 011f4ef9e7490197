"""The task that keeps memory within its budget: what a session file has need not be in memory, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from inspector.cli.pulling import pulling
from inspector.formats.session import SessionWriter
from inspector.formats.session_shelf import SessionShelf
from inspector.store.flows import FlowStore
from inspector.store.memory import MemoryBudget
from inspector.store.transcripts import Transcripts

INTERVAL = 0.2
"""Seconds between two looks at what there is."""


@asynccontextmanager
async def bounded(store: FlowStore, transcripts: Transcripts, writer: SessionWriter) -> AsyncIterator[MemoryBudget]:
    """Let bodies go that the session file has, while the block runs. Enter it while the writer is open."""
    shelf = SessionShelf(writer)
    try:
        async with pulled(MemoryBudget(store, shelf, transcripts=transcripts)) as budget:
            yield budget
    finally:
        shelf.close()


@asynccontextmanager
async def pulled(budget: MemoryBudget) -> AsyncIterator[MemoryBudget]:
    """Keep to a budget while the block runs."""

    async def pull() -> float:
        budget.pull()
        return INTERVAL

    async with pulling(pull, "memory"):
        yield budget
