"""Another version of a request, to be sent again: other model, other provider, other words.

What is not asked for stays as it is, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from inspector.dialects import by_name, detect
from inspector.dialects._bedrock import is_signed
from inspector.dialects.gemini import with_model
from inspector.dialects.translate import translate
from inspector.model.flow import Flow, Mutation, Request
from inspector.model.headers import Headers, mask_url
from inspector.model.message import Prompt, ToolResult
from inspector.proxy.credential import carrier, header_value
from inspector.proxy.replay import whole_request
from inspector.proxy.replay_credentials import provider_of, same_origin, token_of
from inspector.proxy.routes import BUILT_IN, Routes, check_url, join
from inspector.store.transcripts import Transcripts
from inspector.wire.body import decoded
from inspector.wire.json_edit import change_at, delete_at, insert_at, replace_at, value_at
from inspector.wire.json_path import Path, format_path, parse_path

ANTHROPIC_VERSION = "2023-06-01"
"""https://docs.anthropic.com/en/api/versioning"""

_BY = "hand"
_PROVIDERS = {
    "anthropic-messages": "anthropic",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "openai-completions": "openai",
    "ollama": "ollama",
    "gemini": "gemini",
    "cohere-chat": "cohere",
}
"""Whose API a dialect is."""
_TURNS = {
    "anthropic-messages": "messages",
    "openai-chat": "messages",
    "openai-responses": "input",
    "ollama": "messages",
    "gemini": "contents",
    "cohere-chat": "messages",
}
"""Where a dialect has the conversation."""
_ACCOUNT = ("openai-organization", "openai-project", "chatgpt-account-id")
"""Headers that name an account at one provider."""
_OF_ANY_API = frozenset({"content-type", "content-length", "accept", "accept-encoding", "user-agent"})
"""Headers that mean the same to every provider."""
_API_PATH = re.compile(
    r"(/v\d+[a-z0-9]*)?/+((?:chat/+)?completions|responses|messages|api/+(?:chat|generate))/*$"
    r"|(/v2)/+chat/*$"
    r"|/v\d+[a-z0-9]*/+models/+[^/]+:(?:g|streamG)enerateContent/*$"
)


@dataclass(slots=True)
class Variant:
    """A request that may be sent, what was changed in it, and what the person should know of that."""

    request: Request
    mutations: list[Mutation] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        """What the request says; it is not encoded."""
        return bytes(self.request.body)

    def set(self, path: Path, value: Any) -> None:
        """Put a JSON value in. ValueError where the path leads nowhere."""
        written = json.dumps(value, ensure_ascii=False)
        before, data = self._at(path), replace_at(self.body, path, written)
        self.mutations.append(Mutation(format_path(path), _BY, before, written))
        self.request = self.request.with_body(data)

    def take_out(self, path: Path) -> None:
        """Take a value out, where it is there."""
        if before := self._at(path):
            self.mutations.append(Mutation(format_path(path), _BY, before, ""))
            self.request = self.request.with_body(delete_at(self.body, path))

    def add(self, path: Path, value: Any) -> None:
        """Put a JSON value behind the last one of a list. ValueError where there is no such list."""
        count, written = len(json.loads(value_at(self.body, path))), json.dumps(value, ensure_ascii=False)
        data = insert_at(self.body, path, count, written)
        self.mutations.append(Mutation(format_path((*path, count)), _BY, "", written))
        self.request = self.request.with_body(data)

    def aim(self, url: str) -> None:
        """Send it to another URL."""
        before = self.request
        if url == before.url:
            return
        target = f"{before.method} {mask_url(before.url)}", f"{before.method} {mask_url(url)}"
        self.mutations.append(Mutation("target", _BY, *target))
        self.request = before.copy(url=url)
        if not same_origin(url, before.url):
            self.said.append(f"asked of {provider_of(url)}")
            self.request.headers = before.headers.without(*_ACCOUNT)

    def _at(self, path: Path) -> str:
        try:
            return value_at(self.body, path)
        except ValueError:
            return ""


def variant(
    flow: Flow,
    *,
    model: str | None = None,
    upstream: str | None = None,
    dialect: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    sets: Iterable[tuple[str, Any]] = (),
    body: bytes | None = None,
    routes: Routes | None = None,
) -> Variant:
    """The request of a flow, changed.

    `upstream` is a base URL, or a name that `routes` or the proxy itself knows. `dialect` says it in another provider's
    API, which is asked in its usual place; behind a gateway, in the same one. `parameters` stand at the top of the
    body; those that are None are taken out. `sets` are pairs of a path (`messages[-1].content`) and a JSON value, put
    in one after the other, last. `body` comes first: it stands in the place of the original's.

    Raises ValueError, in words for the person, where something of it cannot be done.
    """
    made = copied(flow, body)
    base = _base(upstream, routes or Routes()) if upstream else None
    if dialect is not None and dialect != detect(made.request).name:
        _translate(made, flow, dialect, model, base, routes or Routes())
    else:
        if base is not None:
            _move(made, base)
        if model is not None:
            _model(made, model)
    for name, value in (parameters or {}).items():
        if value is None:
            made.take_out((name,))
        else:
            made.set((name,), value)
    for text, value in sets:
        made.set(parse_path(text), value)
    if is_signed(made.request) and made.mutations:
        made.said.append("Amazon's signature covers the body: changed, it is refused, but with a Bearer key")
    return made


def copied(flow: Flow, body: bytes | None = None) -> Variant:
    """The request as it went out, its body decoded, or another body with it. ValueError where it cannot be read."""
    request = whole_request(flow)
    data, remark = decoded(request.headers, bytes(request.body))
    if remark:
        raise ValueError(f"the request cannot be read: {remark}")
    made = Variant(request.with_body(data) if data != bytes(request.body) else request)
    if body is not None and body != data:
        made.mutations.append(Mutation("body", _BY, f"{len(data)} bytes", f"{len(body)} bytes"))
        made.request = request.with_body(body)
    return made


def fork(flow: Flow, index: int, edit: Any = None) -> Variant:
    """The conversation of a flow, cut behind one of its messages.

    `index` counts in the body's own list (`messages`, or `input` of Responses) from 0, or from its end where it is
    negative; the list's length stands for the answer, which is put behind it. `edit` stands in the place of that
    message: the whole of it, or where it is a string its words. ValueError where there is no such message or list.
    """
    made = copied(flow)
    dialect = detect(made.request)
    key, body = _TURNS.get(dialect.name, ""), made.body
    turns = json.loads(body).get(key) if key else None
    if isinstance(turns, str):
        turns = [{"role": "user", "content": turns}]
        body = replace_at(body, (key,), json.dumps(turns, ensure_ascii=False))
    if not isinstance(turns, list):
        raise ValueError("this request has no list of messages to be cut")
    count = len(turns)
    if not -count <= index <= count:
        raise ValueError(f"the request has {count} messages: there is no message {index}")
    index += count if index < 0 else 0
    if index == count:
        body, turns = _with_answer(flow, body, key, count)
        index = len(turns) - 1
    body = change_at(body, {(key, position): None for position in range(index + 1, len(turns))})
    made.mutations.append(Mutation("fork", _BY, f"{count} messages", f"{index + 1} messages"))
    made.request = made.request.with_body(body)
    if isinstance(edit, str) and key == "contents":
        made.set((key, index, "parts"), [{"text": edit}])
    elif edit is not None:
        words = "output" if turns[index].get("type") == "function_call_output" else "content"
        made.set((key, index, words) if isinstance(edit, str) else (key, index), edit)
    made.said += _unanswered(made.request)
    return made


def _model(made: Variant, model: str) -> None:
    if (url := with_model(made.request.url, model)) is not None:
        made.aim(url)
    try:
        value_at(made.body, ("model",))
    except ValueError as error:
        if url is not None:
            return
        raise ValueError(f"the body of this request names no model that could be changed: {error}") from None
    made.set(("model",), model)


def _base(upstream: str, routes: Routes) -> str:
    """The base URL of an upstream by its name or URL."""
    known = {**BUILT_IN, **routes.named}
    if upstream in known:
        return known[upstream]
    try:
        return check_url(upstream)
    except ValueError as error:
        raise ValueError(f"{error}; known by name are {', '.join(known)}") from None


def _move(made: Variant, base: str) -> None:
    """Ask the same of another server: what stands before the API's own path gives way."""
    path, question, query = _target(made.request.url).partition("?")
    known = _API_PATH.search(path) or re.search(r"/v\d[^/]*/.*", path)
    made.aim("".join(join(base, known[0] if known else path, question + query)))


def _translate(made: Variant, flow: Flow, dialect: str, model: str | None, base: str | None, routes: Routes) -> None:
    source, target = detect(made.request), by_name(dialect)
    if target.name != dialect or dialect not in _PROVIDERS:
        raise ValueError(f"nothing can be said in {dialect}: known are {', '.join(_PROVIDERS)}")
    if source.name not in _PROVIDERS:
        raise ValueError("this request is of no API that could be translated")
    before = made.request
    named = source.prompt(before, made.body).model
    base = base or _usual_place(flow, before.url, _PROVIDERS[dialect], routes)
    if model is None and _PROVIDERS[dialect] != _PROVIDERS[source.name] and not same_origin(base, before.url):
        raise ValueError(f"{provider_of(base)} does not know {named or 'that model'}: name one that it knows")
    done = translate(before, made.body, source, target, model or named)
    made.mutations.append(Mutation("api", _BY, source.name, dialect))
    if model is not None:
        made.mutations.append(Mutation("model", _BY, named, model))
    made.said += [f"not said: {lost}" for lost in done.lost]
    made.request = before.with_body(done.body)
    made.aim("".join(join(base, done.path)))
    made.request.headers = _headers(made.request.headers, target.name)


def _usual_place(flow: Flow, url: str, provider: str, routes: Routes) -> str:
    """Where a provider's API is asked: what goes through a gateway stays there."""
    if flow.provider in BUILT_IN and provider in routes.named:
        return routes.named[provider]
    if provider_of(url) in BUILT_IN:
        return BUILT_IN[provider]
    return _API_PATH.sub("", url.partition("?")[0])


def _headers(headers: Headers, dialect: str) -> Headers:
    """The headers that another API understands, the key in that which it reads."""
    kept = [pair for pair in headers if pair[0].lower() in _OF_ANY_API]
    if given := headers.get(carrier(headers, "")):
        name = carrier(Headers(), dialect)
        kept.append((name, header_value(name, token_of(given))))
    if dialect == "anthropic-messages":
        kept.append(("anthropic-version", ANTHROPIC_VERSION))
    return Headers(kept)


def _target(url: str) -> str:
    """Path and query of a URL as they are spelled."""
    rest = url.partition("://")[2]
    return "/" + rest.partition("/")[2]


def _with_answer(flow: Flow, body: bytes, key: str, count: int) -> tuple[bytes, list[Any]]:
    """A body with the flow's answer behind its messages, and all messages of it."""
    answer = Transcripts().of(flow).answer.message
    writer = by_name(flow.dialect).writer
    written = writer.write_prompt(Prompt(messages=[answer]))[0][key] if writer and answer else []
    if not written:
        raise ValueError("there is no answer that could be put behind the messages")
    for position, item in enumerate(written, count):
        body = insert_at(body, (key,), position, json.dumps(item, ensure_ascii=False))
    return body, json.loads(body)[key]


def _unanswered(request: Request) -> list[str]:
    """Calls that the cut left without their results: most providers refuse these."""
    messages = detect(request).prompt(request, bytes(request.body)).messages
    given = {part.id for message in messages for part in message.parts if isinstance(part, ToolResult)}
    calls = [call for message in messages for call in message.tool_calls()]
    return [f"the call of {call.name} has no result yet" for call in calls if call.id not in given]
