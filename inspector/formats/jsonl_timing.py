"""The milestones of a flow in a line of `inspector/1`, out and in; times in ms, to a microsecond."""

from __future__ import annotations

from math import isfinite
from typing import Any, TypeGuard

from inspector.model.flow import Timing

Json = dict[str, Any]

_ALWAYS = ("received", "forwarded", "head", "ended")
_KNOWN = ("held_request", "held_head", "resolved", "reached", "connected", "added", "added_most")
"""Fields that a line has only where they are known."""


def timing_json(timing: Timing, first_token: float | None) -> Json:
    """What a line says of a flow's time."""
    said: Json = {name: _ms(getattr(timing, name)) for name in _ALWAYS[:3]}
    said |= {"time_to_first_token": _ms(first_token), "ended": _ms(timing.ended), "held": _ms(timing.held)}
    said |= {name: _ms(at) for name in _KNOWN if (at := getattr(timing, name)) is not None}
    return said if timing.reused is None else {**said, "reused": timing.reused}


def timing_of(data: Json) -> Timing:
    """The milestones of a line; older files do not know all of them. ValueError where one is no time."""
    times: dict[str, float | None] = {}
    for name in (*_ALWAYS, *_KNOWN):
        value = data.get(name)
        if value is not None and not is_time(value):
            raise ValueError(f'"timing"."{name}" should be a number of milliseconds')
        times[name] = None if value is None else float(value)
    held, reused = data.get("held"), data.get("reused")
    return Timing(
        held=float(held) if is_time(held) else 0.0,
        reused=reused if isinstance(reused, bool) else None,
        **times,
    )


def is_time(value: object) -> TypeGuard[int | float]:
    """Whether a value can be a time: a number, and none of those that JSON has not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _ms(time: float | None) -> float | None:
    return None if time is None else round(time, 3)
