"""JSON in every spelling, for property tests."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(
    st.characters(codec="utf-8") | st.sampled_from('"\\/\n\t\x00\x7f\u2028\u202eé😀\ud83d\ude00'), max_size=8
)
"""Also half characters, which only an escape can spell."""
_SPACES = st.sampled_from(["", "", "", " ", "\n  ", "\r\n", "\t"])
_NUMBERS = st.sampled_from(["0", "-0", "1", "1.0", "1.10", "1e400", "-2E+3", "12345678901234567890123", "0.1"])


@st.composite
def _string(draw: st.DrawFn) -> str:
    text = draw(TEXTS)
    ascii_only = draw(st.booleans()) or any("\ud800" <= character <= "\udfff" for character in text)
    return json.dumps(text, ensure_ascii=ascii_only).replace("/", draw(st.sampled_from(["/", "\\/"])))


_KEYS = _string() | st.sampled_from(['"a"', '"b"', '"id"'])


@st.composite
def _joined(draw: st.DrawFn, inner: st.SearchStrategy[str], members: bool) -> str:
    space = draw(_SPACES)
    items = []
    for value in draw(st.lists(inner, max_size=4)):
        key = f"{draw(_KEYS)}:{draw(_SPACES)}" if members else ""
        items.append(f"{space}{key}{value}{draw(_SPACES)}")
    opening, closing = "{}" if members else "[]"
    return f"{opening}{','.join(items) or space}{closing}"


SCALARS = _string() | _NUMBERS | st.sampled_from(["true", "false", "null", '"a"', '"b"'])
SPELLED = st.recursive(
    SCALARS, lambda inner: _joined(inner, members=False) | _joined(inner, members=True), max_leaves=12
).map(lambda text: text.encode())
"""JSON texts: any order, doubled keys, any white space, any escapes, any spelling of numbers."""


def meaning(text: str | bytes) -> Any:
    """What a text says, to the order of keys, doubled ones, and the spelling of numbers."""
    return json.loads(
        text if isinstance(text, str) else text.decode(),
        object_pairs_hook=lambda pairs: ("object", pairs),
        parse_int=lambda spelled: ("number", spelled),
        parse_float=lambda spelled: ("number", spelled),
    )
