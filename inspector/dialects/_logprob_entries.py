"""Entries of log-probabilities, as the APIs of OpenAI's making spell them: one for each token, with its alternatives.

`{"token", "logprob", "bytes", "top_logprobs": [{"token", "logprob", "bytes"}]}`,
https://platform.openai.com/docs/api-reference/chat/object, with what servers make of it: numbers of tokens in place of
their text (vLLM) or beside it (llama.cpp's `id`, Together's `token_id`), and the four parallel lists of the Completions
API. What is no number is passed over; nothing here raises.
"""

from __future__ import annotations

import re

from inspector.dialects._base import Json
from inspector.dialects._fields import int_of, list_of, object_of, objects_of, text_of
from inspector.model.token import OUT_OF_RANGE, Alternative, Certainty, Channel, entropy

_LISTS: dict[str, Channel] = {
    "reasoning_content": "reasoning",
    "reasoning": "reasoning",
    "content": "content",
    "refusal": "refusal",
}
_ORDER: tuple[Channel, ...] = ("reasoning", "content", "refusal")
_NUMBERED = re.compile(r"token_id:([0-9]{1,18})")
"""What vLLM writes for a token's text where it was asked for numbers (`return_tokens_as_token_ids`)."""
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")
_ESCAPES = re.compile(r"(?:\\x[0-9a-fA-F]{2})+")
_FAR = 1e9
"""No log-probability lies beyond."""
_REPLACED = "\ufffd"


def entry_lists(logprobs: object) -> list[tuple[Channel, list[Json]]]:
    """The entries in a choice's `logprobs`, list by list: thoughts come first, as the model wrote them."""
    if not isinstance(logprobs, dict):
        return []
    found = [(_LISTS[name], objects_of(given)) for name, given in logprobs.items() if given and name in _LISTS]
    if not found and (tokens := list_of(logprobs.get("tokens"))):
        return [("content", _parallel(logprobs, tokens))]
    if len(found) > 1:
        found.sort(key=lambda pair: _ORDER.index(pair[0]))
    return found


def _parallel(given: Json, tokens: list[object]) -> list[Json]:
    """Entries from parallel lists: `tokens`, `token_logprobs`, `top_logprobs`, `token_ids`."""
    columns = [list_of(given.get(name)) for name in ("token_logprobs", "top_logprobs", "token_ids")]
    logprobs, tops, ids = (column + [None] * (len(tokens) - len(column)) for column in columns)
    entries: list[Json] = []
    for token, logprob, top, number in zip(tokens, logprobs, tops, ids, strict=False):
        others = [{"token": text, "logprob": other} for text, other in object_of(top).items()]
        entries.append({"token": token, "logprob": logprob, "top_logprobs": others, "token_id": number})
    return entries


def logprob_of(entry: Json) -> float | None:
    """An entry's log-probability; None where it says none (`null`, NaN)."""
    given = entry.get("logprob")
    if type(given) is not float:
        given = float(whole) if (whole := int_of(given)) is not None and abs(whole) < _FAR else None
    return given if given is not None and -_FAR < given < _FAR else None


def id_of(entry: Json) -> int | None:
    """A token's number in the vocabulary, in any of its spellings."""
    if "token_id" in entry or "id" in entry:
        own = int_of(entry.get("token_id"))
        if (number := int_of(entry.get("id")) if own is None else own) is not None:
            return number
    token = text_of(entry.get("token"))
    numbered = _NUMBERED.fullmatch(token) if token.startswith("token_id:") else None
    return int(numbered[1]) if numbered else None


def data_of(entry: Json) -> bytes | None:
    """A token's bytes, by `bytes` where it is there: the text may be a cut character. None where only a number came."""
    token, given = text_of(entry.get("token")), entry.get("bytes")
    numbered = token.startswith("token_id:") and _NUMBERED.fullmatch(token)
    if isinstance(given, list) and given:
        try:
            data = bytes(given)
        except (TypeError, ValueError):
            data = b""
        if data and not (numbered and data == token.encode()):
            return data
    return None if numbered or "token" not in entry else _unescaped(token)


def _unescaped(token: str) -> bytes:
    r"""The bytes of a token's text. OpenAI writes what is no whole character as `\xf0\x9f`, or `bytes:\xf0\x9f`."""
    data = token.encode("utf-8", "replace")
    if "\\x" in token:
        plain = _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), data.removeprefix(b"bytes:"))
        if token.startswith("bytes:") or (_ESCAPES.fullmatch(token) and max(plain) >= 0x80):
            return plain
    return data


def entropy_of(entry: Json) -> float | None:
    """How open the choice was, in bits; None where no alternatives came."""
    top = entry.get("top_logprobs")
    if not top:
        return None
    try:
        named = {other["token"]: other["logprob"] for other in top}
        plain = len(named) == len(top) and entry["token"] in named
        return (entropy(named.values()) if plain else 0.0) or _entropy_of_any(entry)
    except (KeyError, TypeError, OverflowError):
        return _entropy_of_any(entry)


def _entropy_of_any(entry: Json) -> float | None:
    """The same, for alternatives that are no plain list of different tokens with the chosen one among them."""
    top = _distinct(entry)
    logprobs = [logprob_of(other) for other in top]
    if not any(_name(entry) == _name(other) for other in top):
        logprobs.append(logprob_of(entry))
    unknown = all(logprob is None or logprob <= OUT_OF_RANGE for logprob in logprobs)
    return None if unknown or not top else entropy(logprobs)


def alternatives_of(entry: Json) -> tuple[Alternative, ...]:
    """The alternatives that an entry lists, most probable first, each once."""
    found = [Alternative(data_of(other) or b"", logprob_of(other), id_of(other)) for other in _distinct(entry)]
    found.sort(key=lambda other: (other.logprob is None, -(other.logprob or 0.0)))
    return tuple(found)


def _distinct(entry: Json) -> list[Json]:
    """The alternatives of an entry. Some servers list the chosen token twice; two tokens may also be spelled alike."""
    top = objects_of(entry.get("top_logprobs"))
    names = [_name(other) for other in top]
    if len(set(names)) == len(names):
        return top
    keys = ((name, logprob_of(other), id_of(other)) for name, other in zip(names, top, strict=True))
    return list(dict(zip(keys, top, strict=True)).values())


def _name(entry: Json) -> str:
    """What a token is told from others by: its text, and its bytes where they are no whole character."""
    token = text_of(entry.get("token"))
    return f"{token}{entry.get('bytes')}" if _REPLACED in token else token


def count_entries(certainty: Certainty, logprobs: object) -> None:
    """Sum the tokens of a choice's `logprobs` up."""
    for _, entries in entry_lists(logprobs):
        for entry in entries:
            certainty.add(logprob_of(entry), entropy_of(entry))
