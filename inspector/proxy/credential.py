"""A key of our own in the place of the client's."""

from __future__ import annotations

from dataclasses import dataclass, field

from inspector.model.flow import Flow, Mutation
from inspector.model.headers import Headers, mask_value

_CARRIERS = ("x-api-key", "api-key", "x-goog-api-key", "authorization")
_BY_DIALECT = {"anthropic-messages": "x-api-key", "anthropic-count-tokens": "x-api-key", "gemini": "x-goog-api-key"}


@dataclass(frozen=True, slots=True)
class Credential:
    """Replaces the key of every request, in the header in which the client sent one."""

    key: str = field(repr=False)

    def apply(self, flow: Flow) -> None:
        """Put the key in; the change stands on the flow, masked."""
        headers = flow.sent.headers.end_to_end()
        name = carrier(headers, flow.dialect)
        value = header_value(name, self.key)
        before = mask_value(name, headers.get(name))
        flow.forwarded = flow.sent.copy(headers=headers.set(name, value))
        flow.mutations.append(Mutation("credential", "config", before, mask_value(name, value)))


def carrier(headers: Headers, dialect: str) -> str:
    """The header that a key is sent in: the one in which the client sent its own, else the dialect's."""
    return next((name for name in _CARRIERS if name in headers), _BY_DIALECT.get(dialect, "authorization"))


def header_value(name: str, key: str) -> str:
    """A key as it stands in the header of that name."""
    return f"Bearer {key}" if name == "authorization" else key
