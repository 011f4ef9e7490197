"""The tokens of an answer as a training trace has them: the payload's own entries, and their numbers.

Chat Completions are read as they were sent. Other APIs, and servers with lists of their own, are read by their dialect,
and written as Chat Completions would have them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from inspector.dialects import by_name
from inspector.dialects._fields import int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._logprob_entries import entry_lists, id_of, logprob_of
from inspector.dialects._logprobs import TokenReader
from inspector.dialects._openai_chat_reader import DONE, parse_completion
from inspector.model.token import Alternative, Channel, Token
from inspector.wire.event import Event

Json = dict[str, Any]

CHAT = "openai-chat"
"""The dialect whose payload has the shape of a trace already."""

_NAMES: dict[Channel, str] = {"reasoning": "reasoning_content", "refusal": "refusal"}
"""The lists of `choices[].logprobs` for what is no content; that of thoughts is DeepSeek's."""


@dataclass(slots=True)
class Tokens:
    """The tokens of one choice."""

    entries: list[Json] = field(default_factory=list)
    """Those that have log-probabilities, as they were sent, in the order in which they came."""
    lists: dict[str, list[Json]] = field(default_factory=dict)
    """The same by the list that they came in."""
    choice_ids: list[int] = field(default_factory=list)
    """The choice's own list of all tokens (`return_token_ids` of vLLM and SGLang)."""

    @property
    def texts(self) -> list[str]:
        """Each token as the payload spells it."""
        return [text_of(entry.get("token")) for entry in self.entries]

    @property
    def logps(self) -> list[float]:
        """The log-probabilities that are numbers."""
        return [logp for entry in self.entries if (logp := logprob_of(entry)) is not None]

    @property
    def ids(self) -> list[int]:
        """Each token's number: from the entries, where they all have one, else from the choice's own list."""
        numbers = [number for entry in self.entries if (number := id_of(entry)) is not None]
        return numbers if len(numbers) == len(self.entries) and numbers else self.choice_ids or numbers

    def take(self, channel: Channel, entries: list[Json]) -> None:
        """Add what one list brings."""
        self.entries += entries
        self.lists.setdefault(_NAMES.get(channel, "content"), []).extend(entries)


def tokens_of(dialect: str, events: list[Event]) -> tuple[dict[int, Tokens], list[int] | None]:
    """The tokens of an answer by choice, and the prompt's numbers where the server told them."""
    if dialect == CHAT:
        return _sent(events)
    known = by_name(dialect).logprobs
    return (_read(known.reader(), events) if known is not None else {}), None


def _sent(events: list[Event]) -> tuple[dict[int, Tokens], list[int] | None]:
    """What Chat Completions were sent. A whole message takes the place of what its choice had before."""
    choices: dict[int, Tokens] = {}
    prompt_ids: list[int] = []
    for event in events:
        body = _payload(event)
        prompt_ids = prompt_ids or _numbers(body.get("prompt_token_ids"))
        for choice in objects_of(body.get("choices")):
            index = int_of(choice.get("index")) or 0
            if isinstance(choice.get("message"), dict):
                choices.pop(index, None)
            if index == 0:
                prompt_ids = prompt_ids or _numbers(choice.get("prompt_token_ids"))
            ids, lists = _ids_of(choice), entry_lists(choice.get("logprobs"))
            if ids or lists:
                tokens = choices.setdefault(index, Tokens())
                tokens.choice_ids += ids
                for channel, entries in lists:
                    tokens.take(channel, entries)
    return choices, prompt_ids or None


def _ids_of(choice: Json) -> list[int]:
    """The numbers that stand beside a choice's words: in the choice, or in its delta or message."""
    said = object_of(choice.get("delta") or choice.get("message"))
    one = int_of(said.get("token_id"))
    return _numbers(choice.get("token_ids") or said.get("token_ids")) or ([one] if one is not None else [])


def _payload(event: Event) -> Json:
    if event.data.strip() == DONE:
        return {}
    try:
        return parse_completion(event.data.strip())
    except (ValueError, RecursionError):
        return {}


def _read(reader: TokenReader, events: list[Event]) -> dict[int, Tokens]:
    """The tokens that a dialect reads, in the shape of Chat Completions."""
    choices: dict[int, Tokens] = {}
    for event in events:
        with suppress(Exception):  # the border to dialects, which meet malformed input of every kind
            for token in reader.event(event):
                if token.logprob is not None and token.channel != "prompt":
                    entry = _entry(token, reader.alternatives(event, token.place))
                    choices.setdefault(token.choice, Tokens()).take(token.channel, [entry])
    return choices


def _entry(token: Token, alternatives: tuple[Alternative, ...]) -> Json:
    this = Alternative(token.data, token.logprob, token.id)
    return {**_alternative(this), "top_logprobs": [_alternative(other) for other in alternatives]}


def _alternative(this: Alternative) -> Json:
    entry: Json = {"token": this.text, "logprob": this.logprob, "bytes": list(this.data)}
    return entry if this.id is None else {**entry, "token_id": this.id}


def _numbers(value: object) -> list[int]:
    return [number for item in list_of(value) if (number := int_of(item)) is not None]
