"""The keys that the person changed: which of the names they used exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.binding import Binding
from textual.dom import DOMNode


def unknown_ids(keymap: Mapping[str, str], nodes: Iterable[type[DOMNode]]) -> list[str]:
    """The ids in a keymap that no binding of these classes has."""
    known = {
        binding.id
        for node in nodes
        for kind in node.__mro__
        for binding in vars(kind).get("BINDINGS", ())
        if isinstance(binding, Binding)
    }
    return sorted(set(keymap) - known)
