"""Who works in the demo: a coder with a sub-agent, a guide of the harbour, and a reviewer; one API each.

The markers `[demo: …]` in what they say ask the demo server to misbehave; any other server reads them as words.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from inspector.demo.conversation import Conversation
from inspector.demo.exchange import Client
from inspector.demo.project import CODING, READING, TIDES, Outcome, Project
from inspector.model.message import Message, ToolCall, ToolResult

MAX_STEPS = 12
"""After how many answers to one question a worker stops asking."""

CODER = """\
You are a careful coding agent in a terminal. You work on a small Python project that reads the tide table of a harbour
and says when the ferry leaves.

Look before you change anything. Call several tools at once where they do not depend on each other. Give work that needs
much reading to a sub-agent: its context is its own, and only its last message comes back to you. Change as little as
you can, and run the tests afterwards.

When you are done, say in a few sentences what was wrong, what you changed, and how you know that it works now."""
EXPLORER = """\
You are a sub-agent that explores a project and reports. You may search and read; you change nothing.

Answer with what you found, where it stands, and what your caller should know. Your caller sees only your last message.
"""
GUIDE = """\
You are the guide of a small harbour town. You know its tides, its clocks and its weather, and speak of them gladly.
Look up the tides before you say when the water is high."""
REVIEWER = """\
You are a reviewer of code changes. Read what you need, then say what is good, what is not, and why. Be kind and exact.
"""
TITLER = "Give this session a title of a few words. Answer with the title only."


async def coder(client: Client) -> None:
    """Mends the project (Anthropic Messages: thinking, tools at once, a sub-agent, a title that fails once)."""
    project = Project()
    question = "The tests of the parser fail. Please find out why, and fix it."
    title = Conversation("anthropic-messages", "demo-tiny", TITLER, max_tokens=24, stops=("\n",), stream=False)
    title.say(f"{question} [demo: 529 once]")
    work = Conversation("anthropic-messages", "demo-large", CODER, CODING, reasons=True)
    work.say(question)
    await client.models({"anthropic-version": "2023-06-01"})
    await client.count_tokens(work)
    await asyncio.gather(client.answer(title), answered(client, work, project))
    await client.pause(1.5)
    work.say("Thank you. Now tell me about the tests, in plain words.")
    work.tool_choice = "none"
    await answered(client, work, project)


async def guide(client: Client) -> None:
    """Tells of the harbour (Chat Completions: log-probabilities; a stream that breaks off, a request too many)."""
    await client.pause(2.0)
    talk = Conversation("openai-chat", "demo-small", GUIDE, TIDES, top_logprobs=5)
    questions = (
        "When is high water in the harbour today?",
        "Tell me about the clocks of the town. [demo: cut once]",
        "And the weather? [demo: 429 once]",
        "What else should I know about the harbour?",
        "Who works at the harbour?",
        "And who looks after the clocks?",
    )
    for question in questions:
        talk.say(question)
        await answered(client, talk, Project())
        talk.tool_choice = "none"
        await client.pause(3.0)


async def reviewer(client: Client) -> None:
    """Reviews a change (Responses: a reasoning summary, tools; a stream that fails, a slow one)."""
    await client.pause(5.0)
    review = Conversation("openai-responses", "demo-large", REVIEWER, READING, reasons=True, top_logprobs=3)
    review.say("Please review the function parse_table in parser.py.")
    await answered(client, review, Project())
    review.tool_choice = "none"
    for question in (
        "Write the review. [demo: error once]",
        "One last word on the parser, and take your time. [demo: slow]",
    ):
        await client.pause(2.0)
        review.say(question)
        await answered(client, review, Project())


WORKERS: tuple[Callable[[Client], Awaitable[None]], ...] = (coder, guide, reviewer)


async def answered(client: Client, conversation: Conversation, project: Project) -> str:
    """Go on until the model answers in words: run the tools that it calls, and send back what they gave."""
    for _ in range(MAX_STEPS):
        message = await client.answer(conversation)
        calls = message.tool_calls()
        if not calls:
            return message.text()
        results = await asyncio.gather(*(_result(client, project, call) for call in calls))
        conversation.messages.append(Message("tool", list(results)))
    return ""


async def _result(client: Client, project: Project, call: ToolCall) -> ToolResult:
    """Run one tool, or the sub-agent that a `Task` asks for."""
    client.report.tool_calls += 1
    outcome = await _outcome(client, project, call)
    return ToolResult(call.id, outcome.text, outcome.is_error, call.name)


async def _outcome(client: Client, project: Project, call: ToolCall) -> Outcome:
    try:
        arguments = json.loads(str(call.arguments) or "{}")
    except ValueError as error:
        return Outcome(f"the arguments are no JSON: {error}", is_error=True)
    if not isinstance(arguments, dict):
        return Outcome("the arguments are no object", is_error=True)
    if call.name == "Task":
        explorer = Conversation("anthropic-messages", "demo-small", EXPLORER, READING)
        explorer.say(str(arguments.get("prompt", "")))
        return Outcome(await answered(client, explorer, project))
    await client.pause(0.4)
    return project.call(call.name, arguments)
