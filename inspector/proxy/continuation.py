"""An answer that goes on where another one was left."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from inspector.model.flow import Flow


@dataclass(frozen=True, slots=True)
class Continuation:
    """An answer on its way that goes on where another one was left."""

    flow: Flow
    """It grows while `chunks` is read."""
    chunks: AsyncGenerator[bytes, None]
    """Its body as it comes, from the head on; ends with it, however it ends. To be closed by who reads it."""
