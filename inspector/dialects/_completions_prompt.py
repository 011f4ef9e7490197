"""The request of the Completions API: one text or several that are to be gone on with.

https://platform.openai.com/docs/api-reference/completions/create. A prompt may also be numbers of tokens, and for
llama.cpp both in turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from inspector.dialects._base import Json
from inspector.dialects._fields import dump, int_of, present, text_of, text_part
from inspector.dialects._openai_chat_request import read_prompt as read_messages
from inspector.model.message import Message, Other, Part, Prompt, Text

_NOT_PARAMETERS = frozenset({"model", "prompt", "stream"})
_KEPT = frozenset(
    [
        "best_of",
        "echo",
        "frequency_penalty",
        "logit_bias",
        "max_tokens",
        "n",
        "presence_penalty",
        "seed",
        "stop",
        "stream_options",
        "suffix",
        "temperature",
        "top_p",
        "user",
    ]
)
_RENAMED = {"max_completion_tokens": "max_tokens", "max_output_tokens": "max_tokens", "stop_sequences": "stop"}
MOST = 5
"""Alternatives for a token that OpenAI gives here, at most."""


def read_prompt(body: Json) -> Prompt:
    """Read a request's body: each of its prompts is a message of the user. ValueError where it has none."""
    if "prompt" not in body and "prompt_embeds" not in body:
        if isinstance(body.get("messages"), list):
            return read_messages(body)
        raise ValueError("a Completions request has a prompt")
    return Prompt(
        model=text_of(body.get("model")),
        messages=[Message("user", parts) for parts in texts(body.get("prompt"))],
        stream=body.get("stream") is True,
        parameters={name: value for name, value in body.items() if name not in _NOT_PARAMETERS},
    )


def texts(given: object) -> list[list[Part]]:
    """The parts of each text that a request gives: a text, numbers of tokens, or a list of either."""
    if isinstance(given, list) and not any(int_of(member) is not None for member in given):
        return [_parts(member) for member in given]
    return [_parts(given)] if given is not None else []


def _parts(given: object) -> list[Part]:
    """One text, its numbers and words in turn."""
    parts: list[Part] = []
    for numbered, run in groupby(given if isinstance(given, list) else [given], lambda each: int_of(each) is not None):
        members = list(run)
        if numbered:
            parts.append(Other("token_ids", members))
        else:
            parts += [text_part(each) if isinstance(each, str) else Other("prompt", each) for each in members]
    return parts


def write_prompt(prompt: Prompt) -> tuple[Json, list[str]]:
    """A request's body that says the same as far as one text can, and what could not be said."""
    lost: list[str] = []
    turns = [(message.role, _written(message, lost)) for message in prompt.messages]
    body: Json = {"model": prompt.model, "prompt": _as_one(turns, lost)}
    if prompt.tools:
        lost.append("the tools")
    parameters, unsaid = _parameters(prompt.parameters)
    body |= parameters
    if prompt.stream:
        body["stream"] = True
        body.setdefault("stream_options", {"include_usage": True})
    return body, list(dict.fromkeys([*lost, *unsaid]))


def _written(message: Message, lost: list[str]) -> str:
    lost += [f"a part of the kind {_kind(part)}" for part in message.parts if not isinstance(part, Text)]
    return "".join(str(part.content) for part in message.parts if isinstance(part, Text))


def _kind(part: Part) -> str:
    return part.kind if isinstance(part, Other) else type(part).__name__


def _as_one(turns: Sequence[tuple[str, str]], lost: list[str]) -> str:
    """A conversation as one text, which ends where the answer begins."""
    if [role for role, _ in turns] == ["user"]:
        return turns[0][1]
    if turns:
        lost.append("whose turn it is: the prompt is one text, in which the roles are written")
    said = [text if role == "system" else f"{role.title()}: {text}" for role, text in turns if text]
    return "\n\n".join([*said, "Assistant:"])


def _parameters(given: Mapping[str, Any]) -> tuple[Json, list[str]]:
    """The same parameters for this API, and those that it does not have."""
    written: Json = {}
    lost: list[str] = []
    for name, value in present(dict(given)).items():
        known = _RENAMED.get(name, name)
        if known in _KEPT:
            written[known] = value
        elif name in ("logprobs", "top_logprobs"):
            count = 0 if isinstance(value, bool) else min(int_of(value) or 0, MOST)
            if value is not False:
                written["logprobs"] = max(count, written.get("logprobs", 0))
        else:
            lost.append(f"{name}: {_short(value)}")
    return written, lost


def _short(value: object) -> str:
    text = value if isinstance(value, str) else dump(value)
    return text if len(text) <= 60 else text[:59] + "…"
