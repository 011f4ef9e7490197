"""The first difference between two prompts: its path and byte, and what is none."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.store import prefix_body
from inspector.store.alignment import finish
from inspector.store.prefix import Prefix, compare
from inspector.store.prefix_body import read
from inspector.wire.json_path import find, parse_path
from inspector.wire.json_spans import scan
from tests.captures import capture_flows
from tests.store.turns import Json, assistant, result, text, use, user

TOOLS = [{"name": "Read", "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}}}]
BODY: Json = {
    "model": "claude-opus-4-5",
    "messages": [
        user("Repair the pärser"),
        assistant(text('I look "closely" at it.'), use("t1", path="parser.py")),
        user(result("t1", "def parse(): pass")),
    ],
    "system": [text("You are careful."), text("It is Friday.")],
    "tools": TOOLS,
}


def compared(before: Any, after: Any, dialect: str = "anthropic-messages") -> Prefix:
    """Two bodies, given as values or as they are written."""
    written = [value if isinstance(value, bytes) else orjson.dumps(value) for value in (before, after)]
    old, new = (finish(read(data)) for data in written)
    return finish(compare(old, new, dialect))


def changed(path: str, value: Any) -> Json:
    """The body with one value replaced."""
    body = deepcopy(BODY)
    *above, last = parse_path(path)
    inner: Any = body
    for step in above:
        inner = inner[step]
    inner[last] = value
    return body


def test_what_only_goes_on_keeps_the_prefix() -> None:
    more = changed("messages", [*BODY["messages"], assistant("Done."), user("Thanks")])
    seen = compared(BODY, more)
    assert seen.kept
    assert seen.spot is None
    assert seen.same_messages == 3
    assert seen.common == seen.before_size < seen.after_size
    last = deepcopy(more)
    last["messages"][2]["content"].append(text("and hurry"))
    assert compared(BODY, last).kept


def test_the_beginning_of_the_last_prompt_is_kept_too() -> None:
    assert compared(BODY, changed("messages", BODY["messages"][:1])).kept


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ("messages[1].content[0].text", 'I look "briefly" at it.', "messages[1].content[0].text"),
        ("messages[0].content", "Repair the printer", "messages[0].content"),
        ("messages[2].content[0].content", "def parse(): ...", "messages[2].content[0].content"),
        ("messages[1].content[1].input", {"path": "other.py"}, "messages[1].content[1].input.path"),
        ("messages[1].content[1].name", "Write", "messages[1].content[1].name"),
        ("system[1].text", "It is Saturday.", "system[1].text"),
        ("tools[0].input_schema.properties.path.type", "number", "tools[0].input_schema.properties.path.type"),
        ("messages[1].role", "user", "messages[1].role"),
        ("tools", [*TOOLS, {"name": "Write"}], "tools[1]"),
        ("tools", [], "tools[0]"),
        ("system", BODY["system"][:1], "system[1]"),
        ("system", [*BODY["system"], text("Hurry.")], "system[2]"),
    ],
)
def test_a_change_is_found_where_it_is(path: str, value: Any, where: str) -> None:
    after = changed(path, value)
    seen = compared(BODY, after)
    assert not seen.kept
    assert seen.path == where
    assert seen.spot is not None
    data = orjson.dumps(after)
    if value not in ([], BODY["system"][:1]):
        node = find(scan(data), seen.spot.path)[1]
        assert node.start <= seen.spot.after < node.end
    assert seen.section == parse_path(where)[0]


def test_tools_come_before_the_system_and_that_before_the_messages() -> None:
    after = changed("messages[0].content", "Other")
    after["system"][0]["text"] = "You are quick."
    assert compared(BODY, after).path == "system[0].text"
    after["tools"][0]["name"] = "Look"
    assert compared(BODY, after).path == "tools[0].name"


def test_layout_order_of_fields_marks_and_spelling_are_no_difference() -> None:
    after = {name: deepcopy(BODY[name]) for name in reversed(BODY)}
    after["messages"][1]["content"][0] = {
        "cache_control": {"type": "ephemeral"},
        "text": 'I look "closely" at it.',
        "type": "text",
    }
    after["messages"][0]["content"] = [text("Repair the pärser")]
    written = json.dumps(after, indent=2).encode()
    assert compared(BODY, written).kept
    assert compared(written, BODY).kept
    one = {**BODY, "system": "You are careful."}
    assert compared(one, {**BODY, "system": [text("You are careful.")]}).kept
    assert compared({**BODY, "system": [text("You are careful.")]}, one).kept
    assert compared(one, {**BODY, "system": [text("You are carefree.")]}).path == "system[0].text"
    assert compared(one, BODY).path == "system[1]"


def test_the_order_of_what_a_call_was_given_is_a_difference() -> None:
    before, after = (changed("messages[1].content[1].input", value) for value in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert compared(before, after).path == "messages[1].content[1].input.b"


def test_the_excerpts_show_both_sides() -> None:
    spot = compared(BODY, changed("system[0].text", "You are carefree, mostly.")).spot
    assert spot is not None
    assert (spot.character, spot.lead, spot.old, spot.new) == (13, "You are caref", "ul.", "ree, mostly.")


def test_settings_that_changed_are_told() -> None:
    seen = compared({**BODY, "tool_choice": {"type": "auto"}}, {**BODY, "model": "claude-haiku-4-5"})
    assert seen.settings == (
        ("model", '"claude-opus-4-5"', '"claude-haiku-4-5"'),
        ("tool_choice", '{"type": "auto"}', ""),
    )
    assert seen.kept


def test_breakpoints_are_marks_of_the_client_and_no_words() -> None:
    body = changed("messages[0].content", 'say "cache_control": {"type":"ephemeral"}')
    assert compared(body, body).breakpoints == ()
    body["system"][1]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    body["messages"][2]["content"][0]["cache_control"] = {"type": "ephemeral"}
    first, second = compared(body, body).breakpoints
    assert (first.hour, second.hour) == (True, False)
    assert first.weight < second.weight <= compared(body, body).before_weight
    automatic = {**BODY, "cache_control": {"type": "ephemeral"}}
    assert [each.weight for each in compared(automatic, automatic).breakpoints] == [compared(BODY, BODY).before_weight]


def test_a_picture_weighs_what_its_tokens_would() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0K" * 50_000}
    body = changed("messages[0].content", [{"type": "image", "source": source}])
    seen = compared(body, body)
    assert seen.before_size > 400_000 > 10_000 > seen.before_weight


def test_ids_of_items_are_no_content_of_responses() -> None:
    call = {
        "type": "function_call",
        "id": "fc_1",
        "status": "completed",
        "call_id": "c",
        "name": "f",
        "arguments": "{}",
    }
    other = {**call, "id": "fc_2"}
    del other["status"]
    assert compared({"input": [call]}, {"input": [other]}, "openai-responses").kept
    assert not compared({"input": [call]}, {"input": [{**other, "call_id": "d"}]}, "openai-responses").kept


def test_code_assist_has_its_request_within_another() -> None:
    bodies = [{"request": {"contents": [{"role": "user", "parts": [{"text": words}]}]}} for words in ("ab", "ac")]
    seen = compared(bodies[0], bodies[1], "gemini")
    assert seen.path == "request.contents[0].parts[0].text"
    assert seen.spot is not None
    assert orjson.dumps(bodies[1])[seen.spot.after :].startswith(b'c"')


def test_bedrock_marks_the_cache_with_blocks_of_their_own() -> None:
    body: Json = {"messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]}
    body["toolConfig"] = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}]}
    marked = deepcopy(body)
    marked["messages"][0]["content"].insert(1, {"cachePoint": {"type": "default"}})
    assert compared(body, marked, "bedrock-converse").kept
    assert len(compared(marked, body, "bedrock-converse").breakpoints) == 1
    marked["toolConfig"]["tools"][0]["toolSpec"]["name"] = "g"
    assert compared(body, marked, "bedrock-converse").path == "toolConfig.tools[0].toolSpec.name"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"messages"',
        b'{"messages":[',
        b'{"messages":[{}',
        b"\xff{}",
        b'{"messages":nul',
    ],
)
def test_what_is_no_request_has_few_pieces_and_raises_nothing(data: bytes) -> None:
    body = finish(read(data))
    assert len(body.pieces) <= 1
    assert finish(compare(body, body, "anthropic-messages")).kept


def test_very_deep_values_are_compared_as_they_are_written() -> None:
    deep = [
        b'{"messages":[{"role":"user","content":%s"%s"%s}]}' % (b"[" * 300, word, b"]" * 300) for word in (b"a", b"b")
    ]
    seen = compared(deep[0], deep[1])
    assert seen.path == "messages[0]"
    assert seen.spot is not None
    assert deep[1][seen.spot.after :].startswith(b'b"')


# Printable characters, some of them escaped in JSON, some of several bytes.
WORDS = st.text(alphabet='ab"\\\n é😀', min_size=1, max_size=20)
BLOCKS = st.one_of(
    WORDS.map(text),
    st.builds(lambda id, words: use(id, path=words), st.sampled_from(["t1", "t2"]), WORDS),
    st.builds(result, st.sampled_from(["t1", "t2"]), WORDS),
)
MESSAGES = st.lists(
    st.builds(lambda blocks: user(*blocks), st.lists(BLOCKS, min_size=1, max_size=3)), min_size=1, max_size=4
)
BODIES = st.builds(
    lambda messages, system, words: {
        "messages": messages,
        "tools": [{"name": "f", "description": words}],
        "system": [text(each) for each in system],
    },
    MESSAGES,
    st.lists(WORDS, max_size=2),
    WORDS,
)
TEXTS = ("text", "content", "path", "description")


def strings(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], str]]:
    """All texts in a body with their paths."""
    if isinstance(value, str):
        return [(path, value)] if path[-1] in TEXTS else []
    members = value.items() if isinstance(value, dict) else enumerate(value)
    return [found for key, inner in members for found in strings(inner, (*path, key))]


@given(BODIES, st.data(), st.booleans(), st.booleans())
def test_one_changed_character_anywhere_is_found_to_the_byte(
    body: Json, data: st.DataObject, pretty: bool, escaped: bool
) -> None:
    path, words = data.draw(st.sampled_from(strings(body)))
    at = data.draw(st.integers(0, len(words) - 1))
    after = deepcopy(body)
    inner: Any = after
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = f"{words[:at]}X{words[at + 1 :]}"
    written = json.dumps(after, indent=1 if pretty else None, ensure_ascii=escaped).encode()
    seen = compared(body, written)
    assert seen.spot is not None
    assert (seen.spot.path, seen.spot.character) == (path, at)
    assert written[seen.spot.after : seen.spot.after + 1] == b"X"
    before = orjson.dumps(body)
    escape = json.dumps(words[at], ensure_ascii=False)[1:-1].encode()
    assert before[seen.spot.before :].startswith(escape)
    assert seen.spot.new.startswith("X")
    assert seen.spot.old.startswith(words[at])


@given(BODIES, MESSAGES)
def test_appending_alone_keeps_the_prefix(body: Json, more: list[Json]) -> None:
    assert compared(body, {**body, "messages": [*body["messages"], *more]}).kept
    assert compared(body, body).kept


def test_a_body_is_read_in_small_steps() -> None:
    messages = [user("x" * 1000) for _ in range(500)]
    steps = prefix_body.read(orjson.dumps({"messages": messages}))
    assert sum(1 for _ in steps) >= 500


def test_recorded_traffic_runs_through() -> None:
    before = finish(read(b"{}"))
    for flow in capture_flows():
        body = finish(read(bytes(flow.sent.body)))
        assert finish(compare(body, body, flow.dialect)).kept
        finish(compare(before, body, flow.dialect))
        before = body
