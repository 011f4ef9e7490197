"""What fills the window: kinds, names, sizes, paths, and what is new."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.flow import Flow
from inspector.store.alignment import finish
from inspector.store.context import Composition, Item, Kind, compose
from inspector.store.context_paths import Paths, paths_of
from inspector.store.context_report import Basis, basis, growth, has_context, report
from inspector.store.history import Histories
from inspector.store.lane import Lane, Place, Work
from inspector.store.prefix_body import read
from inspector.store.transcripts import Transcripts
from inspector.wire.json_path import find, parse_path
from inspector.wire.json_spans import scan
from tests.captures import capture_flows
from tests.store.turns import answer_with, assistant, lane_of, message, result, said, text, turn, use, user


def composed(flow: Flow) -> Composition:
    """A flow's composition with its paths."""
    prompt = Transcripts().of(flow).prompt
    paths = finish(paths_of(prompt, finish(read(bytes(flow.sent.body)))))
    return finish(compose(prompt, paths))


def brief(flow: Flow) -> list[tuple[str, str, str]]:
    """Kind, name and path of everything in a prompt."""
    return [(item.kind.value, item.name, item.path) for item in composed(flow).items]


def test_anthropic() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    body = {
        "tools": [{"name": "Read", "description": "Reads", "input_schema": {"type": "object"}}],
        "system": [text("You are careful.")],
        "messages": [
            user(text("<system-reminder>\nIt is Friday.\n</system-reminder>"), text("Repair it"), image),
            assistant(
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                text("I look."),
                use("t1", file_path="a.py"),
            ),
            user(result("t1", "def a(): pass")),
            assistant(use("t2", "Bash", command="cat b.py"), use("t3", "Bash", command="pytest")),
            user(result("t2", "b = 1"), result("t3", "1 passed")),
        ],
    }
    assert brief(turn("anthropic", body)) == [
        ("tools", "Read", "tools[0]"),
        ("system", "", "system[0].text"),
        ("notes", "system-reminder", "messages[0].content[0].text"),
        ("user", "", "messages[0].content[1].text"),
        ("media", "image", "messages[0].content[2]"),
        ("reasoning", "", "messages[1].content[0]"),
        ("model", "", "messages[1].content[1].text"),
        ("calls", "Read", "messages[1].content[2].input"),
        ("files", "a.py", "messages[2].content[0].content"),
        ("calls", "Bash", "messages[3].content[0].input"),
        ("calls", "Bash", "messages[3].content[1].input"),
        ("files", "cat b.py", "messages[4].content[0].content"),
        ("results", "Bash", "messages[4].content[1].content"),
    ]


def test_chat_completions() -> None:
    call = {"id": "call_x", "type": "function", "function": {"name": "grep", "arguments": '{"q":"a"}'}}
    body = {
        "tools": [{"type": "function", "function": {"name": "grep", "parameters": {}}}],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [text("Find it"), {"type": "image_url", "image_url": {"url": "https://x/y.png"}}],
            },
            {"role": "assistant", "reasoning_content": "So.", "content": "Looking", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_x", "content": "a.py:1"},
        ],
    }
    assert brief(turn("chat", body)) == [
        ("tools", "grep", "tools[0]"),
        ("system", "", "messages[0].content"),
        ("user", "", "messages[1].content[0].text"),
        ("media", "image", "messages[1].content[1]"),
        ("reasoning", "", "messages[2].reasoning_content"),
        ("model", "", "messages[2].content"),
        ("calls", "grep", "messages[2].tool_calls[0]"),
        ("results", "grep", "messages[3].content"),
    ]


def test_responses() -> None:
    body = {
        "instructions": "You are Codex.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "List it"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "gAAA"},
            {"type": "function_call", "call_id": "c", "name": "shell", "arguments": '{"command":["cat","a.txt"]}'},
            {"type": "function_call_output", "call_id": "c", "output": "hello"},
        ],
    }
    assert brief(turn("responses", body)) == [
        ("system", "", "instructions"),
        ("user", "", "input[0].content[0].text"),
        ("reasoning", "", "input[1].summary[0]"),
        ("calls", "shell", "input[2].arguments"),
        ("files", "cat a.txt", "input[3].output"),
    ]


def test_gemini() -> None:
    body = {
        "systemInstruction": {"parts": [{"text": "Be kind."}]},
        "tools": [{"functionDeclarations": [{"name": "ls"}, {"name": "read_file"}]}],
        "contents": [
            {"role": "user", "parts": [{"text": "List it"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "read_file", "args": {"absolute_path": "/a"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "read_file", "response": {"output": "x"}}}]},
        ],
    }
    assert brief(turn("gemini", body)) == [
        ("tools", "ls", "tools[0].functionDeclarations[0]"),
        ("tools", "read_file", "tools[0].functionDeclarations[1]"),
        ("system", "", "systemInstruction.parts[0].text"),
        ("user", "", "contents[0].parts[0].text"),
        ("calls", "read_file", "contents[1].parts[0].functionCall"),
        ("files", "/a", "contents[2].parts[0].functionResponse"),
    ]


def test_the_parts_are_scaled_to_what_the_provider_counted() -> None:
    known = composed(turn("anthropic", {"messages": [user("x" * 4000), assistant("y" * 12_000), user("z")]}))
    assert known.total == round(16_001 / 4)
    counted = known.counted(8000)
    assert counted.total == 8000
    groups = {group.kind: group for group in counted.groups()}
    assert groups[Kind.MODEL].tokens == pytest.approx(6000, abs=2)
    assert sum(group.tokens for group in groups.values()) == pytest.approx(8000, abs=3)
    assert sum(group.share for group in groups.values()) == pytest.approx(1)
    assert [item.kind for item in counted.biggest(2)] == [Kind.MODEL, Kind.USER]
    assert known.counted(None).total == known.total


def test_names_are_put_together_the_biggest_first() -> None:
    messages = [user("go")]
    for number, size in enumerate((100, 900, 300)):
        messages += [assistant(use(f"t{number}", file_path=f"{number}.py")), user(result(f"t{number}", "x" * size))]
    files = next(
        group for group in composed(turn("anthropic", {"messages": messages})).groups() if group.kind is Kind.FILES
    )
    assert [part.name for part in files.parts] == ["1.py", "2.py", "0.py"]
    assert (files.items, files.characters) == (3, 1300)


def test_what_is_new_is_what_the_last_prompt_did_not_hold() -> None:
    before = composed(turn("anthropic", {"messages": [user("same"), assistant("one")]}))
    after = composed(turn("anthropic", {"messages": [user("same"), assistant("two"), user("same")]}))
    new = finish(after.new_since(before))
    assert [(item.kind, item.words) for item in new] == [(Kind.MODEL, "two"), (Kind.USER, "same")]


def reported(*flows: Flow) -> tuple[Basis, Transcripts]:
    """The basis of the last of some turns."""
    transcripts = lane_of(*flows)
    return finish(basis(flows[-1], transcripts, Histories(transcripts))), transcripts


def test_the_report_puts_all_of_it_together_and_takes_counts_as_they_come() -> None:
    usage = {"input_tokens": 100, "output_tokens": 5, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 2000}
    marked = user({**text("go"), "cache_control": {"type": "ephemeral"}})
    first = turn("anthropic", {"messages": [marked]}, message(text("ok"), usage=usage))
    second = turn("anthropic", {"messages": [marked, assistant("ok"), user("on")]}, number=2, at=5)
    known, transcripts = reported(first, second)
    assert known.prefix is not None
    assert known.prefix.kept
    assert known.history.findings == ()
    assert {item.kind for item in known.new} == {Kind.MODEL, Kind.USER}
    assert report(second, transcripts, known).composition.given is None
    answer_with(second, message(text("done"), usage={**usage, "cache_read_input_tokens": 2000}))
    assert report(second, transcripts, known).composition.given == 4100


def test_a_lane_grows_by_its_turns_and_a_retry_is_none() -> None:
    flows = [turn("chat", {"messages": [user("a")]}, said("b"), number=number) for number in (1, 2, 3)]
    flows[1].end = None
    flows[1].response = None
    places = {
        "f1": Place(lane := Lane("f1", flows=flows), turn=1),
        "f2": Place(lane, turn=2, previous=flows[0]),
        "f3": Place(lane, turn=2, previous=flows[0], retry_of=flows[1], attempt=2),
    }
    title = turn("chat", {"messages": [user("title")]}, said("t"), number=4)
    lane.flows.append(title)
    places["f4"] = Place(lane, Work.TITLE)
    transcripts = Transcripts()
    transcripts.placed_by = lambda flow: places.get(flow.id)
    turns = finish(growth(flows[2], transcripts))
    assert [(each.number, each.flow.id, each.input_tokens) for each in turns] == [(1, "f1", 10), (2, "f3", 10)]
    assert finish(growth(flows[0], Transcripts())) == ()


WORDS = st.text(alphabet="ab é", min_size=1, max_size=9)


@given(st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=5))
def test_every_text_is_found_at_its_path(messages: list[list[str]]) -> None:
    body = {
        "messages": [
            user(*map(text, words)) if n % 2 == 0 else assistant(*map(text, words)) for n, words in enumerate(messages)
        ]
    }
    flow = turn("anthropic", body)
    document = scan(bytes(flow.sent.body))
    parts = [str(part.content) for each in Transcripts().of(flow).prompt.messages for part in each.parts]  # type: ignore[union-attr]
    items = composed(flow).items
    assert [document.text(find(document, parse_path(item.path))[1]) for item in items] == parts
    assert sum(item.characters for item in items) == sum(map(len, parts))


def test_recorded_traffic_runs_through_and_every_path_leads_somewhere() -> None:
    found = lost = 0
    before: Flow | None = None
    for flow in capture_flows():
        if not has_context(flow):
            continue
        flows = [before, flow] if before is not None else [flow]
        known, transcripts = reported(*flows)
        report(flow, transcripts, known)
        data = bytes(flow.sent.body)
        for item in known.composition.items:
            found, lost = found + bool(item.path), lost + (not item.path)
            if item.path:
                find(scan(data), parse_path(item.path))
        before = flow
    assert found > 100 * lost


def test_odd_bodies_have_an_empty_context() -> None:
    for body in (
        b"",
        b"{}",
        b"[1]",
        b'{"messages":[{"role":"user","content":[{}, 1, null]}]}',
        orjson.dumps({"messages": {}}),
    ):
        known, _ = reported(turn("anthropic", body))
        assert all(isinstance(item, Item) for item in known.composition.items)
        assert isinstance(known.paths, Paths)
        assert known.composition.groups() is not None


def test_what_is_no_request_to_a_model_has_no_context() -> None:
    flow = turn("chat", {"messages": []})
    flow.dialect = "raw"
    assert not has_context(flow)
    assert has_context(turn("gemini", {"contents": []}))
