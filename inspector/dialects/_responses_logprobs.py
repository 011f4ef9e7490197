"""Tokens in the Responses API: how they are asked for, read, and taken out again."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.dialects._base import parse_object
from inspector.dialects._event_strip import EventStrip
from inspector.dialects._json_members import BOM, member, with_members
from inspector.dialects._logprobs import Strip, TokenReader, Wish
from inspector.dialects._responses_strip import WANTED, ResponsesCuts
from inspector.dialects._responses_tokens import ResponsesTokens
from inspector.wire.json_edit import insert_at

_ENTRY = f'"{WANTED}"'


class ResponsesLogprobs:
    """The Responses API, as far as it speaks of tokens. It has no way to ask for their numbers."""

    def ask(self, body: bytes, wish: Wish) -> tuple[bytes, tuple[str, ...]]:
        """A request that asks for what is wished: an entry of `include`, and `top_logprobs`."""
        asked = parse_object(body.removeprefix(BOM))
        if wish.top is None:
            return body, ()
        fields: dict[str, bytes] = {}
        include = asked.get("include")
        if include is None:
            fields["include"] = b"[%s]" % _ENTRY.encode()
        elif isinstance(include, list) and WANTED not in include and (place := member(body, "include")):
            fields["include"] = insert_at(place[2], (), len(include), _ENTRY)
        if wish.top and asked.get("top_logprobs") is None:
            fields["top_logprobs"] = b"%d" % wish.top
        return with_members(body, asked, fields) if fields else body, tuple(fields)

    def strip(self, added: Sequence[str]) -> Strip:
        """What takes those additions out of one answer."""
        return EventStrip(ResponsesCuts(added))

    def reader(self) -> TokenReader:
        """A reader for one answer."""
        return ResponsesTokens()
