"""The words that a filter can be completed with: values, paths and names seen in the flows of this session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from inspector.model.flow import Flow
from inspector.store.filter_fields import FIELDS, TextField
from inspector.store.filter_paths import HEADER, REQUEST, RESPONSE_HEADER, USAGE
from inspector.store.transcripts import Transcripts

LOOKED_AT = 200
"""Flows of which the values are taken."""
WORDS = 50
"""Values offered for one key."""
LONGEST = 60
"""Characters of a value that is worth completing."""
PATHS_OF = 50
"""Flows of which the paths and names are taken."""

KEYS = (
    *("agent", "provider", "dialect", "state", "method", "host", "path", "source", "end", "model", "tool", "finish"),
    *("asked", "declared", "lane", "session", "work", "caller"),
)
"""The keys whose values come again and again; the others' are hardly ever the same twice."""

_PATH_LEVELS = 3
_NAME = re.compile(r"[^\W\d][\w$-]*")


def vocabulary(flows: Iterable[Flow], transcripts: Transcripts) -> dict[str, list[str]]:
    """The values seen for each key of the filter language, those of the first flows first.

    For `request.` and the like, it is the paths and names that were seen.
    """
    looked_at = list(islice(flows, LOOKED_AT))
    fields = (FIELDS[key] for key in KEYS)
    words = {field.key: _words(field, looked_at, transcripts) for field in fields if isinstance(field, TextField)}
    return {**words, **_open_keys(looked_at[:PATHS_OF], transcripts)}


def _open_keys(flows: list[Flow], transcripts: Transcripts) -> dict[str, list[str]]:
    seen: dict[str, dict[str, None]] = {REQUEST: {}, USAGE: {}, HEADER: {}, RESPONSE_HEADER: {}}
    for flow in flows:
        transcript = transcripts.of(flow)
        seen[REQUEST].update(dict.fromkeys(_paths(transcript.prompt.parameters)))
        if (usage := transcript.answer.usage) is not None:
            seen[USAGE].update(dict.fromkeys(_paths(usage.raw)))
        seen[HEADER].update(dict.fromkeys(name.lower() for name, _ in flow.sent.headers))
        if flow.response is not None:
            seen[RESPONSE_HEADER].update(dict.fromkeys(name.lower() for name, _ in flow.response.headers))
    return {key: [name for name in islice(names, WORDS) if len(name) <= LONGEST] for key, names in seen.items()}


def _paths(value: dict[str, object], level: int = 1) -> Iterator[str]:
    """The paths to what stands in an object, objects within it opened."""
    for name, inner in value.items():
        if not _NAME.fullmatch(name):
            continue
        if isinstance(inner, dict) and inner and level < _PATH_LEVELS:
            yield from (f"{name}.{path}" for path in _paths(inner, level + 1))
        else:
            yield name


def _words(field: TextField, flows: list[Flow], transcripts: Transcripts) -> list[str]:
    words: dict[str, None] = {}
    for flow in flows:
        for word in field.values(flow, transcripts):
            if word and len(word) <= LONGEST:
                words.setdefault(word)
        if len(words) >= WORDS:
            break
    return list(words)
