"""Refusals: whether an error is about what the profile added to a request, and who is not asked again.

The words are those of OpenAI and Azure (`Unrecognized request argument supplied: logprobs`, `You are not allowed to
request logprobs from this model`), vLLM and Mistral (`extra_forbidden`), llama.cpp (`logprobs is not supported with
tools + stream`), Groq, DeepSeek and Gemini (`Unknown name "logprobs"`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from inspector.dialects._logprobs import Wish
from inspector.dialects._writing import Json
from inspector.model.flow import Flow

_LOGPROBS = re.compile(r"log[ _-]?prob", re.IGNORECASE)
_TOKEN_IDS = re.compile(r"token_ids", re.IGNORECASE)
_INCLUDE = re.compile(r"""['"`]include['"`\[]|\b(?:argument|field|parameter|supplied)s?:? include\b""", re.IGNORECASE)
_UNKNOWN = re.compile(
    r"un(?:supported|known|recogni[sz]ed|expected)[ _](?:request )?(?:argument|field|key|name|parameter|propert)"
    r"|extra (?:fields|inputs) (?:are )?not (?:allowed|permitted)|extra_forbidden|additional propert",
    re.IGNORECASE,
)
_QUOTED = 200
"""Characters of an error that a note quotes."""


def names_refused(error: str, added: Sequence[str], others: Iterable[str]) -> tuple[str, ...]:
    """Which of the members that were added an error is about. `others` are those that the client sent itself."""
    numbers = tuple(name for name in added if _TOKEN_IDS.search(name))
    if _LOGPROBS.search(error) or ("include" in added and _INCLUDE.search(error)):
        return tuple(added)
    if numbers and _TOKEN_IDS.search(error):
        return numbers
    if _UNKNOWN.search(error) and not any(_is_named(name, error) for name in others if name not in added):
        return tuple(added)
    return ()


def _is_named(name: str, error: str) -> bool:
    word = re.escape(name)
    return re.search(rf"""['"`]{word}['"`.\[]|: {word}\b""", error) is not None


def words_of(error: str) -> str:
    """What an error says, in one line; its text where it is in no usual shape."""
    try:
        said = _message(orjson.loads(error))
    except orjson.JSONDecodeError:
        said = ""
    line = " ".join((said or error).split())
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"


def _message(error: Any) -> str:
    """The message in an error's JSON: OpenAI's and Google's, vLLM's, FastAPI's."""
    if isinstance(error, dict):
        said = next((error[name] for name in ("error", "message", "detail", "msg") if error.get(name)), "")
        where = ".".join(map(str, error["loc"])) + ": " if isinstance(error.get("loc"), list) else ""
        return where + _message(said) if said else ""
    if isinstance(error, list):
        return "; ".join(filter(None, map(_message, error)))
    return error if isinstance(error, str) else ""


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom a request asks, and for what: the same again is refused again."""

    origin: str
    dialect: str
    model: str
    tools: bool
    stream: bool

    @classmethod
    def of(cls, flow: Flow, model: str, body: Json) -> Asking:
        """What a flow asks whose request has this body."""
        url = urlsplit(flow.sent.url)
        return cls(
            f"{url.scheme}://{url.netloc}", flow.dialect, model, bool(body.get("tools")), body.get("stream") is True
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """One refusal."""

    asking: Asking
    everything: bool
    """Not only the numbers of tokens."""
    always: bool
    """The error says nothing of tools or streams, which are all that llama.cpp minds."""

    def holds_for(self, asking: Asking) -> bool:
        """Whether it is to be expected again."""
        return self.always or (self.asking.tools, self.asking.stream) == (asking.tools, asking.stream)


def refusal(asking: Asking, error: str, names: Sequence[str]) -> Refused:
    """What an error teaches that refuses the members of these names."""
    shape = re.search(r"\btools?\b|\bstream", error, re.IGNORECASE)
    return Refused(asking, not all(map(_TOKEN_IDS.search, names)), shape is None)


class Refusals:
    """Who refused what in this session."""

    def __init__(self) -> None:
        self._known: defaultdict[tuple[str, str, str], list[Refused]] = defaultdict(list)

    def add(self, refused: Refused) -> None:
        """Remember one."""
        known = self._known[_place(refused.asking)]
        if refused not in known:
            known.append(refused)

    def left(self, asking: Asking, wish: Wish) -> tuple[Wish | None, str]:
        """What is left of a wish after all refusals; and a remark where something is not."""
        known = [each for each in self._known.get(_place(asking), ()) if each.holds_for(asking)]
        place = f"{asking.model or 'the model'} at {asking.origin}"
        if any(each.everything for each in known):
            return None, f"log-probabilities are not asked for: {place} refused them before"
        if known and wish.token_ids:
            rest = replace(wish, token_ids=False) if wish.top is not None else None
            return rest, f"token ids are not asked for: {place} refused them before"
        return wish, ""


def _place(asking: Asking) -> tuple[str, str, str]:
    return asking.origin, asking.dialect, asking.model
