"""What a request is for, told from its words."""

from __future__ import annotations

from typing import Any

import pytest

from inspector.model.flow import Request
from inspector.model.headers import Headers
from inspector.model.message import Answer, Growing, Message, Prompt, Role, Text, Tool, Transcript
from inspector.store.lane import Work
from inspector.store.lane_titles import title_of
from inspector.store.lane_work import aside, asks_to_sum_up, order_of, polled, small_work, starts_agents


def prompt(*words: str, system: str = "", tools: int = 0, **parameters: Any) -> Prompt:
    """A prompt whose messages are the user's and the model's by turns."""
    roles: tuple[Role, Role] = ("user", "assistant")
    messages = [Message("system", [Text(Growing(system))])] if system else []
    messages += [Message(roles[n % 2], [Text(Growing(each))]) for n, each in enumerate(words)]
    return Prompt("m", messages, [Tool(f"tool{n}") for n in range(tools)], parameters=parameters)


@pytest.mark.parametrize(
    "given",
    [
        prompt("Mend the parser", system="Generate a title of at most five words for the conversation."),
        prompt("Mend it", system="Summarise this coding conversation in under 50 characters."),
        prompt(
            "Mend it", system="Tell whether this message begins a new topic; answer as JSON with isNewTopic and title."
        ),
        prompt("Mend it", "Gladly", "Write a concise 3-7 word title for this thread, and nothing else."),
        prompt("### Task:\nCreate a title with an emoji for the chat history below.\nUser: hello"),
    ],
)
def test_titles(given: Prompt) -> None:
    assert small_work("openai-chat", given) is Work.TITLE


@pytest.mark.parametrize(
    "given",
    [
        prompt("Write a title for my essay on tides."),
        prompt("Go on", system="You are a helpful assistant in a conversation. Give short answers."),
        prompt("Suggest a title for this conversation", tools=1),
        prompt("What is the topic of this message?"),
    ],
)
def test_what_only_looks_like_a_title(given: Prompt) -> None:
    assert small_work("openai-chat", given) is None


def test_probes_and_counts() -> None:
    assert small_work("openai-chat", prompt("quota", max_tokens=1)) is Work.PROBE
    assert small_work("gemini", prompt("hi", max_output_tokens=1)) is Work.PROBE
    assert small_work("openai-responses", prompt("hi", generate=False)) is Work.PROBE
    assert small_work("openai-chat", prompt("Yes or no?", max_tokens=1, logprobs=True)) is None
    assert small_work("openai-chat", prompt("hi", max_tokens=2)) is None
    assert small_work("gemini-count-tokens", prompt("hi")) is Work.COUNT


@pytest.mark.parametrize(
    ("method", "path", "answer", "work"),
    [
        ("GET", "/v1/responses/resp_1", "resp_1", None),
        ("GET", "/v1/responses/resp_1?stream=true", "resp_1", None),
        ("POST", "/v1/responses/resp_1/cancel", "resp_1", None),
        ("GET", "/v1/responses/resp_1/input_items", "resp_1", None),
        ("POST", "/v1/responses/compact", "", Work.COMPACTION),
        ("POST", "/v1/responses/input_tokens", "", Work.COUNT),
        ("POST", "/v1/responses", "", None),
        ("GET", "/v1/models/gpt", "", None),
    ],
)
def test_paths_beside_the_responses(method: str, path: str, answer: str, work: Work | None) -> None:
    request = Request(method, f"https://api.openai.com{path}", Headers())
    assert (polled(request), aside(request)) == (answer, work)


LONG = "Write a handoff for another model that takes this work over, with all that it has to know of the context. " * 5


def sums_up(prompt: Prompt, *, other_system: bool) -> bool:
    return asks_to_sum_up(prompt, order_of(prompt), other_system=other_system)


def test_an_order_to_sum_up() -> None:
    assert sums_up(prompt("Hi", "Ho", LONG, tools=3), other_system=False)
    assert sums_up(prompt("Hi", "Ho", "Summarize the conversation."), other_system=False)
    assert sums_up(prompt("Hi", "Ho", "Summarize the conversation.", tools=3), other_system=True)
    assert not sums_up(prompt("Hi", "Ho", "Summarize the conversation.", tools=3), other_system=False)
    assert not sums_up(prompt("Hi", "Ho", "Summarize the book."), other_system=False)
    assert not sums_up(prompt("Summarize the conversation.", "Ho"), other_system=False)
    assert not sums_up(Prompt(), other_system=True)


def test_tools_that_start_agents() -> None:
    assert all(starts_agents(name) for name in ("Task", "Agent", "task", "spawn_agent", "delegate_to"))
    assert not any(starts_agents(name) for name in ("Read", "Bash", "web_search"))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Mend the parser", "Mend the parser"),
        ('"Mend the parser"\n', "Mend the parser"),
        ("Title: Mend the parser", "Mend the parser"),
        ("<think>What is it?</think>\n**Mend the parser**", "Mend the parser"),
        ('```json\n{"title": "Mend the parser"}\n```', "Mend the parser"),
        ('"isNewTopic": true, "title": "Mend"}', "Mend"),
        ('{"isNewTopic": false, "title": null}', ""),
        ("", ""),
    ],
)
def test_the_title_in_an_answer(text: str, title: str) -> None:
    answer = Answer(choices=[Message("assistant", [Text(Growing(text))])])
    assert title_of(Transcript(answer=answer)) == title
