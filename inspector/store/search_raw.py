"""The bytes of a body as text, some at a time: for a search through what nobody could read as a conversation."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from inspector.model.flow import Request, Response
from inspector.wire.encodings import DecodeError, decoder_for

SLICE = 64 * 1024
"""Bytes that are decoded at a time."""


def body_texts(message: Request | Response) -> Iterator[str]:
    """A body, decoded as far as it can be; bytes that are no UTF-8 become U+FFFD."""
    data = message.body.data
    text = codecs.getincrementaldecoder("utf-8")("replace")
    try:
        decoder = decoder_for(",".join(message.headers.all("content-encoding")))
    except DecodeError:
        decoder = None
    for start in range(0, len(data), SLICE):
        piece = bytes(data[start : start + SLICE])
        try:
            piece = piece if decoder is None else decoder.feed(piece)
        except DecodeError:
            return
        yield text.decode(piece)
    yield text.decode(b"", True)


def stands_in(message: Request | Response, words: str) -> bool:
    """Whether some text stands in a body that is not encoded. It looks at all of it."""
    return not message.headers.get("content-encoding") and message.body.data.find(words.encode("utf-8", "replace")) >= 0
