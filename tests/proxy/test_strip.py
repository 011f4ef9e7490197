"""What the client never asked for is taken out on the last step to it, on every path; the flow keeps all of it."""

from __future__ import annotations

import gzip

import httpx
import pytest

from inspector.dialects._logprobs import Strip
from inspector.model.flow import Flow, Reason
from inspector.proxy.held import Step
from inspector.proxy.hooks import Context, Watch
from tests.proxy.test_gate import EVENTS, SSE, WHOLE, Watching, at, scene, until

pytestmark = pytest.mark.anyio

SECRET = b"<asked>"


class LineStrip:
    """Takes a word out of whole lines, and so keeps back what is none yet."""

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> bytes:
        """Whole lines only."""
        lines, newline, self.pending = (self.pending + data).rpartition(b"\n")
        return self.document(lines + newline)

    def close(self) -> bytes:
        """The rest."""
        rest, self.pending = self.pending, b""
        return self.document(rest)

    def document(self, body: bytes) -> bytes:
        """Without the word."""
        return body.replace(SECRET, b"")


class Stripping(Watching):
    """Strips each answer; watches it only where told."""

    watched = False

    def strip(self, flow: Flow) -> Strip | None:
        """A new one."""
        return LineStrip()

    def watch(self, context: Context, response: httpx.Response) -> Watch | None:
        """This is the watch, too."""
        return self if self.watched else None


def asked(event: bytes) -> bytes:
    """An event with the word in it, in its middle."""
    return event[:9] + SECRET + event[9:]


ASKED = b"".join(map(asked, EVENTS))


@pytest.mark.parametrize("size", [1, 7, 50, 10_000])
@pytest.mark.parametrize("watched", [False, True])
async def test_a_stream_is_stripped_wherever_it_is_cut(size: int, watched: bool) -> None:
    hooks = Stripping()
    hooks.watched = watched
    async with scene(hooks) as it:
        it.script.say(*(ASKED[start : start + size] for start in range(0, len(ASKED), size)), b": behind", None)
        client, flow = await it.finished()
    assert client.body == WHOLE + b": behind"
    assert flow.response is not None and bytes(flow.response.body) == ASKED + b": behind"
    assert flow.delivered is None


async def test_an_encoded_stream_is_decoded_for_it() -> None:
    async with scene(Stripping(), SSE, "Content-Encoding: gzip") as it:
        data = gzip.compress(ASKED)
        it.script.say(data[:20], data[20:], None)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert "content-encoding" not in client.headers
    assert [mutation.name for mutation in flow.mutations] == ["content-encoding"]
    assert flow.response is not None and bytes(flow.response.body) == data


async def test_bytes_that_are_not_in_their_encoding_end_the_answer_as_a_cut() -> None:
    async with scene(Stripping(), SSE, "Content-Encoding: gzip") as it:
        it.script.say(gzip.compress(ASKED)[:30] + b"\xff" * 40, None)
        client, flow = await it.finished()
    assert client.error is not None
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET


async def test_a_client_gets_what_came_before_a_reset() -> None:
    async with scene(Stripping()) as it:
        it.script.say(asked(EVENTS[0]), asked(EVENTS[1])[:-3])
        await until(lambda: EVENTS[0] == it.client.body)
        it.script.say(ConnectionResetError())
        client, flow = await it.finished()
    assert client.body == EVENTS[0] + EVENTS[1][:-3]
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET


@pytest.mark.parametrize("watched", [False, True])
async def test_a_document_gets_its_new_length(watched: bool) -> None:
    hooks = Stripping()
    hooks.watched = watched
    async with scene(hooks, "Content-Type: application/json", "X-Kept: yes") as it:
        it.script.say(b'{"a":', SECRET, b"1}", None)
        client, flow = await it.finished()
    assert client.body == b'{"a":1}'
    assert client.headers["content-length"] == "7"
    assert client.headers["x-kept"] == "yes"
    assert flow.response is not None and bytes(flow.response.body) == b'{"a":' + SECRET + b"1}"


async def test_a_document_without_it_goes_on_as_it_came() -> None:
    data = gzip.compress(b'{"a":1}')
    async with scene(Stripping(), "Content-Type: application/json", "Content-Encoding: gzip") as it:
        it.script.say(data, None)
        client, _ = await it.finished()
    assert client.body == data
    assert client.headers["content-encoding"] == "gzip"


async def test_what_is_held_and_edited_is_stripped_too() -> None:
    hooks = Stripping(at(2))
    hooks.watched = True
    async with scene(hooks) as it:
        it.script.say(*EVENTS[:2], asked(EVENTS[2]), *EVENTS[3:], None)
        held = await it.held()
        await until(lambda: it.client.body == b"".join(EVENTS[:2]))
        held.step(Step.GO_ON)
        client, flow = await it.finished()
    assert client.body == WHOLE
    assert flow.response is not None and SECRET in bytes(flow.response.body)


async def test_a_hold_by_hand_in_the_middle_of_an_event_loses_nothing() -> None:
    async with scene(Stripping()) as it:
        first = asked(EVENTS[0])
        it.script.say(first[:20])
        await until(lambda: any(flow.response and flow.response.body.chunks for flow in it.server.store))
        [flow] = it.server.store
        it.server.hold(flow)
        it.script.say(first[20:], *map(asked, EVENTS[1:]), None)
        held = await it.held()
        await until(lambda: held.flow.hold is not None and held.flow.hold.upstream_done)
        assert it.client.body == EVENTS[0]
        held.step(Step.END)
        client, flow = await it.finished()
    assert client.body == WHOLE


async def test_a_strip_that_cannot_be_made_leaves_the_answer_alone() -> None:
    class Broken(Watching):
        def strip(self, flow: Flow) -> Strip | None:
            raise RuntimeError("no")

    async with scene(Broken()) as it:
        it.script.say(ASKED, None)
        client, flow = await it.finished()
    assert client.body == ASKED
    assert any("no" in note for note in flow.notes)


def test_the_word_is_in_every_event() -> None:
    assert ASKED.count(SECRET) == len(EVENTS)
    assert SECRET not in WHOLE
