"""A request for one provider's API, said in another's: a replay may go to any model."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.dialects._base import Dialect
from inspector.dialects._pieces import json_bytes
from inspector.model.flow import Request
from inspector.wire.json_edit import replace_at

_KEPT_THERE = ("previous_response_id", "conversation", "prompt")
"""Where the provider itself keeps a part of what the model is given."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A request in another API."""

    body: bytes
    path: str
    """From the root, as `/v1/messages`."""
    lost: list[str]
    """What could not be said, in words for the person."""


def translate(request: Request, body: bytes, source: Dialect, target: Dialect, model: str) -> Translation:
    """Ask `model` the same by the API of `target`. ValueError where the body cannot be read, or not be written.

    Within one API only the model changes, and all other bytes stay.
    """
    writer = target.writer
    if writer is None:
        raise ValueError(f"nothing can be written as {target.name} yet")
    prompt = source.prompt(request, body)
    path = writer.path(model)
    if source.name == target.name:
        return Translation(replace_at(body, ("model",), json_bytes(model)), path, [])
    lost = [
        f"what the provider keeps under {name}" for name in _KEPT_THERE if prompt.parameters.pop(name, None) is not None
    ]
    if b'"cache_control"' in body:
        lost.append("which parts should be cached")
    prompt.model = model
    written, unsaid = writer.write_prompt(prompt)
    return Translation(json_bytes(written), path, lost + unsaid)
