"""How sure the model was along an answer: the mean probability of any stretch of it, at once."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

_NICE = (1, 2, 4, 5)


class Course:
    """Sums over the tokens so far, which only grow: the mean of a stretch is one difference."""

    def __init__(self) -> None:
        self._sums = array("d", [0.0])
        self._counts = array("Q", [0])

    def __len__(self) -> int:
        return len(self._sums) - 1

    def extend(self, probabilities: Sequence[float]) -> None:
        """Take the probabilities of all tokens so far; negative ones are not known."""
        total, count = self._sums[-1], self._counts[-1]
        for probability in probabilities[len(self) :]:
            if probability >= 0:
                total += probability
                count += 1
            self._sums.append(total)
            self._counts.append(count)

    def mean(self, start: int, end: int) -> float | None:
        """The mean probability of the tokens from `start` up to `end`; None where none is known."""
        count = self._counts[end] - self._counts[start]
        return (self._sums[end] - self._sums[start]) / count if count else None

    def columns(self, width: int) -> tuple[int, list[float | None]]:
        """The answer in at most `width` columns: how many tokens make one, and the mean of each."""
        tokens = len(self)
        each = per_column(tokens, width)
        return each, [self.mean(start, min(start + each, tokens)) for start in range(0, tokens, each)]


def per_column(tokens: int, width: int) -> int:
    """The least round number of tokens in a column that makes `width` columns enough."""
    least, scale = -(-tokens // max(1, width)), 1
    while scale * 10 < least:
        scale *= 10
    return next((scale * nice for nice in _NICE if scale * nice >= least), scale * 10)
