"""The providers' own SDKs, pointed at a demo server, without retries of their own."""

from __future__ import annotations

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from inspector.demo.session import DemoServer


def openai(demo: DemoServer) -> AsyncOpenAI:
    """OpenAI's SDK."""
    return AsyncOpenAI(base_url=f"{demo.url}/v1", api_key="none", max_retries=0)


def anthropic(demo: DemoServer) -> AsyncAnthropic:
    """Anthropic's SDK."""
    return AsyncAnthropic(base_url=demo.url, api_key="none", max_retries=0)
