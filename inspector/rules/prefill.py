"""Going on from the middle of an answer: a request that ends with the beginning of the answer that is wanted."""

from __future__ import annotations

import json
import re
from typing import Any

from inspector.model.flow import Flow
from inspector.model.message import Reasoning
from inspector.model.token import Channel
from inspector.rules.prefill_manners import (
    ASSISTANT,
    BETA,
    CONTINUE,
    PREFIX,
    PROMPT,
    TRAILING,
    Manner,
    host_of,
    likeliest,
)
from inspector.rules.variants import Variant, copied
from inspector.store.transcripts import Transcripts
from inspector.wire.json_path import Path

__all__ = ["Manner", "manners", "prefilled", "refusal", "taken"]

_WITHOUT = {"api.openai.com": "OpenAI's API", "chatgpt.com": "OpenAI's API"}
_WITHOUT_SUFFIX = {".openai.azure.com": "Azure OpenAI", ".cognitiveservices.azure.com": "Azure OpenAI"}
"""Servers of Chat Completions that always begin a new answer."""
_CHANNELS: dict[Channel, str] = {
    "tool_name": "a tool call cannot be gone on from: servers take the beginning of a text, not that of a call",
    "tool_arguments": "a tool call cannot be gone on from: servers take the beginning of a text, not that of a call",
    "reasoning": "thoughts cannot be gone on from: servers take the beginning of a text, not that of thoughts",
    "refusal": "a refusal cannot be gone on from: servers take the beginning of a text, and no other",
    "prompt": "this is a word of the prompt: it is changed in the request",
}
_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?![\d])")
_LATEST = re.compile(r"claude-(fable|mythos)")
_SHAPED = ("json_object", "json_schema")


def manners(flow: Flow) -> list[Manner]:
    """The ways that this flow's API has, the likeliest to be understood by its server first; empty for none."""
    match flow.dialect:
        case "anthropic-messages":
            return [ASSISTANT]
        case "openai-completions":
            return [PROMPT]
        case "ollama":
            return [TRAILING]
        case "openai-chat" if not _without(flow):
            return likeliest(flow)
    return []


def refusal(flow: Flow, channel: Channel = "content") -> str:
    """Why the flow's provider cannot go on from a beginning that ends in that channel of the answer, in words for the
    person; empty where it can.
    """
    if flow.dialect == "openai-responses":
        return "the Responses API cannot go on from the beginning of an answer: it always begins a new one"
    if flow.dialect not in ("anthropic-messages", "openai-chat", "openai-completions", "ollama"):
        return "this request is of no API that can go on from the beginning of an answer"
    if server := _without(flow):
        return f"{server} cannot go on from the beginning of an answer: it always begins a new one"
    try:
        if flow.dialect == "openai-completions":
            _prompt(copied(flow))
            return _CHANNELS.get(channel, "")
        body = _body(copied(flow))
    except ValueError as error:
        return str(error)
    if _ends_with_user(str(body.get("model", ""))):
        return f"{body['model']} takes no beginning of an answer: from Claude 4.6 on, the last message is the user's"
    return _CHANNELS.get(channel, "")


def prefilled(
    flow: Flow, beginning: str, manner: Manner | None = None, transcripts: Transcripts | None = None
) -> Variant:
    """The flow's request, to be answered with what follows `beginning`, in one of `manners`: by default the likeliest.

    Where the request ends with the beginning of an answer already, that is taken on. `said` tells what cannot stay as
    it was; `transcripts` may know the flow's answer already. ValueError, in words for the person, where it cannot be.
    """
    if why := refusal(flow):
        raise ValueError(why)
    made = copied(flow)
    manner = manner or manners(flow)[0]
    if manner is ASSISTANT:
        _without_thinking(made)
    if (text := taken(flow, beginning)) != beginning:
        made.said.append("the white space at the end of the beginning is left out: Anthropic refuses it")
    if not text:
        raise ValueError("there is no beginning to go on from")
    if manner is PROMPT:
        place, prompt = _prompt(made)
        made.set(place, prompt + text)
    else:
        _put(made, text, manner)
    if manner is CONTINUE:
        made.set(("continue_final_message",), True)
        made.set(("add_generation_prompt",), False)
    elif manner is BETA and host_of(flow) == "api.deepseek.com":
        made.aim(f"{made.request.url.partition('://')[0]}://api.deepseek.com/beta/chat/completions")
    if manner.repeats:
        made.said.append("the answer will say the beginning again")
    message = (transcripts or Transcripts()).of(flow).answer.message
    if message is not None and any(isinstance(part, Reasoning) and part.content for part in message.parts):
        made.said.append("what the model had thought is not sent along: it goes on without, or thinks anew")
    return made


def taken(flow: Flow, beginning: str) -> str:
    """What of a beginning the flow's API takes: what follows it in the answer goes on where this ends."""
    return beginning.rstrip() if flow.dialect == "anthropic-messages" else beginning


def _body(made: Variant) -> dict[str, Any]:
    """What the request says. ValueError where it has no list of messages."""
    body = _parsed(made)
    if not isinstance(body.get("messages"), list):
        raise ValueError("this request has no list of messages that an answer could be put behind")
    return body


def _parsed(made: Variant) -> dict[str, Any]:
    try:
        body = json.loads(made.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _prompt(made: Variant) -> tuple[Path, str]:
    """Where the one text of a Completions request stands, and that text. ValueError where it has no such text."""
    body = _parsed(made)
    prompt = body.get("prompt")
    place: Path = ("prompt",)
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        place, prompt = ("prompt", 0), prompt[0]
    if isinstance(prompt, str):
        if body.get("echo"):
            raise ValueError("the answer says the prompt again (echo): it cannot be gone on from")
        return place, prompt
    if isinstance(prompt, list) and any(isinstance(each, str) for each in prompt):
        raise ValueError("this request has several prompts: only one can be gone on from")
    raise ValueError("this request's prompt is no text that an answer could be put behind")


def _without(flow: Flow) -> str:
    """The name of a server that is known to begin every answer anew."""
    if flow.dialect != "openai-chat":
        return ""
    host = host_of(flow)
    found = (name for suffix, name in _WITHOUT_SUFFIX.items() if host.endswith(suffix))
    return _WITHOUT.get(host) or next(found, "")


def _ends_with_user(model: str) -> bool:
    """Whether a model refuses a conversation that ends with its own words.

    https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6#prefill-removal
    """
    if _LATEST.search(model):
        return True
    found = _CLAUDE.search(model)
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (4, 6)


def _without_thinking(made: Variant) -> None:
    """Switch thinking off: with it, Anthropic takes no beginning.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking
    """
    body = _body(made)
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") != "disabled":
        made.take_out(("thinking",))
        made.said.append(
            "thinking is switched off, since Anthropic takes no beginning with it: the answer may be another"
        )
        _without_thoughts_to_clear(made, body)


def _without_thoughts_to_clear(made: Variant, body: dict[str, Any]) -> None:
    """Take out the edits of the context that Anthropic refuses without thinking."""
    management = body.get("context_management")
    edits = management.get("edits") if isinstance(management, dict) else None
    if isinstance(edits, list):
        kept = [edit for edit in edits if not (isinstance(edit, dict) and "thinking" in str(edit.get("type")))]
        if not kept:
            made.take_out(("context_management",))
        elif kept != edits:
            made.set(("context_management", "edits"), kept)


def _put(made: Variant, beginning: str, manner: Manner) -> None:
    """Put the beginning behind the last message, or behind the one that is there."""
    body = _body(made)
    shape = body.get("response_format")
    if isinstance(shape, dict) and shape.get("type") in _SHAPED:
        made.said.append("the request wants JSON of a given shape: servers may begin that anew")
    marked = {"prefix": True} if manner in (PREFIX, BETA) else {}
    messages = body["messages"]
    last = messages[-1] if messages and isinstance(messages[-1], dict) else {}
    if last.get("role") != "assistant" or last.get("tool_calls"):
        made.add(("messages",), {"role": "assistant", "content": beginning, **marked})
        return
    place, content = ("messages", len(messages) - 1), last.get("content")
    made.set((*place, "content"), _longer(content, beginning, manner))
    for key, value in marked.items():
        made.set((*place, key), value)


def _longer(content: object, more: str, manner: Manner) -> object:
    """The content of a message with more text at its end; an answer that repeats its beginning has that already."""
    if isinstance(content, list):
        last = content[-1] if content else None
        if isinstance(last, dict) and last.get("type") == "text":
            return [*content[:-1], {**last, "text": _longer(last.get("text"), more, manner)}]
        return [*content, {"type": "text", "text": more}]
    before = content if isinstance(content, str) else ""
    return more if manner.repeats and more.startswith(before) else before + more
