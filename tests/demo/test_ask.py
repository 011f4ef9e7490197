"""A request, understood: what it is about, and what belongs to this turn."""

from __future__ import annotations

import pytest

from inspector.demo.ask import Ask, openai_tool_choice, paths_in, stop_sequences
from inspector.demo.behaviour import Behaviour, behaviour, unmarked
from inspector.model.message import Growing, Message, Prompt, Text, ToolCall, ToolResult


def _user(text: str) -> Message:
    return Message("user", [Text(Growing(text))])


def test_only_this_turn_counts() -> None:
    old = [_user("Read a.py"), Message("assistant", [ToolCall("1", "Read")]), Message("tool", [ToolResult("1", "old")])]
    new = [
        _user("And b.py?"),
        Message("assistant", [ToolCall("2", "Grep")]),
        Message("tool", [ToolResult("2", "c.py:1")]),
    ]
    ask = Ask(Prompt("m", [*old, *new]))
    assert ask.question == "And b.py?"
    assert [call.name for call in ask.calls()] == ["Grep"]
    assert [result.content for result in ask.results()] == ["c.py:1"]
    assert ask.paths() == ["b.py", "c.py"]


def test_the_topic_is_what_is_telling() -> None:
    ask = Ask(Prompt("m", [_user("Please tell me about the clocks, and about parse_table. [demo: cut once]")]))
    assert ask.topic() == ["clocks", "parse_table"]
    assert b" clocks" in ask.topic_tokens()


def test_a_request_without_a_user_has_no_question() -> None:
    assert Ask(Prompt("m", [Message("assistant", [Text(Growing("Hm."))])])).question == "Hm."
    assert Ask(Prompt("m")).question == ""


def test_paths() -> None:
    assert paths_in("see src/a.py:12, ./b.md and c.pyx, not 3.14") == ["src/a.py", "./b.md"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (None, "auto"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "f"}}, "f"),
        ({"type": "function", "name": "f"}, "f"),
        ({"type": "allowed_tools"}, "required"),
        ({"function": 7}, "required"),
    ],
)
def test_openai_tool_choices(given: object, meant: str) -> None:
    assert openai_tool_choice(given) == meant


def test_stop_sequences_come_alone_or_in_a_list() -> None:
    assert stop_sequences("x") == ("x",)
    assert stop_sequences(["x", 7, "y"]) == ("x", "y")
    assert stop_sequences(None) == ()


def test_behaviour_is_asked_for_in_three_places() -> None:
    assert behaviour("demo-small", "", "Hello, be slow and cut it short. 429") == Behaviour()
    assert behaviour("demo-small-cut", "", "") == Behaviour(cut=True)
    assert behaviour("demo", "slow, long", "") == Behaviour(slow=True, long=True)
    assert behaviour("demo", "", "Hello [Demo: 529 once] [demo:error]") == Behaviour(529, once=True, error=True)
    assert unmarked("Hello [demo: cut]!") == "Hello !"
