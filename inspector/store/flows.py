"""The flows of a session, in order of arrival, with a way to ask cheaply what moved."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, KeysView

from inspector.model.flow import Flow


class FlowStore:
    """Holds flows. Writers call `add` and `touch`; every puller keeps a cursor of its own and asks `changes_since`."""

    def __init__(self) -> None:
        self.revision = 0
        """Grows with every change of any flow."""
        self.left = 0
        """How many flows have left. Whoever keeps something for each flow looks through it when this grows."""
        self._last_seq = 0
        self._flows: dict[str, Flow] = {}
        self._by_change: OrderedDict[str, Flow] = OrderedDict()

    def add(self, flow: Flow) -> None:
        """Take a flow in and give it its number; one read back from a file keeps that which it has."""
        flow.seq = flow.seq or self._last_seq + 1
        self._last_seq = max(self._last_seq, flow.seq)
        self._flows[flow.id] = self._by_change[flow.id] = flow
        self.touch(flow)

    def touch(self, flow: Flow) -> None:
        """Say that a flow of the store changed. Called for every chunk: keep it at an integer and a link."""
        self.revision += 1
        flow.revision = self.revision
        try:
            self._by_change.move_to_end(flow.id)
        except KeyError:  # it has left, and somebody looks at it still
            return

    def leave(self, flows: Iterable[Flow]) -> None:
        """Let flows go that are kept elsewhere: they are of this session, but not of this store any more."""
        for flow in flows:
            if self._flows.pop(flow.id, None) is not None:
                del self._by_change[flow.id]
                self.left += 1

    def changes_since(self, cursor: int) -> tuple[int, list[Flow]]:
        """The flows that changed after `cursor`, the least recent change first, and the cursor for the next call."""
        changed: list[Flow] = []
        for flow in reversed(self._by_change.values()):
            if flow.revision <= cursor:
                break
            changed.append(flow)
        changed.reverse()
        return self.revision, changed

    @property
    def ids(self) -> KeysView[str]:
        """The ids of all flows. To see which of many have left, set operations with it are fastest."""
        return self._flows.keys()

    def get(self, flow_id: str) -> Flow | None:
        """The flow of that id."""
        return self._flows.get(flow_id)

    def __contains__(self, flow_id: object) -> bool:
        return flow_id in self._flows

    def __iter__(self) -> Iterator[Flow]:
        return iter(self._flows.values())

    def __len__(self) -> int:
        return len(self._flows)
