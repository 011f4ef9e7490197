"""The tools that a request declares."""

from __future__ import annotations

import json
from collections import Counter

from inspector.model.message import Tool
from inspector.store.tool_declared import declarations, injected_names
from tests.store.tools import CITY, anthropic_turns, book_of, in_lane

READ = Tool("Read", "Read a file.", CITY)
BASH = Tool("Bash", "x" * 400, CITY)
SEARCH = Tool("web_search", kind="web_search_20250305", schema={"max_uses": 3})


def test_sizes_and_uses_are_told() -> None:
    told = declarations([READ, BASH, SEARCH], Counter({"Read": 3, "bash": 1, "web_search": 2}), None)
    assert [each.used for each in told.tools] == [3, 0, 2]
    assert [each.tool.name for each in told.unused] == ["Bash"]
    characters = len("Bash") + 400 + len(json.dumps(CITY))
    assert told.unused[0].tokens == -(-characters // 4)
    assert told.tokens == sum(each.tokens for each in told.tools)
    assert not told.changed


def test_a_provider_own_tool_is_used_by_its_kind() -> None:
    told = declarations([Tool("web_search_preview", kind="web_search_preview")], Counter({"web_search": 2}), None)
    assert [each.used for each in told.tools] == [2]


def test_changes_since_the_last_turn_are_told() -> None:
    used: Counter[str] = Counter()
    same = declarations([READ, BASH], used, [READ, BASH])
    assert not same.changed
    longer = Tool("Read", "Read a file, or a part of it.", CITY)
    told = declarations([longer, SEARCH], used, [READ, BASH])
    assert [each.change for each in told.tools] == ["changed", "added"]
    assert told.removed == ("Bash",) and not told.reordered and told.changed
    turned = declarations([BASH, READ], used, [READ, BASH])
    assert turned.reordered and turned.changed and not turned.removed
    assert declarations([READ], used, []).tools[0].change == "added"


def test_the_flow_before_is_the_lanes_last_turn() -> None:
    first, second = anthropic_turns()
    body = json.loads(bytes(second.request.body))
    body["tools"].append({"name": "new", "input_schema": {}})
    second.forwarded = second.request.with_body(json.dumps(body).encode())
    told = book_of(second, in_lane(first, second)).declarations
    assert [(each.tool.name, each.change, each.injected) for each in told.tools] == [
        ("weather", "", False),
        ("new", "added", True),
    ]


def test_a_request_that_cannot_be_read_has_nothing_injected() -> None:
    flow = anthropic_turns()[0]
    assert injected_names(flow, [READ]) == frozenset()
    flow.forwarded = flow.request.with_body(bytes(flow.request.body))
    flow.request = flow.request.with_body(b"\x00 no JSON")
    assert injected_names(flow, [READ]) == frozenset()
