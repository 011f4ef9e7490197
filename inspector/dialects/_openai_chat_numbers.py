"""The indices by which the client knows the tool calls of an edited stream: consecutive, as if nothing was edited."""

from __future__ import annotations


class Numbers:
    """The indices of one choice's calls. A server that gives none, or the same one to every call, goes on so."""

    def __init__(self) -> None:
        self._given: list[int | None] = []
        self._of: dict[int, int | None] = {}
        self._wire: dict[int, int] = {}
        self._gone: set[int] = set()
        self._shift = 0

    def __len__(self) -> int:
        """How many calls the client has."""
        return len(self._given)

    def __contains__(self, part: int) -> bool:
        """Whether the client has the call of that part."""
        return part in self._of

    def reaches(self, part: int) -> bool:
        """Whether a piece with the index of that call is still taken for one of it."""
        number = self._of[part]
        if number is None:
            return set(self._given) == {None} and [*self._of][-1] == part
        return [other for other, known in self._of.items() if known == number][-1] == part

    def of(self, part: int, wire: int | None) -> int | None:
        """The client's index of the model's call in that part, whose own index is `wire`."""
        if part in self._of:
            return self._of[part]
        if part in self._gone:
            return self.insert(part)
        number = None if wire is None else self._shifted(wire)
        self._given.append(number)
        self._of[part] = number
        return number

    def skip(self, part: int, wire: int | None) -> bool:
        """The client does not get the model's call in that part; whether that is news."""
        if part in self._gone or part in self._of:
            return False
        self._gone.add(part)
        if wire is not None and wire not in self._wire:
            self._shifted(wire)
            self._shift -= 1
        return True

    def insert(self, part: int | None = None) -> int | None:
        """The index of a call that stands where the model made none; `part` is the one that it was made of."""
        if part is not None and part in self._of:
            return self._of[part]
        number = max([len(self._given), *(number + 1 for number in self._given if number is not None)])
        self._given.append(number)
        self._shift += 1
        if part is not None:
            self._of[part] = number
        return number

    def _shifted(self, wire: int) -> int:
        return self._wire.setdefault(wire, max(wire + self._shift, 0))
