"""What somebody wants changed in an answer that is on its way."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.model.message import Part


@dataclass(slots=True)
class Edits:
    """Changes to an answer's first choice, part by part. What is not named here stays as the model wrote it."""

    replaced: dict[int, Part | None] = field(default_factory=dict)
    """By the part's index in the message as the model wrote it; None takes the part out."""
    added: list[Part] = field(default_factory=list)
    """Put behind the last part."""
    finish_reason: str | None = None
    """In the provider's own words; None keeps what the model said, or what follows from the parts."""
    final: bool = False
    """The answer ends with `added`: whatever the client has not got of the model's own is left out."""

    def __bool__(self) -> bool:
        return bool(self.replaced or self.added or self.finish_reason or self.final)
