"""What a view asks of many flows at once answers as the plain questions do."""

from __future__ import annotations

import pytest

from inspector.model.flow import Flow
from inspector.store.filters import parse
from inspector.store.transcripts import Transcripts
from inspector.store.view_known import AtHand, question
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream

FILTERS = (
    "",
    "model:GPT",
    "model:=gpt-5-mini tool:bash",
    "-agent:codex or in:>50",
    "not (state:done or cost:*)",
    "status:>=400",
    "in:..10",
    "out:20",
    "agent~^c finish:*",
    '"hello" or arg.command:ls',
    "cache:>50%",
    "ttft:*",
)


def flows() -> list[Flow]:
    """Live, failed and whole ones, with a tool and without."""
    tool = chat_chunks([], tool=("Bash", '{"command": "ls"}'), finish="tool_calls", usage=(10, 20, 0))
    return [
        chat_flow("f1"),
        done_chat("f2", agent="codex"),
        done_chat("f3", agent="claude", chunks=tool),
        finish(respond(chat_flow("f4", model="claude-opus-4-5"), 529)),
        stream(respond(chat_flow("f5")), chat_chunks(usage=None, finish=None)),
    ]


@pytest.mark.parametrize("text", FILTERS)
def test_a_question_put_together_once_answers_as_the_filter(text: str) -> None:
    wanted, known = parse(text), AtHand(Transcripts())
    ask = question(wanted.term)
    assert not wanted.errors
    for flow in flows():
        assert ask(flow, known) == wanted.matches(flow, known) == wanted.matches(flow, Transcripts())


def test_summaries_of_ended_flows_are_at_hand_until_they_are_forgotten() -> None:
    known = AtHand(Transcripts())
    live = chat_flow("f1")
    assert known.summary(live).words == ""
    finish(stream(respond(live), chat_chunks(["done"])))
    ended = known.summary(live)
    assert ended.words == "done"
    live.error = "cut"
    assert known.summary(live) is ended
    known.forget(live)
    assert known.summary(live).error == "cut"
    live.error = "again"
    known.clear()
    assert known.summary(live).error == "again"
