"""No secret leaves: every way out of the program is walked with planted secrets, and what was written is searched."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from openai import AsyncOpenAI
from textual.pilot import Pilot

from inspector.cli.runtime import _Formatter, start_log
from inspector.cli.serve import flow_line
from inspector.formats import COPIES, EXPORTERS
from inspector.model.flow import Capture, Flow, Mutation, Reason, Request, Response
from inspector.model.headers import Headers, masked
from inspector.proxy.replay_credentials import with_credential
from inspector.proxy.routes import check_url
from inspector.proxy.server import ProxyConfig
from inspector.proxy.upstream import _proxy
from inspector.store.summary import summarise
from inspector.store.transcripts import Transcripts
from tests.cli.processes import serving
from tests.formats.sessions import flows_of, session, written
from tests.handmade import chat_chunks, chat_request, done_chat
from tests.tui.screens import app_on, main, settle
from tests.upstreams import plain, proxy, response, upstream

pytestmark = pytest.mark.anyio

PLANTED = "PLANTEDsecret"
"""Stands in the middle of every secret, where masking takes it out."""


def secret(number: int) -> str:
    return f"sk-{number:04}-{PLANTED}-{number:04}-tail"


REQUEST = [
    ("Authorization", f"Bearer {secret(1)}"),
    ("x-api-key", secret(2)),
    ("Cookie", f"session={secret(3)}"),
    ("x-goog-api-key", secret(4)),
    ("Helicone-Auth", f"Bearer {secret(5)}"),
    ("x-litellm-api-key", secret(6)),
    ("CF-Access-Client-Secret", secret(7)),
    ("Referer", f"https://page.example/?token={secret(8)}"),
]
ANSWER = [
    ("Set-Cookie", f"id={secret(11)}; Path=/"),
    ("Location", f"https://user:{secret(12)}@else.example/x?sig={secret(13)}"),
    ("X-Session-Token", secret(14)),
]
QUERY = f"key={secret(21)}&api-key={secret(22)}&access_token={secret(23)}&X-Amz-Signature={secret(24)}"


def planted() -> Flow:
    """A flow with a secret wherever one may stand."""
    url = f"https://api.openai.com/v1/chat/completions?{QUERY}"
    flow = done_chat()
    flow.request = Request("POST", url, Headers([*REQUEST, ("content-type", "application/json")]), flow.request.body)
    flow.forwarded = flow.request.copy(headers=flow.request.headers.set("Authorization", f"Bearer {secret(31)}"))
    body = Capture(b"".join(chat_chunks()))
    flow.response = Response(200, Headers([*ANSWER, ("content-type", "text/event-stream")]), "OK", body)
    flow.delivered = Response(200, Headers(ANSWER), "OK", body)
    flow.mutations.append(Mutation("target", "hand", f"POST {url}", f"POST {url}&x=1"))
    flow.note(f"could not read {url}")
    flow.end = None
    flow.finish(900.0, Reason.UPSTREAM_RESET, "upstream", f"cannot connect to {url}")
    return flow


def is_clean(text: str) -> bool:
    return PLANTED not in text


@pytest.mark.parametrize("name", EXPORTERS)
def test_no_export_has_a_secret(name: str) -> None:
    flow = planted()
    exporter = EXPORTERS[name]
    line = exporter.lines([flow], Transcripts(), tokens=exporter.takes_tokens)(flow).decode()
    assert line and is_clean(line)


@pytest.mark.parametrize("name", COPIES)
def test_no_copy_has_a_secret(name: str) -> None:
    assert is_clean(COPIES[name].data(planted(), Transcripts()).decode())


def test_no_line_and_no_repr_has_a_secret() -> None:
    flow, config = planted(), ProxyConfig(upstream_api_key=secret(41), token="t" * 20 + PLANTED)
    line = flow_line(flow, summarise(flow, Transcripts().of(flow)))
    assert "api.openai.com" in line and is_clean(line)
    assert is_clean(repr(config)) and is_clean(repr(flow.request.headers))
    with pytest.raises(ValueError, match="is not an upstream") as caught:
        check_url(f"https://user:{secret(42)}@host/")
    assert is_clean(str(caught.value))


@pytest.mark.parametrize(
    "name",
    ["X-Api-Key", "Helicone-Auth", "x-portkey-api-key", "Private-Token", "xi-api-key", "X-APIKey", "x-client-secret"],
)
def test_gateways_keys_are_secrets_too(name: str) -> None:
    assert is_clean(str(list(masked([(name, secret(1))]))))


@pytest.mark.parametrize(
    "name", ["x-ratelimit-remaining-tokens", "Idempotency-Key", "anthropic-beta", "x-request-id", "Sec-WebSocket-Key"]
)
def test_what_only_sounds_like_a_key_is_shown(name: str) -> None:
    assert list(masked([(name, "1234567890")])) == [(name, "1234567890")]


def test_the_log_keeps_no_key_and_acts_on_no_terminal(tmp_path: Path) -> None:
    before, file = logging.getLogger().handlers[:], tmp_path / "log"
    try:
        buffer = start_log(file)
        try:
            raise ValueError(f"https://h/?key={secret(1)} \x1b[2J\x9b31m\u202e")
        except ValueError:
            logging.getLogger("x").exception("Authorization: Bearer %s", secret(2))
    finally:
        for handler in logging.getLogger().handlers[:]:
            handler.close()
        logging.basicConfig(handlers=before, force=True)
        logging.captureWarnings(False)
    text = file.read_text()
    assert "ValueError: https://h/?key=sk-0...tail" in text
    for each in (text, "\n".join(buffer.lines)):
        assert is_clean(each) and all(line.isprintable() for line in each.split("\n"))


async def walk(pilot: Pilot[None]) -> str:
    """Every tab of the first flow, and the dialogs, as one text of screens."""
    seen = ""
    await settle(pilot)
    await pilot.press("enter")
    for key in "123456789":
        await pilot.press(key)
        await settle(pilot)
        seen += pilot.app.export_screenshot()
    return seen


async def test_no_screen_has_a_secret() -> None:
    app, _ = app_on([planted()])
    async with app.run_test(size=(240, 120)) as pilot:
        seen = await walk(pilot)
    assert "completions" in seen and is_clean(seen)


async def test_a_crash_shows_no_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    def fall_over() -> None:
        local = secret(51)
        raise ValueError(f"\x1b]52;c;aGk=\x07 https://h/?key={local}")

    app, _ = app_on()
    with pytest.raises(ValueError, match="52"):
        async with app.run_test() as pilot:
            app.call_later(fall_over)
            await pilot.pause()
    app._print_error_renderables()
    shown = "".join(capsys.readouterr())
    assert "ValueError" in shown and "key=sk-0...tail" in shown.replace("\n", "")
    assert is_clean(shown) and "\x1b]52" not in shown and "\x07" not in shown


@pytest.fixture
def generous() -> Iterator[None]:
    """A process whose files everyone may read, unless it says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def text_of(folder: Path) -> str:
    """All that lies in a folder now, which is its owner's alone."""
    files = [file for file in folder.iterdir() if file.is_file()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    return "".join(file.read_text(encoding="latin-1") for file in files)


@pytest.mark.usefixtures("generous")
async def test_a_run_leaves_no_secret_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSPECTOR_TOKEN", f"{PLANTED}-{PLANTED}")
    key = tmp_path / "key"
    key.write_text(secret(61))
    files = {name: tmp_path / "made" / name for name in ("jsonl", "trace", "log", "session")}
    made = files["jsonl"].parent
    made.mkdir()
    options = [word for name, file in files.items() for word in (f"--{name}", str(file))]
    answer = response(b'{"choices": []}', *(f"{name}: {value}" for name, value in ANSWER))
    async with upstream(plain(answer)) as up:
        with serving("--upstream", up.url, "--upstream-api-key-file", str(key), *options) as served:
            base = f"{served.url}/t/{os.environ['INSPECTOR_TOKEN']}"
            async with httpx.AsyncClient() as client:
                path = f"/v1/chat/completions?{QUERY}"
                await client.post(base + path, headers=REQUEST, content=chat_request())
                await client.post(served.url + path, headers=REQUEST, content=chat_request())
                await client.post(f"{base}/nowhere/../x?{QUERY}", headers=REQUEST, content=b"{}")
            async with AsyncOpenAI(base_url=f"{base}/v1", api_key=secret(62)) as sdk:
                await sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}])
            async with asyncio.timeout(20):
                while not (made / "session-wal").exists() or "hello" not in files["jsonl"].read_text():
                    await asyncio.sleep(0.01)
            meanwhile = text_of(made)
            listed = Path(f"/proc/{served.process.pid}/cmdline").read_text()
            await asyncio.to_thread(served.stop)
            said = "\n".join(served.said)
        assert secret(61) in str(up.received[0].headers)
    assert PLANTED not in "".join(request.line.partition("?")[0] for request in up.received)
    left = text_of(made)
    assert '"format":"inspector/1"' in left and "1 request refused (token)" in left
    assert "/v1/chat/completions" in said
    assert is_clean(said) and is_clean(listed) and is_clean(left) and is_clean(meanwhile)
    assert set(files.values()) <= set(made.iterdir())


def test_a_session_keeps_no_credential_and_a_replay_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    with session(path) as (store, writer):
        store.add(planted())
        written(writer)
        assert is_clean(text_of(tmp_path))
    assert is_clean(text_of(tmp_path))
    (flow,) = flows_of(path)
    with pytest.raises(ValueError, match=r"no key for api\.openai\.com: a recording keeps none"):
        with_credential(flow, flow.sent, {})
    request, (mutation,) = with_credential(flow, flow.sent, {"OPENAI_API_KEY": secret(71)})
    assert secret(71) in request.url and is_clean(f"{mutation}")


@pytest.mark.parametrize("address", ["http://me:{}@127.0.0.1:{}", "http://me:a {}@[bad:{}", "http://me:{}#/@x:{}"])
async def test_the_proxy_of_the_environment_keeps_its_password(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = response(b"", status="407 Proxy Authentication Required")
    async with upstream(plain(refused)) as up:
        monkeypatch.setenv("HTTPS_PROXY", address.format(secret(81), up.url.rpartition(":")[2]))
        monkeypatch.delenv("NO_PROXY", raising=False)
        _proxy.cache_clear()
        try:
            async with proxy("https://api.example") as server, httpx.AsyncClient(trust_env=False) as client:
                told = await client.post(f"{server.url}/v1/chat/completions", content=b"{}")
                (flow,) = server.store
        finally:
            _proxy.cache_clear()
    assert told.status_code == 502 and "proxy that the environment names" in told.text
    assert is_clean(told.text) and is_clean(repr(flow.notes) + str(flow.error))


def test_a_second_line_in_the_log_is_no_record() -> None:
    """What is foreign in a message cannot pass for another message."""
    record = logging.LogRecord("x", logging.ERROR, "", 1, "it said: %s", ("a\n2026-01-01 ERROR y: forged",), None)
    first, second = _Formatter("%(levelname)s %(message)s").format(record).split("\n")
    assert first == "ERROR it said: a" and second.startswith("    2026")


async def test_an_upstream_that_fails_tells_no_secret() -> None:
    async with proxy("http://127.0.0.1:1") as server, httpx.AsyncClient() as client:
        await client.post(f"{server.url}/v1/chat/completions?{QUERY}", headers=REQUEST, content=b"{}")
        (flow,) = server.store
        assert flow.error and is_clean(flow.error)


async def test_an_encoded_prompt_shows_what_the_plain_one_does() -> None:
    """Masking is for heads; bodies are the truth, in any encoding."""
    flow = planted()
    flow.forwarded = None
    flow.request.headers = flow.request.headers.set("content-encoding", "gzip")
    flow.request.body = Capture(gzip.compress(chat_request("the prompt itself")))
    app, _ = app_on([flow])
    async with app.run_test(size=(200, 60)) as pilot:
        seen = await walk(pilot)
        assert main(pilot)
    assert re.search("the.{1,10}prompt.{1,10}itself", seen) and is_clean(seen)
