"""What the capture profile changes of a request beside log-probabilities: model, token limits, thinking."""

from __future__ import annotations

from typing import TypeGuard

from inspector.rules.capture_draft import Draft, shown

CHAT, RESPONSES, ANTHROPIC = "openai-chat", "openai-responses", "anthropic-messages"
COMPLETIONS, OLLAMA = "openai-completions", "ollama"
COHERE, GEMINI = "cohere-chat", "gemini"

LIMITS = {
    CHAT: ("max_tokens", "max_completion_tokens"),
    RESPONSES: ("max_output_tokens",),
    ANTHROPIC: ("max_tokens",),
    COMPLETIONS: ("max_tokens", "n_predict"),
    OLLAMA: (),
    GEMINI: (),
    COHERE: ("max_tokens",),
}
"""The members that say how long an answer may be, by dialect; some have it within another member."""

_WITHIN = {
    OLLAMA: (("options", "num_predict"),),
    GEMINI: (("generationConfig", "maxOutputTokens"), ("generation_config", "max_output_tokens")),
}
"""The member, and the one within it, that says the same."""

_REASONING = ("gpt-5", "o1", "o3", "o4")
"""How the names of OpenAI's reasoning models begin: they refuse `max_tokens`
(https://platform.openai.com/docs/guides/reasoning)."""


def reasons(model: str) -> bool:
    """Whether a model is one of OpenAI's reasoning models, whatever path (`openrouter/openai/o3`) leads to it."""
    return model.rpartition("/")[2].lower().removeprefix("ft:").startswith(_REASONING)


def model_of(draft: Draft) -> str:
    """The model that the body asks by now."""
    model = draft.body.get("model")
    return model if isinstance(model, str) else ""


def override_model(draft: Draft, dialect: str, model: str) -> None:
    """Ask another model. Where the body names none, the model is in the URL (Gemini, Vertex AI), and stays."""
    asked = draft.body.get("model")
    if asked == model or (dialect in (ANTHROPIC, GEMINI) and asked is None):
        return
    draft.put("model", model)
    draft.tell("model", "" if asked is None else shown(asked), model)


def translate(draft: Draft, dialect: str) -> None:
    """Give models that refuse `max_tokens` the name that they know. A value that stands there already wins."""
    if dialect != CHAT or "max_tokens" not in draft.body or not reasons(model_of(draft)):
        return
    value = draft.body["max_tokens"]
    draft.drop("max_tokens")
    if "max_completion_tokens" in draft.body:
        draft.tell("max_tokens", shown(value), "")
        return
    draft.put("max_completion_tokens", value)
    draft.tell("max_tokens", shown(value), f"max_completion_tokens {shown(value)}")


def cap(draft: Draft, dialect: str, most: int) -> str:
    """Lower the limits that are above `most` tokens. Gives a remark where one has to stay."""
    for name, inner in _WITHIN.get(dialect, ()):
        _cap_within(draft, name, inner, most)
    for name in LIMITS.get(dialect, ()):
        value = draft.body.get(name)
        if not _is_count(value) or value <= most:
            continue
        if (budget := _thinking_budget(draft, dialect)) >= most:
            return f"{name} stays at {value}: thinking may take {budget} of it, and the cap is {most}"
        draft.put(name, most)
        draft.tell(name, str(value), str(most))
    return ""


def _cap_within(draft: Draft, name: str, inner: str, most: int) -> None:
    """The same for a limit within another member. At Ollama, one below zero means none."""
    options = draft.body.get(name)
    value = options.get(inner) if isinstance(options, dict) else None
    if _is_count(value) and not 0 <= value <= most:
        draft.put_within(name, inner, most)
        draft.tell(inner, str(value), str(most))


def disable_thinking(draft: Draft, dialect: str) -> None:
    """Switch thinking off in the chat template (Qwen's and its like), unless the client says what it wants."""
    given = draft.body.get("chat_template_kwargs")
    if dialect != CHAT or not isinstance(given, dict | None) or "enable_thinking" in (given or {}):
        return
    if given is None:
        draft.put("chat_template_kwargs", {"enable_thinking": False})
    else:
        draft.put_within("chat_template_kwargs", "enable_thinking", False)
    draft.tell("enable_thinking", "", "false")


def _thinking_budget(draft: Draft, dialect: str) -> int:
    """Tokens that a Messages request keeps for thinking: its limit must be above them."""
    thinking = draft.body.get("thinking")
    budget = thinking.get("budget_tokens") if dialect == ANTHROPIC and isinstance(thinking, dict) else None
    return budget if _is_count(budget) else 0


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
