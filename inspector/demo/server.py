"""The demo's model server: Chat Completions, Responses, Anthropic Messages and Gemini over one small model. It needs no
key and no network.

What it says is sampled from the n-gram model of `model.py`, so that its log-probabilities are true; what it does next
is scripted in `policy.py`; how it can be asked to fail stands in `behaviour.py`.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from inspector.demo._api import Api
from inspector.demo.ask import Ask
from inspector.demo.behaviour import HEADER, Behaviour, behaviour
from inspector.demo.chat import ChatApi
from inspector.demo.gemini import GeminiApi
from inspector.demo.messages import MessagesApi
from inspector.demo.model import NGramModel, demo_model
from inspector.demo.prompt_cache import Counted, PromptCache, size
from inspector.demo.reply import Failure, Reply, overloaded
from inspector.demo.responses import ResponsesApi
from inspector.demo.token_ids import TokenIds
from inspector.dialects._base import Json
from inspector.model import flow
from inspector.model.headers import Headers
from inspector.proxy.embedded import Aborted

MODELS = ("demo-large", "demo-small", "demo-tiny")
APIS: tuple[Api, ...] = (ChatApi(), ResponsesApi(), MessagesApi(), GeminiApi())
_SPEED = {"demo-large": 0.7, "demo-tiny": 1.6}
"""How fast a model speaks, in parts of the server's pace; 1 for all others."""


class DemoApp:
    """The state of the server: its model, its prompt cache, and its pace."""

    def __init__(self, *, pace: float = 0.0, seed: int = 0, model: NGramModel | None = None) -> None:
        self.pace = pace
        """Tokens a second; 0 speaks as fast as possible."""
        self._model = model or demo_model()
        self._ids = TokenIds(self._model)
        self._cache = PromptCache()
        self._chance = random.Random(seed)
        self._failed: set[bytes] = set()

    def app(self) -> Starlette:
        """The ASGI app."""
        posts = [Route(api.path, self._endpoint(api), methods=["POST"]) for api in APIS]
        counting = [
            Route(f"{MessagesApi.path}/count_tokens", self._count_tokens, methods=["POST"]),
            Route("/{version}/models/{model}:countTokens", self._count_gemini_tokens, methods=["POST"]),
        ]
        return Starlette(routes=[*counting, *posts, Route("/v1/models", self._models, methods=["GET"])])

    def _endpoint(self, api: Api) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            request_id = f"req_{self._chance.getrandbits(96):024x}"
            try:
                reply = await self._reply(api, request)
                response = await _respond(api, reply)
            except Failure as failure:
                response = JSONResponse(api.error(failure, request_id), failure.status)
                if failure.status == 429:
                    response.headers["retry-after"] = "1"
            response.headers["request-id" if isinstance(api, MessagesApi) else "x-request-id"] = request_id
            return response

        return answer

    async def _reply(self, api: Api, request: Request) -> Reply:
        """Read a request and begin to answer it. Raises Failure where it is wrong, or asks to fail."""
        body = await request.body()
        ask = _read(api, request, body)
        if ask.behaviour.once and self._comes_again(body):
            ask = replace(ask, behaviour=Behaviour())
        _fail(ask.behaviour.status)
        segments = ask.segments()
        model = ask.prompt.model
        counted = self._cache.add(model, segments) if ask.caches else Counted(size(segments))
        chance = random.Random(self._chance.getrandbits(64) if ask.seed is None else ask.seed)
        return Reply(ask, self._model, self._ids, counted, chance, self.pace * _SPEED.get(model, 1.0))

    def _comes_again(self, body: bytes) -> bool:
        """Whether this very body came before; the time after that counts as the first again."""
        seen = hashlib.sha256(body).digest()
        again = seen in self._failed
        if again:
            self._failed.remove(seen)
        else:
            self._failed.add(seen)
        return again

    async def _count_tokens(self, request: Request) -> Response:
        return await _counted(MessagesApi(), request, "input_tokens")

    async def _count_gemini_tokens(self, request: Request) -> Response:
        return await _counted(GeminiApi(), request, "totalTokens")

    async def _models(self, request: Request) -> Response:
        """The list of models, in the words of the API whose version header came."""
        if "anthropic-version" in request.headers:
            return JSONResponse(_anthropic_models())
        models = [
            {"id": name, "object": "model", "created": int(time.time()), "owned_by": "inspector"} for name in MODELS
        ]
        return JSONResponse({"object": "list", "data": models})


async def _counted(api: Api, request: Request, name: str) -> Response:
    """How many tokens a prompt has, under the name that the API gives the count."""
    try:
        ask = _read(api, request, await request.body())
    except Failure as failure:
        return JSONResponse(api.error(failure, ""), failure.status)
    return JSONResponse({name: size(ask.segments())})


def _fail(status: int | None) -> None:
    """Raise the failure of that status."""
    match status:
        case 429:
            raise Failure(429, "rate_limit_error", "Too many requests for the demo model; try again in a second.")
        case 529:
            raise overloaded()
        case 500:
            raise Failure(500, "api_error", "The demo model fell over, as asked.")


def _anthropic_models() -> Json:
    models = [
        {
            "type": "model",
            "id": name,
            "display_name": name.replace("-", " ").title(),
            "created_at": "2026-01-01T00:00:00Z",
        }
        for name in MODELS
    ]
    return {"data": models, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}


def _read(api: Api, request: Request, body: bytes) -> Ask:
    """Understand a request. Raises Failure (400) where it is not of this API."""
    received = flow.Request(request.method, str(request.url), Headers.from_raw(request.headers.raw))
    try:
        orjson.loads(body)  # The dialects are tolerant readers; a server takes strict JSON only.
        prompt = api.dialect.prompt(received, body)
        ask = api.ask(prompt, body)
    except ValueError as error:
        raise Failure(400, "invalid_request_error", str(error)) from None
    if not prompt.model or not prompt.messages:
        raise Failure(400, "invalid_request_error", "model and messages (or input) are required")
    words = ask.prompt.messages[ask.turn].text()
    return replace(ask, behaviour=behaviour(prompt.model, request.headers.get(HEADER, ""), words))


async def _respond(api: Api, reply: Reply) -> Response:
    """The answer, streaming where that was asked for."""
    if reply.ask.prompt.stream:
        return StreamingResponse(
            api.stream(reply), media_type="text/event-stream", headers={"cache-control": "no-cache"}
        )
    document = orjson.dumps(await api.document(reply))
    if reply.ask.behaviour.cut:
        return StreamingResponse(
            _half(document), media_type="application/json", headers={"content-length": str(len(document))}
        )
    return Response(document, media_type="application/json")


async def _half(document: bytes) -> AsyncIterator[bytes]:
    """The first half of an answer; then nothing more."""
    yield document[: len(document) // 2]
    raise Aborted
