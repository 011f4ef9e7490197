"""Cuts text into tokens: words with their leading space, common endings apart, signs beyond the BMP in two halves."""

from __future__ import annotations

import re

_LETTERS = r"[^\W\d_]"
_ENDING = rf"(?:able|ed|ence|er|est|ful|ing|less|ly|ment|ness|tion)(?!{_LETTERS})"
_TOKEN = re.compile(rf" ?{_LETTERS}{{3,}}?(?={_ENDING})| ?{_LETTERS}+| ?\d{{1,3}}| ?[^\w\s]|_|\s+(?=\s)|\s")


def tokenise(text: str) -> list[bytes]:
    """The tokens of `text`; joined they are its UTF-8 bytes again.

    A character of four bytes becomes two tokens of half a character each, as byte-level vocabularies do with rare
    signs: whoever shows such tokens must look at bytes.
    """
    tokens: list[bytes] = []
    for match in _TOKEN.finditer(text):
        data = match[0].encode("utf-8", "replace")
        if data.lstrip()[:1] >= b"\xf0":
            tokens += (data[:-2], data[-2:])
        else:
            tokens.append(data)
    return tokens


def count(text: str) -> int:
    """How many tokens `text` has."""
    return len(tokenise(text))


def spelled(data: bytes) -> str:
    """A token's bytes as text; what is no whole UTF-8 character is written `\\xf0\\x9f`, as OpenAI's API does."""
    return data.decode("utf-8", "backslashreplace")
