"""`inspector serve --replay`: a recording answers, in a process with nothing behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from inspector.demo import agent
from inspector.demo.session import DemoServer
from inspector.formats.jsonl import flow_to_line
from inspector.model.flow import Flow
from inspector.store.transcripts import Transcripts
from tests.cli.processes import Serving, lines, serving
from tests.cli.test_commands import run
from tests.handmade import chat_chunks, chat_flow, done_chat, finish, respond, stream
from tests.upstreams import Upstream, plain, response, upstream

pytestmark = pytest.mark.anyio

GONE = "http://127.0.0.1:9"
UPSTREAM = b'{"from": "upstream"}'


def keep(file: Path, flows: Sequence[Flow]) -> Path:
    """Write a recording."""
    file.write_bytes(b"".join(flow_to_line(flow, Transcripts().of(flow)) for flow in flows))
    return file


def local(flow: Flow, url: str = f"{GONE}/v1/chat/completions") -> Flow:
    """The same, made behind `--upstream`."""
    flow.request = flow.request.copy(url=url)
    flow.provider = "127.0.0.1"
    return flow


async def say(served: Serving, prompt: str, path: str = "/v1/chat/completions") -> httpx.Response:
    """Ask as the handmade flows do."""
    body = bytes(done_chat(prompt=prompt).request.body)
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(served.url + path, content=body)


@pytest.fixture
async def behind() -> AsyncIterator[Upstream]:
    """An upstream that is there."""
    async with upstream(plain(response(UPSTREAM))) as double:
        yield double


async def ask_everything(served: Serving) -> list[Any]:
    """Each API with its SDK, streamed and not, and two places that nobody knows."""
    messages: Any = [{"role": "user", "content": "Tell me of the harbour."}]
    said: list[Any] = []
    async with AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as client:
        whole = await client.chat.completions.create(model="demo-small", messages=messages)
        said.append(whole.model_dump())
        chunks = await client.chat.completions.create(model="demo-small", messages=messages, stream=True)
        said.append([chunk.model_dump() async for chunk in chunks])
        said.append((await client.responses.create(model="demo-small", input="Who works there?")).model_dump())
    async with (
        AsyncAnthropic(base_url=served.url, api_key="none", max_retries=0) as anthropic,
        anthropic.messages.stream(model="demo-small", max_tokens=64, messages=messages) as events,
    ):
        said.append((await events.get_final_message()).content)
    async with httpx.AsyncClient(trust_env=False) as plain_client:
        for path in ("/odd/place?x=1", "/single"):
            answer = await plain_client.post(served.url + path, json={"odd": path})
            said.append((answer.status_code, answer.content))
    return said


async def test_the_sdks_get_the_same_answers_with_no_upstream(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    async with DemoServer() as demo:
        with serving("--upstream", demo.url, "--jsonl", file) as first:
            before = await ask_everything(first)
    assert len(lines(file)) == 6
    with serving("--replay", file, "--pace", "none") as second:
        assert await ask_everything(second) == before
        assert second.stop() == 0
    assert [line.partition(" http")[0].split()[-1] for line in second.said[1:]] == ["POST"] * 6


async def test_a_demo_repeats_itself(tmp_path: Path) -> None:
    file, again = tmp_path / "demo.jsonl", tmp_path / "again.jsonl"
    assert run("demo", "--headless", "--jsonl", str(file)).returncode == 0
    with serving("--replay", file, "--pace", "none", "--jsonl", again) as served:
        await agent.run(served.url, pace=0)
        assert served.stop() == 0
    first, second = lines(file), lines(again)
    assert sorted(map(_answer, second)) == sorted(map(_answer, first))
    assert all(any(note.startswith("answered as #") for note in flow["notes"]) for flow in second)


def _answer(flow: Any) -> str:
    return repr((flow["response"]["status"], flow["output"] and flow["output"]["parts"]))


async def test_what_is_missing_gets_an_error_of_the_provider(tmp_path: Path) -> None:
    with serving("--replay", keep(tmp_path / "one.jsonl", [done_chat(prompt="known")])) as served:
        async with AsyncOpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=2) as client:
            with pytest.raises(openai.InternalServerError, match="no recorded answer: the nearest is") as raised:
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "new"}])
        assert raised.value.status_code == 502
        assert served.stop() == 0
    assert len(served.said) == 2, "the SDK does not try again"
    assert "502" in served.said[1] and "no recorded answer: the nearest is" in served.said[1]


@pytest.mark.parametrize(("miss", "live"), [("mixed", [1]), ("live", [1, 2])])
async def test_what_is_missing_goes_to_a_model(miss: str, live: list[int], tmp_path: Path, behind: Upstream) -> None:
    file = keep(tmp_path / "one.jsonl", [local(done_chat(prompt="known"))])
    recorded = b"".join(chat_chunks())
    with serving("--replay", file, "--miss", miss, "--pace", "none", "--upstream", behind.url) as served:
        answers = [(await say(served, prompt)).content for prompt in ("known", "new", "known")]
    assert answers == [UPSTREAM if number in live else recorded for number in range(3)]
    assert len(behind.received) == len(live)


async def test_what_is_missing_is_held(tmp_path: Path, behind: Upstream) -> None:
    file = keep(tmp_path / "one.jsonl", [local(done_chat(prompt="known"))])
    arguments = ("--replay", file, "--miss", "ask", "--upstream", behind.url, "--release-after", "0.4")
    with serving(*arguments) as served:
        assert (await say(served, "new")).content == UPSTREAM
        assert served.stop() == 0
    assert any("is held at request: no recorded answer" in line for line in served.said)


async def test_nobody_to_ask_is_said(tmp_path: Path) -> None:
    file = keep(tmp_path / "one.jsonl", [done_chat(prompt="known")])
    with serving("--replay", file, "--miss", "ask") as served:
        assert "held flows wait for --release-after" in served.said[0]


def test_a_recording_does_not_say_where_requests_go(tmp_path: Path) -> None:
    file = keep(tmp_path / "one.jsonl", [local(done_chat())])
    for miss in ("live", "mixed", "ask"):
        result = run("serve", "--port", "0", "--replay", str(file), "--miss", miss)
        assert result.returncode == 1 and "Traceback" not in result.stderr
        assert f"say to which; it was made with --upstream {GONE}" in result.stderr


async def test_pauses_are_scaled(tmp_path: Path) -> None:
    """The recorded answer took one second from its being asked to its last piece."""
    flow = finish(stream(respond(chat_flow(prompt="known")), chat_chunks(), start=1000.0, gap=0.0))
    file, again = keep(tmp_path / "one.jsonl", [flow]), tmp_path / "again.jsonl"
    for pace, least in (("0.5", 490.0), ("recorded", 990.0)):
        with serving("--replay", file, "--pace", pace, "--jsonl", again) as served:
            assert (await say(served, "known")).content == b"".join(chat_chunks())
        assert lines(again)[-1]["end"]["reason"] == "done"
        assert lines(again)[-1]["timing"]["ended"] >= least


async def test_broken_lines_are_named_and_the_others_answer(tmp_path: Path) -> None:
    file = keep(tmp_path / "one.jsonl", [done_chat(prompt="known")])
    file.write_bytes(b"not JSON\n" * 25 + file.read_bytes())
    with serving("--replay", file, "--pace", "none") as served:
        assert (await say(served, "known")).status_code == 200
    assert served.said[0].startswith(f"{file}: line 1: not a JSON object")
    assert served.said[20] == f"{file}: and 5 lines more"
    assert served.said[21].startswith("inspector listens on")
