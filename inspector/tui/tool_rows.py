"""One call, or one declared tool, as the lines of the Tools tab. Knows no widget."""

from __future__ import annotations

import json

from inspector.model.flow import Flow
from inspector.store.summary import CHARACTERS_PER_TOKEN
from inspector.store.tool_calls import CallState, SeenCall
from inspector.store.tool_check import FINE, Verdict
from inspector.store.tool_declared import Declarations, Declared
from inspector.tui.format import count, duration, share
from inspector.tui.json_progress import JsonProgress
from inspector.tui.spans import Line, cut, squeeze, width_of
from inspector.tui.text import WrappedText, clip, one_line
from inspector.tui.tool_json import broken_rows, fault_line, json_rows, plain_rows, value_of

INDENT = 4
RESULT_LINES = 24
"""Lines of a result that are shown; the whole stands in the conversation."""
GROWING_LINES = 8
"""Lines of arguments that are shown while they grow: the last ones."""
WIDE = 110
"""Cells from which on a call's line also tells its result's tokens."""
_BRIEF = 4_000
"""Characters of arguments up to which their head is made of their values."""
_LOOKS = {
    CallState.WRITING: ("ok", "● writing"),
    CallState.WAITING: ("warning", "◌ waiting"),
    CallState.DONE: ("ok", "✓ result"),
    CallState.FAILED: ("error", "✗ error"),
    CallState.MISSING: ("warning", "○ no result"),
    CallState.CUT: ("error", "✗ cut off"),
}
_STATE_CELLS = 12


def call_head(seen: SeenCall, verdict: Verdict | None, progress: JsonProgress | None, width: int) -> Line:
    """One call on a line: state, name, arguments, and on the right what came of it, in columns."""
    verdict = verdict or FINE
    style, words = _LOOKS[seen.state]
    if not verdict.ok and seen.state in (CallState.DONE, CallState.WAITING):
        style, words = "error", "! invalid"
    left: Line = [(style, f"{words:{_STATE_CELLS}}"), ("accent", clip(one_line(seen.call.name) or "?", 32)), ("", " ")]
    right = _figures(seen, progress, width)
    room = width - width_of(left) - width_of(right)
    tags: Line = []
    if not verdict.ok:
        tags.append(("error", f" ▲ {clip(_first_words(verdict), max(12, room * 3 // 5))}"))
    if seen.same > 1:
        tags.append(("warning", f" ↻ {seen.nth} of {seen.same} same"))
    said = squeeze([("muted", brief(seen, room)), *tags], room)
    return cut([*left, *said, ("", " " * max(0, room - width_of(said))), *right], width)


def _figures(seen: SeenCall, progress: JsonProgress | None, width: int) -> Line:
    """The right end of a call's line."""
    if seen.state is CallState.WRITING:
        size = f"  {size_of(seen.call.arguments.length)}"
        if progress is None:
            return [("muted", size)]
        return [("muted", f"{size} · "), ("ok", "valid so far") if progress.valid else ("error", "not valid JSON")]
    numbers = ("key", f"  {one_line(_numbers(seen)):9}")
    ran = seen.call.server_side and seen.state is CallState.DONE
    if seen.result is None and not ran:
        return [numbers]
    size = size_of(bytes_in(seen.result.content)) if seen.result is not None else "by provider"
    figures: Line = [("muted", f"{size:>9}")]
    if width >= WIDE:
        figures.append(("faint", f"{tokens(len(seen.result.content)) if seen.result is not None else '':>11}"))
    took = duration(seen.took) if seen.took is not None else ""
    return [*figures, ("", f"{took:>7}"), numbers]


def _numbers(seen: SeenCall) -> str:
    """Which flow made the call, and which brought its result."""
    made, brought = _number(seen.made_by), _number(seen.brought_by)
    return made if brought in ("", made) else f"{made}→{brought}"


def _number(flow: Flow | None) -> str:
    return f"#{flow.number}" if flow is not None else ""


def _first_words(verdict: Verdict) -> str:
    if verdict.error is not None:
        return f"not JSON: {one_line(verdict.error.message)}"
    fault = verdict.faults[0]
    more = f" +{len(verdict.faults) - 1}" if len(verdict.faults) > 1 else ""
    where = f"{fault.path[-1]} " if fault.path else ""
    return one_line(f"{where}{fault.words}") + more


def brief(seen: SeenCall, room: int) -> str:
    """The arguments in so many cells: their values as a person would say them; while they grow, their end."""
    growing = seen.call.arguments
    if seen.state is CallState.WRITING:
        return one_line(growing.tail(max(8, room - 1)))
    text = str(growing)
    value = value_of(text) if len(text) <= _BRIEF else None
    if not isinstance(value, dict):
        return one_line(text, room + 8)
    if len(value) == 1:
        return one_line(_said(next(iter(value.values()))), room + 8)
    return one_line(", ".join(f"{name} {_said(each)}" for name, each in value.items()), room + 8)


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def call_body(seen: SeenCall, verdict: Verdict | None, width: int) -> list[Line]:
    """What stands below an unfolded call: its arguments with what is wrong in them, and what came back."""
    room = max(8, width - INDENT - 2)
    lines: list[Line] = [[("faint", _about(seen))]]
    lines += _arguments(seen, verdict or FINE, room)
    if seen.result is not None:
        lines += _result(seen, room)
    elif seen.state is CallState.MISSING:
        lines.append([("warning", "the conversation went on without a result")])
    return [[("", " " * INDENT), *line] for line in lines]


def _about(seen: SeenCall) -> str:
    """What names the call, and who made it."""
    kind = {"function": "", "custom": "free text"}.get(seen.call.kind, f"{seen.call.kind}, run by the provider")
    made = f"called by #{seen.made_by.number}" if seen.made_by is not None else "made before what is known"
    return one_line(" · ".join(filter(None, (seen.call.id or "no id", kind, made))))


def _arguments(seen: SeenCall, verdict: Verdict, room: int) -> list[Line]:
    if seen.state is CallState.WRITING:
        last = WrappedText(room, seen.call.arguments.tail(GROWING_LINES * room)).lines[-GROWING_LINES:]
        lines: list[Line] = [[("", line)] for line in last]
        return [*lines[:-1], [*lines[-1], ("ok", "▌")]]
    text = str(seen.call.arguments)
    if seen.call.kind == "custom":
        lines = [fault_line(fault.words, 0) for fault in verdict.faults] + plain_rows(text, room)
    elif verdict.error is not None:
        lines = [fault_line(fault.words, 0) for fault in verdict.faults] + broken_rows(text, verdict.error, room)
    else:
        lines = json_rows(text, room, verdict.faults) if text else [[("muted", "no arguments")]]
    return lines + [[("muted", one_line(note))] for note in verdict.notes]


def _result(seen: SeenCall, room: int) -> list[Line]:
    assert seen.result is not None
    content = seen.result.content
    style = "error" if seen.result.is_error else "muted"
    came = f"with #{seen.brought_by.number}" if seen.brought_by not in (None, seen.made_by) and seen.brought_by else ""
    ran = f"tool ran {duration(seen.took)}" if seen.took is not None else ""
    size = f"{size_of(bytes_in(content))}  {tokens(len(content))}" if content else "empty"
    head = " · ".join(filter(None, (size, ran, one_line(came))))
    name = "error" if seen.result.is_error else "result"
    lines: list[Line] = [[("bold" if not seen.result.is_error else "error", name), ("muted", f"  {head}")]]
    shown = WrappedText(room, content[: RESULT_LINES * room]).lines if content else []
    lines += [[("faint", "│ "), (style, line)] for line in shown[:RESULT_LINES]]
    if len(shown) > RESULT_LINES or len(content) > RESULT_LINES * room:
        lines.append([("faint", f"│ … {content.count(chr(10)) + 1} lines in all")])
    return lines


# Declarations


def declared_head(declared: Declared, name_cells: int, width: int) -> Line:
    """One declared tool on a line."""
    used = ("key", f"{f'×{declared.used}':>8}") if declared.used else ("faint", f"{'unused':>8}")
    name = clip(one_line(declared.tool.name), name_cells)
    pad = " " * (name_cells - width_of([("", name)]))
    line: Line = [
        ("bold" if declared.used else "", name),
        ("", pad),
        used,
        ("muted", f"{'~' + count(declared.tokens):>7}"),
    ]
    if declared.injected:
        line.append(("accent", "  ⚙ injected"))
    if declared.change:
        line.append(("warning", f"  {'+ added' if declared.change == 'added' else '≠ changed'}"))
    if declared.tool.kind != "function":
        line.append(("faint", f"  {one_line(declared.tool.kind)}"))
    return cut([*line, ("muted", f"  {one_line(declared.tool.description, width)}")], width)


def declared_body(declared: Declared, width: int) -> list[Line]:
    """What stands below an unfolded tool: its description and its schema."""
    room = max(8, width - INDENT - 2)
    lines = plain_rows(declared.tool.description, room, "muted") if declared.tool.description else []
    lines += json_rows(declared.text, room) if declared.text else [[("faint", "no schema")]]
    return [[("", " " * INDENT), *line] for line in lines]


def calls_summary(calls: list[SeenCall], verdicts: dict[str, Verdict]) -> Line:
    """What a heading says of the calls below it."""
    states = {state: sum(seen.state is state for seen in calls) for state in CallState}
    invalid = sum(not verdicts.get(seen.key, FINE).ok for seen in calls)
    repeated = len([seen for seen in calls if seen.same > 1])
    told: list[tuple[str, int, str]] = [
        ("ok", states[CallState.WRITING], "writing"),
        ("warning", states[CallState.WAITING], "waiting"),
        ("error", states[CallState.FAILED], "failed"),
        ("error", states[CallState.CUT], "cut off"),
        ("warning", states[CallState.MISSING], "without result"),
        ("error", invalid, "invalid"),
        ("warning", repeated, "repeated"),
    ]
    line: Line = [("muted", str(len(calls)) if calls else "no calls")]
    for style, number, words in told:
        line += [("muted", " · "), (style, f"{number} {words}")] if number else []
    return line


def declared_summary(declarations: Declarations) -> Line:
    """What the heading says of the declarations."""
    if not declarations.tools:
        return [("muted", "none")]
    line: Line = [("muted", f"{len(declarations.tools)} · ~{count(declarations.tokens)} tok a request")]
    unused = declarations.unused
    if unused:
        wasted = sum(each.tokens for each in unused)
        part = share(wasted / declarations.tokens) if declarations.tokens else ""
        line.append(("warning", f" · {len(unused)} never used in this lane: ~{count(wasted)} tok ({part})"))
    return line


def changes_line(declarations: Declarations) -> Line:
    """What became of the declarations since the lane's last turn; empty where they are the same."""
    if not declarations.changed:
        return []
    added = sum(each.change == "added" for each in declarations.tools)
    changed = sum(each.change == "changed" for each in declarations.tools)
    removed = len(declarations.removed)
    words = [f"{added} added" if added else "", f"{changed} changed" if changed else ""]
    words += [f"{removed} removed: {', '.join(declarations.removed[:8])}" if removed else ""]
    words += ["another order" if declarations.reordered else ""]
    said = one_line(", ".join(filter(None, words)))
    return [("warning", f"≠ since the last turn: {said}"), ("muted", " (the prompt cache begins anew)")]


def tokens(size: int) -> str:
    """About how many tokens so many characters are."""
    return f"~{count(-(-size // CHARACTERS_PER_TOKEN))} tok"


def bytes_in(text: str) -> int:
    """The bytes of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def size_of(size: int) -> str:
    """A size in bytes, short enough for a column."""
    return f"{count(size)}B" if size >= 1000 else f"{size} B"
