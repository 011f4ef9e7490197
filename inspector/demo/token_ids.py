"""The numbers of the demo's tokens: places in the model's vocabulary, and new ones for what the model never read."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.demo.model import NGramModel

MOST = 1 << 20
"""Numbers that are given at most; tokens that come later share the last."""


class TokenIds:
    """Gives every token the same number as long as the server runs."""

    def __init__(self, model: NGramModel) -> None:
        self._ids = {token: place for place, token in enumerate(model.vocabulary)}

    def of(self, tokens: Iterable[bytes]) -> list[int]:
        """Their numbers; a new token gets the next one."""
        return [self._id(token) for token in tokens]

    def _id(self, token: bytes) -> int:
        found = self._ids.get(token)
        if found is None and len(self._ids) < MOST:
            found = self._ids[token] = len(self._ids)
        return MOST if found is None else found
