"""Tokens in the Gemini API: how they are asked for, read, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._array_strip import ArrayStrip
from inspector.dialects._base import parse_object
from inspector.dialects._gemini_shape import key_of, pick
from inspector.dialects._gemini_strip import TOP, WHOLE, GeminiCuts
from inspector.dialects._gemini_tokens import GeminiTokens
from inspector.dialects._json_members import BOM, member, with_members
from inspector.dialects._logprobs import Strip, TokenReader, Wish


class GeminiLogprobs:
    """The Gemini API, as far as it speaks of tokens. Their numbers come unasked."""

    def ask(self, body: bytes, wish: Wish) -> tuple[bytes, tuple[str, ...]]:
        """A request that asks for what is wished: `responseLogprobs` and `logprobs` in its `generationConfig`.

        What Code Assist is asked stays as it is: it knows no such settings.
        """
        asked = parse_object(body.removeprefix(BOM))
        key = key_of(asked, "generationConfig")
        config = asked.get(key) or {}
        if wish.top is None or "contents" not in asked or not isinstance(config, dict):
            return body, ()
        fields: dict[str, bytes] = {}
        wanted = pick(config, "responseLogprobs")
        if wanted is None:
            fields[WHOLE] = b"true"
        if wish.top and wanted in (None, True) and config.get("logprobs") is None:
            fields[TOP] = b"%d" % wish.top
        if not fields:
            return body, ()
        place = member(body, key) if config else None
        written = with_members(place[2] if place else b"{}", config, fields)
        return with_members(body, asked, {key: written}), tuple(f"{key}.{name}" for name in fields)

    def strip(self, added: Sequence[str]) -> Strip:
        """What takes those additions out of one answer."""
        return ArrayStrip(GeminiCuts(added))

    def reader(self) -> TokenReader:
        """A reader for one answer."""
        return GeminiTokens()
