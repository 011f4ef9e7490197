"""The header's two figures agree with an outside clock: that of an upstream and clients in processes of their own."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import uvloop

from inspector.proxy.delivery import Cost
from inspector.proxy.heartbeat import BEAT, GRAIN, Lateness
from inspector.proxy.server import ProxyServer
from inspector.proxy.tasks import spawn
from tests.upstreams import proxy

OUTSIDE = """
import json, random, socket, sys, threading, time

SECONDS = float(sys.argv[1])

def upstream(listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=answer, args=[connection], daemon=True).start()

def answer(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.recv(1 << 16)
    head = "HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", "", ""
    connection.sendall("\\r\\n".join(head).encode())
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        time.sleep(random.uniform(0.001, 0.009))
        data = b"data: %b{%.6f}\\n\\n" % (b"x" * int(sys.argv[3]), time.monotonic())
        connection.sendall(b"%x\\r\\n%b\\r\\n" % (len(data), data))
    connection.sendall(b"0\\r\\n\\r\\n")

def client(port, lags, pause):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"POST /v1/chat/completions HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
    rest = b""
    while b"0\\r\\n\\r\\n" not in rest:
        time.sleep(pause)
        data, now = connection.recv(1 << 16), time.monotonic()
        *events, rest = (rest + data).split(b"}")
        lags += [(now, now - float(event[event.rindex(b"{") + 1:])) for event in events]
    connection.close()

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
threading.Thread(target=upstream, args=[listener], daemon=True).start()
print(port, flush=True)
through, direct = [], []
pause = float(sys.argv[2])
ports = int(sys.stdin.readline()), port
clients = [threading.Thread(target=client, args=[p, lags, pause]) for p, lags in zip(ports, (through, direct))]
for one in clients: one.start()
for one in clients: one.join()
print(json.dumps({"through": through, "direct": direct}), flush=True)
"""
"""An upstream that stamps each chunk with the time of its sending, and two clients that compare it with that of its
coming: one through the proxy, one without. All share the machine's monotonic clock.
"""


@dataclass
class Measured:
    """What the header said in a run, and what the clock outside saw. All in ms."""

    added: float
    """The header's figure, on average."""
    lag: float
    """The header's other figure, the median of what it was at any time."""
    through: list[tuple[float, float]]
    """When each chunk came through the proxy (in seconds), and how long it was on its way."""
    direct: list[tuple[float, float]]

    @property
    def outside(self) -> float:
        """By how much chunks came later through the proxy."""
        return statistics.fmean(lag for _, lag in self.through) - statistics.fmean(lag for _, lag in self.direct)

    @property
    def outside_greatest(self) -> float:
        """The longest that a chunk of the last second was on its way through, the median of what it was at any time."""
        start, end = self.through[0][0] + 1, self.through[-1][0]
        moments = [start + step / 20 for step in range(max(1, int((end - start) * 20)))]
        return statistics.median(max(lag for at, lag in self.through if t - 1 <= at <= t) for t in moments)


async def measured(
    disturb: Callable[[], None], seconds: float = 2.5, reading_pause: float = 0.0, size: int = 0
) -> Measured:
    """Relay a stream while something disturbs the loop again and again."""
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OUTSIDE, str(seconds), str(reading_pause), str(size)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    assert started.stdout is not None and started.stdin is not None
    port = int(await started.stdout.readline())
    added: list[float] = []
    lags: list[float] = []
    async with proxy(f"http://127.0.0.1:{port}") as server:
        started.stdin.write(server.address.rpartition(":")[2].encode() + b"\n")
        watching = spawn(_disturb(server, disturb, added, lags), "disturber")
        said = json.loads(await started.stdout.readline())
        watching.cancel()
        await asyncio.wait([watching])
    started.stdin.close()
    assert await started.wait() == 0
    in_ms = {name: [(at, lag * 1000) for at, lag in pairs] for name, pairs in said.items()}
    return Measured(statistics.fmean(added), statistics.median(lags), **in_ms)


async def _disturb(server: ProxyServer, disturb: Callable[[], None], added: list[float], lags: list[float]) -> None:
    while not any(flow.response is not None and flow.response.body.chunks > 10 for flow in server.store):
        await asyncio.sleep(0.01)
    began = time.monotonic()
    while True:
        await asyncio.sleep(random.uniform(0.02, 0.1))
        disturb()
        figure = server.added_ms
        if time.monotonic() > began + 1 and figure is not None:
            added.append(figure)
            lags.append(server.lag_ms)


def block(seconds: float) -> Callable[[], None]:
    """Let the loop stand still."""
    return lambda: time.sleep(seconds)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
@pytest.mark.parametrize("milliseconds", [20, 50])
def test_both_figures_move_as_much_as_chunks_come_later(
    milliseconds: int, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Within two fifths of what the outside clock saw in the same run: that clock has only a few hundred chunks."""
    with asyncio.Runner(loop_factory=loop) as runner:
        run = runner.run(measured(block(milliseconds / 1000)))
    assert run.added == pytest.approx(run.outside, rel=0.4)
    assert run.lag == pytest.approx(run.outside_greatest, rel=0.4)


def test_a_client_that_reads_slowly_is_none_of_our_adding() -> None:
    """Its chunks come late without us, too."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        run = runner.run(measured(lambda: None, seconds=1.6, reading_pause=0.005, size=60_000))
    late = statistics.fmean(lag for _, lag in run.direct)
    assert run.added < late / 4


@pytest.mark.anyio
async def test_what_comes_before_the_kernel_has_a_chunk_counts() -> None:
    """uvloop sends at the end of the loop's turn: whatever else is done in it keeps the chunk."""
    cost = Cost()
    for _ in range(200):
        cost.relayed(time.perf_counter())
        busy_until = time.perf_counter() + 0.002
        while time.perf_counter() < busy_until:
            pass
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert cost.added_ms > 1.8


@pytest.mark.parametrize("block_ms", [5, 15, 40, 90])
def test_what_waits_for_a_loop_that_stands_still_at_times(block_ms: int) -> None:
    """A loop that stands still for so long, ten times a second, and a beat at uneven intervals, by a hand clock."""
    lateness, dice, now = Lateness(), random.Random(1), 0.0
    means, greatest, block_s = [], [], block_ms / 1000
    while now < 200:
        interval = BEAT * dice.uniform(0.5, 1.5)
        due = now + interval
        into = due % 0.1
        now = due + max(0.0, block_s - into)
        lateness.beat(due, now + GRAIN, interval)
        means.append(lateness.mean_ms)
        greatest.append(lateness.greatest_ms)
    assert statistics.fmean(means[100:]) == pytest.approx(block_s * block_s / 2 / 0.1 * 1000, rel=0.15)
    assert block_ms - 1.5 * BEAT * 1000 <= statistics.median(greatest) <= block_ms + 1e-6


def test_a_loop_at_rest_is_not_late() -> None:
    lateness = Lateness()
    assert (lateness.greatest_ms, lateness.mean_ms) == (0.0, 0.0)
    for number in range(100):
        lateness.beat(number * BEAT, number * BEAT + GRAIN / 2, BEAT)
    assert (lateness.greatest_ms, lateness.mean_ms) == (0.0, 0.0)
