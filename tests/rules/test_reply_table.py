"""Replies as they are written in the rules' file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.message import Growing, Media, Part, Reasoning, Text, ToolCall
from inspector.rules.replies import Reply
from inspector.rules.reply_table import parse_reply, reply_table
from inspector.rules.spoiling import Fault


def call(name: str, arguments: str) -> ToolCall:
    return ToolCall(name=name, arguments=Growing(arguments), done=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("just words", Reply((Text(Growing("just words")),))),
        (' { text = "a" }', Reply((Text(Growing("a")),))),
        ({"text": ""}, Reply((Text(),))),
        ('{tool="Bash", arguments={command="ls ü"}}', Reply((call("Bash", '{"command": "ls ü"}'),))),
        ({"tool": "Bash", "arguments": "{broken"}, Reply((call("Bash", "{broken"),))),
        ({"tool": "Bash"}, Reply((call("Bash", "{}"),))),
        (
            {"calls": [{"tool": "A"}, {"tool": "B", "arguments": {"n": 1}}], "text": "t", "reasoning": "r"},
            Reply((Reasoning(Growing("r")), Text(Growing("t")), call("A", "{}"), call("B", '{"n": 1}'))),
        ),
        ({"text": "a", "finish": "length"}, Reply((Text(Growing("a")),), "length")),
        ("{status=529, retry_after=3}", Reply(status=529, retry_after=3)),
        ({"status": 500, "message": "no"}, Reply(status=500, message="no")),
        ({"cut_after": 10}, Reply(fault=Fault(cut_after=10))),
        ({"silence": True}, Reply(fault=Fault(silence=True))),
        ({"malformed": True, "cut_after": 0}, Reply(fault=Fault(malformed=True, cut_after=0))),
        ({"tokens_per_second": 2.5}, Reply(fault=Fault(tokens_per_second=2.5))),
    ],
)
def test_a_reply_is_read(given: str | dict[str, Any], expected: Reply) -> None:
    assert parse_reply(given) == expected
    assert parse_reply(reply_table(expected)) == expected


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{text = }", "a reply is a table such as"),
        ("{}", "what is answered, or what goes wrong"),
        ({"silence": False}, "what is answered, or what goes wrong"),
        ({"txt": "a"}, "no txt; there are text"),
        ({"text": 1}, "text is a text in quotes"),
        ({"arguments": {}}, "arguments want a tool"),
        ({"tool": ""}, "a call wants a tool"),
        ({"tool": "a", "arguments": 5}, "a table, or JSON as text"),
        ("{tool = 'a', arguments = {at = 1979-05-27}}", "what JSON can say"),
        ({"calls": {"tool": "a"}}, "calls is a list"),
        ({"calls": [{"tool": "a", "text": "b"}]}, "no text"),
        ({"status": 99}, "status is a whole number from 200 to 599"),
        ({"status": True}, "whole number"),
        ({"status": 500, "text": "a"}, "is an error"),
        ({"cut_after": -1}, "whole number from 0"),
        ({"cut_after": 1.5}, "whole number"),
        ({"tokens_per_second": 0}, "above zero"),
        ({"tokens_per_second": float("inf")}, "above zero"),
        ({"silence": 1}, "true or false"),
    ],
)
def test_what_means_nothing_is_refused_in_words(given: str | dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_reply(given)


@pytest.mark.parametrize("parts", [(Text(), Text()), (Media("image"),)])
def test_what_cannot_be_written_is_refused(parts: tuple[Part, ...]) -> None:
    with pytest.raises(ValueError, match="one text, one reasoning"):
        reply_table(Reply(parts))


texts = st.text(max_size=10)
calls = st.builds(call, st.text(min_size=1, max_size=5), texts)
faults = st.builds(Fault, st.none() | st.floats(0.1, 99), st.none() | st.integers(0, 99), st.booleans(), st.booleans())


@given(texts.map(lambda words: Text(Growing(words))), st.lists(calls, max_size=3), st.none() | texts, faults)
def test_what_is_written_is_read_as_it_was(
    words: Text, several: list[ToolCall], finish: str | None, fault: Fault
) -> None:
    reply = Reply((words, *several), finish, fault=fault)
    assert parse_reply(reply_table(reply)) == reply
