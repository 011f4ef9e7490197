"""A person's hook changes what it is meant to change, and nothing it does can stop or break a flow."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import os
import textwrap
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from inspector.model.flow import Flow, Reason, Request
from inspector.model.headers import Headers
from inspector.proxy.held import Holds
from inspector.proxy.hooks import Context, Hooks, Instead, Verdict, Watch
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.rules.hook_source import HookError, HookSource
from inspector.rules.hook_thread import HookThread
from inspector.rules.python_hooks import IsolatedHandler, load
from inspector.store.flows import FlowStore
from inspector.wire.event import Event
from tests.upstreams import Answer, Received, Upstream, ended, plain, proxy, response, upstream

pytestmark = pytest.mark.anyio

START = """
import asyncio, time, sys
import httpx
from inspector.proxy.hooks import RequestHandler
from inspector.rules.python_hooks import DROP

class Hook(RequestHandler):
"""
HANG = "time.sleep(1000)"


def written(folder: Path, methods: str) -> Path:
    path = folder / "my_hook.py"
    path.write_text(START + textwrap.indent(textwrap.dedent(methods), "    "))
    return path


def sending(body: str) -> str:
    return "async def send_request(self, request, context):\n" + textwrap.indent(textwrap.dedent(body), "    ")


def hooked(folder: Path, methods: str, timeout: float = 5.0) -> IsolatedHandler:
    source = HookSource(f"{written(folder, methods)}:Hook")
    return IsolatedHandler(source, timeout, check_every=0)


@contextlib.asynccontextmanager
async def running(
    folder: Path, methods: str, answer: Answer | None = None, timeout: float = 5.0
) -> AsyncIterator[tuple[ProxyServer, Upstream]]:
    """A proxy with a hook, before an upstream that answers `hello`."""
    handler = hooked(folder, methods, timeout)
    async with (
        upstream(answer or plain(response(b"hello", "X-From: upstream"))) as double,
        proxy(double.url, handler=handler) as server,
    ):
        yield server, double
    handler.close()


def hook_threads() -> int:
    return sum(thread.name == "hooks" for thread in threading.enumerate())


async def ask(server: ProxyServer, content: bytes = b"question") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{server.url}/v1/x", content=content)


async def one(
    folder: Path, methods: str, answer: Answer | None = None, timeout: float = 5.0
) -> tuple[httpx.Response, Flow, list[Received]]:
    """What becomes of one request."""
    async with running(folder, methods, answer, timeout) as (server, double):
        got = await ask(server)
        [flow] = await ended(server)
        return got, flow, double.received


async def test_a_hook_that_only_passes_leaves_no_trace(tmp_path: Path) -> None:
    got, flow, received = await one(tmp_path, sending("return await context.send(request)"))
    assert (got.content, received[0].body) == (b"hello", b"question")
    assert (flow.mutations, flow.notes) == ([], [])
    assert flow.end is not None and flow.end.by == "upstream"


async def test_a_changed_request_goes_out_and_stands_on_the_flow(tmp_path: Path) -> None:
    body = """
    headers = {**request.headers, "x-hook": "1"}
    del headers["content-length"]
    return await context.send(httpx.Request("POST", request.url, headers=headers, content=b"other"))
    """
    _, flow, received = await one(tmp_path, sending(body))
    assert received[0].body == b"other"
    assert ("x-hook", "1") in [(name.lower(), value) for name, value in received[0].headers]
    assert [mutation.name for mutation in flow.mutations] == ["headers", "body"]
    assert flow.forwarded is not None and bytes(flow.forwarded.body) == b"other"


async def test_a_changed_response_reaches_the_client(tmp_path: Path) -> None:
    body = """
    response = await context.send(request)
    response.headers["x-hook"] = "1"
    return response
    """
    got, flow, _ = await one(tmp_path, sending(body))
    assert (got.headers["x-hook"], got.headers["x-from"], got.content) == ("1", "upstream", b"hello")
    assert [mutation.name for mutation in flow.mutations] == ["response"]


async def test_a_body_that_was_read_goes_on_as_it_came(tmp_path: Path) -> None:
    packed = gzip.compress(b"hello")
    body = """
    response = await context.send(request)
    assert await response.aread() == b"hello", response.content
    return response
    """
    answer = plain(response(packed, "Content-Encoding: gzip"))
    got, flow, _ = await one(tmp_path, sending(body), answer)
    assert got.content == b"hello"
    assert flow.response is not None and bytes(flow.response.body) == packed
    assert (flow.mutations, flow.notes) == ([], [])


async def test_a_hook_answers_itself(tmp_path: Path) -> None:
    got, flow, received = await one(tmp_path, sending('return httpx.Response(418, json={"a": 1})'))
    assert (got.status_code, got.json(), received) == (418, {"a": 1}, [])
    assert flow.end is not None and flow.end.by == "hook"
    assert [mutation.after for mutation in flow.mutations] == ["418 by hook"]


async def test_a_hook_that_is_not_async_answers_too(tmp_path: Path) -> None:
    methods = "def send_request(self, request, context):\n    return httpx.Response(200, content=request.content[::-1])"
    got, _, _ = await one(tmp_path, methods)
    assert got.content == b"question"[::-1]


async def test_a_hook_rewrites_a_body_while_it_streams(tmp_path: Path) -> None:
    body = """
    response = await context.send(request)
    async def louder():
        async for chunk in response.aiter_raw():
            yield chunk.upper()
    return httpx.Response(200, headers={"x-hook": "1"}, content=louder())
    """
    answer = plain(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nhe\r\n", b"3\r\nllo\r\n", b"0\r\n\r\n"
    )
    got, flow, _ = await one(tmp_path, sending(body), answer)
    assert (got.content, got.headers["x-hook"]) == (b"HELLO", "1")
    assert flow.end is not None and flow.end.reason is Reason.DONE


async def test_a_body_may_come_from_a_plain_generator(tmp_path: Path) -> None:
    got, _, _ = await one(tmp_path, sending("return httpx.Response(200, content=iter([b'a', b'b']))"))
    assert got.content == b"ab"


async def test_a_hook_may_try_again(tmp_path: Path) -> None:
    body = """
    first = await context.send(request)
    second = await context.send(request)
    second.headers["x-tries"] = "2"
    return second
    """
    got, _, received = await one(tmp_path, sending(body))
    assert (got.headers["x-tries"], got.content, len(received)) == ("2", b"hello", 2)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ('raise KeyError("mine")', "KeyError: 'mine'"),
        ("sys.exit(3)", "RuntimeError: it raised SystemExit"),
        ("raise asyncio.CancelledError", "RuntimeError: it cancelled itself"),
        ("return 3", "TypeError: it returned int, and not an httpx.Response"),
        (HANG, "it took more than 0.2 s"),
        ("await asyncio.sleep(1000)", "it took more than 0.2 s"),
    ],
)
@pytest.mark.parametrize("sent", ["", "await context.send(request)", "await (await context.send(request)).aread()"])
async def test_a_hook_that_fails_is_noted_and_passed_over(
    tmp_path: Path, sent: str, failure: str, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = f"request.headers['x-hook'] = '1'\n{sent}\n{failure}"
    with caplog.at_level(logging.ERROR, "inspector.hooks"):
        got, flow, received = await one(tmp_path, sending(body), timeout=0.2 if "0.2" in words else 5.0)
    assert (got.status_code, got.content, got.headers["x-from"]) == (200, b"hello", "upstream")
    assert flow.notes == [f"hook Hook was passed over: {words}"]
    assert flow.end is not None and flow.end.reason is Reason.DONE
    assert len(received) == 1
    assert bool(sent) == any(name.lower() == "x-hook" for name, _ in received[0].headers)
    nowhere = failure.startswith(("return", "await"))
    assert ("my_hook.py" in caplog.text) != nowhere
    assert "hook Hook" in caplog.text


async def test_an_endless_loop_is_left_behind_and_the_relay_goes_on(tmp_path: Path) -> None:
    mark = tmp_path / "enough"
    body = f"""
    import os
    while request.content == b"loop" and not os.path.exists({str(mark)!r}):
        pass
    return httpx.Response(200, content=b"mine")
    """
    before = hook_threads()
    async with running(tmp_path, sending(textwrap.dedent(body)), timeout=0.2) as (server, _):
        assert (await ask(server, b"loop")).content == b"hello"
        assert [(await ask(server)).content for _ in range(3)] == [b"mine"] * 3
        mark.touch()
    async with asyncio.timeout(5):
        while hook_threads() > before:
            await asyncio.sleep(0.005)


async def test_the_upstreams_time_is_not_the_hooks(tmp_path: Path) -> None:
    body = "response = await context.send(request)\nawait response.aread()\nreturn response"
    whole = response(b"hello")
    got, flow, _ = await one(
        tmp_path, sending(body), plain(whole[:20], whole[20:-2], whole[-2:], pause=0.3), timeout=0.2
    )
    assert got.content == b"hello"
    assert flow.notes == []


async def test_a_hang_with_the_request_under_way_waits_for_its_answer(tmp_path: Path) -> None:
    body = f"task = asyncio.ensure_future(context.send(request))\nawait asyncio.sleep(0)\n{HANG}"
    got, flow, received = await one(tmp_path, sending(body), timeout=0.2)
    assert (got.content, len(received)) == (b"hello", 1)
    assert flow.notes == ["hook Hook was passed over: it took more than 0.2 s"]


async def test_an_upstream_that_cannot_be_reached_is_not_the_hooks_fault(tmp_path: Path) -> None:
    handler = hooked(tmp_path, sending("return await context.send(request)"))
    async with proxy("http://127.0.0.1:9", handler=handler) as server:
        assert (await ask(server)).status_code == 502
        [flow] = await ended(server)
    handler.close()
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_UNREACHABLE
    assert flow.notes == []


async def test_an_upstream_that_breaks_off_while_the_hook_reads(tmp_path: Path) -> None:
    mark = tmp_path / "read"

    async def broken(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
        async with asyncio.timeout(5):
            while not mark.exists():
                await asyncio.sleep(0.005)
        writer.close()

    body = f"""
    response = await context.send(request)
    async for chunk in response.aiter_raw():
        open({str(mark)!r}, "w").close()
    return response
    """
    async with running(tmp_path, sending(textwrap.dedent(body)), broken) as (server, _):
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(server)
        [flow] = await ended(server)
    assert flow.end is not None and flow.end.reason is Reason.UPSTREAM_RESET
    assert flow.response is not None and bytes(flow.response.body) == b"hello"
    assert flow.notes == []


@pytest.mark.parametrize("failure", ["raise ValueError('mine')", HANG])
async def test_an_own_body_that_fails_ends_the_flow(tmp_path: Path, failure: str) -> None:
    body = f"def broken():\n    yield b'a'\n    {failure}\nreturn httpx.Response(200, content=broken())"
    async with running(tmp_path, sending(body), timeout=0.2) as (server, _):
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(server)
        [flow] = await ended(server)
        assert flow.end is not None and (flow.end.reason, flow.end.by) == (Reason.FAULT, "hook")
        assert flow.error is not None and "the hook's answer broke off" in flow.error


async def test_a_client_that_leaves_cancels_the_hook(tmp_path: Path) -> None:
    mark = tmp_path / "cancelled"
    body = f"try:\n    await asyncio.sleep(1000)\nfinally:\n    open({str(mark)!r}, 'w').close()"
    async with running(tmp_path, sending(body), timeout=60) as (server, _):
        asking = asyncio.ensure_future(ask(server))  # noqa: TID251
        async with asyncio.timeout(5):
            while not len(server.store) or next(iter(server.store)).timing.forwarded is None:
                await asyncio.sleep(0.005)
            asking.cancel()
            [flow] = await ended(server)
            while not mark.exists():
                await asyncio.sleep(0.005)
    assert flow.end is not None and flow.end.reason is Reason.CLIENT_GONE


async def test_it_is_read_anew_when_the_file_changes(tmp_path: Path) -> None:
    async with running(tmp_path, sending("return httpx.Response(200, content=b'old')")) as (server, _):
        assert (await ask(server)).content == b"old"
        path = written(tmp_path, sending("return httpx.Response(200, content=b'new')"))
        os.utime(path, ns=(1, 1))
        assert (await ask(server)).content == b"new"
        for broken in ("def send_request(:", "raise ValueError('no')", HANG):
            path.write_text(START + "    pass\n" + broken if "def" not in broken else broken)
            os.utime(path, ns=(2, 2 + len(broken)))
            server_handler = server._handler
            assert isinstance(server_handler, IsolatedHandler)
            server_handler._timeout = 0.2 if broken == HANG else 5.0
            assert (await ask(server)).content == b"new"
        flows = await ended(server, 5)
        path.unlink()
        assert (await ask(server)).content == b"new"
    notes = [note for flow in flows for note in flow.notes]
    assert [note.split(": ", 1)[0] for note in notes] == ["hook Hook keeps its old version"] * 3
    assert "SyntaxError" in notes[0] and "ValueError: no" in notes[1] and "too long" in notes[2]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nothing", "names no hook"),
        ("no_such_file.py:Hook", "there is no file no_such_file.py"),
        ("no_such_module:Hook", "there is no module no_such_module"),
        ("no_such.module:Hook", "there is no module no_such.module"),
        ("sys:Hook", "there is no module sys that is a Python file"),
        ("{path}:Other", "my_hook.py has no class Other; it has Hook"),
        ("{path}:httpx", "httpx in my_hook.py is no subclass"),
        ("json:JSONDecoder", "JSONDecoder in __init__.py is no subclass"),
    ],
)
def test_what_cannot_be_loaded_is_said(tmp_path: Path, spec: str, words: str) -> None:
    path = written(tmp_path, "pass")
    with pytest.raises(HookError, match=words):
        load(spec.format(path=path))


def test_a_hook_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(HookError, match=r"my_hook.py cannot be loaded: TypeError: .*missing"):
        load(f"{written(tmp_path, 'def __init__(self, more): pass')}:Hook")


def test_a_hook_is_found_by_its_modules_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "beside.py").write_text("ANSWER = b'found'")
    written(package, "pass").write_text("from .beside import ANSWER\n" + START + "    answer = ANSWER\n")
    monkeypatch.chdir(tmp_path)
    handler = load("my_package.my_hook:Hook")
    assert handler.name == "hook Hook"
    assert handler._hook.answer == b"found"


async def test_events_are_changed_and_taken_out_on_their_way(tmp_path: Path) -> None:
    methods = """
    async def event(self, context, event):
        if event.data == b"2":
            return DROP
        if event.data == b"3":
            return [b"data: three\\n\\n", b"data: more\\n\\n"]
        if event.data == b"4":
            raise ValueError("no more")
        return None
    """
    handler = hooked(tmp_path, methods)

    class Events(Hooks):
        def watch(self, context: Context, response: httpx.Response) -> Watch | None:
            return handler.watch(context)

    body = b"".join(b"data: %d\n\n" % number for number in range(1, 6))
    async with upstream(plain(response(body, "Content-Type: text/event-stream"))) as double:
        config = ProxyConfig(port=0, upstream=double.url)
        async with ProxyServer(config, FlowStore(), handler, Events()) as server:
            got = await ask(server)
            [flow] = await ended(server)
    handler.close()
    assert got.content == b"data: 1\n\ndata: three\n\ndata: more\n\ndata: 4\n\ndata: 5\n\n"
    assert [(mutation.name, mutation.by) for mutation in flow.mutations] == [("event", "hook Hook")]
    assert flow.notes == ["hook Hook was passed over: ValueError: no more"]


def context_of() -> Context:
    flow = Flow("f", Request("POST", "http://localhost/", Headers([])), 0.0)
    return Context(flow, httpx.AsyncBaseTransport(), Holds(FlowStore()))


async def decided(folder: Path, body: str, events: int = 1, timeout: float = 5.0) -> tuple[list[object], list[str]]:
    """What a hook's `event` makes of events, and the flow's notes."""
    handler = hooked(folder, "def event(self, context, event):\n    " + body.replace("\n", "\n    "), timeout)
    context = context_of()
    watch = handler.watch(context)
    assert watch is not None
    decisions: list[object] = []
    for number in range(events):
        decision = watch.event(Event(str(number).encode()))
        decisions.append(decision if isinstance(decision, Verdict | Instead) else await decision)  # type: ignore[misc]
    assert (watch.head(), watch.end()) == ("", "")
    handler.close()
    return decisions, context.flow.notes


@pytest.mark.parametrize(
    ("body", "decision"),
    [
        ("return None", Verdict.PASS),
        ("return event.data + b'!'", Instead((b"0!",), "hook Hook")),
        ("return [b'a', b'b']", Instead((b"a", b"b"), "hook Hook")),
        ("return []", Instead((), "hook Hook")),
        ("return DROP", Instead((), "hook Hook")),
        ("async def later(): return DROP\nreturn later()", Instead((), "hook Hook")),
    ],
)
async def test_what_a_hook_makes_of_an_event(tmp_path: Path, body: str, decision: object) -> None:
    assert await decided(tmp_path, body) == ([decision], [])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 3", "TypeError: event gave int, and not None, bytes, a list of bytes or DROP"),
        ("raise ValueError('mine')", "ValueError: mine"),
        (HANG, "it took more than 0.2 s"),
    ],
)
async def test_a_hook_that_fails_at_an_event_is_not_asked_again_for_this_answer(
    tmp_path: Path, body: str, words: str
) -> None:
    made = await decided(tmp_path, body, events=3, timeout=0.2)
    assert made == ([Verdict.PASS] * 3, [f"hook Hook was passed over: {words}"])


async def test_a_hook_without_events_costs_none(tmp_path: Path) -> None:
    assert hooked(tmp_path, "pass").watch(context_of()) is None


async def test_a_thread_ends_when_nobody_needs_it_any_more() -> None:
    thread = HookThread()
    thread.enter()
    thread.retire()
    assert await asyncio.wrap_future(thread.submit(lambda: 1)) == 1
    thread.leave()
    async with asyncio.timeout(5):
        while thread.alive:
            await asyncio.sleep(0.005)
    with pytest.raises(RuntimeError, match="left behind"):
        thread.submit(lambda: 1)


@pytest.mark.parametrize(
    ("body", "note"), [("flow.note('told')", "told"), ("raise ValueError('no')", "was passed over: ValueError: no")]
)
async def test_it_is_told_of_every_end_once(tmp_path: Path, body: str, note: str) -> None:
    flow = Flow("a", Request("GET", "", Headers()), 0.0)
    handler = hooked(tmp_path, f"def done(self, flow):\n    {body}")
    handler.done(flow)
    async with asyncio.timeout(10):
        while not flow.notes:
            await asyncio.sleep(0.005)
    handler.close()
    assert len(flow.notes) == 1 and note in flow.notes[0]


async def test_without_a_done_nobody_is_told(tmp_path: Path) -> None:
    before = hook_threads()
    handler = hooked(tmp_path, sending("return await context.send(request)"))
    handler.done(Flow("a", Request("GET", "", Headers()), 0.0))
    assert hook_threads() == before
