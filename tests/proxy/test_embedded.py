"""The listener: which port it gets."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse

from inspector.proxy.embedded import AddressInUse, EmbeddedServer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.store.flows import FlowStore


@pytest.mark.anyio
async def test_a_port_that_is_taken() -> None:
    app = PlainTextResponse("here")
    async with EmbeddedServer(app) as first:
        with pytest.raises(AddressInUse, match=rf"port {first.port} on 127.0.0.1 is in use; \d+ is free"):
            async with EmbeddedServer(app, port=first.port):
                pass
        async with EmbeddedServer(app, port=first.port, any_port=True) as second:
            assert second.port not in (0, first.port)


@pytest.mark.anyio
async def test_a_proxy_for_which_any_port_will_do_says_which_it_got() -> None:
    async with ProxyServer(ProxyConfig(port=0), FlowStore()) as first:
        wanted = ProxyConfig(port=first.port, any_port=True)
        async with ProxyServer(wanted, FlowStore()) as second:
            assert second.port != first.port and second.url == f"http://127.0.0.1:{second.port}"
        async with ProxyServer(ProxyConfig(port=0, any_port=True), FlowStore()) as third:
            assert third.port
