"""How a session stores bodies: each compressed against an earlier one that is like it.

An agent sends its whole conversation again at every turn, so that a body is mostly the one before. Such a body takes
what is new in it. Zstandard does that with the earlier body as its dictionary, wherever the two are alike. What has to
be read before a body can be is bounded, in steps and in bytes, so that any of them is read within milliseconds.
"""

from __future__ import annotations

import sys
from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from operator import sub
from zlib import crc32

import zstandard

MOST_STEPS = 12
"""Bodies that may have to be read before one."""
_READ = 16 << 20
"""Bytes that these may have, with the one itself."""
_KEPT = 4
"""Bodies of a kind that are remembered, to find one that is like the next."""
_MEMORY = 32 << 20
"""Bytes that all remembered bodies may have."""
_LARGEST = 1 << 30
"""Bytes that are read at most from what may be somebody else's file."""
_SMALL = 2048
"""Bytes of bodies that are not worth a search for the one that is most like them."""
_LEVEL = 3
_FEW = 100
"""Bytes that are not worth compressing."""
_FRAME = b"\x28\xb5\x2f\xfd\x20"
"""How a frame of Zstandard begins that is one segment, and tells its size with one byte."""
_WINDOW = 27
"""The largest window of Zstandard that readers take without being asked, as a power of two."""
_TABLE = 20
"""Where matches are looked up, as a power of two: enough for bodies of some megabytes."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A body as it is stored."""

    base: int | None
    """The number of the body that must be read first."""
    size: int
    """Bytes of the body itself."""
    crc: int
    """CRC-32 of the body itself."""
    data: bytes


@dataclass(frozen=True, slots=True, eq=False)
class _Remembered:
    number: int
    data: bytes
    crc: int
    steps: int
    read: int
    """Bytes to be read for it, its own included."""
    root: _Remembered | None
    """The first of its chain, which was stored by itself."""


class BodyPacker:
    """Packs the bodies of a session. Those of one kind, say an agent's requests, are compared with each other."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[str, deque[_Remembered]] = OrderedDict()
        self._at_most = 0
        """Bytes that all that is remembered may have."""

    def clear(self) -> None:
        """Forget what was remembered: what was to be stored was not."""
        self._kinds.clear()

    def store(self, kind: str, data: bytes, insert: Callable[[Packed], int]) -> int:
        """Have a body stored by `insert`, which gives its number, unless the same one is there; its number."""
        known, crc = self._kinds.setdefault(kind, deque(maxlen=_KEPT)), crc32(data)
        self._kinds.move_to_end(kind)
        for each in known:
            if each.crc == crc and each.data == data:
                return each.number
        base = _base_for(data, known)
        packed = Packed(base.number if base else None, len(data), crc, _compress(data, base.data if base else b""))
        number = insert(packed)
        if len(data) <= _READ:
            steps, read = (base.steps + 1, base.read + len(data)) if base else (0, len(data))
            known.append(_Remembered(number, data, crc, steps, read, (base.root or base) if base else None))
            self._at_most += len(data)
            if self._at_most > _MEMORY:
                self._forget()
                self._at_most = self._size()
        return number

    def _forget(self) -> None:
        while len(self._kinds) > 1 and self._size() > _MEMORY:
            self._kinds.popitem(last=False)
        kept = next(reversed(self._kinds.values()))
        while len(kept) > 1 and self._size() > _MEMORY:
            kept.popleft()

    def _size(self) -> int:
        bodies = {each.number: each for kept in self._kinds.values() for each in kept}
        bodies |= {each.root.number: each.root for each in bodies.values() if each.root}
        return sum(len(each.data) for each in bodies.values())


def unpack(packed: Packed, base: bytes) -> bytes:
    """A body from what is stored and the one it was packed against. ValueError where it is damaged."""
    data = _decompress(packed.data, base, packed.size) if packed.size else b""
    if len(data) != packed.size or crc32(data) != packed.crc:
        raise ValueError("its checksum is wrong")
    return data


def _base_for(data: bytes, known: Sequence[_Remembered]) -> _Remembered | None:
    """The body that is most like this one, and may be read before it; None where it is better stored by itself."""
    free = [each for each in known if each.steps < MOST_STEPS and each.read + len(data) <= _READ]
    if len(data) <= _SMALL:
        near = next((each for each in reversed(free) if len(each.data) <= _SMALL), None)
        if near is not None:
            return near
    if free:
        return max(reversed(free), key=lambda each: _alike(each.data, data))
    roots = [each.root for each in known if each.root and each.root.read + len(data) <= _READ]
    root = max(reversed(roots), key=lambda each: _alike(each.data, data), default=None)
    return root if root and _alike(root.data, data) >= len(data) // 2 else None


def _alike(one: bytes, other: bytes) -> int:
    """Bytes that two bodies share at their beginnings and at their ends."""
    most = min(len(one), len(other))
    first = _shared(most, lambda start, end: one[start:end] == other[start:end])
    here, there = len(one), len(other)
    return first + _shared(
        most - first, lambda start, end: one[here - end : here - start] == other[there - end : there - start]
    )


def _shared(most: int, same: Callable[[int, int], bool]) -> int:
    """How far two texts are the same, asked in steps that double, and halve once a difference is ahead."""
    done, step, grows = 0, 64, True
    while done < most:
        end = min(done + step, most)
        if same(done, end):
            done, step = end, step * 2 if grows else step
        elif end - done == 1:
            return done
        else:
            grows, step = False, max(1, (end - done) // 2)
    return done


def _compress(data: bytes, base: bytes) -> bytes:
    if not data:
        return b""
    parameters = _parameters(len(data).bit_length(), len(base).bit_length())
    return zstandard.ZstdCompressor(compression_params=parameters, dict_data=_dictionary(base)).compress(data)


@cache
def _parameters(size: int, base: int) -> zstandard.ZstdCompressionParameters:
    """For bodies of about 2 to the power of `size`, packed against such of `base`; 0 stands for none."""
    window = max(10, min(max(size, base) + 1, _WINDOW))
    return zstandard.ZstdCompressionParameters.from_level(
        _LEVEL,
        source_size=1 << size,
        dict_size=1 << base if base else 0,
        window_log=window,
        hash_log=min(_TABLE, window + 1),
        chain_log=min(_TABLE, window),
        strategy=zstandard.STRATEGY_FAST if base else zstandard.STRATEGY_DFAST,
    )


def _decompress(data: bytes, base: bytes = b"", size: int | None = None) -> bytes:
    try:
        said = zstandard.frame_content_size(data)
        if not 0 <= said <= _LARGEST or size not in (None, said):
            raise ValueError("it does not say its size, or is too large")
        if len(base) > _READ:
            raise ValueError("what it is made of is too large")
        return zstandard.ZstdDecompressor(dict_data=_dictionary(base), max_window_size=1 << 31).decompress(data)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict | None:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT) if base else None


def pack_chunks(times: Sequence[float], ends: Sequence[int]) -> bytes:
    """Where the chunks of a body end, and when they came, to the microsecond."""
    moments = [round(round(time, 3) * 1000) for time in times]
    steps = array("q", map(sub, moments, [0, *moments]))
    steps.extend(map(sub, ends, [0, *ends]))
    raw = _little_endian(steps).tobytes()
    # Bytes of one weight stand together: most of them are zeros.
    planes = b"".join([raw[place::8] for place in range(8)])
    return _as_it_is(planes) if len(planes) < _FEW else zstandard.ZstdCompressor(level=_LEVEL).compress(planes)


def _as_it_is(data: bytes) -> bytes:
    """A frame of Zstandard with one block of fewer than 256 bytes that are not compressed (RFC 8878, 3.1.1)."""
    return _FRAME + bytes((len(data),)) + (len(data) << 3 | 1).to_bytes(3, "little") + data


def count_chunks(packed: bytes) -> int:
    """How many chunks a body has, without unpacking them. ValueError where they are damaged."""
    try:
        return int(zstandard.frame_content_size(packed)) // 16
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


def unpack_chunks(packed: bytes) -> tuple[list[float], list[int]]:
    """The times and the ends of a body's chunks. ValueError where they are damaged."""
    planes = _decompress(packed)
    if len(planes) % 16:
        raise ValueError("a chunk has no end")
    raw, count = bytearray(len(planes)), len(planes) // 8
    for place in range(8):
        raw[place::8] = planes[place * count : (place + 1) * count]
    steps = _little_endian(array("q", bytes(raw)))
    half = count // 2
    return [moment / 1000 for moment in accumulate(steps[:half])], list(accumulate(steps[half:]))


def _little_endian(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
