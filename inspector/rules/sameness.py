"""When two requests say the same: what changes from run to run is taken out before they are compared.

Work directories, homes and temporary files, dates and clock times, ids and hashes, cache marks and metadata: an agent
that does the same once more sends other ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import zip_longest
from typing import Any

import orjson

from inspector.store.runs import common
from inspector.wire.json_path import Path, format_path

CONVERSATIONS = ("messages", "input", "contents")
"""Where the APIs have the conversation in a request's body."""

_ASIDE = frozenset({"metadata", "user", "safety_identifier", "prompt_cache_key", "client_metadata"})
"""Top-level fields that say who asks, and not what."""
_PATH = r"""[^\s"'`<>|,;:)\]]"""
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,?\s+"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_WORK_DIR = re.compile(
    rf"""(?:<cwd>|\b(?:cwd|(?:work(?:ing|space)|current|project)\s+(?:directory|dir|root|folder))\b[^\n/]{{0,16}})(/{_PATH}+)""",
    re.IGNORECASE,
)
_VOLATILE = re.compile(
    "|".join(
        (
            rf"(?P<tmp>/(?:private/)?(?:tmp|var/tmp|var/folders/{_PATH}+?/T)/{_PATH}+?(?=/|(?!{_PATH})))",
            rf"(?P<home>/(?:home|Users)/{_PATH}+?(?=/|(?!{_PATH}))|/root(?=/))",
            r"(?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b)",
            r"(?P<id>\b(?:toolu_|srvtoolu_|call_|msg_|resp_|fc_|rs_|req_|chatcmpl-|gen-)[\w-]{6,})",
            r"(?P<time>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
            r"|\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s?[AaPp][Mm]\b)?|\b1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?\b"
            rf"|\b(?:{_DAY})?{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}}\b)?"
            rf"|\b(?:{_DAY})?\d{{1,2}}\s+{_MONTH},?\s+\d{{4}}\b)",
            r"(?P<hash>\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b)",
        )
    )
)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two requests first part, as JSON has it."""

    path: str
    recorded: str
    asked: str

    def __str__(self) -> str:
        return f"{self.path or 'the whole'}: recorded {self.recorded}, asked {self.asked}"


def normalised(body: bytes) -> Any:
    """A request's body without what changes from run to run; one that is no JSON stays as it is."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if isinstance(data, dict):
        data = {key: value for key, value in data.items() if key not in _ASIDE}
    directories = {directory for text in _texts(data) for directory in _directories(text)}
    return _plain(data, tuple(sorted(directories, key=len, reverse=True)))


def conversation(body: Any) -> list[Any]:
    """The messages of a normalised body, without the system's; none where it has no conversation."""
    if not isinstance(body, dict):
        return []
    given: Any = next((body[key] for key in CONVERSATIONS if key in body), [])
    messages = given if isinstance(given, list) else [given]
    return [each for each in messages if not (isinstance(each, dict) and each.get("role") in ("system", "developer"))]


def digest(value: Any) -> bytes:
    """A short name of a normalised value: equal for equal ones, whatever the order of their keys."""
    written = value if isinstance(value, bytes) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return blake2b(written, digest_size=16).digest()


def first_difference(recorded: Any, asked: Any) -> Difference | None:
    """Where two normalised bodies first part, their conversations before all else."""
    return next(_differences(recorded, asked, ()), None)


def _differences(recorded: Any, asked: Any, path: Path) -> Iterator[Difference]:
    if isinstance(recorded, dict) and isinstance(asked, dict):
        for key in sorted({**asked, **recorded}, key=lambda key: bool(path) or key not in CONVERSATIONS):
            yield from _differences(recorded.get(key, _NOTHING), asked.get(key, _NOTHING), (*path, key))
    elif isinstance(recorded, list) and isinstance(asked, list):
        for index, (one, other) in enumerate(zip_longest(recorded, asked, fillvalue=_NOTHING)):
            yield from _differences(one, other, (*path, index))
    elif recorded != asked or type(recorded) is not type(asked):
        start = 0
        if isinstance(recorded, str) and isinstance(asked, str):
            start = common(recorded, asked)
        yield Difference(format_path(path), _excerpt(recorded, start), _excerpt(asked, start))


_NOTHING: Any = object()


def _excerpt(value: Any, start: int) -> str:
    """A value in a few words; of a text, the part around `start`."""
    if value is _NOTHING:
        return "nothing"
    if isinstance(value, str):
        begin = max(0, start - 20)
        return repr(f"{'…' if begin else ''}{value[begin : start + 40]}{'…' if start + 40 < len(value) else ''}")
    written = value if isinstance(value, bytes) else orjson.dumps(value)
    return written[:60].decode("utf-8", "replace") + ("…" if len(written) > 60 else "")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _texts(member)


def _plain(value: Any, directories: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return _plain_text(value, directories)
    if isinstance(value, dict):
        return {key: _plain(member, directories) for key, member in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [_plain(member, directories) for member in value]
    return value


# An agent sends its whole conversation each turn: most texts were seen before.
@lru_cache(maxsize=4096)
def _directories(text: str) -> tuple[str, ...]:
    return tuple(name for found in _WORK_DIR.finditer(text) if (name := found[1].rstrip("/.")))


@lru_cache(maxsize=4096)
def _plain_text(text: str, directories: tuple[str, ...]) -> str:
    for directory in directories:
        text = re.sub(rf"{re.escape(directory)}(?![\w.-])", "<dir>", text)
    return _VOLATILE.sub(lambda found: f"<{found.lastgroup}>", text)
