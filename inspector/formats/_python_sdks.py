"""The calls of the providers' own Python SDKs: where each goes, and which arguments it has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sdk:
    """How one of a provider's calls is made."""

    module: str
    client: str
    call: str
    path: str
    """How the URL of the call ends."""
    base: str
    """Where the client goes by itself."""
    keys: dict[str, str]
    """The client's arguments for a key, by the header that it is sent in."""
    required: frozenset[str]
    known: frozenset[str]
    """Arguments of the call."""


_OPENAI_BASE = "https://api.openai.com/v1"
_OPENAI_KEYS = {"authorization": "api_key"}
_ANTHROPIC_BASE = "https://api.anthropic.com"
_ANTHROPIC_KEYS = {"x-api-key": "api_key", "authorization": "auth_token"}


def _names(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


_SAMPLING = (
    "frequency_penalty logit_bias logprobs max_tokens model n presence_penalty seed stop stream stream_options"
    " temperature top_p user"
)
SDKS: dict[str, Sdk] = {
    "openai-chat": Sdk(
        module="openai",
        client="OpenAI",
        call="chat.completions.create",
        path="/chat/completions",
        base=_OPENAI_BASE,
        keys=_OPENAI_KEYS,
        required=_names("messages model"),
        known=_names(
            _SAMPLING,
            "audio function_call functions max_completion_tokens messages metadata modalities parallel_tool_calls",
            "prediction reasoning_effort response_format service_tier store tool_choice tools top_logprobs",
        ),
    ),
    "openai-completions": Sdk(
        module="openai",
        client="OpenAI",
        call="completions.create",
        path="/completions",
        base=_OPENAI_BASE,
        keys=_OPENAI_KEYS,
        required=_names("model prompt"),
        known=_names(_SAMPLING, "best_of echo prompt suffix"),
    ),
    "openai-responses": Sdk(
        module="openai",
        client="OpenAI",
        call="responses.create",
        path="/responses",
        base=_OPENAI_BASE,
        keys=_OPENAI_KEYS,
        required=_names(),
        known=_names(
            "include input instructions max_output_tokens metadata model parallel_tool_calls previous_response_id",
            "reasoning service_tier store stream temperature text tool_choice tools top_p truncation user",
        ),
    ),
    "openai-embeddings": Sdk(
        module="openai",
        client="OpenAI",
        call="embeddings.create",
        path="/embeddings",
        base=_OPENAI_BASE,
        keys=_OPENAI_KEYS,
        # Without a format the SDK asks for one of its own.
        required=_names("encoding_format input model"),
        known=_names("dimensions encoding_format input model user"),
    ),
    "anthropic-count-tokens": Sdk(
        module="anthropic",
        client="Anthropic",
        call="messages.count_tokens",
        path="/v1/messages/count_tokens",
        base=_ANTHROPIC_BASE,
        keys=_ANTHROPIC_KEYS,
        required=_names("messages model"),
        known=_names("messages model system thinking tool_choice tools"),
    ),
    "anthropic-messages": Sdk(
        module="anthropic",
        client="Anthropic",
        call="messages.create",
        path="/v1/messages",
        base=_ANTHROPIC_BASE,
        keys=_ANTHROPIC_KEYS,
        required=_names("max_tokens messages model"),
        known=_names(
            "max_tokens messages metadata model service_tier stop_sequences stream system thinking tool_choice tools"
        ),
    ),
}
"""By dialect. Named are only the arguments that all versions of the last years have; `extra_body` takes the others."""
