"""One exchange with a model, as agents do it: send, read the stream, and try again where that may help."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import httpx

from inspector.demo.conversation import SENT_BACK, Conversation, outgoing
from inspector.dialects import by_name
from inspector.dialects._base import Reader
from inspector.model.headers import Headers
from inspector.model.message import Answer, Message, Transcript
from inspector.wire.body import BodyReader
from inspector.wire.event import Event

ATTEMPTS = 3
"""How often an exchange is tried."""
BACKOFF = 0.6
"""Seconds before the second attempt; twice as many before the third."""


@dataclass(slots=True)
class Report:
    """What an agent met."""

    turns: int = 0
    """Answers that came whole."""
    tool_calls: int = 0
    errors: list[str] = field(default_factory=list)
    """What went wrong, in words; most of it was met by trying again."""


class Unanswered(Exception):
    """An exchange failed as often as it was tried."""


class Client:
    """Talks to models below one base URL. `pace` scales the pauses; 0 makes none."""

    def __init__(self, http: httpx.AsyncClient, report: Report, pace: float) -> None:
        self._http = http
        self.report = report
        self._pace = pace

    async def pause(self, seconds: float) -> None:
        """Wait, at the agent's pace."""
        await asyncio.sleep(seconds * self._pace)

    async def models(self, headers: dict[str, str]) -> None:
        """Ask which models there are."""
        await self._aside(self._http.build_request("GET", "/v1/models", headers=headers))

    async def count_tokens(self, conversation: Conversation) -> None:
        """Ask how many tokens an Anthropic conversation has, as agents do before they send it."""
        request = outgoing(conversation)
        body = {key: value for key, value in request.body.items() if key not in ("stream", "max_tokens")}
        path = f"{request.path}/count_tokens"
        await self._aside(self._http.build_request("POST", path, json=body, headers=request.headers))

    async def _aside(self, request: httpx.Request) -> None:
        """Send what no answer hangs on; an error is reported."""
        try:
            response = await self._http.send(request)
        except httpx.HTTPError as error:
            self.report.errors.append(_named(error))
            return
        if response.is_error:
            self.report.errors.append(f"{response.status_code} {request.url.path}")

    async def answer(self, conversation: Conversation) -> Message:
        """The model's next message, added to the conversation. Raises Unanswered."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await self.pause(BACKOFF * 2 ** (attempt - 1))
            try:
                answer = await self._once(conversation)
            except (httpx.HTTPError, ValueError) as error:
                self.report.errors.append(_named(error))
                continue
            message = answer.message
            if message is not None and answer.complete and not answer.error:
                message.parts = [part for part in message.parts if isinstance(part, SENT_BACK)]
                conversation.messages.append(message)
                self.report.turns += 1
                return message
            self.report.errors.append(answer.error or "the answer breaks off")
        raise Unanswered(f"{conversation.model} gave no answer in {ATTEMPTS} attempts")

    async def _once(self, conversation: Conversation) -> Answer:
        """Send the conversation and read what comes. Raises httpx.HTTPError, and ValueError where it is unreadable."""
        request = outgoing(conversation)
        transcript = Transcript()
        reader = by_name(conversation.dialect).reader(transcript)
        body = json.dumps(request.body, ensure_ascii=False).encode()
        headers = {**request.headers, "content-type": "application/json"}
        async with self._http.stream("POST", request.path, content=body, headers=headers) as response:
            framing = BodyReader(Headers.from_raw(response.headers.raw))
            async for chunk in response.aiter_raw():
                _read(reader, framing.feed(chunk, 0.0))
            _read(reader, framing.close(0.0))
            reader.close()
            await self._wait_as_told(response)
        return transcript.answer

    async def _wait_as_told(self, response: httpx.Response) -> None:
        """Wait as long as a `retry-after` header says (seconds)."""
        told = response.headers.get("retry-after", "")
        if told.isdecimal():
            await self.pause(float(told))


def _read(reader: Reader, events: list[Event]) -> None:
    """Read events of an answer. Raises ValueError where one is malformed."""
    for event in events:
        try:
            reader.event(event)
        except Exception as error:  # the border to dialects, which meet malformed input of every kind
            raise ValueError(f"unreadable: {error}") from error


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
