"""Tokens in the Completions API: how they are asked for, read, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._base import parse_object
from inspector.dialects._completions_prompt import MOST
from inspector.dialects._completions_strip import CompletionsCuts, NativeCuts
from inspector.dialects._completions_tokens import CompletionsTokens
from inspector.dialects._event_strip import EventStrip
from inspector.dialects._json_members import BOM, with_members
from inspector.dialects._logprobs import Strip, TokenReader, Wish

_NATIVE = ("n_predict", "n_probs", "cache_prompt", "id_slot", "n_keep")
"""Settings that only llama.cpp's own API has."""


class CompletionsLogprobs:
    """The Completions API, as far as it speaks of tokens."""

    def ask(self, body: bytes, wish: Wish) -> tuple[bytes, tuple[str, ...]]:
        """A request that asks for what is wished: `logprobs`, which is a number here, and `return_token_ids`.

        llama.cpp's own API has `n_probs` instead, and its numbers come without asking.
        """
        asked = parse_object(body.removeprefix(BOM))
        native = "model" not in asked and any(name in asked for name in _NATIVE)
        fields: dict[str, bytes] = {}
        name = "n_probs" if native else "logprobs"
        if wish.top is not None and asked.get(name) is None:
            fields[name] = b"%d" % (max(wish.top, 1) if native else min(wish.top, MOST))
        if wish.token_ids and not native and asked.get("return_token_ids") is None:
            fields["return_token_ids"] = b"true"
        return with_members(body, asked, fields) if fields else body, tuple(fields)

    def strip(self, added: Sequence[str]) -> Strip:
        """What takes those additions out of one answer."""
        return EventStrip(NativeCuts() if "n_probs" in added else CompletionsCuts(added))

    def reader(self) -> TokenReader:
        """A reader for one answer."""
        return CompletionsTokens()
