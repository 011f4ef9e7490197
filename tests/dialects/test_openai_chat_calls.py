"""Tool calls in Chat Completions streams, in all the shapes that servers give them."""

from __future__ import annotations

from typing import Any

from inspector.model.message import (
    Growing,
    ToolCall,
    ToolResult,
)
from tests.dialects.chat_streams import DIALECT, chunk, part, stream, streamed
from tests.dialects.recorded import answer_of, read

Json = dict[str, Any]


def called(*fragments: Json) -> list[tuple[str, str, str]]:
    """Id, name and arguments of the calls in a stream of these fragments of tool calls, one a chunk."""
    message = streamed(*({"tool_calls": [fragment]} for fragment in fragments))
    return [(call.id, call.name, str(call.arguments)) for call in message.tool_calls()]


def test_fragments_of_parallel_calls() -> None:
    assert called(
        part(0, "a", "f", ""), part(1, "b", "g", ""), part(0, args='{"x"'), part(1, args="{}"), part(0, args=":1}")
    ) == [("a", "f", '{"x":1}'), ("b", "g", "{}")]


def test_several_calls_in_one_delta() -> None:
    message = streamed({"tool_calls": [part(0, "a", "f", "{}"), part(1, "b", "g", "[]")]})
    assert [(call.id, str(call.arguments)) for call in message.tool_calls()] == [("a", "{}"), ("b", "[]")]


def test_nulls_and_empty_strings_take_nothing_back() -> None:
    fragment = {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": "}"}}
    empty = {"index": 0, "id": "", "type": "", "function": {"name": "", "arguments": None}}
    assert called(part(0, "a", "f", "{"), fragment, empty) == [("a", "f", "{}")]


def test_an_index_need_not_start_at_zero() -> None:
    assert called(part(7, "a", "f", "{"), part(9, "b", "g"), part(7, args="}")) == [("a", "f", "{}"), ("b", "g", "")]


def test_without_an_index_a_new_head_begins_a_call() -> None:
    assert called(
        part(None, "a", "f", "{"), part(args="}"), part(None, "b", "f", "{}"), part(None, None, "g", "1")
    ) == [
        ("a", "f", "{}"),
        ("b", "f", "{}"),
        ("", "g", "1"),
    ]


def test_id_and_name_repeated_with_every_fragment() -> None:
    assert called(part(0, "a", "f", "{"), part(0, "a", "f", "}")) == [("a", "f", "{}")]
    assert called(part(None, "a", "f", "{"), part(None, "a", "f", "}")) == [("a", "f", "{}")]


def test_an_id_that_changes_with_every_fragment() -> None:
    assert called(part(0, "a", "f", "{"), part(0, "b", None, "}")) == [("a", "f", "{}")]


def test_the_same_index_for_every_call() -> None:
    assert called(part(0, "a", "f", "{}"), part(0, "b", "f", "{}"), part(0, None, "g", "1")) == [
        ("a", "f", "{}"),
        ("b", "f", "{}"),
        ("", "g", "1"),
    ]


def test_a_name_in_pieces() -> None:
    assert called(part(0, "a", "get_"), part(0, None, "weather"), part(0, args="{}")) == [("a", "get_weather", "{}")]


def test_no_id_at_all() -> None:
    assert called(part(0, None, "f", "{}"), part(1, None, "f", "{}")) == [("", "f", "{}"), ("", "f", "{}")]


def test_arguments_as_an_object() -> None:
    assert called(part(0, "a", "f", {"x": [1], "y": "é"})) == [("a", "f", '{"x":[1],"y":"é"}')]


def test_custom_tools() -> None:
    message = streamed(
        {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sh", "input": "l"}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": "s"}}]},
    )
    assert message.tool_calls() == [ToolCall("a", "sh", Growing("ls"), "custom", True)]


def test_the_function_call_of_the_first_years() -> None:
    message = streamed({"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}})
    assert message.tool_calls() == [ToolCall("", "f", Growing("{}"), done=True)]


def test_tools_that_the_server_ran() -> None:
    start = {"index": 0, "type": "search", "arguments": "{}"}
    message = streamed(
        {"executed_tools": [start]}, {"executed_tools": [{**start, "output": "found"}]}, {"content": "x"}
    )
    call, result, _ = message.parts
    assert call == ToolCall("", "search", Growing("{}"), "search", True)
    assert result == ToolResult("", "found", name="search")


def test_a_call_is_done_when_the_next_begins_or_a_reason_comes() -> None:
    chunks = [
        chunk({"tool_calls": [part(0, "a", "f", "{}")]}),
        chunk({"tool_calls": [part(1, "b", "g", "{}")]}),
        chunk(finish="tool_calls"),
    ]
    seen = []
    for count in range(1, 4):
        message = answer_of(read(DIALECT, [stream(*chunks[:count], done=False)]))
        seen.append([call.done for call in message.tool_calls()])
    assert seen == [[False], [True, False], [True, True]]
