"""The scale of probabilities: from what hardly differs from the background to what no eye misses.

The less probable a token, the more it stands out in lightness alone, and never the other way round: the scale reads the
same for every kind of colour vision. Doubtful tokens are underlined, so that it reads without any colour, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from rich.color import Color
from rich.style import Style
from textual.app import App

STEPS = 40
DOUBT = 0.40
"""The probability below which a token is doubtful, unless the person says otherwise."""

_DARK = (
    *((0.0, "#cb4283"), (0.08, "#c1495f"), (0.18, "#a4502f"), (0.32, "#805625"), (0.46, "#585a2c")),
    *((0.62, "#39543f"), (0.80, "#264850"), (0.92, "#1d3641"), (1.0, "#1a2530")),
)
_LIGHT = (
    *((0.0, "#e5759d"), (0.08, "#ee8480"), (0.18, "#f29b69"), (0.32, "#eebb68"), (0.46, "#e0d488")),
    *((0.62, "#cfe0ac"), (0.80, "#cbe6e2"), (0.92, "#dff0f2"), (1.0, "#edf4f7")),
)
_TEXT = {True: "#f8f9fd", False: "#12141c"}
_NEUTRAL = {True: ("#1d2028", "#262a35"), False: ("#eff1f6", "#e2e5ee")}
_SIXTEEN = ((0.1, "#ffffff on #aa0000"), (DOUBT, "#aa5500"), (0.8, "#00aaaa"), (1.0, ""))
"""In a terminal of sixteen colours: bands, each up to a probability. The values are its red, yellow and cyan."""


def triplet(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@cache
def background(step: int, dark: bool) -> tuple[int, int, int]:
    """The colour of one of `STEPS` steps from 0, the least probable."""
    stops = _DARK if dark else _LIGHT
    at = step / (STEPS - 1)
    (low, before), (high, after) = next((pair for pair in pairwise(stops) if at <= pair[1][0]), (stops[-2], stops[-1]))
    part = (at - low) / (high - low)
    red, green, blue = (
        round(one + (other - one) * part) for one, other in zip(triplet(before), triplet(after), strict=True)
    )
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Palette:
    """What can be shown where the tokens stand."""

    dark: bool
    sixteen: bool
    """There are no more than sixteen colours."""

    def of(self, probability: float, doubtful: bool = False, odd: bool = False) -> Style:
        """The style of a token. A negative probability is not known: then neighbours (`odd` and not) are told apart."""
        step = round(min(probability, 1.0) * (STEPS - 1)) if probability >= 0 else None
        return _style(step, doubtful, odd and step is None, self.dark, self.sixteen)


def palette_of(app: App[object]) -> Palette:
    """What an app's theme and terminal allow."""
    return Palette(app.current_theme.dark, app.console.color_system == "standard")


@cache
def _style(step: int | None, doubtful: bool, odd: bool, dark: bool, sixteen: bool) -> Style:
    under = Style(underline=True if doubtful else None)
    if sixteen and step is None:
        return Style(dim=odd)
    if sixteen and step is not None:
        return Style.parse(next((words for limit, words in _SIXTEEN if step / (STEPS - 1) < limit), "")) + under
    colour = _NEUTRAL[dark][odd] if step is None else background(step, dark)
    return Style(color=_TEXT[dark], bgcolor=Color.from_rgb(*colour) if isinstance(colour, tuple) else colour) + under
