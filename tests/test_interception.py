"""The proxy for scripts: no event loop in sight, real sockets, and the trace that it leaves behind."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from inspector.formats.trace import read_trace
from inspector.interception import START_TIMEOUT, InterceptionProxy, ProxyConfig
from inspector.model.flow import Reason

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
WORDS = ("Hel", "lo", ".")


def entry(word: str) -> dict[str, Any]:
    """A token as a server sends it that numbers tokens."""
    chosen = {"token": word, "token_id": len(word), "logprob": -0.25, "bytes": list(word.encode())}
    return {**chosen, "top_logprobs": [chosen]}


class Model(BaseHTTPRequestHandler):
    """Three tokens, with log-probabilities where they are asked for, else null; the model `slow` streams for ever."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[tuple[dict[str, str], dict[str, Any]]]] = []
    """Heads and bodies."""

    def do_POST(self) -> None:
        """Answer."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append(({name.lower(): value for name, value in self.headers.items()}, body))
        if body.get("stream"):
            self.stream(body)
            return
        message = {"role": "assistant", "content": "".join(WORDS)}
        choice = {"index": 0, "message": message, "logprobs": self.logprobs(body, *WORDS)}
        answer = {"object": "chat.completion", "model": body["model"], "choices": [choice | {"finish_reason": "stop"}]}
        self.head("application/json", f"content-length: {len(json.dumps(answer))}")
        self.wfile.write(json.dumps(answer).encode())

    def stream(self, body: dict[str, Any]) -> None:
        """Answer token by token."""
        self.head("text/event-stream", "transfer-encoding: chunked")
        for word in WORDS:
            choice = {"index": 0, "delta": {"content": word}, "logprobs": self.logprobs(body, word)}
            self.event(json.dumps({"object": "chat.completion.chunk", "choices": [choice]}))
        while body["model"] == "slow":
            time.sleep(0.01)
            self.event(json.dumps({"object": "chat.completion.chunk", "choices": []}))
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def logprobs(self, body: dict[str, Any], *words: str) -> Any:
        """What a choice has under that name."""
        return {"content": [entry(word) for word in words]} if body.get("logprobs") else None

    def event(self, data: str) -> None:
        """Send one event."""
        event = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))

    def head(self, kind: str, more: str) -> None:
        """Send a head."""
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header(*more.split(": "))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Takes many connections at once, and is silent about those that break."""

    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that left."""


@pytest.fixture
def model() -> Iterator[str]:
    """The URL of a running Model."""
    Model.asked = []
    with Server(("127.0.0.1", 0), Model) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def ask(proxy: InterceptionProxy, **more: Any) -> httpx.Response:
    """One request through a proxy."""
    return httpx.post(f"{proxy.url}/chat/completions", json=ASKED | more, timeout=20)


def test_its_config_has_the_usual_fields_and_hides_the_key() -> None:
    config = ProxyConfig("http://127.0.0.1:1/v1", upstream_api_key="sk-secret")
    assert "sk-secret" not in repr(config)
    assert (config.host, config.port, config.top_logprobs, config.request_timeout_s) == ("127.0.0.1", 7000, 5, 600.0)
    assert (config.max_tokens_cap, config.disable_thinking, config.model_override) == (16384, False, None)
    proxy = InterceptionProxy(config)
    assert proxy.config is config
    assert proxy.url == "http://127.0.0.1:7000/v1"
    assert "sk-secret" not in repr(proxy)


@pytest.mark.parametrize("base", ["", "/v1"])
def test_a_turn_is_captured_and_the_client_never_sees_it(model: str, base: str, tmp_path: Path) -> None:
    trace = tmp_path / "deep" / "trace.jsonl"
    config = ProxyConfig(model + base, "sk-ours", str(trace), port=0, top_logprobs=3, model_override="other")
    with InterceptionProxy(config) as proxy:
        assert httpx.get(proxy.url.removesuffix("/v1") + "/healthz").json() == {"status": "ok"}
        answer = ask(proxy, max_tokens=99_999)
        streamed = ask(proxy, stream=True)
    assert set(re.findall(r'"logprobs": (\w+|.)', answer.text + streamed.text)) == {"null"}
    assert answer.json()["choices"][0]["message"]["content"] == "Hello."
    head, asked = Model.asked[0]
    assert head["authorization"] == "Bearer sk-ours"
    assert (asked["logprobs"], asked["top_logprobs"]) == (True, 3)
    assert (asked["max_tokens"], asked["model"]) == (16384, "other")
    for turn in read_trace(trace):
        assert turn["completion_tokens"] == list(WORDS)
        assert turn["completion_token_ids"] == [3, 2, 1]
        assert turn["per_token_logps"] == [-0.25] * 3
        assert turn["request"]["model"] == "other"
    assert [turn["turn"] for turn in read_trace(trace)] == [1, 2]
    assert "sk-ours" not in trace.read_text()
    assert [flow.sent.body != flow.request.body for flow in proxy.flows] == [True, True]


def test_without_a_key_the_clients_own_passes(model: str) -> None:
    with InterceptionProxy(ProxyConfig(model, port=0)) as proxy:
        headers = {"authorization": "Bearer sk-theirs"}
        httpx.post(f"{proxy.url}/chat/completions", json=ASKED, headers=headers).raise_for_status()
    assert Model.asked[0][0]["authorization"] == "Bearer sk-theirs"


def test_fifty_at_once_are_fifty_turns(model: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    with InterceptionProxy(ProxyConfig(model, trace_path=trace, port=0)) as proxy, ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: ask(proxy, user=str(number), stream=number % 2 == 0), range(50)))
    assert all(answer.status_code == 200 for answer in answers)
    turns = read_trace(trace)
    assert sorted(turn["turn"] for turn in turns) == list(range(1, 51))
    assert sorted(int(turn["request"]["user"]) for turn in turns) == list(range(50))
    assert all(json.loads(line)["completion_tokens"] == list(WORDS) for line in trace.read_text().splitlines())


def test_an_upstream_that_is_down_is_a_turn_too(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with InterceptionProxy(ProxyConfig(nobody, trace_path=tmp_path / "trace", port=0)) as proxy:
            answer = ask(proxy)
    assert answer.status_code == 502
    [turn] = read_trace(tmp_path / "trace")
    assert turn["response"]["upstream_status"] is None
    assert turn["completion_tokens"] == []
    assert [flow.end and flow.end.reason for flow in proxy.flows] == [Reason.UPSTREAM_UNREACHABLE]


def test_a_client_that_leaves_in_the_middle_leaves_a_partial_turn(model: str, tmp_path: Path) -> None:
    with InterceptionProxy(ProxyConfig(model, trace_path=tmp_path / "trace", port=0)) as proxy:
        body = ASKED | {"model": "slow", "stream": True}
        with httpx.stream("POST", f"{proxy.url}/chat/completions", json=body) as answer:
            seen = ""
            for text in answer.iter_text():
                seen += text
                if f'"{WORDS[-1]}"' in seen:
                    break
        until(lambda: proxy.flows[0].end is not None)
    [turn] = read_trace(tmp_path / "trace")
    assert turn["partial"] is True
    assert turn["completion_tokens"] == list(WORDS)


def test_stopping_ends_what_is_open_and_writes_it(model: str, tmp_path: Path) -> None:
    proxy = InterceptionProxy(ProxyConfig(model, trace_path=tmp_path / "trace", port=0))
    proxy.start()
    url = f"{proxy.url}/chat/completions"
    with httpx.stream("POST", url, json=ASKED | {"model": "slow", "stream": True}, timeout=20) as answer:
        assert answer.status_code == 200
        proxy.stop()
        with pytest.raises(httpx.RemoteProtocolError):
            answer.read()
    proxy.stop()
    assert [turn["partial"] for turn in read_trace(tmp_path / "trace")] == [True]
    assert not [thread for thread in threading.enumerate() if thread.name == "inspector proxy"]
    with pytest.raises(httpx.ConnectError):
        httpx.post(url, json=ASKED)


def test_it_starts_again_and_appends_to_its_trace(model: str, tmp_path: Path) -> None:
    proxy = InterceptionProxy(ProxyConfig(model, trace_path=tmp_path / "trace", port=0))
    for round in (1, 2):
        with proxy:
            ask(proxy)
            with pytest.raises(RuntimeError, match="runs already"):
                proxy.start()
        assert len(proxy.flows) == 1
        assert len(read_trace(tmp_path / "trace")) == round


def test_several_run_at_once_and_from_any_thread(model: str, tmp_path: Path) -> None:
    def episode(number: int) -> str:
        with InterceptionProxy(ProxyConfig(model, trace_path=tmp_path / str(number), port=0)) as proxy:
            for _ in range(number):
                ask(proxy).raise_for_status()
        return proxy.url

    with ThreadPoolExecutor(4) as pool:
        urls = list(pool.map(episode, range(1, 5)))
    assert len(set(urls)) == 4
    assert [len(read_trace(tmp_path / str(number))) for number in range(1, 5)] == [1, 2, 3, 4]


def test_a_port_in_use_is_an_error_where_start_was_called(model: str) -> None:
    with InterceptionProxy(ProxyConfig(model, port=0)) as first:
        port = int(first.url.removesuffix("/v1").rpartition(":")[2])
        second = InterceptionProxy(ProxyConfig(model, port=port))
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 is in use"):
            second.start()
        second.stop()
        assert ask(first).status_code == 200


@pytest.mark.parametrize(
    ("config", "error", "words"),
    [
        (ProxyConfig("not a URL", port=0), ValueError, "is not an upstream"),
        (ProxyConfig("http://127.0.0.1:1", trace_path="/dev/null/trace", port=0), OSError, "cannot write"),
        (ProxyConfig("http://127.0.0.1:1", host="192.0.2.1", port=0), ValueError, "takes a token"),
        (ProxyConfig("http://127.0.0.1:1", host="192.0.2.1", port=0, token="t" * 16), OSError, "requested address"),
    ],
)
def test_what_cannot_be_had_is_an_error_where_start_was_called(
    config: ProxyConfig, error: type[Exception], words: str
) -> None:
    proxy = InterceptionProxy(config)
    for _ in range(2):  # a failed start leaves nothing behind that would forbid the next
        with pytest.raises(error, match=words):
            proxy.start()
    assert not [thread for thread in threading.enumerate() if thread.name == "inspector proxy"]


def test_a_start_that_takes_too_long_is_given_up(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert START_TIMEOUT == 10
    monkeypatch.setattr("inspector.interception.START_TIMEOUT", 0)
    proxy = InterceptionProxy(ProxyConfig(model, port=0))
    with pytest.raises(RuntimeError, match="did not start within"):
        proxy.start()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "inspector proxy"])


def test_a_script_that_forgets_to_stop_it_keeps_its_trace(model: str, tmp_path: Path) -> None:
    script = f"""
import httpx
from inspector import InterceptionProxy, ProxyConfig
proxy = InterceptionProxy(ProxyConfig({model!r}, trace_path={str(tmp_path / "trace")!r}, port=0))
proxy.start()
httpx.post(proxy.url + "/chat/completions", json={ASKED!r})
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert [turn["completion_tokens"] for turn in read_trace(tmp_path / "trace")] == [list(WORDS)]


def test_the_package_loads_it_only_where_it_is_asked_for() -> None:
    code = "import inspector, inspector.cli, sys; {}; print('httpx' in sys.modules)"
    loaded = [
        subprocess.run([sys.executable, "-c", code.format(use)], capture_output=True, text=True, check=True).stdout
        for use in ("inspector.__version__", "inspector.read_trace", "inspector.InterceptionProxy")
    ]
    assert [each.strip() for each in loaded] == ["False", "False", "True"]
    import inspector

    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = inspector.Nothing


def test_each_session_has_a_trace_of_its_own(model: str, tmp_path: Path) -> None:
    config = ProxyConfig(model, trace_path=tmp_path / "deep" / "{session}.jsonl", port=0)
    with InterceptionProxy(config) as proxy, ThreadPoolExecutor(8) as pool:

        def asked(name: str) -> int:
            url = proxy.url_for(name) if name else proxy.url
            return httpx.post(f"{url}/chat/completions", json=ASKED, timeout=20).status_code

        assert set(pool.map(asked, ["alpha", "beta", "", "alpha"] * 10)) == {200}
        assert proxy.url_for("alpha") == proxy.url.replace("/v1", "/s/alpha/v1")
        for name in ("..", "a/b", "", "x" * 101, "sk-ant-api03-0123"):
            with pytest.raises(ValueError, match="cannot name"):
                proxy.url_for(name)
        assert {flow.session for flow in proxy.flows} == {"alpha", "beta", ""}
    turns = {path.name: sorted(turn["turn"] for turn in read_trace(path)) for path in (tmp_path / "deep").iterdir()}
    assert turns == {
        "alpha.jsonl": list(range(1, 21)),
        "beta.jsonl": list(range(1, 11)),
        "_.jsonl": list(range(1, 11)),
    }
