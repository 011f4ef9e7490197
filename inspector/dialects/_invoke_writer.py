"""Writes the answers of invoked models whose API is that of Anthropic or Chat Completions, each in its wrapping."""

from __future__ import annotations

from inspector.dialects._anthropic_writer import AnthropicWriter
from inspector.dialects._base import Json, parse_object
from inspector.dialects._bedrock import error_body, failed, path_to
from inspector.dialects._fields import object_of, text_of
from inspector.dialects._invoke_events import METRICS, Api, api_of, chunk, inside
from inspector.dialects._invoke_request import api_asked
from inspector.dialects._openai_chat_reader import DONE
from inspector.dialects._openai_chat_writer import ChatWriter
from inspector.dialects._pieces import json_bytes
from inspector.dialects._writing import Rewriter, Section, Splicer, Writer
from inspector.model.edits import Edits
from inspector.model.message import Answer, Prompt, Usage
from inspector.wire.event import Event
from inspector.wire.sse import SSE

VERSION = "bedrock-2023-05-31"
"""https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html"""

_ANTHROPIC, _CHAT = AnthropicWriter(), ChatWriter()


class InvokeWriter:
    """InvokeModel, written. ValueError where the model speaks an API that only is read."""

    keep_alive: bytes = b""

    def stream(self, answer: Answer, asked: Json) -> list[bytes]:
        """A whole answer as the frames of a stream; the last one counts tokens."""
        usage = answer.usage or Usage()
        counts = {"inputTokenCount": usage.input_tokens or 0, "outputTokenCount": usage.output_tokens or 0}
        *payloads, last = _payloads(_writer(api_asked(asked)).stream(answer, asked))
        if answer.error:
            return [*map(chunk, payloads), failed(answer.error)]
        return [*map(chunk, payloads), chunk(json_bytes({**parse_object(last), METRICS: counts}))]

    def document(self, answer: Answer, asked: Json) -> bytes:
        """A whole answer as one document, or as its error where it failed."""
        return error_body(answer.error) if answer.error else _writer(api_asked(asked)).document(answer, asked)

    def error(self, status: int, message: str) -> bytes:
        """The body of an HTTP error."""
        return error_body(message)

    def rewriter(self, delivered: list[Event]) -> Rewriter:
        """A rewriter for a stream of which the client has these events."""
        return InvokeRewriter(delivered)

    def splicer(self, delivered: list[Event], before: str, spent: Usage | None) -> Splicer:
        """ValueError: nothing is spliced here."""
        raise ValueError("an invoked model's answer cannot go on with another one: ask for it by another API")

    def edit_document(self, body: bytes, edits: Edits) -> bytes:
        """A whole answer with parts changed; all other bytes stay. ValueError where the edits do not fit it."""
        return _writer(api_of(parse_object(body))).edit_document(body, edits)

    def sections(self, body: Json) -> list[Section]:
        """The pieces of a request, in their order."""
        api = api_asked(body)
        if api in ("anthropic", "chat"):
            return _writer(api).sections(body)
        return [Section("setting", name, (name,)) for name in body]

    def write_prompt(self, prompt: Prompt) -> tuple[Json, list[str]]:
        """A request's body for one of Anthropic's models, and what could not be said in it."""
        body, lost = _ANTHROPIC.write_prompt(prompt)
        said = {name: value for name, value in body.items() if name not in ("model", "stream")}
        return {"anthropic_version": VERSION, **said}, lost

    def path(self, model: str) -> str:
        """The path of a request that streams."""
        return path_to(model, "invoke-with-response-stream")


class InvokeRewriter:
    """See `Rewriter`. That of the API which the model speaks does it; its first event tells which that is."""

    def __init__(self, delivered: list[Event]) -> None:
        self._inner: Rewriter | None = None
        self._early: list[Edits] = []
        """Edits that came before the first event."""
        self._final = False
        self._metrics: Json = {"inputTokenCount": 0, "outputTokenCount": 0}
        said = [each for event in delivered if (each := self._said(event)) is not None]
        if said:
            self._inner = _writer(api_of(parse_object(said[0].data))).rewriter(said)

    def edit(self, edits: Edits) -> None:
        """Take changes, in addition to earlier ones. ValueError where they do not fit behind what the client has."""
        if self._inner is not None:
            self._inner.edit(edits)
        else:
            self._early.append(edits)
        self._final = self._final or edits.final

    def feed(self, event: Event) -> list[bytes] | None:
        """What the client gets in the place of the upstream's next event; None: its own bytes."""
        if (said := self._said(event)) is None:
            return [] if self._final and event.kind == "data" else None
        pieces = self._known(api_of(parse_object(said.data))).feed(said)
        return None if pieces is None else [chunk(data) for data in _payloads(pieces)]

    def close(self) -> list[bytes]:
        """The rest of the answer, with the count of its tokens. One that never began is taken for Anthropic's."""
        if self._inner is None and not self._final:
            return []
        payloads = _payloads(self._known("anthropic").close())
        if not payloads:
            return []
        last = json_bytes({**parse_object(payloads[-1]), METRICS: self._metrics})
        return [chunk(data) for data in [*payloads[:-1], last]]

    def _known(self, api: Api) -> Rewriter:
        """The rewriter of the model's API; of this one where it is not known yet."""
        if self._inner is None:
            self._inner = _writer(api).rewriter([])
            for edits in self._early:
                self._inner.edit(edits)
        return self._inner

    def _said(self, event: Event) -> Event | None:
        """What an event wraps, as an event of the model's own API; None where it wraps nothing."""
        if event.kind != "data" or (data := inside(event)) is None:
            return None
        self._metrics = object_of(data.get(METRICS)) or self._metrics
        return Event(json_bytes(data), "data", text_of(data.get("type")))


def _writer(api: Api) -> Writer:
    if api == "anthropic":
        return _ANTHROPIC
    if api == "chat":
        return _CHAT
    raise ValueError("answers of this model can be read, not written")


def _payloads(pieces: list[bytes]) -> list[bytes]:
    """What server-sent events say; the end that Chat Completions marks is not marked here."""
    return [event.data for event in SSE().feed(b"".join(pieces)) if event.data != DONE]
