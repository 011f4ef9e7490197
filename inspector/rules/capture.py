"""The capture profile: log-probabilities are asked for on any agent's traffic, and token limits are kept sane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import httpx

from inspector.dialects import by_name
from inspector.dialects._logprobs import Strip, Wish
from inspector.model.flow import Flow, Mutation
from inspector.model.headers import Headers
from inspector.proxy.held import BY as ANSWERED_BY
from inspector.proxy.hooks import Context
from inspector.proxy.refusal import from_upstream
from inspector.rules.capture_draft import BY, Draft, parse, told, without
from inspector.rules.capture_hosts import wish_for
from inspector.rules.capture_limits import LIMITS, cap, disable_thinking, model_of, override_model, translate
from inspector.rules.capture_refusals import Asking, Refusals, Refused, names_refused, refusal, words_of
from inspector.rules.partly_read import peek
from inspector.wire.body import decoded

CAP = 16384
"""Tokens to which the profile caps an answer: agents ask for 32,000 of models that give 16,384 (gpt-4o-mini)."""

NO_OBJECT = b'{"error":"invalid json body"}'
"""What a client is answered whose request is no JSON object."""


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What is changed of each request; everything that is off is left as the client has it."""

    top_logprobs: int | None = None
    """Alternatives to ask for with each token (0 for the chosen tokens alone); None asks for no log-probabilities."""
    token_ids: bool = False
    """Whether to ask for the tokens' numbers where a server may have them."""
    max_tokens_cap: int | None = None
    """The most tokens that a request may ask for; None leaves that to the client."""
    translate_max_tokens: bool = False
    """Whether `max_tokens` becomes `max_completion_tokens` for models that insist on it."""
    disable_thinking: bool = False
    """Whether thinking is switched off for chat templates that have such a switch (`enable_thinking`)."""
    model_override: str | None = None
    """The model to ask in the place of every other."""

    @property
    def on(self) -> bool:
        """Whether anything is changed at all."""
        return self != CaptureSettings()


CAPTURE = CaptureSettings(top_logprobs=5, token_ids=True, max_tokens_cap=CAP, translate_max_tokens=True)
"""The preset that is called `capture`."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for one flow's sake, until its answer begins."""

    body: bytes
    """The request without what was asked."""
    wish: Wish
    asking: Asking


class CaptureProfile:
    """Changes requests as the settings say, and remembers who refused what. `settings` may be changed at any time."""

    def __init__(self, settings: CaptureSettings | None = None) -> None:
        self.settings = settings or CaptureSettings()
        self._asked: dict[str, _Asked] = {}
        self._refusals = Refusals()

    @property
    def name(self) -> str:
        """What the header calls it: `observe`, `capture`, or `observe+` with what is changed all the same."""
        settings = self.settings
        if settings.top_logprobs is not None:
            return "capture"
        changed = {
            "ids": settings.token_ids,
            "cap": settings.max_tokens_cap is not None,
            "translate": settings.translate_max_tokens,
            "no-think": settings.disable_thinking,
            "model": settings.model_override is not None,
        }
        return "+".join(["observe", *(word for word, on in changed.items() if on)])

    def request(self, flow: Flow) -> httpx.Response | None:
        """Change a request before anybody holds it; each change is a Mutation. A response where it is refused: a body
        that is no JSON object, 400.
        """
        if not self.settings.on or flow.dialect not in LIMITS or flow.request.method != "POST":
            return None
        data, remark = decoded(flow.sent.headers, bytes(flow.sent.body))
        body = parse(data)
        if body is None and remark is not None:
            flow.note(f"the capture profile left the request alone: {remark}")
            return None
        if body is None:
            headers = {"content-type": "application/json"}
            return httpx.Response(400, headers=headers, content=NO_OBJECT, extensions={ANSWERED_BY: BY})
        draft = Draft(data, body)
        self._limit(flow, draft)
        changed = self._ask(flow, draft, draft.written())
        if changed != data:
            _forward(flow, changed, draft.mutations)
        return None

    async def response(self, context: Context, response: httpx.Response) -> httpx.Response:
        """The upstream's answer; or, where it refuses what was added, that of another try without.

        Raises Refusal where that try gets no answer at all.
        """
        flow, lessons = context.flow, list[Refused]()
        asked = self._asked.pop(flow.id, None)
        while asked and flow.injected and response is context.upstream and response.status_code >= 400:
            error = await _error_in(response)
            names = names_refused(error, flow.injected, parse(asked.body) or ())
            if not names:
                break
            flow.note(f"the upstream refuses {', '.join(names)}: {words_of(error)} – it was asked again without")
            lessons.append(refusal(asked.asking, error, names))
            asked = _take_back(flow, asked, names, lessons[-1].everything)
            await response.aclose()
            response = await _send_again(context)
        if response.status_code < 400:
            # An error that stays without the additions was about something else, whatever it says.
            for lesson in lessons:
                self._refusals.add(lesson)
        return response

    def strip(self, flow: Flow) -> Strip | None:
        """What takes the additions out of a flow's answer again. An error has none, and passes as it is."""
        logprobs = by_name(flow.dialect).logprobs
        if logprobs is None or not flow.injected or (flow.response is not None and flow.response.status >= 400):
            return None
        return logprobs.strip(flow.injected)

    def done(self, flow: Flow) -> None:
        """The flow has ended."""
        self._asked.pop(flow.id, None)

    def _limit(self, flow: Flow, draft: Draft) -> None:
        """Change everything but what is asked of the tokens."""
        settings = self.settings
        if settings.model_override is not None:
            override_model(draft, flow.dialect, settings.model_override)
        if settings.translate_max_tokens:
            translate(draft, flow.dialect)
        if settings.max_tokens_cap is not None and (remark := cap(draft, flow.dialect, settings.max_tokens_cap)):
            flow.note(remark)
        if settings.disable_thinking:
            disable_thinking(draft, flow.dialect)

    def _ask(self, flow: Flow, draft: Draft, data: bytes) -> bytes:
        """A body that asks for what may be asked of its model."""
        settings, logprobs = self.settings, by_name(flow.dialect).logprobs
        if logprobs is None:
            return data
        model = model_of(draft) or _named(flow, data)
        wish, why = wish_for(flow.sent.url, model, draft.body, settings.top_logprobs, settings.token_ids)
        asking = Asking.of(flow, model, draft.body)
        if wish is not None:
            wish, why = self._refusals.left(asking, wish)
        if why:
            flow.note(why)
        if wish is None:
            return data
        try:
            changed, added = logprobs.ask(data, wish)
        except ValueError as error:
            flow.note(f"log-probabilities are not asked for: {error}")
            return data
        if added:
            flow.injected = added
            self._asked[flow.id] = _Asked(data, wish, asking)
            draft.mutations += told(added, draft.body, parse(changed) or {})
        return changed


def _forward(flow: Flow, body: bytes, mutations: list[Mutation]) -> None:
    """Send another body on. What was encoded goes on decoded."""
    if encoding := flow.sent.headers.get("content-encoding"):
        mutations = [Mutation("content-encoding", BY, encoding, "identity"), *mutations]
    flow.mutations.extend(mutations)
    flow.forwarded = flow.sent.with_body(body)


def _named(flow: Flow, data: bytes) -> str:
    """The model of a request whose body names none: it may stand in the URL."""
    try:
        return by_name(flow.dialect).prompt(flow.sent, data).model
    except ValueError:
        return ""


def _take_back(flow: Flow, asked: _Asked, names: Sequence[str], everything: bool) -> _Asked:
    """Put the request back to what it is without these additions, whoever else has changed it meanwhile."""
    logprobs = by_name(flow.dialect).logprobs
    assert logprobs is not None
    before, _ = logprobs.ask(asked.body, asked.wish)
    after, flow.injected = asked.body, ()
    if not everything and asked.wish.top is not None:
        asked = replace(asked, wish=replace(asked.wish, token_ids=False))
        after, flow.injected = logprobs.ask(asked.body, asked.wish)
    current, _ = decoded(flow.sent.headers, bytes(flow.sent.body))
    old, new = parse(before) or {}, parse(after) or {}
    _forward(flow, after if current == before else without(current, names, old, new), told(names, old, new))
    return asked


async def _send_again(context: Context) -> httpx.Response:
    try:
        return await context.send(context.request())
    except httpx.TransportError as error:
        raise from_upstream(error) from error


async def _error_in(response: httpx.Response) -> str:
    """The text of an error, as far as it is looked at."""
    data, _ = decoded(Headers.from_raw(response.headers.raw), await peek(response))
    return data.decode("utf-8", "replace")
