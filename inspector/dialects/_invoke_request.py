"""Reads the request to an invoked model, whose body is that of its maker's API.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
"""

from __future__ import annotations

from inspector.dialects import _converse_request, _openai_chat_request
from inspector.dialects._base import Json
from inspector.dialects._fields import list_of, object_of, objects_of, text_of, text_part
from inspector.dialects._invoke_events import Api
from inspector.dialects._pieces import json_bytes
from inspector.dialects.anthropic import Anthropic
from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Message, Part, Prompt

_WORDS = ("prompt", "inputText", "message")
"""Where the APIs of mere text have what the user says: most; Titan; Cohere."""
_SETTINGS = ("textGenerationConfig", "imageGenerationConfig", "embeddingConfig")


def api_asked(body: Json, model: str = "") -> Api:
    """Whose API a request's body is of."""
    if "anthropic_version" in body or ("messages" in body and "anthropic." in model):
        return "anthropic"
    if "schemaVersion" in body or "inferenceConfig" in body:
        return "converse"
    return "chat" if isinstance(body.get("messages"), list) else "simple"


def read_prompt(body: Json, model: str) -> Prompt:
    """The prompt that a body holds; what nobody knows of it stands among the parameters."""
    match api_asked(body, model):
        case "anthropic":
            return Anthropic().prompt(Request("POST", "", Headers()), json_bytes({"messages": [], **body}))
        case "converse":
            return _converse_request.read_prompt(body)
        case "chat":
            return _openai_chat_request.read_prompt(body)
    return _simple(body)


def _simple(body: Json) -> Prompt:
    said = [name for name in _WORDS if isinstance(body.get(name), str)]
    messages = [Message("system", [text_part(text_of(body["preamble"]))])] if body.get("preamble") else []
    for turn in objects_of(body.get("chat_history")):
        words: list[Part] = [text_part(text_of(turn.get("message")))]
        messages.append(Message("assistant", words) if turn.get("role") == "CHATBOT" else Message("user", words))
    messages += [Message("user", [text_part(body[name])]) for name in said]
    messages += [Message("user", [text_part(text_of(text))]) for text in list_of(body.get("texts"))]
    taken = {*said, *_SETTINGS, "preamble", "chat_history", "texts"}
    settings = {name: value for group in _SETTINGS for name, value in object_of(body.get(group)).items()}
    rest = {name: value for name, value in body.items() if name not in taken}
    return Prompt(messages=messages, parameters={**settings, **rest})
