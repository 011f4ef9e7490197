"""Tokens in the Chat Completions API: how they are asked for, read, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._base import parse_object
from inspector.dialects._event_strip import EventStrip
from inspector.dialects._json_members import BOM, with_members
from inspector.dialects._logprobs import Strip, TokenReader, Wish
from inspector.dialects._openai_chat_strip import ChatCuts
from inspector.dialects._openai_chat_tokens import ChatTokens


class ChatLogprobs:
    """The Chat Completions API, as far as it speaks of tokens."""

    def ask(self, body: bytes, wish: Wish) -> tuple[bytes, tuple[str, ...]]:
        """A request that asks for what is wished: `logprobs`, `top_logprobs`, `return_token_ids`.

        A client that said `"logprobs":false` is not given alternatives either: OpenAI refuses those alone.
        """
        asked = parse_object(body.removeprefix(BOM))
        fields: dict[str, bytes] = {}
        if wish.top is not None:
            logprobs = asked.get("logprobs")
            if logprobs is None:
                fields["logprobs"] = b"true"
            if wish.top and (logprobs is None or logprobs is True) and asked.get("top_logprobs") is None:
                fields["top_logprobs"] = b"%d" % wish.top
        if wish.token_ids and asked.get("return_token_ids") is None:
            fields["return_token_ids"] = b"true"
        return with_members(body, asked, fields) if fields else body, tuple(fields)

    def strip(self, added: Sequence[str]) -> Strip:
        """What takes those additions out of one answer."""
        return EventStrip(ChatCuts(added))

    def reader(self) -> TokenReader:
        """A reader for one answer."""
        return ChatTokens()
