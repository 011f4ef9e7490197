"""Tokens in Ollama's API: how they are asked for, read, and taken out again.

https://docs.ollama.com/api/chat: `logprobs` and `top_logprobs` (0 to 20), which versions before 0.12.11 pass over.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._base import parse_object
from inspector.dialects._fields import objects_of
from inspector.dialects._json_members import BOM, Cut, Members, marked, place_of, removed, with_members
from inspector.dialects._line_strip import LineStrip
from inspector.dialects._logprobs import Strip, TokenReader, Wish
from inspector.dialects._ollama_lines import is_silent
from inspector.dialects._ollama_tokens import OllamaTokens

_MOST = 20
"""Alternatives beyond which Ollama refuses the request."""


class OllamaLogprobs:
    """Ollama's API, as far as it speaks of tokens."""

    def ask(self, body: bytes, wish: Wish) -> tuple[bytes, tuple[str, ...]]:
        """A request that asks for what is wished. Tokens' numbers are not to be had."""
        asked = parse_object(body.removeprefix(BOM))
        fields: dict[str, bytes] = {}
        if wish.top is not None:
            logprobs = asked.get("logprobs")
            if logprobs is None:
                fields["logprobs"] = b"true"
            if wish.top and (logprobs is None or logprobs is True) and asked.get("top_logprobs") is None:
                fields["top_logprobs"] = b"%d" % min(wish.top, _MOST)
        return with_members(body, asked, fields) if fields else body, tuple(fields)

    def strip(self, added: Sequence[str]) -> Strip:
        """What takes those additions out of one answer."""
        return LineStrip(OllamaCuts(added))

    def reader(self) -> TokenReader:
        """A reader for one answer."""
        return OllamaTokens()


class OllamaCuts:
    """What is to be cut out of each line. A server that was not asked leaves the keys out.

    It also sends lines that have nothing but tokens, while it finds out whether they make a call: these go.
    """

    def __init__(self, added: Sequence[str]) -> None:
        self._whole = "logprobs" in added
        self._top = "top_logprobs" in added
        self._members = Members("logprobs" if self._whole else "top_logprobs")

    def __call__(self, payload: bytes) -> list[Cut] | None:
        """The cuts in a line, or in a document, in their order; None where the line goes."""
        if not (self._whole or self._top) or b'logprobs"' not in payload:
            return []
        places = self._members.find(payload)
        body = marked(payload, places)
        if not isinstance(body, dict):
            return []
        if not self._whole:
            found = [place_of(token.get("top_logprobs"), places) for token in objects_of(body.get("logprobs"))]
            return sorted({removed(payload, place) for place in found if place is not None})
        place = place_of(body.get("logprobs"), places)
        if place is None:
            return []
        return None if is_silent(body) else [removed(payload, place)]
