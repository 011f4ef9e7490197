"""The title in the answer of a call that asked for one."""

from __future__ import annotations

import re

import orjson

from inspector.model.message import Transcript
from inspector.store.lane_prints import title_line

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|$)", re.DOTALL)
_NAMES = ("title", "topic", "name")


def title_of(transcript: Transcript) -> str:
    """The title that a model made: a line of text, or a member of an object. Empty where it made none."""
    message = transcript.answer.message
    text = _THOUGHTS.sub("", message.text()).strip() if message is not None else ""
    text = text.removeprefix("```json").strip("`").strip()
    # Some put the brace into the model's mouth: what it answers begins behind it.
    for written in (text, "{" + text):
        try:
            value = orjson.loads(written)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            return next((title_line(name) for key in _NAMES if isinstance(name := value.get(key), str)), "")
    return title_line(re.sub(r"^title:\s*", "", text, flags=re.IGNORECASE)).strip("\"'*“” ")
