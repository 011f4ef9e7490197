"""`--jsonl` on a disk that is full for a while."""

from __future__ import annotations

from io import BytesIO, RawIOBase
from typing import Any

import pytest

from inspector.cli.recording import Recorder
from inspector.formats.jsonl_reader import BrokenLine, read
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from tests.handmade import done_chat


class Disk(RawIOBase):
    """Takes `room` bytes, then no more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.data = b""

    def write(self, data: Any) -> int:
        """Write what there is room for."""
        taken = bytes(data)[: self.room]
        if not taken:
            raise OSError(28, "No space left on device")
        self.room -= len(taken)
        self.data += taken
        return len(taken)


def test_what_a_full_disk_refuses_is_written_later_whole_and_once() -> None:
    store, disk = FlowStore(), Disk(100)
    for number in range(3):
        store.add(done_chat(f"f{number}"))
    recorder = Recorder(store, Transcripts(), disk)
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            recorder.pull()
    assert len(disk.data) == 100
    disk.room = 1 << 20
    while recorder.pull():
        pass
    flows = [flow for flow in read(BytesIO(disk.data)) if not isinstance(flow, BrokenLine)]
    assert [flow.id for flow in flows] == ["f0", "f1", "f2"]
    assert disk.data.count(b"\n") == 3
