"""What the demo's model decides, from what stands in the request."""

from __future__ import annotations

import random

import pytest

from inspector.demo.ask import Ask
from inspector.demo.model import demo_model
from inspector.demo.policy import Plan, answer_section, decide
from inspector.demo.project import CODING, Project
from inspector.model.message import Growing, Message, Prompt, Text, Tool, ToolCall, ToolResult


def _user(text: str) -> Message:
    return Message("user", [Text(Growing(text))])


def _decide(ask: Ask) -> Plan:
    return decide(ask, demo_model(), random.Random(1), lambda: "Explore it.")


def test_a_whole_job_leads_to_a_mended_file() -> None:
    """The script, run against real tools: look, read, delegate, change, try, and tell."""
    project, prompt = Project(), Prompt("m", [_user("The tests of the parser fail. Fix it.")], list(CODING))
    steps: list[list[str]] = []
    while (plan := _decide(Ask(prompt))).calls:
        steps.append([call.name for call in plan.calls])
        assert plan.section == "acting"
        for call in plan.calls:
            arguments = Growing(str(call.arguments))
            prompt.messages.append(Message("assistant", [ToolCall(call.name, call.name, arguments)]))
            result = "Nothing odd." if call.name == "Task" else project.call(call.name, call.arguments).text
            prompt.messages.append(Message("tool", [ToolResult(call.name, result)]))
    assert steps == [["Glob", "Grep"], ["Read"], ["Task"], ["Edit"], ["RunTests"]]
    assert plan.section == "answer"
    assert project.run_tests().endswith(" 0 failures")


def test_a_new_question_begins_anew() -> None:
    prompt = Prompt("m", [_user("Look."), Message("assistant", [ToolCall("1", "Glob")])], [CODING[0]])
    assert not _decide(Ask(prompt)).calls
    prompt.messages.append(_user("Look again."))
    assert [call.name for call in _decide(Ask(prompt)).calls] == ["Glob"]


def test_without_anything_to_mend_nothing_is_edited() -> None:
    edit = next(tool for tool in CODING if tool.name == "Edit")
    assert not _decide(Ask(Prompt("m", [_user("Hello"), Message("assistant", [ToolCall("1", "x")])], [edit]))).calls


def test_a_tool_of_an_unknown_kind_is_tried_once() -> None:
    prompt = Prompt("m", [_user("Hello")], [Tool("frobnicate", schema={})])
    assert [call.name for call in _decide(Ask(prompt)).calls] == ["frobnicate"]
    prompt.messages += [Message("assistant", [ToolCall("1", "frobnicate")]), Message("tool", [ToolResult("1", "done")])]
    assert not _decide(Ask(prompt)).calls
    assert [call.name for call in _decide(Ask(prompt, tool_choice="required")).calls] == ["frobnicate"]


def test_tools_that_the_server_would_have_to_run_are_left_alone() -> None:
    assert not _decide(
        Ask(Prompt("m", [_user("Hello")], [Tool("web_search", schema={}, kind="web_search_20250305")]))
    ).calls


@pytest.mark.parametrize(
    ("system", "question", "section"),
    [
        ("", "Tell me about the clocks.", "clocks"),
        ("", "How is the weather?", "weather"),
        ("", "Hm?", "answer"),
        ("Give the session a title.", "About the weather", "titles"),
        ("You are a sub-agent that explores.", "Look at the clocks.", "exploring"),
    ],
)
def test_the_words_fit_the_question(system: str, question: str, section: str) -> None:
    prompt = Prompt("m", [Message("system", [Text(Growing(system))]), _user(question)])
    assert answer_section(Ask(prompt), demo_model()) == section
