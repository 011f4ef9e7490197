"""The upstreams that a recording knows."""

from __future__ import annotations

import pytest

from inspector.cli.recorded_places import recorded_places, with_recorded_places
from inspector.model.flow import Flow
from inspector.proxy.server import ProxyConfig
from tests.handmade import done_chat


def went(url: str, provider: str) -> Flow:
    """A flow that went somewhere."""
    flow = done_chat()
    flow.request = flow.request.copy(url=url)
    flow.provider = provider
    return flow


LOCAL = went("http://127.0.0.1:8000/api/v1/chat/completions", "127.0.0.1")
OTHER = went("http://127.0.0.1:8001/v1/x", "127.0.0.1")
NAMED = went("https://gateway.example/a/b", "lab")
KNOWN = went("http://127.0.0.1:5/v1/messages", "anthropic")
REFUSED = went("http://127.0.0.1:7077/nowhere", "")
ODD = went("http://me:secret@host/x", "host")


def test_places_are_those_that_the_path_does_not_say() -> None:
    assert recorded_places([KNOWN, REFUSED, ODD]) == (None, {})
    assert recorded_places([OTHER, LOCAL, NAMED, KNOWN, LOCAL]) == (
        "http://127.0.0.1:8000",
        {"lab": "https://gateway.example"},
    )


def test_the_command_line_goes_before_the_recording() -> None:
    config = ProxyConfig(upstream="http://mine", upstreams={"lab": "http://lab"})
    assert with_recorded_places(config, [LOCAL, NAMED], may_leave=True) == config
    found = with_recorded_places(ProxyConfig(), [LOCAL, NAMED], may_leave=False)
    assert (found.upstream, found.upstreams) == ("http://127.0.0.1:8000", {"lab": "https://gateway.example"})


def test_no_request_leaves_for_a_place_that_only_a_recording_names() -> None:
    with pytest.raises(ValueError, match=r"--upstream http://127.0.0.1:8000 --upstream lab=https://gateway.example$"):
        with_recorded_places(ProxyConfig(), [LOCAL, NAMED], may_leave=True)
    with pytest.raises(ValueError, match="made with --upstream lab="):
        with_recorded_places(ProxyConfig(upstream="http://mine"), [LOCAL, NAMED], may_leave=True)
    assert with_recorded_places(ProxyConfig(), [KNOWN], may_leave=True) == ProxyConfig()
