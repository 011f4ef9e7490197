"""How long a client is likely to wait, by what it says of itself."""

from __future__ import annotations

from inspector.model.flow import Flow

DEFAULTS: dict[str, float] = {
    "claude-code": 600.0,
    "codex": 300.0,
    "opencode": 300.0,
}
"""Seconds of silence after which agents give up, where their requests do not say."""
SDK_DEFAULT = 600.0
"""Seconds that the openai and anthropic SDKs wait unless told otherwise."""


def gives_up(flow: Flow) -> float | None:
    """When the client is likely to give up, in ms since the flow's start; None where nothing hints at it.

    The openai and anthropic SDKs send their time-out in seconds as `x-stainless-timeout`
    (or `x-stainless-read-timeout`).
    """
    headers = flow.request.headers
    told = headers.get("x-stainless-read-timeout") or headers.get("x-stainless-timeout")
    try:
        seconds: float | None = float(told) if told else None
    except ValueError:
        seconds = None
    if seconds is None:
        seconds = DEFAULTS.get(flow.agent)
    if seconds is None and any(name.lower().startswith("x-stainless-") for name, _ in headers):
        seconds = SDK_DEFAULT
    return None if seconds is None else seconds * 1000
