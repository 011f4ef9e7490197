"""A terminal program that stands on the wire between an agent and its model."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.5.0"

_FOR_SCRIPTS = {
    "InterceptionProxy": "inspector.interception",
    "ProxyConfig": "inspector.interception",
    "read_trace": "inspector.formats.trace",
}
"""What scripts import from here, and where it lives: loaded when asked for, since the command needs none of it."""


def __getattr__(name: str) -> Any:
    if name not in _FOR_SCRIPTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_FOR_SCRIPTS[name]), name)
