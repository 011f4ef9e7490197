"""The tokens of an answer of the Completions API, streamed or whole.

Log-probabilities come as four parallel lists (OpenAI, vLLM, SGLang), as in Chat Completions (llama.cpp's
`/v1/completions`), or as `completion_probabilities` (llama.cpp's own `/completion`).
"""

from __future__ import annotations

from typing import NamedTuple

from inspector.dialects._base import Json
from inspector.dialects._completions_echo import PromptTokens, is_echo
from inspector.dialects._completions_reader import apart, as_completion
from inspector.dialects._fields import int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._logprob_entries import alternatives_of, data_of, entropy_of, entry_lists, id_of, logprob_of
from inspector.dialects._openai_chat_reader import DONE, parse_completion
from inspector.model.message import MOST_CHOICES
from inspector.model.token import Alternative, Channel, Token
from inspector.wire.event import Event


class _Slot(NamedTuple):
    """The place of one token in an event."""

    channel: Channel
    entry: Json
    """Empty where only the token's number came."""
    id: int | None


class CompletionsTokens:
    """Reads the tokens of one answer. Those of the prompt that the answer tells of are of the channel `prompt`."""

    def __init__(self) -> None:
        self._prompts = PromptTokens()
        self._asked: Event | None = None
        """The event whose alternatives were asked for last, and its places: a document has thousands of them."""
        self._slots: list[_Slot] = []

    def event(self, event: Event) -> list[Token]:
        """The tokens that an event brings. ValueError where it is not a JSON object."""
        tokens: list[Token] = []
        for completion in _completions(event):
            for choice in objects_of(completion.get("choices")):
                tokens += self._tokens(completion, choice)
        for place, token in enumerate(tokens):
            token.place = place
        return tokens

    def alternatives(self, event: Event, place: int) -> tuple[Alternative, ...]:
        """What the provider says might have stood there."""
        if event is not self._asked:
            choices = [choice for each in _completions(event) for choice in objects_of(each.get("choices"))]
            self._asked, self._slots = event, [slot for choice in choices for slot in _slots(choice)]
        return alternatives_of(self._slots[place].entry) if 0 <= place < len(self._slots) else ()

    def _tokens(self, completion: Json, choice: Json) -> list[Token]:
        slots = _slots(choice)
        data = [data_of(slot.entry) for slot in slots]
        if data == [None]:
            data = [_text_of(choice).encode("utf-8", "replace")]
        given = sum(slot.channel == "prompt" for slot in slots) + self._prompts.among(completion, choice)
        index = max(0, min(int_of(choice.get("index")) or 0, MOST_CHOICES - 1))
        return [
            Token(
                each or b"",
                logprob_of(entry),
                number,
                "prompt" if place < given else channel,
                index,
                entropy=entropy_of(entry),
            )
            for place, ((channel, entry, number), each) in enumerate(zip(slots, data, strict=True))
        ]


def _completions(event: Event) -> list[Json]:
    """The answers that an event brings, or the pieces of one, in the API's own shape."""
    if event.kind == "comment" or event.data.strip() in (b"", DONE):
        return []
    return [as_completion(parse_completion(one.data.strip())) for one in apart(event)]


def _text_of(choice: Json) -> str:
    return text_of(choice.get("text")) or text_of(object_of(choice.get("delta")).get("content"))


def _slots(choice: Json) -> list[_Slot]:
    """The places of a choice's tokens. Numbers beside the entries are theirs where there are as many of each."""
    entries = [(channel, entry) for channel, entries in entry_lists(choice.get("logprobs")) for entry in entries]
    numbers = list_of(choice.get("token_ids"))
    if not entries:
        return [*_prompt(choice), *(_Slot("content", {}, int_of(number)) for number in numbers)]
    beside = [int_of(number) for number in numbers] if len(numbers) == len(entries) else [None] * len(entries)
    slots = [
        _Slot(channel, entry, number if (own := id_of(entry)) is None else own)
        for (channel, entry), number in zip(entries, beside, strict=True)
    ]
    return slots if is_echo([entry for _, entry in entries]) else [*_prompt(choice), *slots]


def _prompt(choice: Json) -> list[_Slot]:
    """The prompt's tokens where vLLM was asked for them alone (`prompt_logprobs`): at each place alternatives by their
    numbers, the prompt's own token first, and nothing at the very first place.
    """
    numbers = list_of(choice.get("prompt_token_ids"))
    slots: list[_Slot] = []
    for place, given in enumerate(list_of(choice.get("prompt_logprobs"))):
        known = int_of(numbers[place]) if place < len(numbers) else None
        others = [_prompt_entry(name, other) for name, other in object_of(given).items()]
        own = next((other for other in others if other["id"] == known), others[0] if others else {})
        slots.append(_Slot("prompt", {**own, "top_logprobs": others}, int_of(own.get("id")) if own else known))
    return slots


def _prompt_entry(name: str, given: object) -> Json:
    told = object_of(given)
    number = int(name) if name.isdecimal() and len(name) < 19 else None
    return {"token": told.get("decoded_token"), "logprob": told.get("logprob"), "id": number}
