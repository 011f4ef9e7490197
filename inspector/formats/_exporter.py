"""What a format of an export is: lines, one a flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts

Line = Callable[[Flow], bytes]
"""What becomes of a flow: whole lines, their line feeds included; empty where the format has no place for it. It never
raises, whatever the flow holds. Called for one flow after the other, and written in that order.
"""


class Exporter(Protocol):
    """One format. Stateless; found by its name in `EXPORTERS`."""

    name: ClassVar[str]
    """As it is called on the command line."""
    title: ClassVar[str]
    """As it is called on the screen."""
    remark: ClassVar[str]
    """What a person should know before writing it."""
    suffix: ClassVar[str]
    """What the names of its files end with: `.jsonl`."""
    head: ClassVar[bytes]
    """What stands before all lines."""
    foot: ClassVar[bytes]
    """What stands behind all lines, also where there are none."""
    takes_tokens: ClassVar[bool]
    """Whether it can be asked for every token with its alternatives."""

    def lines(self, flows: Iterable[Flow], transcripts: Transcripts, *, tokens: bool = False) -> Line:
        """What writes flows, one at a time, in any order. `flows` are all that it may be asked for; more may come."""
