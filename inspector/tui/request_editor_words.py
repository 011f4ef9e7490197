"""What the request editor says around the text: what is edited, how much changes, what sticky changes do."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.model.flow import Flow, Request
from inspector.rules.sticky_pieces import PROMPT
from inspector.tui.edit_outcome import Purpose
from inspector.tui.format import short_model
from inspector.tui.request_editor_changes import Change
from inspector.tui.request_editor_document import RequestDocument
from inspector.tui.request_editor_pieces import Piece
from inspector.tui.spans import Line
from inspector.tui.text import one_line
from inspector.wire.json_path import Path, format_path

VIEWS = {"pieces": ("f2", "by message"), "json": ("f3", "JSON"), "head": ("f4", "URL & headers")}
"""The views of a request by name, with their keys and titles."""


def title(flow: Flow, purpose: Purpose, request: Request, model: str) -> Line:
    """What is edited, and what for."""
    path = f"/{request.url.partition('://')[2].partition('/')[2].partition('?')[0]}"
    words = [short_model(model), f"{request.method} {path}"]
    said = one_line(" · ".join(word for word in words if word))
    return [("chip", f" {purpose.upper()} "), ("bold", f" #{flow.number} "), ("muted", f" {said}")]


def about(piece: Piece | None, view: str) -> Line:
    """What stands in the editor: a piece and its place, or the whole in a view."""
    if piece is None:
        return [("bold", VIEWS[view][1])]
    return [("bold", one_line(piece.label)), ("muted", f"  {format_path(piece.text or piece.path)}")]


def sums(document: RequestDocument, changes: Sequence[Change], other_head: bool) -> Line:
    """How much changes. `other_head`: the target or the headers do, too."""
    if not document.changed:
        return [("edited", "URL or headers")] if other_head else [("muted", "nothing: it goes as it came")]
    count, sizes = len(changes), [change.sizes for change in changes]
    went, came = (sum(size[side] for size in sizes) for side in (0, 1))
    whole = f"{len(document.original):,} → {len(document.data):,} bytes"
    line: Line = [("edited", f"{count} place{'' if count == 1 else 's'}"), ("muted", f" · {whole}")]
    return [*line, *([("error", f"  −{went:,}")] if went else []), *([("ok", f"  +{came:,}")] if came else [])]


def sticky_words(document: RequestDocument, changes: Sequence[Change]) -> str:
    """What making these changes sticky does, to later requests and to the prompt cache."""
    count = document.lasting()
    if not count:
        return "Sticky: nothing. Only changes to messages, results and the system prompt can be made again."
    prompt = [change.path for change in changes if change.path[:1] and change.path[0] in PROMPT]
    first = min(prompt, key=_before, default=())
    return (
        f"Sticky: {count} piece{'' if count == 1 else 's'} changed like this in every later request. The prompt cache "
        f"holds up to {format_path(first)}: what follows is read anew once, then cached again."
    )


def _before(path: Path) -> int:
    """How early providers put a field before the model."""
    return PROMPT.index(str(path[0]))
