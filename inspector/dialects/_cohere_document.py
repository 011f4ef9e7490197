"""A whole answer of Cohere's Chat API with parts changed, and every other byte as it was."""

from __future__ import annotations

from inspector.dialects._base import Json, parse_object
from inspector.dialects._cohere_blocks import answer_parts
from inspector.dialects._cohere_events import (
    check_writable,
    citations_of,
    finish_reason,
    reason_instead_of,
    whole_call,
    whole_content,
)
from inspector.dialects._fields import objects_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.model.edits import Edits
from inspector.model.message import Part, Reasoning, ToolCall
from inspector.wire.json_edit import change_at
from inspector.wire.json_path import Path

_FIELDS = ("tool_plan", "content", "tool_calls", "citations")


def edit_document(body: bytes, edits: Edits) -> bytes:
    """The body with the edits in it. ValueError where it is no message, or has no such part."""
    whole = parse_object(body)
    before = whole.get("message")
    if not isinstance(before, dict):
        raise ValueError("the answer has no message: it can only be edited as text")
    parts = answer_parts(before)
    for part in [*edits.added, *(part for part in edits.replaced.values() if part is not None)]:
        check_writable(part)
    for index in edits.replaced:
        if not 0 <= index < len(parts):
            raise ValueError(f"the answer has {len(parts)} parts: there is no part {index + 1}")
    kept: list[Part | None] = [None if edits.final else part for part in parts]
    for index, new in edits.replaced.items():
        kept[index] = new
    changes: dict[Path, bytes | None] = {}
    if edits.final or edits.replaced or edits.added:
        after = _message(before, parts, kept, edits.added)
        for name in _FIELDS:
            if after.get(name) != before.get(name):
                changes["message", name] = json_bytes(after[name]) if name in after else None
        if whole.get("logprobs"):
            changes["logprobs",] = None
    old = text_of(whole.get("finish_reason"))
    ended = [*kept, *edits.added]
    reason = edits.finish_reason or (finish_reason(ended) if edits.final else reason_instead_of(old, parts, ended))
    if reason != old:
        changes["finish_reason",] = json_bytes(reason)
    return change_at(body, changes) if changes else body


def _message(before: Json, parts: list[Part], kept: list[Part | None], added: list[Part]) -> Json:
    """The fields of the message: what was not changed stands there as it stood."""
    plan = bool(text_of(before.get("tool_plan")))
    blocks, calls = before.get("content"), objects_of(before.get("tool_calls"))
    content: list[object] = []
    written: list[object] = []
    after: Json = {}
    first_call = len(parts) - len(calls)
    own = blocks if isinstance(blocks, list) else [whole_content(part) for part in parts[plan:first_call]]
    if len(own) != first_call - plan:
        raise ValueError("the content has blocks of an unknown kind: it can only be edited as text")
    for index, part in [*enumerate(kept), *((len(parts), part) for part in added)]:
        if part is None:
            continue
        if plan and not index and isinstance(part, Reasoning):
            after["tool_plan"] = str(part.content)
        elif isinstance(part, ToolCall):
            base = calls[index - first_call] if first_call <= index < len(parts) else None
            same = index < len(parts) and part is parts[index]
            written.append(base if same and base is not None else whole_call(part, base))
        else:
            same = plan <= index < first_call and part is parts[index]
            content.append(own[index - plan] if same else whole_content(part))
    cited = [citation for part in [*kept, *added] if part is not None for citation in citations_of(part)]
    for name, value in (("content", content), ("tool_calls", written), ("citations", _citations(before, cited, parts))):
        if value or name in before:
            after[name] = value
    if isinstance(blocks, str) and content == own:
        after["content"] = blocks
    return after


def _citations(before: Json, cited: list[object], parts: list[Part]) -> list[object]:
    """The citations that are left, and those of new texts. Those of plans and thoughts stay."""
    given = objects_of(before.get("citations"))
    had = [citation for part in parts for citation in citations_of(part)]
    return [
        *(citation for citation in given if citation in cited or citation not in had),
        *(citation for citation in cited if citation not in given),
    ]
