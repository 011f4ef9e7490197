"""Compare all contenders in one run and print a table of ratios: `python -m tests.bench [--seconds N] [--rounds N]`."""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import uvloop

from tests.bench.contenders import (
    Contender,
    direct,
    free_port,
    headless,
    install_mitmproxy,
    mitmdump,
    wait_ready,
    with_screen,
)
from tests.bench.load import Load, serve, stream, unary

IDLE = "event tool:Bash agent:somebody-else"
"""A breakpoint that none of the load's flows can match: they stay on the tee."""
GATE = 'event tool:Bash arg.command~"rm "'
"""A breakpoint that each of the load's flows could match, and none does: they go through the gate."""

CONTENDERS: dict[str, Contender] = {
    "direct": direct,
    "mitmdump": mitmdump,
    "inspector serve": headless,
    "  no session": lambda upstream: headless(upstream, "--no-session"),
    "  idle breakpoint": lambda upstream: headless(upstream, "--break", IDLE),
    "  gate": lambda upstream: headless(upstream, "--break", GATE),
    "  capture": lambda upstream: headless(upstream, "--profile", "capture"),
    "inspector, screen live": with_screen,
    "  no session, screen live": lambda upstream: with_screen(upstream, "--no-session"),
    "  capture, screen live": lambda upstream: with_screen(upstream, "--profile", "capture"),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What one contender took in one round."""

    chunk_us: float
    """CPU of the proxy for a chunk."""
    p50_ms: float
    """Lag of chunks, from the upstream's write to the client's read."""
    p99_ms: float
    unary_us: float
    """CPU of the proxy for a whole small request."""


async def measure(contender: Contender, load: Load, requests: int) -> Result:
    """Run the load through a contender."""
    server, upstream = await serve(load)
    async with server:
        with contender(upstream) as running:
            marks: list[float] = []
            mark = lambda: marks.append(running.cpu())  # noqa: E731
            lags = await stream(load, running.port, mark, mark)
            chunks = load.streams * load.chunks_per_second * (load.seconds - 1.0)
            await unary(running.port, requests // 4)
            before = running.cpu()
            await unary(running.port, requests)
            spent = running.cpu() - before
    return Result(
        chunk_us=(marks[1] - marks[0]) / chunks * 1e6,
        p50_ms=lags.percentile(0.5),
        p99_ms=lags.percentile(0.99),
        unary_us=spent / requests * 1e6,
    )


def start_up() -> tuple[float, float]:
    """CPU seconds of `inspector --version`, and seconds until `inspector serve` accepts: the best of five each."""
    cpu, ready = [], []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "inspector", "--version"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        port, began = free_port(), time.perf_counter()
        command = [sys.executable, "-m", "inspector", "serve", "--port", str(port)]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            wait_ready(port)
            ready.append(time.perf_counter() - began)
            process.terminate()
    return min(cpu), min(ready)


def table(results: dict[str, list[Result]]) -> str:
    """Medians over the rounds, as ratios to mitmdump where CPU is meant."""
    medians = {
        name: Result(*(statistics.median(getattr(r, field) for r in rounds) for field in Result.__slots__))
        for name, rounds in results.items()
    }
    base = medians["mitmdump"]
    lines = [f"{'':24} {'CPU/chunk':>10} {'ratio':>6} {'lag p50':>9} {'lag p99':>9} {'CPU/unary':>10} {'ratio':>6}"]
    lines += [
        f"{name:24} {r.chunk_us:7.1f} µs {r.chunk_us / base.chunk_us:6.2f} {r.p50_ms:6.2f} ms {r.p99_ms:6.2f} ms "
        f"{r.unary_us:7.0f} µs {r.unary_us / base.unary_us:6.2f}"
        for name, r in medians.items()
    ]
    return "\n".join(lines)


def by_tee(results: dict[str, list[Result]], name: str) -> float:
    """What a chunk costs on another path, by what it costs on the tee, round by round."""
    rounds = zip(results[name], results["inspector serve"], strict=True)
    return statistics.median(other.chunk_us / tee.chunk_us for other, tee in rounds)


def main() -> None:
    """Run everything; prints as it goes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="of streaming, for each contender and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=800, help="unary requests, for each contender and round")
    given = parser.parse_args()
    install_mitmproxy()
    load = Load(seconds=given.seconds)
    results: dict[str, list[Result]] = {name: [] for name in CONTENDERS}
    for number in range(given.rounds):
        for name, contender in CONTENDERS.items():
            print(f"round {number + 1}: {name}", file=sys.stderr)
            results[name].append(uvloop.run(measure(contender, load, given.requests)))
    cpu, ready = start_up()
    print(f"{load.streams} streams, {load.chunks_per_second} chunks a second each; medians of {given.rounds} rounds\n")
    print(table(results))
    print(f"\na chunk through the gate costs {by_tee(results, '  gate'):.2f} × the tee")
    print(f"a chunk captured and stripped costs {by_tee(results, '  capture'):.2f} × the tee")
    print(f"inspector --version: {cpu:.2f} s of CPU; inspector serve accepts after {ready:.2f} s")


if __name__ == "__main__":
    main()
