"""What a request is for, by what it says: a small call beside a conversation is told from the conversation's turns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from inspector.model.flow import Request
from inspector.model.message import Message, Prompt
from inspector.store.lane import Work
from inspector.store.lane_prints import own_words
from inspector.store.summary import url_path

_COUNTING = frozenset({"anthropic-count-tokens", "gemini-count-tokens"})
_RESPONSE = re.compile(r"/responses/([^/]+)(?:/(?:cancel|input_items))?/*$")
"""`…/responses/{id}`: a look at an answer that is made in the background."""
_TITLE = re.compile(
    r"\b(?:generat|giv|creat|writ|suggest|extract|provid|return|produc|output|com(?:e|ing) up)\w*\b[^\n]{0,100}"
    r"\b(?:title|headline)\b|\bsummari[sz]\w*\b[^\n]{0,100}\b\d+ (?:words|characters)\b"
    r"|\bnew (?:conversation )?topic\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(?:conversation|session|chat|thread|message|dialog(?:ue)?|discussion|task|branch)", re.IGNORECASE
)
_SUMMARY = re.compile(
    r"\b(?:summar(?:y|i[sz])|compact(?:ion)?\b|condens|distil|hand-?(?:off|over)\b|checkpoint|memento|state_snapshot"
    r"|continuing (?:our|the|this) conversation)",
    re.IGNORECASE,
)
_HISTORY = re.compile(
    r"\b(?:conversation|context|history|session|transcript|so far|above|state_snapshot"
    r"|another (?:llm|model|agent|assistant))\b",
    re.IGNORECASE,
)
_TASK = re.compile(r"task|agent|delegat|spawn|dispatch|handoff|hand_off|subtask", re.IGNORECASE)
_HEAD = 4000
"""Characters of a text in which it is looked for what it asks."""
_NEAR = 150
"""Characters around the words that ask for a title, in which it stands whose title."""
_ORDER = 400
"""Characters that an agent's order to sum up has at least; a person asks in fewer."""
_LIMITS = ("max_tokens", "max_output_tokens", "max_completion_tokens", "num_predict", "maxTokens")


def polled(request: Request) -> str:
    """The id of the answer that a request asks after or takes back; empty where it does neither."""
    path = url_path(request.url)
    found = _RESPONSE.search(path)
    if found is None or (request.method == "POST" and not path.rstrip("/").endswith("/cancel")):
        return ""
    return found[1]


def aside(request: Request) -> Work | None:
    """What a request to one of the paths beside `…/responses` is for; they take what that takes."""
    path = url_path(request.url).rstrip("/")
    if request.method != "POST":
        return None
    if path.endswith("/responses/compact"):
        return Work.COMPACTION
    return Work.COUNT if path.endswith("/responses/input_tokens") else None


def small_work(dialect: str, prompt: Prompt) -> Work | None:
    """What a request is for that is no turn, as far as its prompt alone tells; None for all others."""
    if dialect in _COUNTING:
        return Work.COUNT
    if _tries_only(prompt.parameters):
        return Work.PROBE
    if prompt.tools:
        return None
    told = [message for message in prompt.messages if message.role == "system"]
    asked = _last_user(prompt.messages)
    texts = [message.text() for message in told] + ([asked.text()] if asked is not None else [])
    return Work.TITLE if any(_asks_for_title(text[:_HEAD]) for text in texts) else None


def order_of(prompt: Prompt) -> str:
    """The end of what the user said last; empty where the prompt does not end with it."""
    last = prompt.messages[-1] if prompt.messages else None
    return own_words(last.text())[-_HEAD:] if last is not None and last.role == "user" else ""


def asks_to_sum_up(prompt: Prompt, words: str, *, other_system: bool) -> bool:
    """Whether a conversation ends with the order (`words`, as `order_of` gives them) to sum it up.

    A person may ask for that as well, in a few words, and the conversation simply goes on. The agent's order is long,
    or comes without tools, or under other instructions (`other_system`) than the turns before.
    """
    idle = not prompt.tools or prompt.parameters.get("tool_choice") in ("none", {"type": "none"})
    if not (idle or other_system or len(words) >= _ORDER):
        return False
    return _SUMMARY.search(words) is not None and _HISTORY.search(words) is not None


def starts_agents(tool: str) -> bool:
    """Whether a tool, by its name, gives work to a sub-agent."""
    return _TASK.search(tool) is not None


def _tries_only(parameters: Mapping[str, Any]) -> bool:
    """One token is no answer, unless somebody looks at how probable it is."""
    if parameters.get("generate") is False:
        return True
    if parameters.get("logprobs") or parameters.get("top_logprobs") or parameters.get("response_logprobs"):
        return False
    return any(parameters.get(name) == 1 and parameters.get(name) is not True for name in _LIMITS)


def _asks_for_title(text: str) -> bool:
    """Whether a title is asked for, and that of a conversation: a person may want one for an essay."""
    asked = _TITLE.search(text)
    return asked is not None and _ABOUT.search(text, max(0, asked.start() - _NEAR), asked.end() + _NEAR) is not None


def _last_user(messages: list[Message]) -> Message | None:
    return next((message for message in reversed(messages) if message.role == "user"), None)
