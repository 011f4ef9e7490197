"""Several answers to one request: what each decided, and where they part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.flow import Flow, Reason, State
from inspector.store.flows import FlowStore
from inspector.store.runs import Parting, RunTable, common, parting, runs
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream


def answered(flow_id: str, *words: str, tool: tuple[str, str] | None = None) -> Flow:
    """A flow whose answer is done."""
    return done_chat(flow_id, chunks=chat_chunks(words, tool=tool))


def decisions(flows: Iterable[Flow]) -> list[str]:
    """What they decided."""
    return [run.decision for run in runs(list(flows), Transcripts())]


def test_a_decision_is_text_and_calls_with_their_arguments_laid_out_alike() -> None:
    flows = [
        answered("a", "Hel", "lo!"),
        answered("b", "Look:", tool=("Bash", '{ "command" : "ls" }')),
        answered("c", tool=("Bash", '{"command":"ls"}')),
        answered("d", tool=("Bash", '{"command": "l')),
    ]
    assert decisions(flows) == [
        "Hello!",
        'Look:\nBash {"command":"ls"}',
        'Bash {"command":"ls"}',
        'Bash {"command": "l',
    ]


def test_they_part_from_the_original() -> None:
    original = answered("o", "I will read the file first.")
    flows = [answered("a", "I will read the file first."), answered("b", "I will remove it."), answered("c", "I will")]
    same, other, shorter = runs(flows, Transcripts(), original)
    assert same.parting is None
    assert other.parting == Parting(9, 2, "remove it.")
    assert shorter.parting == Parting(6, 1, "will")


def test_without_an_original_that_is_done_they_part_from_the_majority() -> None:
    flows = [answered("a", "no"), answered("b", "yes"), answered("c", "yes")]
    failed = finish(chat_flow("o"), Reason.UPSTREAM_RESET)
    for original in (None, failed):
        assert [run.parting is None for run in runs(flows, Transcripts(), original)] == [False, True, True]
    assert [run.parting is None for run in runs(flows[:2], Transcripts())] == [True, False]


def test_what_runs_may_still_say_the_same() -> None:
    original = answered("o", "one two three")
    live, apart = (stream(respond(chat_flow(name)), chat_chunks(words)) for name, words in _begun())
    saying, parted = runs([live, apart], Transcripts(), original)
    assert saying.decision == "one two" and saying.parting is None and saying.total is None
    assert parted.parting == Parting(4, 1, "four")
    assert saying.state is State.STREAMING


def _begun() -> list[tuple[str, list[str]]]:
    return [("a", ["one ", "two"]), ("b", ["one ", "four"])]


def test_numbers_and_failures() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "cost": 0.0021}
    priced = done_chat("a", chunks=[*chat_chunks(("x",), usage=None), _event(usage), b"data: [DONE]\n\n"])
    refused = finish(stream(respond(chat_flow("b"), 429, "application/json"), [b'{"error":{"message":"slow down"}}']))
    first, second = runs([priced, refused], Transcripts())
    assert (first.input_tokens, first.output_tokens, first.cost, first.finish) == (9, 3, 0.0021, "stop")
    assert (first.ttft, first.total, first.model, first.status) == (500.0, 1000.0, "gpt-5-mini-1", 200)
    assert (second.status, second.error, second.decision, second.parting) == (429, "slow down", "", None)
    assert second.cost is None and second.state is State.FAILED


def _event(usage: Mapping[str, object]) -> bytes:
    return b"data: " + orjson.dumps({"choices": [], "usage": usage}) + b"\n\n"


words = st.text("ab \n", max_size=12)


@given(words, words)
def test_parting_names_the_first_difference(said: str, against: str) -> None:
    found = parting(said, against)
    if found is None:
        assert said == against
        return
    at = found.character
    assert said[:at] == against[:at] and said[at : at + 1] != against[at : at + 1]
    assert said.endswith(found.text) and len(said) - len(found.text) <= at
    assert found.word == len(said[: len(said) - len(found.text)].split())
    assert common(said, against) == at


def test_a_table_works_out_only_the_rows_that_changed() -> None:
    store = FlowStore()
    flows = [done_chat("o", chunks=chat_chunks(["one two"])), done_chat("a", chunks=chat_chunks(["one three"]))]
    growing = chat_flow("b")
    for flow in (*flows, growing):
        store.add(flow)
    table, transcripts = RunTable(Transcripts(), flows[0]), Transcripts()
    before = table.update([*flows, growing])
    assert before == runs([*flows, growing], transcripts, flows[0])
    stream(respond(growing), chat_chunks(["one"]))
    store.touch(growing)
    after = table.update([*flows, growing])
    assert after == runs([*flows, growing], transcripts, flows[0])
    assert [old is new for old, new in zip(before, after, strict=True)] == [True, True, False]


def test_a_table_without_an_original_that_is_done_follows_the_majority() -> None:
    store, failed = FlowStore(), finish(chat_flow("o"), Reason.UPSTREAM_RESET)
    flows = [answered("a", "no"), answered("b", "yes"), answered("c", "yes")]
    for flow in (failed, *flows):
        store.add(flow)
    table = RunTable(Transcripts(), failed)
    for count in range(1, len(flows) + 1):
        assert table.update(flows[:count]) == runs(flows[:count], Transcripts(), failed)
