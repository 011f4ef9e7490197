"""Breakpoints that ask by paths and headers, over a real proxy."""

from __future__ import annotations

import pytest

from inspector.model.flow import Moment
from inspector.proxy.held import Step
from tests.rules.test_control import UPSTREAM, asking_meanwhile, scene
from tests.upstreams import response

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("request.messages.length>0 header.content-type:json", Moment.REQUEST),
        ("request.messages[-1].content:=one", Moment.REQUEST),
        ("response.from:upstream request.model:m", Moment.EVENT),
    ],
)
async def test_a_flow_is_held_for_what_stands_at_a_path(text: str, moment: Moment) -> None:
    async with scene(response(UPSTREAM, "Content-Type: application/json")) as it:
        breakpoint = it.control.breakpoints.add(text)
        passed = it.control.breakpoints.add(f"{text} request.max_tokens>1000")
        async with asking_meanwhile(it) as asking:
            held = await it.held()
            assert (held.moment, held.by) == (moment, str(breakpoint))
            held.step(Step.GO_ON)
        assert asking.answers[0].content == UPSTREAM
        assert (breakpoint.hits, passed.hits) == (1, 0)
