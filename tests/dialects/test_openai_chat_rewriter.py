"""Edited Chat Completions streams: whatever is edited when, the client reads exactly the edited message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.dialects._openai_chat_origins import Origins
from inspector.model.edits import Edits
from inspector.model.message import Growing, Message, Part, Reasoning, Refusal, Text, ToolCall
from tests.dialects.chat_edits import (
    MESSAGES,
    WORDS,
    Client,
    by_sdk,
    call,
    calls_of,
    edited,
    events_of,
    message_of,
    said,
    said_to_sdk,
    text,
)
from tests.dialects.chat_streams import DIALECT, chunk, part, stream
from tests.dialects.recorded import Recorded, parameters, payloads, read, recorded
from tests.dialects.recorded import events_of as any_events

Json = dict[str, Any]

RECORDED = [recording for recording in recorded("openai-chat") if recording.stream]
DONE = b"data: [DONE]\n\n"


def head(index: int, identity: str, name: str, arguments: str = "") -> Json:
    """The first fragment of a call."""
    return {**part(index, identity, name, arguments), "type": "function"}


HELLO = stream(
    chunk({"role": "assistant", "content": ""}, system_fingerprint="fp"),
    *(chunk({"content": word}, system_fingerprint="fp") for word in ("Hel", "lo ", "you")),
    chunk(finish="stop", system_fingerprint="fp"),
    {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [], "usage": {"prompt_tokens": 1}},
)
CALLS = stream(
    chunk({"role": "assistant", "content": None}),
    chunk({"tool_calls": [head(0, "a", "Read")]}),
    chunk({"tool_calls": [part(0, args='{"x"')]}),
    chunk({"tool_calls": [part(0, args=": 1}")]}),
    chunk({"tool_calls": [head(1, "b", "Bash")]}),
    chunk({"tool_calls": [part(1, args='{"y": 2}')]}),
    chunk({"tool_calls": [head(2, "c", "Edit", '{"z": 3}')]}),
    chunk(finish="tool_calls"),
)


def test_without_edits_every_event_passes() -> None:
    for delivered in range(8):
        client = Client(HELLO)
        client.pass_on(delivered)
        client.edit(Edits())
        assert client.end() == HELLO
        assert client.own == len(client.events)


def test_a_text_is_replaced_and_the_rest_stays() -> None:
    body = edited(HELLO, Edits({0: text("Good morning 👩‍👩‍👧!")}))
    message = message_of(body)
    assert (message.text(), message.finish_reason) == ("Good morning 👩‍👩‍👧!", "stop")
    first, *words, finish, usage = payloads(body)
    assert [first, finish, usage] == [payloads(HELLO)[0], *payloads(HELLO)[-2:]]
    assert all(word["system_fingerprint"] == "fp" and word["id"] == "c1" for word in words)
    assert "".join(word["choices"][0]["delta"]["content"] for word in words) == "Good morning 👩‍👩‍👧!"
    assert len(words) > 2


def test_a_text_is_changed_behind_what_the_client_has() -> None:
    body = edited(HELLO, Edits({0: text("Hello world")}), delivered=3)
    assert body.startswith(HELLO[: events_of(HELLO)[2][0].end])
    assert message_of(body).text() == "Hello world"


def test_what_the_client_has_cannot_be_changed() -> None:
    client = Client(HELLO)
    client.pass_on(3)
    for wrong in (None, text("Help"), text("Hel"), call()):
        with pytest.raises(ValueError, match="the client has"):
            client.edit(Edits({0: wrong}, added=[text("more")]))
    assert client.end() == HELLO


@pytest.mark.parametrize(
    ("wrong", "word"),
    [(call("Bash", '{"x', "a"), "name"), (call("Read", '{"x', "z"), "id"), (call("Read", '{"y', "a"), "arguments")],
)
def test_the_head_of_a_call_that_the_client_has_stays(wrong: ToolCall, word: str) -> None:
    client = Client(CALLS)
    client.pass_on(3)
    with pytest.raises(ValueError, match=word):
        client.edit(Edits({0: wrong}))
    client.edit(Edits({0: call("Read", '{"x": 7}', "a")}))
    assert said(message_of(client.end()).parts)[3][0] == ("a", "Read", '{"x": 7}')


def test_once_the_finish_reason_is_out_it_is_over() -> None:
    client = Client(HELLO)
    client.pass_on(5)
    for late in (Edits({0: text("Hello you too")}), Edits(added=[call()]), Edits(finish_reason="length")):
        with pytest.raises(ValueError, match="over"):
            client.edit(late)
    client.edit(Edits(final=True))
    assert client.end() == HELLO


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_call_is_taken_out_and_those_behind_it_move_up(gone: int) -> None:
    body = edited(CALLS, Edits({gone: None}))
    kept = [identity for index, identity in enumerate("abc") if index != gone]
    assert [made[0] for made in said(message_of(body).parts)[3]] == kept
    assert [made[0] for made in said_to_sdk(by_sdk(body))[3]] == kept
    fragments = [f for p in payloads(body) for c in p["choices"] for f in c["delta"].get("tool_calls", [])]
    assert {fragment["index"] for fragment in fragments} == {0, 1}


def test_without_calls_the_answer_just_stops() -> None:
    body = edited(CALLS, Edits({0: None, 1: None, 2: text("No tools for you.")}))
    message = message_of(body)
    assert (message.text(), message.tool_calls(), message.finish_reason) == ("No tools for you.", [], "stop")


def test_a_call_is_added_before_the_end() -> None:
    body = edited(HELLO, Edits(added=[call(arguments='{"command": "ls"}')]), delivered=4)
    completion = by_sdk(body)
    assert completion.choices[0].finish_reason == "tool_calls"
    assert said_to_sdk(completion) == ("", "Hello you", "", [("call_1", "Bash", '{"command": "ls"}')])
    assert body.endswith(HELLO[events_of(HELLO)[5][0].start :])


def test_a_finish_reason_that_calls_do_not_explain_stays() -> None:
    cut = stream(chunk({"role": "assistant", "content": "Hel"}), chunk(finish="length"))
    assert message_of(edited(cut, Edits(added=[call()]))).finish_reason == "length"
    assert message_of(edited(cut, Edits(added=[call()], finish_reason="x"))).finish_reason == "x"


def test_the_end_may_come_early() -> None:
    body = edited(CALLS, Edits(added=[text("Stop.")], final=True), delivered=4, early=True)
    message = message_of(body)
    assert said(message.parts) == ("", "Stop.", "", [("a", "Read", '{"x": 1}')])
    assert (message.finish_reason, body.count(DONE)) == ("tool_calls", 1)
    assert said_to_sdk(by_sdk(body)) == said(message.parts)


def test_an_answer_may_end_before_it_begins() -> None:
    body = edited(HELLO, Edits(added=[text("No.")], final=True), early=True)
    completion = by_sdk(body)
    assert (completion.choices[0].message.content, completion.choices[0].message.role) == ("No.", "assistant")
    assert (completion.choices[0].finish_reason, body.count(DONE)) == ("stop", 1)


def test_the_models_own_end_is_taken_where_the_stream_goes_on() -> None:
    body = edited(HELLO, Edits(added=[text("…")], final=True), delivered=3)
    assert message_of(body).text() == "Hello …"
    assert payloads(body)[-1]["usage"] == {"prompt_tokens": 1}
    assert body.count(DONE) == 1


def test_words_and_finish_in_one_chunk_are_parted() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    one = stream(chunk({"role": "assistant", "content": "Hello"}, "stop", usage=usage, obfuscation="xx"))
    body = edited(one, Edits({0: text("Good morning")}, added=[call()]))
    completion = by_sdk(body)
    assert (completion.choices[0].message.content, completion.choices[0].finish_reason) == (
        "Good morning",
        "tool_calls",
    )
    told = [(p["choices"][0]["finish_reason"], p.get("usage")) for p in payloads(body)]
    assert [line for line in told if line != (None, None)] == [("tool_calls", usage)]


def test_log_probabilities_of_words_that_were_changed_go() -> None:
    tokens = {"content": [{"token": "Hel", "logprob": -0.1, "bytes": None, "top_logprobs": []}]}
    spoken = chunk({"role": "assistant", "content": "Hel"})
    spoken["choices"][0] |= {"logprobs": tokens, "token_ids": [7], "text": "Hel"}
    (first, *_) = payloads(edited(stream(spoken, chunk(finish="stop")), Edits({0: text("Hi")})))
    assert first["choices"][0] == {
        "index": 0,
        "delta": {"role": "assistant", "content": "Hi"},
        "finish_reason": None,
        "logprobs": None,
        "text": "Hi",
    }


def test_other_choices_pass() -> None:
    both = chunk({"content": "one"})
    both["choices"].append({"index": 1, "delta": {"content": "uno"}, "finish_reason": None})
    body = stream(both, chunk({"content": " two"}), chunk({"content": " due"}, index=1), chunk(finish="stop"))
    answer = read(DIALECT, [edited(body, Edits({0: None}))]).answer
    assert [choice.text() for choice in answer.choices] == ["", "uno due"]
    ended = edited(body, Edits(added=[text("!")], final=True), delivered=1, early=True)
    choices = read(DIALECT, [ended]).answer.choices
    assert [(choice.text(), choice.finish_reason) for choice in choices] == [("one!", "stop"), ("uno", "stop")]


def test_an_error_ends_it() -> None:
    broken = stream(chunk({"role": "assistant", "content": "Hel"}), {"error": {"message": "overloaded"}}, done=False)
    client = Client(broken)
    client.edit(Edits(added=[text("!")]))
    assert client.end() == broken
    assert b"overloaded" not in edited(broken, Edits(added=[text("!")], final=True))


def test_a_stream_without_done_stays_without() -> None:
    body = stream(chunk({"role": "assistant", "content": "Hel"}), chunk(finish="stop"), done=False)
    assert DONE not in edited(body, Edits({0: text("Hi")}))
    cut = stream(chunk({"role": "assistant", "content": "Hel"}), done=False)
    assert edited(cut, Edits({0: text("Hi")})).endswith(DONE)


def test_azures_first_chunk_and_comments_pass() -> None:
    first = {"choices": [], "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]}
    body = b": hello\n\n" + stream(first, chunk({"role": "assistant", "content": "Hel"}), chunk(finish="stop"))
    got = edited(body, Edits({0: text("Hi")}))
    assert got.startswith(body[: events_of(body)[1][0].end])
    assert payloads(got)[1]["id"] == "c1"


def test_calls_without_an_index_stay_whole() -> None:
    body = stream(chunk({"tool_calls": [part(None, "a", "Read", "{}"), part(None, "b", "Bash", "{}")]}), chunk())
    got = edited(body, Edits({0: None, 1: call("Bash", '{"command": "ls -la"}', "b")}))
    fragments = [f for p in payloads(got) for c in p["choices"] for f in c["delta"].get("tool_calls", [])]
    assert fragments == [part(None, "b", "Bash", '{"command": "ls -la"}')]


def test_whole_calls_of_one_chunk_keep_their_order() -> None:
    body = stream(chunk({"tool_calls": [head(n, identity, "Read", "{}") for n, identity in enumerate("abc")]}))
    got = edited(body, Edits({1: call("Bash", '{"command": "ls"}', "b")}))
    assert [made[:2] for made in said_to_sdk(by_sdk(got))[3]] == [("a", "Read"), ("b", "Bash"), ("c", "Read")]


def test_arguments_stay_an_object_where_they_were_one() -> None:
    body = stream(chunk({"tool_calls": [part(0, "a", "Read", {"x": 1})]}), chunk(finish="tool_calls"))
    (first, _) = payloads(edited(body, Edits({0: call("Read", '{"x": 2}', "a")})))
    assert first["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] == {"x": 2}


def test_the_legacy_call() -> None:
    body = stream(
        chunk({"role": "assistant", "content": None, "function_call": {"name": "Read", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"x": 1}'}}),
        chunk(finish="function_call"),
    )
    got = edited(body, Edits({0: ToolCall("", "Bash", Growing('{"command": 1}'))}))
    message = message_of(got)
    assert (said(message.parts)[3], message.finish_reason) == ([("", "Bash", '{"command": 1}')], "function_call")
    assert b"tool_calls" not in got
    later = edited(body, Edits({0: ToolCall("", "Read", Growing('{"x": 2}'))}), delivered=1)
    assert said(message_of(later).parts)[3] == [("", "Read", '{"x": 2}')]
    assert message_of(edited(body, Edits({0: None}))).finish_reason == "stop"


def test_thoughts_in_every_spelling() -> None:
    details = {"type": "reasoning.text", "text": "Hm", "signature": "sig", "index": 0}
    for delta in (
        {"reasoning": "Hm"},
        {"reasoning_content": "Hm"},
        {"reasoning": "Hm", "reasoning_details": [details]},
        {"reasoning_details": [details]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]},
        {"content": [{"type": "thinking", "thinking": "Hm", "signature": "sig"}]},
    ):
        body = stream(chunk(delta), chunk({"content": "So"}), chunk(finish="stop"))
        got = edited(body, Edits({0: Reasoning(Growing("Let me think"))}))
        assert message_of(got).parts == [Reasoning(Growing("Let me think")), text("So")], delta
        assert {*payloads(got)[0]["choices"][0]["delta"]} == {*delta}
        sealed = edited(body, Edits({0: Reasoning(Growing("Hm hm"), "own", "locked")}))
        assert message_of(sealed).parts[0] == Reasoning(Growing("Hm hm"), "own", "locked"), delta


def test_other_members_of_a_content_list_stay() -> None:
    rest = [{"type": "refusal", "refusal": "no"}, {"type": "image_url", "image_url": "u"}]
    items = [{"type": "text", "text": "a"}, *rest]
    body = stream(chunk({"role": "assistant", "content": items}), chunk(finish="stop"))
    (first, *_) = payloads(edited(body, Edits({0: text("b")})))
    assert first["choices"][0]["delta"]["content"] == [{"type": "text", "text": "b"}, *rest]
    (first, *_) = payloads(edited(body, Edits({2: None})))
    assert first["choices"][0]["delta"]["content"] == items[:2]


def test_a_message_that_says_all_again_says_the_edited() -> None:
    chunks = [chunk({"content": "Hel"}), chunk({"content": "lo"}, "stop")]
    for each, words in zip(chunks, ("Hel", "Hello"), strict=True):
        each["choices"][0]["message"] = {"role": "assistant", "content": words}
    got = edited(stream(*chunks), Edits({0: text("Good bye")}))
    messages = [message for p in payloads(got) if (message := p["choices"][0].get("message"))]
    assert [message["content"] for message in messages] == ["Good bye", "Good bye"]
    done = {"object": "chat.completion.done", "choices": [{"index": 0, "message": {"content": "Hello"}}]}
    again = edited(stream(chunk({"content": "Hello"}), chunk(finish="stop"), done, done=False), Edits({0: text("Hi")}))
    assert message_of(again).text() == "Hi"


def test_an_envelope_stays_around_every_chunk() -> None:
    body = stream({"status": 0, "data": chunk({"content": "Hel"})}, {"status": 0, "data": chunk(finish="stop")})
    got = edited(body, Edits({0: text("Good morning")}))
    assert message_of(got).text() == "Good morning"
    assert all(set(payload) == {"status", "data"} for payload in payloads(got))


def test_parts_that_an_answer_cannot_have_are_refused() -> None:
    client = Client(HELLO)
    for wrong in (ToolCall("x", "search", kind="web_search_call"), Message("user")):
        with pytest.raises(ValueError, match="answer"):
            client.edit(Edits(added=[wrong]))  # type: ignore[list-item]


# Any message, in any server's way, edited anyhow at any time


@dataclass
class Server:
    """A way to stream a message."""

    size: int
    whole_calls: bool
    indexed: bool
    together: bool
    """All calls in one chunk, where they come whole."""
    role_again: bool
    finish_alone: bool

    def chunks(self, parts: Sequence[Part]) -> bytes:
        """The stream of a message."""
        deltas: list[Json] = [{"role": "assistant", "content": ""}]
        whole: list[Json] = []
        number = 0
        for one in parts:
            match one:
                case ToolCall():
                    index = number if self.indexed else None
                    number += 1
                    if self.whole_calls or not self.indexed:
                        whole.append({**part(index, one.id, one.name, str(one.arguments)), "type": "function"})
                        continue
                    deltas.append({"tool_calls": [head(number - 1, one.id, one.name)]})
                    deltas += [{"tool_calls": [part(index, args=piece)]} for piece in self._cut(one.arguments)]
                case Text():
                    deltas += [{"content": piece} for piece in self._cut(one.content)]
                case Refusal():
                    deltas += [{"refusal": piece} for piece in self._cut(one.content)]
                case Reasoning():
                    deltas += [{"reasoning_content": piece} for piece in self._cut(one.content)]
        deltas += [{"tool_calls": whole}] if self.together and whole else [{"tool_calls": [one]} for one in whole]
        if self.role_again:
            deltas = [{"role": "assistant", **delta} for delta in deltas]
        reason = "tool_calls" if number else "stop"
        last = [] if not self.finish_alone else [chunk(finish=reason)]
        chunks = [chunk(delta) for delta in deltas]
        chunks[-1]["choices"][0]["finish_reason"] = None if self.finish_alone else reason
        return stream(*chunks, *last, {"id": "c1", "model": "m", "choices": [], "usage": {"prompt_tokens": 3}})

    def _cut(self, words: Growing) -> list[str]:
        whole = str(words)
        return [whole[at : at + self.size] for at in range(0, len(whole), self.size)]


SERVERS = st.builds(Server, st.integers(1, 9), *(st.booleans() for _ in range(5)))


@dataclass
class Expected:
    """What the client should read, kept apart from how that comes about."""

    parts: list[Part]
    now: dict[int, Part | None] = field(default_factory=dict)
    added: list[Part] = field(default_factory=list)
    kept: list[Part] | None = None
    """What the client had of the model's own when the answer was to end."""

    def message(self) -> list[Part]:
        own: Sequence[Part | None] = self.parts if self.kept is None else self.kept
        count = max([len(own), *(index + 1 for index in self.now)])
        padded = [*own, *[None] * (count - len(own))]
        return [one for n, part in enumerate(padded) if (one := self.now.get(n, part)) is not None] + self.added


def draw_edits(data: st.DataObject, expected: Expected, has: Sequence[Part], number: int) -> Edits:
    """Edits that make sense now: of parts that the client has only what comes behind."""
    edits = Edits()
    for index, model in enumerate(expected.parts):
        if not data.draw(st.booleans(), label=f"edit part {index}"):
            continue
        before = expected.now[index] if index in expected.now else has[index] if index < len(has) else None
        if index in expected.now and before is None:
            continue
        more = data.draw(WORDS, label="more")
        if isinstance(before, ToolCall):
            edits.replaced[index] = call(before.name, str(before.arguments) + more, before.id)
        elif before is not None:
            assert isinstance(before, Text | Refusal | Reasoning)
            edits.replaced[index] = type(before)(Growing(str(before.content) + more))
        elif isinstance(model, ToolCall):
            edits.replaced[index] = data.draw(st.sampled_from([None, call("Edit", more, f"new{index}"), text(more)]))
        elif isinstance(model, Text | Refusal | Reasoning):
            words = type(model)(Growing(more))
            edits.replaced[index] = data.draw(st.sampled_from([None, words, call("Edit", more, f"new{index}")]))
    if data.draw(st.booleans()):
        edits.added = [*data.draw(calls_of(f"added{number}_"))]
    else:
        edits.added = [text(data.draw(WORDS))]
    edits.final = data.draw(st.integers(0, 4)) == 0
    return edits


def check(body: bytes, expected: list[Part], *, indexed: bool) -> None:
    """The client's stream says what is expected, and is one that any client can read."""
    message = message_of(body)
    assert said(message.parts) == said(expected)
    assert message.finish_reason == ("tool_calls" if message.tool_calls() else "stop")
    assert (body.count(DONE), body.endswith(DONE)) == (1, True)
    choices = [choice for payload in payloads(body) for choice in payload["choices"]]
    assert sum(choice["finish_reason"] is not None for choice in choices) == 1
    assert choices[-1]["finish_reason"] is not None
    assert choices[0]["delta"].get("role") == "assistant"
    if indexed:
        fragments = [fragment for choice in choices for fragment in choice["delta"].get("tool_calls") or []]
        heads = [fragment["index"] for fragment in fragments if "id" in fragment]
        assert heads == list(range(len(heads)))
        assert said_to_sdk(by_sdk(body)) == said(expected)


@settings(max_examples=250, deadline=None)
@given(MESSAGES, SERVERS, st.data())
def test_the_client_reads_exactly_the_edited_message(parts: list[Part], server: Server, data: st.DataObject) -> None:
    upstream = server.chunks(parts)
    client, expected = Client(upstream), Expected(message_of(upstream).parts)
    over = False
    for number in range(data.draw(st.integers(0, 3), label="edits")):
        client.pass_on(data.draw(st.integers(0, 6), label="events"))
        had = read(DIALECT, [upstream[: client.events[client.at - 1][0].end] if client.at else b""]).answer
        has = had.choices[0].parts if had.choices else []
        if over or (had.choices and had.choices[0].finish_reason):
            break
        edits = draw_edits(data, expected, has, number)
        try:
            client.edit(edits)
        except ValueError as error:
            assert "comes behind" in str(error)
            continue
        if edits.final and expected.kept is None:
            expected.kept = [*has]
        expected.now |= edits.replaced
        expected.added += edits.added
        over = edits.final
    early = over and data.draw(st.booleans(), label="early")
    body = client.end(early=early)
    check(body, expected.message(), indexed=server.indexed)


KEYS = (
    "choices delta message index content tool_calls function_call id type name arguments function custom input"
    " refusal reasoning reasoning_content reasoning_details text summary signature data audio images"
    " executed_tools thinking finish_reason error usage role image_url logprobs object"
)
NEARLY = any_events("a", "text", "reasoning.text", "thinking", "function", "stop", keys=KEYS).flatmap(
    lambda value: st.sampled_from(
        [
            {"choices": [{"delta": value}]},
            {"choices": [{"delta": {"tool_calls": [value, {"index": 0, "function": value}], "content": [value]}}]},
            {"choices": [{"delta": {"reasoning_details": [value], "reasoning": "a"}, "message": value}]},
            {"choices": [{"message": value, "finish_reason": "stop"}]},
            {"choices": value},
            {"data": value},
        ]
    )
)


@settings(max_examples=100, deadline=None)
@given(st.lists(NEARLY, max_size=6), st.booleans(), st.data())
def test_whatever_a_server_sends_it_never_raises(chunks: list[Json], final: bool, data: st.DataObject) -> None:
    client = Client(stream(*chunks))
    client.edit(Edits({0: text("Hi"), 1: call(), 2: None, 4: Reasoning(Growing("Hm"), "s")}, [call()], final=final))
    body = client.end(early=data.draw(st.booleans()))
    assert body.count(DONE) <= 1


# Recorded streams


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_recorded_streams_pass_untouched(recording: Recorded) -> None:
    client = Client(recording.response)
    client.edit(Edits())
    client.pass_on(len(client.events))
    assert client.own == len(client.events)
    assert client.rewriter is not None
    assert client.rewriter.close() == []


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_parts_are_counted_as_the_reader_counts_them(recording: Recorded) -> None:
    origins, parts = Origins(), message_of(recording.response).parts
    for payload in payloads(recording.response):
        for choice in payload.get("choices") or []:
            pieces = origins.take(choice.get("delta") or {}) if not choice.get("index") else []
            assert all(piece.part < len(origins.parts) for piece in pieces)
    assert said(origins.parts) == said(parts)
    assert [type(one) for one in origins.parts] == [type(one) for one in parts]


@pytest.mark.parametrize("recording", parameters(RECORDED))
def test_of_a_recorded_stream_only_the_edited_part_differs(recording: Recorded) -> None:
    before = message_of(recording.response)
    for index, old in enumerate(before.parts):
        if isinstance(old, ToolCall) and not old.server_side:
            new: Part = call("Other", '{"edited": true}', old.id)
        elif isinstance(old, Text | Reasoning | Refusal):
            new = type(old)(Growing("Something else, and longer"))
        else:
            continue
        after = message_of(edited(recording.response, Edits({index: new})))
        expected = [new if n == index else part for n, part in enumerate(before.parts)]
        assert said(after.parts) == said(expected)
        assert [type(one) for one in after.parts] == [type(one) for one in before.parts]
        assert after.finish_reason == before.finish_reason
        gone = message_of(edited(recording.response, Edits({index: None})))
        assert said(gone.parts) == said([part for n, part in enumerate(before.parts) if n != index])
