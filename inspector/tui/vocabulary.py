"""The words that a filter can be completed with: values that were seen in the flows of this session."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from inspector.model.flow import Flow
from inspector.store.filter_fields import FIELDS, TextField
from inspector.store.transcripts import Transcripts

LOOKED_AT = 200
"""Flows of which the values are taken."""
WORDS = 50
"""Values offered for one key."""
LONGEST = 60
"""Characters of a value that is worth completing."""


KEYS = ("agent", "provider", "dialect", "state", "method", "host", "path", "source", "end", "model", "tool", "finish")
"""The keys whose values come again and again; the others' are hardly ever the same twice."""


def vocabulary(flows: Iterable[Flow], transcripts: Transcripts) -> dict[str, list[str]]:
    """The values seen for each key of the filter language, those of the first flows first."""
    looked_at = list(islice(flows, LOOKED_AT))
    fields = (FIELDS[key] for key in KEYS)
    return {field.key: _words(field, looked_at, transcripts) for field in fields if isinstance(field, TextField)}


def _words(field: TextField, flows: list[Flow], transcripts: Transcripts) -> list[str]:
    words: dict[str, None] = {}
    for flow in flows:
        for word in field.values(flow, transcripts):
            if word and len(word) <= LONGEST:
                words.setdefault(word)
        if len(words) >= WORDS:
            break
    return list(words)
