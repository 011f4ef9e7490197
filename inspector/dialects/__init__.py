"""Floor 1: one provider API a module. A new dialect is a new module and a line in `DIALECTS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from inspector.dialects import gemini, ollama
from inspector.dialects._base import Dialect
from inspector.dialects.anthropic import Anthropic
from inspector.dialects.anthropic_count_tokens import AnthropicCountTokens
from inspector.dialects.bedrock_converse import BedrockConverse
from inspector.dialects.bedrock_invoke import BedrockInvoke
from inspector.dialects.cohere import Cohere
from inspector.dialects.gemini import Gemini, GeminiCount
from inspector.dialects.mcp import Mcp
from inspector.dialects.models import Models
from inspector.dialects.ollama import Ollama
from inspector.dialects.openai_chat import OpenAIChat
from inspector.dialects.openai_completions import OpenAICompletions
from inspector.dialects.openai_embeddings import OpenAIEmbeddings
from inspector.dialects.openai_responses import OpenAIResponses
from inspector.dialects.raw import Raw
from inspector.model.flow import Request

DIALECTS: tuple[Dialect, ...] = (
    OpenAIChat(),
    OpenAIResponses(),
    Anthropic(),
    Gemini(),
    GeminiCount(),
    BedrockConverse(),
    BedrockInvoke(),
    Ollama(),
    OpenAICompletions(),
    AnthropicCountTokens(),
    OpenAIEmbeddings(),
    Models(),
    Cohere(),
    Mcp(),
    Raw(),
)
"""In the order in which they are asked; the last takes everything."""

ARRAYS = frozenset({"gemini"})
"""Dialects whose streams may come as one JSON array, member by member."""

Unnamed = Literal["array", "lines", ""]
"""What a stream is that is called `application/json`; empty for a document."""

_UNNAMED: dict[str, tuple[Callable[[Request], bool], Unnamed]] = {
    "gemini": (gemini.asks_for_stream, "array"),
    "ollama": (ollama.asks_for_stream, "lines"),
}

_BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def detect(request: Request) -> Dialect:
    """The dialect of a request, from its head alone: the body may not have come yet."""
    return next(dialect for dialect in DIALECTS if dialect.matches(request))


def by_name(name: str) -> Dialect:
    """The dialect of that name; raw where there is none, as for a recording of a newer version."""
    return _BY_NAME.get(name, DIALECTS[-1])


def unnamed_stream(dialect: str, request: Request) -> Unnamed:
    """What the answer to a request comes as, where its content type says no more than `application/json`.

    An error is a document all the same.
    """
    if (known := _UNNAMED.get(dialect)) is None:
        return ""
    asks_for_stream, comes = known
    return comes if asks_for_stream(request) else ""
