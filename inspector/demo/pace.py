"""How fast the demo's model speaks."""

from __future__ import annotations

import random
from dataclasses import dataclass

START = 10
"""How many times the gap between two tokens passes before the first."""
SLOW_START = 40
SLOW = 3
"""How many times longer the gaps of a slow answer are."""
READ = 200
"""How many tokens of the prompt are read in the time that one is spoken."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The pauses of one answer."""

    rate: float
    """Tokens a second; 0 for no pauses at all."""
    slow: bool = False

    def gap(self, spoken: int, prompt: int, chance: random.Random) -> float:
        """Seconds until the next token, after `spoken` tokens in answer to a prompt of `prompt` tokens.

        No two are alike: between 0.3 and 1.7 of the mean. The first takes longer, the more so the longer the prompt.
        """
        if not self.rate:
            return 0.0
        gaps = chance.uniform(0.3, 1.7)
        if not spoken:
            gaps += (SLOW_START if self.slow else START) + prompt / READ
        return gaps * (SLOW if self.slow else 1) / self.rate
