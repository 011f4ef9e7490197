"""Secrets in bodies, masked where they are shown, as those in headers are. What is copied stays as it passed."""

from __future__ import annotations

import re

from inspector.model.headers import SECRET, mask

_NAMES = SECRET | {
    *("api_key", "apikey", "x_api_key", "access_token", "refresh_token", "id_token", "auth_token", "bearer_token"),
    *("client_secret", "secret_key", "secret_access_key", "private_key", "password", "passwd"),
}
"""Names of fields that have a credential. `key` and `token` alone mostly mean something else in such bodies."""

_FIELD = re.compile(
    rf'"(?:{"|".join(sorted(map(re.escape, _NAMES)))})"[ \t\r\n]*:[ \t\r\n]*"(?P<value>[^"\\]{{1,4096}})', re.IGNORECASE
)
_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|ghp|gho|glpat|github_pat|npm)[-_](?=[\w-]*\d)[\w-]{16,512}"
    r"|\bAIza[\w-]{30,60}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
)
"""Keys as providers of models and code write them: OpenAI, Anthropic, Groq, xAI, Hugging Face, GitHub, Google, AWS."""
_BEARER = re.compile(r"(?<=\bBearer )(?=[\w.~+/-]*\d)[\w.~+/-]{16,4096}")


def is_secret(name: str) -> bool:
    """Whether a field of that name has a credential."""
    return name.lower() in _NAMES


def safe_text(text: str) -> str:
    """A text with the keys and credentials in it masked."""
    text = _FIELD.sub(lambda match: match[0][: match.start("value") - match.start()] + mask(match["value"]), text)
    text = _BEARER.sub(lambda match: mask(match[0]), text)
    return _KEY.sub(lambda match: mask(match[0]), text)
