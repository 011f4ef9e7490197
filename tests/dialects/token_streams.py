"""Answers of a server that was asked for log-probabilities, and those that it gives where it was not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.dialects.responses_answers import upstream

Json = dict[str, Any]

TRAPS = (
    '"logprobs":{"content":[',
    '{"choices":[{"logprobs":{"content":[{"token":"x"}]}}]}',
    "\\",
    '\\"logprobs\\":null',
    '"}]}],"token_ids":[1]',
    "\u2028é漢👍\x85",
    "data: x\n\ndata: ",
)
words = st.sampled_from(TRAPS) | st.text(alphabet='ab {}[]",:\\\n\r\t\x00é漢👍\u2028', max_size=8)


def entry(word: str, top: int, identity: int | None = None) -> Json:
    """One token as servers tell of it, with `top` alternatives."""
    one: Json = {"token": word, "logprob": -0.25, "bytes": list(word.encode())}
    one |= {"id": identity} if identity is not None else {}
    return {**one, "top_logprobs": [{**one, "logprob": -number - 0.5} for number in range(top)]}


@dataclass(frozen=True)
class Manner:
    """What a server does."""

    omits: bool = False
    """It leaves `logprobs` out where it has nothing to say."""
    last: bool = False
    """The key is the last one of a choice."""
    numbers: bool = False
    """It sends token numbers where they were asked for, and null where not."""
    channel: str = "content"
    role: str = "null"
    """What an asked server says with the role: nothing (`null`), an empty list (`empty`), or there is no such event."""
    known: tuple[tuple[str, str], ...] = ()
    """What tells which server it is."""


MANNERS = {
    "openai": Manner(role="empty"),
    "azure": Manner(last=True, role="empty"),
    "none first": Manner(role=""),
    "vllm": Manner(numbers=True),
    "deepseek": Manner(channel="reasoning_content"),
    "refusal": Manner(channel="refusal", role="empty"),
    "llama.cpp": Manner(omits=True, last=True),
    "omits": Manner(omits=True),
    "ollama": Manner(omits=True, last=True, role="", known=(("system_fingerprint", "fp_ollama"),)),
    "llama.cpp old": Manner(omits=True, last=True, role="", known=(("system_fingerprint", "b7010-c27efd2bd"),)),
    "xai": Manner(omits=True, role="", known=(("model", "grok-3"),)),
}


@dataclass(frozen=True)
class Step:
    """One event of a stream: what each of its choices says."""

    said: tuple[tuple[int, tuple[str, ...]], ...]
    """The choices' indices, and the tokens of each; with none, the event brings no log-probabilities."""
    tool: bool = False
    """It is said in a tool's arguments."""
    extra: bool = False
    """Another object has the same keys."""


steps = st.builds(
    Step,
    st.lists(st.tuples(st.integers(0, 2), st.lists(words, max_size=3).map(tuple)), min_size=1, max_size=3).map(tuple),
    st.booleans(),
    st.booleans(),
)


@dataclass(frozen=True)
class Framing:
    """How events are written."""

    end: bytes = b"\n"
    prefix: bytes = b"data: "
    separators: tuple[str, str] | None = (",", ":")
    indent: int | None = None
    """Set, every line of the JSON is a line of data."""
    ascii: bool = False
    bom: bool = False
    before: bytes = b""
    """A line before each event."""
    cut: bool = False
    """The last event has no blank line."""

    def write(self, events: list[Json]) -> bytes:
        body = b""
        for event in events:
            text = json.dumps(event, indent=self.indent, separators=self.separators, ensure_ascii=self.ascii)
            lines = [self.prefix + line.encode() for line in text.split("\n")]
            body += self.end.join([*([self.before] if self.before else []), *lines, b"", b""])
        body += b": ping" + self.end + self.end
        if self.cut:
            body = body[: body.rindex(b": ping")].removesuffix(self.end + self.end)
        else:
            body += self.prefix + b"[DONE]" + self.end + self.end
        return (b"\xef\xbb\xbf" if self.bom else b"") + body


framings = st.builds(
    Framing,
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.sampled_from([b"data: ", b"data:", b" data: "]),
    st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]),
    st.sampled_from([None, None, None, 1]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([b"", b"event: x", b"id: 7", b": ping", b"retry: 1", b"dat{}", b"datum: x"]),
    st.booleans(),
)


def chat_events(given: list[Step], manner: Manner, top: int, asked: bool) -> list[Json]:
    """The events of a stream. `top` is how many alternatives come."""
    head = {"id": "c1", "object": "chat.completion.chunk", "model": "m", **dict(manner.known)}
    events: list[Json] = []
    if manner.role:
        empty: Json | None = {"content": [], "refusal": None} if asked and manner.role == "empty" else None
        first = _choice(0, {"role": "assistant", "content": ""}, empty, manner)
        numbers = {"prompt_token_ids": [1, 2, 3] if asked else None} if manner.numbers else {}
        events.append({**head, "choices": [first], **numbers})
    for step in given:
        extra = {"__verbose": {"logprobs": {"content": [1]}, "token_ids": [1], "top_logprobs": [1]}}
        choices = [_said(index, tokens, step, manner, top, asked) for index, tokens in step.said]
        events.append({**head, "choices": choices, **(extra if step.extra else {}), "usage": None})
    events.append({**head, "choices": [{**_choice(0, {}, None, manner), "finish_reason": "stop"}]})
    return [*events, {**head, "choices": [], "usage": {"total_tokens": 3}}, {"error": {"message": '"logprobs":[1]'}}]


def _said(index: int, tokens: tuple[str, ...], step: Step, manner: Manner, top: int, asked: bool) -> Json:
    text = "".join(tokens)
    delta: Json = {"content": text}
    if step.tool:
        arguments: object = {"logprobs": {"content": [text]}, "token_ids": [5]} if step.extra else text
        delta = {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
    entries = [entry(token, top, 7 if manner.last else None) for token in tokens]
    value = {"content": None, "refusal": None, manner.channel: entries} if asked and tokens else None
    choice = _choice(index, delta, value, manner)
    return {**choice, "token_ids": [9] * len(tokens) if asked else None} if manner.numbers else choice


def _choice(index: int, delta: Json, logprobs: Json | None, manner: Manner) -> Json:
    key = {} if logprobs is None and manner.omits else {"logprobs": logprobs}
    if manner.last:
        return {"index": index, "delta": delta, "finish_reason": None, **key}
    return {"index": index, "delta": delta, **key, "finish_reason": None}


def responses_events(output: list[Json], top: int, asked: bool, vllm: bool = False) -> list[Json]:
    """The events of an answer of the Responses API. vLLM never has the key in parts that are done, and in items only
    where it was asked.
    """
    return [_with_tokens(event, top, asked, vllm) for event in upstream(output)]


def _with_tokens(event: Json, top: int, asked: bool, vllm: bool) -> Json:
    """The same event with log-probabilities (or the empty lists of a server that was not asked)."""
    made: Json = {}
    for key, value in event.items():
        if key == "part" and (vllm or event["type"].endswith(".added")):
            done = vllm and event["type"].endswith(".done")
            made[key] = {name: said for name, said in value.items() if name != "logprobs" or not done}
        elif key == "response":
            echo = {"top_logprobs": top if asked else 0, "tools": [{"include": ["x"], "top_logprobs": 3}]}
            made[key] = _with_tokens({**value, **echo}, top, asked, vllm)
        elif isinstance(value, dict):
            made[key] = _with_tokens(value, top, asked, vllm)
        elif isinstance(value, list) and key in ("output", "content"):
            made[key] = [_with_tokens(inner, top, asked, vllm) for inner in value]
        elif key != "logprobs":
            made[key] = value
        elif asked and (not vllm or event.get("text") != ""):
            said = str(event.get("delta", event.get("text", "")))
            made[key] = [entry(letter, top) for letter in said]
        elif not (vllm and event.get("type") == "output_text"):
            made[key] = []
    return made
