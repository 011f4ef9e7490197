"""Streams that come as one JSON array, as Gemini's do: delivered member by member while they are stripped."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from inspector.dialects._gemini_logprobs import GeminiLogprobs
from inspector.dialects._logprobs import Strip
from inspector.model.flow import Flow, Reason
from inspector.proxy.hooks import Hooks
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore
from tests.dialects.test_array_strip import ADDED, array, piece
from tests.proxy.test_gate import Script, until
from tests.upstreams import ended, upstream

pytestmark = pytest.mark.anyio

KIND = "Content-Type: application/json; charset=UTF-8"


class Stripping(Hooks):
    """Takes out what was asked for."""

    def strip(self, flow: Flow) -> Strip | None:
        """A new one."""
        return GeminiLogprobs().strip(ADDED)


async def test_each_member_is_with_the_client_before_the_next_comes() -> None:
    script, got = Script((KIND,)), bytearray()
    async with upstream(script.answer) as behind:
        config = ProxyConfig(port=0, upstream=behind.url)
        async with ProxyServer(config, FlowStore(), hooks=Stripping()) as server:

            async def ask() -> None:
                url = f"{server.url}/v1beta/models/g:streamGenerateContent"
                async with (
                    httpx.AsyncClient(trust_env=False) as client,
                    client.stream("POST", url, json={"contents": []}) as response,
                ):
                    async for chunk in response.aiter_raw():
                        got.extend(chunk)

            reading = asyncio.ensure_future(ask())  # noqa: TID251
            sent, wanted = b"", b""
            for number, word in enumerate(("one", "two", "three")):
                glue = b",\r\n" if number else b"["
                member = glue + json.dumps(piece(word, True)).encode()
                wanted += glue + json.dumps(piece(word, False)).encode()
                sent += member
                script.say(member)
                await until(lambda: bytes(got) == wanted)  # noqa: B023
            script.say(b"\n]\n", None)
            await asyncio.wait_for(reading, 10)
            [flow] = await ended(server)
    assert bytes(got) == array(["one", "two", "three"], False)
    assert flow.response is not None and bytes(flow.response.body) == sent + b"\n]\n"
    assert flow.end is not None and flow.end.reason is Reason.DONE and flow.delivered is None
