"""What an editor is opened for, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from inspector.model.flow import Request


class Purpose(StrEnum):
    """What becomes of an edited request."""

    SEND_ON = "send on"
    """It is held, and goes upstream in the place of the one that came."""
    REPLAY = "replay"
    """It is sent as a new flow."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A request as the person wants it sent."""

    request: Request
    """The very one that was edited where nothing was changed."""
    sticky: bool = False
    """Whether what was changed in its body is to be changed in every later request, too."""


Give = Callable[[Edited], None]
"""Takes an edited request. Raises ValueError, in words for the person, where nothing can come of it."""
