"""Lines that are written beside the loop: whoever does not read them keeps nobody waiting."""

from __future__ import annotations

import io
import os
import subprocess

import httpx
import pytest

from inspector.cli.aside import Aside
from tests.cli.test_commands import INSPECTOR, LISTENS
from tests.upstreams import plain, response, upstream


def test_lines_come_in_their_order_and_all_before_the_end() -> None:
    stream = io.StringIO()
    aside = Aside(stream)
    for number in range(1000):
        aside.say(str(number))
    aside.close()
    assert stream.getvalue().split() == [str(number) for number in range(1000)]


def test_who_does_not_read_loses_lines_and_is_told_how_many() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as read:
        with os.fdopen(writing, "w") as stream:
            aside = Aside(stream, most=10)
            for _ in range(3000):
                aside.say("x" * 99)
            while (line := read.readline()) and "left out" not in line:
                assert line == "x" * 99 + "\n"
            left_out = int(line.split()[1])
            aside.close()
        assert left_out > 0 and not read.readlines()


def test_a_reader_that_is_gone_is_no_matter() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        aside = Aside(stream)
        aside.say("to nobody")
        aside.close()


@pytest.mark.anyio
async def test_a_pipe_that_nobody_reads_stops_no_agent_and_no_leaving() -> None:
    """`inspector serve 2>&1 | less`, and the person is at lunch."""
    async with upstream(plain(response(b"{}"))) as up, httpx.AsyncClient(timeout=20) as client:
        command = [*INSPECTOR, "serve", "--port", "0", "--no-session", "--upstream", up.url]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            listens = LISTENS.search(process.stderr.readline())
            assert listens is not None
            path = "/v1/" + "long/" * 300
            for _ in range(100):  # more than a pipe takes: 64 KiB
                assert (await client.post(listens[1] + path, content=b"{}")).content == b"{}"
            process.terminate()
            assert process.wait(20) == 0
