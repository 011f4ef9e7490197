"""What a flow cost: the provider's figure, published prices, and nothing where neither is known."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from math import inf
from threading import Event
from types import ModuleType
from typing import Any

import genai_prices
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.model.flow import Capture, Flow, Mutation, Request, Response
from inspector.model.headers import Headers
from inspector.model.message import Answer, Prompt, Transcript, Usage
from inspector.store import price_list
from inspector.store.cost import Cost, cost_of, counts
from inspector.store.filters import parse
from inspector.store.flows import FlowStore
from inspector.store.late_package import LatePackage
from inspector.store.ledger import Ledger
from inspector.store.model_maker import is_own, maker_of
from inspector.store.transcripts import Transcripts
from inspector.store.view import Sort, View
from tests.captures import capture_flows
from tests.handmade import STARTED, chat_chunks, done_chat

ANTHROPIC = "https://api.anthropic.com/v1/messages"
OPENAI = "https://api.openai.com/v1/chat/completions"
LOCAL = "http://127.0.0.1:8000/v1/chat/completions"
GATEWAY = "https://llm.example.com/v1/chat/completions"
PLAIN = Usage(10_000, 1000)
JULY_2025 = 1_751_328_000.0
MAY_2025 = 1_746_057_600.0


@pytest.fixture(autouse=True)
def _loaded() -> None:
    price_list.prepare(wait=True)


def flow_to(url: str, started: float = STARTED, status: int = 200) -> Flow:
    """A flow that was sent to an address."""
    flow = Flow("f", Request("POST", url, Headers()), started)
    flow.response = Response(status, Headers())
    return flow


def said(model: str, usage: Usage | None, answering: str = "", **parameters: Any) -> Transcript:
    """What was read of a flow."""
    return Transcript(Prompt(model, parameters=parameters), Answer(model=answering, usage=usage))


def usd(
    url: str, model: str, usage: Usage | None = PLAIN, answering: str = "", started: float = STARTED
) -> float | None:
    """The cost of a flow."""
    cost = cost_of(flow_to(url, started), said(model, usage, answering))
    return cost.usd if cost is not None else None


def test_claude_by_hand_with_reads_and_both_kinds_of_writes() -> None:
    """Claude Sonnet 4.5, a million tokens: $3 in, $15 out, $0.30 cache read, $3.75 (5 min) and $6 (1 h) cache write."""
    written = {"ephemeral_5m_input_tokens": 2000, "ephemeral_1h_input_tokens": 3000}
    usage = Usage(10_000, 500, 4000, 5000, raw={"cache_creation": written})
    by_hand = (1000 * 3 + 4000 * 0.3 + 2000 * 3.75 + 3000 * 6 + 500 * 15) / 1e6
    assert by_hand == 0.0372
    assert usd(ANTHROPIC, "claude-sonnet-4-5", usage) == pytest.approx(by_hand)


def test_gpt_by_hand_with_cached_input_and_reasoning() -> None:
    """GPT-5 mini a million tokens: $0.25 in, $0.025 cached, $2 out, reasoning among it."""
    usage = Usage(100, 20, 80, reasoning_output_tokens=15)
    assert usd(OPENAI, "gpt-5-mini", usage) == pytest.approx((20 * 0.25 + 80 * 0.025 + 20 * 2) / 1e6)


def test_writes_to_the_cache_cost_the_short_price_where_their_time_is_not_told() -> None:
    assert usd(ANTHROPIC, "claude-sonnet-4-5", Usage(1000, 0, 0, 1000)) == pytest.approx(0.00375)
    bedrock = Usage(1000, 0, 0, 1000, raw={"cacheDetails": [{"ttl": "5m", "inputTokens": 0}]})
    assert dict(counts(bedrock))["cache_write_5m_tokens"] == 0


def test_a_search_of_the_web_is_billed() -> None:
    searched = Usage(1000, 0, raw={"server_tool_use": {"web_search_requests": 2}})
    assert usd(ANTHROPIC, "claude-sonnet-4-5", searched) == pytest.approx(0.003 + 2 * 0.01)


def test_sound_has_its_own_price() -> None:
    raw = {"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 400}, {"modality": "AUDIO", "tokenCount": 600}]}
    google = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent?key=k"
    assert usd(google, "models/gemini-2.5-flash", Usage(1000, 0, raw=raw)) == pytest.approx((400 * 0.3 + 600 * 1) / 1e6)


def test_prices_are_those_of_the_request_s_time() -> None:
    """o3 came down from $10 and $40 to $2 and $8 in June 2025."""
    assert usd(OPENAI, "o3", started=MAY_2025) == pytest.approx(0.1 + 0.04)
    assert usd(OPENAI, "o3", started=JULY_2025) == pytest.approx(0.02 + 0.008)


def test_a_service_tier_has_its_own_price() -> None:
    flow = flow_to(OPENAI, datetime(2026, 10, 20, tzinfo=UTC).timestamp())
    plain = cost_of(flow, said("gpt-5", PLAIN))
    flex = cost_of(flow, said("gpt-5", PLAIN, service_tier="flex"))
    odd = cost_of(flow, said("gpt-5", PLAIN, service_tier=["flex"]))
    assert plain is not None and flex is not None
    assert flex.usd == pytest.approx(plain.usd / 2)
    assert odd == plain


def test_what_the_provider_says_goes_first() -> None:
    own = Usage(100, 20, cost=0.125)
    assert cost_of(flow_to(OPENAI), said("gpt-5", own)) == Cost(0.125, "provider")
    assert cost_of(flow_to(LOCAL), said("anything", own)) == Cost(0.125, "provider")
    assert usd(OPENAI, "gpt-5", Usage(100, 20, cost=-1.0)) is None
    assert usd(OPENAI, "gpt-5", Usage(100, 20, cost=inf)) is None


def test_the_model_that_answers_has_the_price() -> None:
    routed = usd(
        "https://openrouter.ai/api/v1/chat/completions", "openrouter/auto", answering="anthropic/claude-sonnet-4.5"
    )
    assert routed == pytest.approx(0.03 + 0.015)
    assert usd(OPENAI, "gpt-5-mini", answering="nobody-knows-1") == usd(OPENAI, "gpt-5-mini") is not None


@pytest.mark.parametrize(
    ("url", "model"),
    [
        (LOCAL, "claude-sonnet-4-5"),
        (LOCAL, "gpt-4o"),
        (LOCAL, "openai/gpt-oss-20b"),
        ("http://[::1]:8000/v1/messages", "claude-sonnet-4-5"),
        ("http://10.1.2.3/v1/messages", "claude-sonnet-4-5"),
        ("http://vllm:8000/v1/chat/completions", "gpt-4o"),
        (GATEWAY, "openai/gpt-oss-120b"),
        (GATEWAY, "meta-llama/Llama-3.3-70B-Instruct"),
        (GATEWAY, "somebody/claude-3-distill"),
        (GATEWAY, "gpt-4all"),
        (GATEWAY, "gpt-2"),
        (GATEWAY, "anthropic/claude-sonnet-4.5:free"),
        (OPENAI, "claude-sonnet-4-5"),
        (ANTHROPIC, "claude-that-nobody-knows"),
        (OPENAI, ""),
    ],
)
def test_nothing_is_guessed(url: str, model: str) -> None:
    assert usd(url, model) is None


@pytest.mark.parametrize(
    ("url", "model", "dollars"),
    [
        (GATEWAY, "claude-sonnet-4-5-20250929", 4.5),
        (GATEWAY, "anthropic/claude-sonnet-4.5", 4.5),
        (LOCAL, "anthropic/claude-sonnet-4-5", 4.5),
        (LOCAL, "bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0", 4.5),
        (GATEWAY, "amazon.nova-pro-v1:0", 0.8 + 0.32),
        (GATEWAY, "vertex_ai/gemini-2.5-flash", 0.3 + 0.25),
        (GATEWAY, "openai/gpt-5", 1.25 + 1),
        ("https://my.openai.azure.com/openai/deployments/mine/chat/completions", "gpt-4o-2024-08-06", 2.5 + 1),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse",
            "us.anthropic.claude-sonnet-4-20250514-v1:0",
            4.5,
        ),
    ],
)
def test_gateways_clouds_and_dated_names(url: str, model: str, dollars: float) -> None:
    assert usd(url, model) == pytest.approx(dollars / 100)


def test_whose_server_it_is() -> None:
    assert [is_own(url) for url in (LOCAL, "http://gpu.local/", "http://box/", "http://[bad/", "")] == [True] * 5
    assert not is_own(GATEWAY) and not is_own("https://8.8.8.8/")
    assert maker_of("x-ai/grok-4", GATEWAY) == "x-ai" and maker_of("openai/grok-4", GATEWAY) == ""


def test_what_was_never_billed_costs_nothing_that_is_known() -> None:
    assert usd(OPENAI, "gpt-5", None) is None
    assert usd(OPENAI, "gpt-5", Usage(output_tokens=7)) is None
    assert usd(OPENAI, "gpt-5", Usage(0, 0)) is None
    assert cost_of(flow_to(OPENAI, status=429), said("gpt-5", PLAIN)) is None
    mocked = flow_to(OPENAI)
    mocked.mutations.append(Mutation("response", "mock", "", "200 by mock"))
    assert cost_of(mocked, said("gpt-5", PLAIN)) is None


def test_counts_that_contradict_each_other_have_no_price() -> None:
    assert usd(ANTHROPIC, "claude-sonnet-4-5", Usage(10, 5, 5000)) is None
    assert usd(ANTHROPIC, "claude-sonnet-4-5", Usage(-10, 5)) is None
    assert usd(ANTHROPIC, "claude-sonnet-4-5", started=1e300) is None


def test_a_partial_answer_costs_what_is_known_so_far() -> None:
    flow = Flow("f", Request("POST", ANTHROPIC, Headers()), STARTED, dialect="anthropic-messages")
    flow.request.body = Capture(b'{"model": "claude-sonnet-4-5", "messages": []}')
    flow.timing.received = 1.0
    flow.response = Response(200, Headers([("content-type", "text/event-stream")]))
    transcripts = Transcripts()
    assert transcripts.summary(flow).cost is None
    flow.response.body.append(
        2.0, b'data: {"type": "message_start", "message": {"usage": {"input_tokens": 1000, "output_tokens": 1}}}\n\n'
    )
    assert transcripts.summary(flow).cost == pytest.approx(0.003 + 0.000015)
    flow.response.body.append(3.0, b'data: {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 100}}\n\n')
    assert transcripts.summary(flow).cost == pytest.approx(0.003 + 0.0015)


_FLAVOURS = {
    "anthropic-messages": ("anthropic", "default", "model", "usage"),
    "openai-chat": ("openai", "chat", "model", "usage"),
    "openai-responses": ("openai", "responses", "model", "usage"),
    "gemini": ("google", "default", "modelVersion", "usageMetadata"),
}
_HOSTS = ("api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com")


def test_recorded_usage_costs_what_the_package_itself_makes_of_it() -> None:
    transcripts, compared = Transcripts(), 0
    for flow in capture_flows():
        if flow.dialect not in _FLAVOURS or flow.request.url.split("/")[2] not in _HOSTS:
            continue
        provider, flavour, model_key, usage_key = _FLAVOURS[flow.dialect]
        transcript = transcripts.of(flow)
        cost, usage = cost_of(flow, transcript), transcript.answer.usage
        if usage is None or cost is None or cost.source == "provider" or not transcript.answer.model:
            continue
        response = {model_key: transcript.answer.model, usage_key: usage.raw}
        try:
            extracted = genai_prices.extract_usage(response, provider_id=provider, api_flavor=flavour)
        except (LookupError, AttributeError):
            continue  # a model that is not on the list, or a modality as a number, which the package cannot read
        theirs = extracted.calc_price(genai_request_timestamp=datetime.fromtimestamp(flow.started, UTC)).total_price
        assert cost.usd == pytest.approx(float(theirs)), flow.id
        compared += 1
    assert compared > 50


@given(
    st.builds(
        Usage,
        *[st.none() | st.integers()] * 5,
        cost=st.none() | st.floats(),
        raw=st.dictionaries(
            st.sampled_from(
                ["cache_creation", "cacheDetails", "prompt_tokens_details", "service_tier", "server_tool_use"]
            ),
            st.recursive(
                st.none() | st.integers() | st.text(), lambda some: st.lists(some) | st.dictionaries(st.text(), some)
            ),
        ),
    ),
    st.sampled_from([ANTHROPIC, OPENAI, LOCAL, GATEWAY, "http://[", ""]),
    st.sampled_from(["claude-sonnet-4-5", "gpt-5", "", "/", "models/"]) | st.text(),
    st.floats(allow_nan=False),
)
def test_whatever_is_counted_a_cost_is_an_amount_or_nothing(usage: Usage, url: str, model: str, started: float) -> None:
    cost = cost_of(flow_to(url, started), said(model, usage))
    assert cost is None or 0 <= cost.usd < inf


def test_filters_and_sorting_know_it() -> None:
    store, transcripts = FlowStore(), Transcripts()
    store.add(done_chat("cheap"))
    store.add(done_chat("unknown", chunks=chat_chunks(usage=None)))
    store.add(done_chat("dear", chunks=chat_chunks(usage=(1_000_000, 20, 0))))
    view = View(store, transcripts)
    view.sort = Sort("cost", descending=True)
    view.update(inf)
    assert [flow.id for flow in view.flows] == ["dear", "cheap", "unknown"]
    view.filter = parse("cost:>0.05")
    view.update(inf)
    assert [flow.id for flow in view.flows] == ["dear"]


def test_what_was_unknown_is_known_as_soon_as_the_prices_are(monkeypatch: pytest.MonkeyPatch) -> None:
    may_load = Event()

    def load() -> ModuleType:
        assert may_load.wait(60)
        return genai_prices

    late = LatePackage("slow", load, "no prices")
    monkeypatch.setattr(price_list, "_late", late)
    store, transcripts = FlowStore(), Transcripts()
    store.add(done_chat("a"))
    store.add(done_chat("b"))
    ledger, view = Ledger(store, transcripts), View(store, transcripts)
    view.filter = parse("cost:>0")
    view.update(inf)
    assert (ledger.update(inf).cost, view.rows) == (None, [])
    may_load.set()
    assert late.done.wait(60)
    assert ledger.update(inf).cost == pytest.approx(2 * 0.000047)
    view.update(inf)
    assert len(view.rows) == 2
    assert view.update(inf).changed == ()


def test_the_list_is_loaded_at_need_in_a_thread_and_without_the_network() -> None:
    code = """
import socket, sys, threading, time

def refuse(*args):
    raise AssertionError("the network was used")

socket.socket.connect = socket.getaddrinfo = refuse
import inspector.cli.serve, inspector.tui.screen, inspector.formats.jsonl
from inspector.store import cost, price_list
from inspector.store.transcripts import Transcripts
from tests.handmade import done_chat
flow = done_chat()
transcript = Transcripts().of(flow)
assert "genai_prices" not in sys.modules and "pydantic" not in sys.modules
assert cost.cost_of(flow, transcript) is None
until = time.monotonic() + 30
while not price_list.ready() and time.monotonic() < until:
    time.sleep(0.01)
assert cost.cost_of(flow, transcript) is not None
import genai_prices
assert genai_prices.data_snapshot.get_snapshot().from_auto_update is False
assert [each.name for each in threading.enumerate()] == ["MainThread"]
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_without_the_package_nothing_is_known() -> None:
    code = """
import sys
sys.modules["genai_prices"] = None
from inspector.store import cost, price_list
from inspector.store.transcripts import Transcripts
from tests.handmade import done_chat
flow = done_chat()
assert cost.cost_of(flow, Transcripts().of(flow), wait=True) is None
assert price_list.ready()
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "the prices cannot be loaded" in result.stderr
