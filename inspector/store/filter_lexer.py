"""Cuts a filter's text into tokens. Knows the marks of the language, not its keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["term", "not", "and", "or", "open", "close"]

_ARGUMENT = r"((?i:arg)\.)([\w.-]*)"
_BRACKETS = r"""\[(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\]\s"':~]*)\]?"""
_PATH = rf"""((?i:request|response|usage|header|response-header)\.)((?:[^\s:~<>()"\[\]]|{_BRACKETS})*)"""
_NAMES = r"([A-Za-z][\w.]*(?:[/+*][A-Za-z][\w.]*)?)"
_KEY = re.compile(rf"(?:{_ARGUMENT}|{_PATH}|{_NAMES})(:(?:>=|<=|=|>|<)?|~|[<>]=?(?=-?\.?[0-9]))")
_SIGNS = frozenset("/+*")
_WORDS: dict[str, Kind] = {"and": "and", "or": "or", "not": "not"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a filter with its place in the text: `text[start:end]`."""

    kind: Kind
    start: int
    end: int
    key: str = ""
    """A term's key in lower case, but for what is a path or a name in it; empty for a bare or quoted word."""
    operator: str = ""
    """What stands between key and value: `:`, `:=`, `:>`, `:>=`, `:<`, `:<=` or `~`."""
    value: str = ""
    value_start: int = 0
    quoted: bool = False
    closed: bool = True
    """False where a quote is opened and never closed."""
    word: str = ""
    """All of it, where it may be a mere word: `i<10` has no colon before its sign, `a/b:c` joins two."""


def lex(text: str) -> list[Token]:
    """All tokens of a text, in order. Every character but white space is in one; nothing is refused here."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        mark = text[at]
        if mark.isspace():
            at += 1
            continue
        if mark in "()":
            token = Token("open" if mark == "(" else "close", at, at + 1)
        elif mark == "-" and text[at + 1 : at + 2].strip():
            token = Token("not", at, at + 1)
        else:
            token = _term(text, at)
        tokens.append(token)
        at = token.end
    return tokens


def _term(text: str, start: int) -> Token:
    head = _KEY.match(text, start)
    key, operator, value_start = (_key(head), head[6], head.end()) if head else ("", "", start)
    joined = head is not None and head[5] is not None and not _SIGNS.isdisjoint(key)
    if text[value_start : value_start + 1] == '"':
        inner, end, closed = _quoted(text, value_start + 1)
        value = inner.replace('\\"', '"') if operator == "~" else re.sub(r'\\(["\\])', r"\1", inner)
        word = text[start:end] if joined else ""
        return Token("term", start, end, key, operator, value, value_start, quoted=True, closed=closed, word=word)
    end = _word_end(text, value_start, nested=operator == "~")
    value = text[value_start:end]
    if not key and value.lower() in _WORDS:
        return Token(_WORDS[value.lower()], start, end)
    bare = operator.startswith(("<", ">"))
    word = text[start:end] if bare or joined else ""
    return Token("term", start, end, key, f":{operator}" if bare else operator, value, value_start, word=word)


def _key(head: re.Match[str]) -> str:
    """A key; arguments and bodies have names of which the case counts."""
    prefix, name = head[1] or head[3], head[2] or head[4] or ""
    return f"{prefix.lower()}{name}" if prefix else head[5].lower()


def _quoted(text: str, start: int) -> tuple[str, int, bool]:
    """What stands between quotes, where the token ends, and whether the quote is closed. A backslash guards a quote."""
    at = start
    while at < len(text) and text[at] != '"':
        at += 2 if text[at] == "\\" else 1
    closed = at < len(text)
    return text[start : min(at, len(text))], min(at + 1, len(text)), closed


def _word_end(text: str, start: int, nested: bool) -> int:
    """Where an unquoted word ends: at white space or a parenthesis, except one that a regular expression opened."""
    depth, at = 0, start
    while at < len(text) and not text[at].isspace():
        if text[at] == "(":
            if not nested:
                break
            depth += 1
        elif text[at] == ")":
            if not depth:
                break
            depth -= 1
        at += 1
    return at
