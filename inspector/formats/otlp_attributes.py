"""What a flow's span says: the attributes of the GenAI conventions, of HTTP, and of this program.

https://github.com/open-telemetry/semantic-conventions-genai, spans of inference and embeddings, and
https://opentelemetry.io/docs/specs/semconv/http/http-spans/. Messages are JSON within a string, as the conventions have
it for attributes of spans; `inspector.*` is what no convention has a name for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from inspector.formats._json_line import json_line
from inspector.formats._otlp_values import Value
from inspector.formats.genai import answer_json, certainty_json, message_json, part_json, usage_json
from inspector.formats.trace import is_turn
from inspector.model.flow import Flow, Reason
from inspector.model.headers import mask_url
from inspector.model.message import Prompt, Tool, Transcript
from inspector.store.cost import cost_of
from inspector.store.summary import url_path

_OPERATIONS = {
    "openai-completions": "text_completion",
    "gemini": "generate_content",
    "openai-embeddings": "embeddings",
}
"""By dialect; all others that ask a model chat."""

_HOSTS = {
    "openai.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "amazonaws.com": "aws.bedrock",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "googleapis.com": "gcp.gemini",
    "openai.com": "openai",
    "chatgpt.com": "openai",
    "anthropic.com": "anthropic",
    "groq.com": "groq",
    "deepseek.com": "deepseek",
    "mistral.ai": "mistral_ai",
    "cohere.com": "cohere",
    "perplexity.ai": "perplexity",
    "x.ai": "x_ai",
    "moonshot.ai": "moonshot_ai",
    "moonshot.cn": "moonshot_ai",
    "ibm.com": "ibm.watsonx.ai",
}
"""The conventions' names of providers, by the end of the host's name; the first that fits."""

_NUMBERS = {
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP", "p"),
    "top_k": ("top_k", "topK", "k"),
    "max_tokens": (
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens", "num_predict"),
    ),
    "frequency_penalty": ("frequency_penalty", "frequencyPenalty"),
    "presence_penalty": ("presence_penalty", "presencePenalty"),
    "seed": ("seed",),
    "choice.count": ("n", "candidateCount"),
}
"""Parameters behind `gen_ai.request.`, by the names that APIs have for them."""
_WHOLE = frozenset({"max_tokens", "seed", "choice.count"})
_STOPS = ("stop", "stop_sequences", "stopSequences")
_INNER = ("generationConfig", "generation_config", "inferenceConfig", "options")
"""Where Gemini, Bedrock and Ollama have them."""


def span_name(flow: Flow, transcript: Transcript) -> str:
    """What a flow's span is called: operation and model, or else method and path."""
    if operation := _operation(flow):
        return " ".join(filter(None, (operation, transcript.prompt.model or transcript.answer.model)))
    return f"{flow.sent.method} {url_path(flow.sent.url)}"


def flow_attributes(flow: Flow, transcript: Transcript) -> dict[str, Value]:
    """All that is known; None and empty where it is not."""
    values = {**_http(flow), **_own(flow, transcript)}
    if operation := _operation(flow):
        values |= {"gen_ai.operation.name": operation, "gen_ai.provider.name": _provider(flow)}
        values |= {f"gen_ai.{key}": value for key, value in _asked(transcript.prompt).items()}
        values |= {f"gen_ai.{key}": value for key, value in _answered(flow, transcript).items()}
    return values


def _operation(flow: Flow) -> str:
    if flow.dialect in _OPERATIONS:
        return _OPERATIONS[flow.dialect]
    return "chat" if is_turn(flow) else ""


def _provider(flow: Flow) -> str:
    """The provider in the conventions' words, else in ours."""
    host = _place(flow)[0]
    return next((name for end, name in _HOSTS.items() if f".{host}".endswith(f".{end}")), flow.provider or host)


def _place(flow: Flow) -> tuple[str, int | None]:
    try:
        parts = urlsplit(flow.sent.url)
        return parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None


def _http(flow: Flow) -> dict[str, Value]:
    host, port = _place(flow)
    status = flow.answered.status if flow.answered is not None else None
    error = None
    if flow.end is not None and flow.end.reason is not Reason.DONE:
        error = flow.end.reason.value
    elif status is not None and status >= 400:
        error = str(status)
    return {
        "http.request.method": flow.sent.method,
        "url.full": mask_url(flow.sent.url),
        "server.address": host,
        "server.port": port,
        "http.response.status_code": status,
        "error.type": error,
    }


def _own(flow: Flow, transcript: Transcript) -> dict[str, Value]:
    cost = cost_of(flow, transcript, wait=True)
    return {
        "inspector.flow.id": flow.id,
        "inspector.flow.number": flow.number,
        "inspector.agent": flow.agent,
        "inspector.dialect": flow.dialect,
        "inspector.session": flow.session,
        "inspector.marked": flow.marked or None,
        "inspector.comment": flow.comment,
        "inspector.changed_by": sorted({mutation.by for mutation in flow.mutations}) if flow.edited else None,
        "inspector.held_ms": flow.timing.held or None,
        "inspector.cost.usd": cost.usd if cost is not None else None,
        **{f"inspector.certainty.{key}": value for key, value in certainty_json(transcript.answer.certainty).items()},
    }


def _asked(prompt: Prompt) -> dict[str, Value]:
    system = [message for message in prompt.messages if message.role == "system"]
    messages = [message_json(message) for message in prompt.messages if message.role != "system"]
    return {
        "request.model": prompt.model,
        "request.stream": prompt.stream or None,
        **{f"request.{key}": value for key, value in _parameters(prompt.parameters)},
        "system_instructions": _written([part_json(part) for message in system for part in message.parts]),
        "input.messages": _written(messages),
        "tool.definitions": _written([_tool(tool) for tool in prompt.tools]),
    }


def _parameters(parameters: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    inner = [value for key in _INNER if isinstance(value := parameters.get(key), Mapping)]
    known = {key: value for place in (*inner, parameters) for key, value in place.items()}
    for name, spellings in _NUMBERS.items():
        found = next((value for key in spellings if isinstance(value := known.get(key), int | float)), None)
        if found is not None and not isinstance(found, bool):
            yield name, found if name in _WHOLE else float(min(max(found, -1e300), 1e300))
    stops = next((value for key in _STOPS if (value := known.get(key))), None)
    if isinstance(stops, str | list):
        yield "stop_sequences", [stops] if isinstance(stops, str) else [each for each in stops if isinstance(each, str)]


def _answered(flow: Flow, transcript: Transcript) -> dict[str, Value]:
    answer = transcript.answer
    usage = usage_json(answer.usage) if answer.usage is not None else {}
    first = transcript.first_token if transcript.prompt.stream else None
    return {
        "response.id": answer.id,
        "response.model": answer.model,
        "response.finish_reasons": [choice.finish_reason for choice in answer.choices if choice.finish_reason],
        "response.time_to_first_chunk": first / 1000 if first is not None else None,
        **{f"usage.{key}": value for key, value in usage.items() if key != "cost"},
        "output.messages": _written([answer_json(choice) for choice in answer.choices]),
    }


def _tool(tool: Tool) -> dict[str, Any]:
    known = {"description": tool.description, "parameters": tool.schema}
    return {"type": tool.kind, "name": tool.name, **{key: value for key, value in known.items() if value}}


def _written(value: list[Any]) -> str | None:
    """JSON as the value of an attribute; None for nothing."""
    return json_line(value)[:-1].decode() if value else None
