"""What stands above a body: the first line of a request or response, its headers, and what was changed in it."""

from __future__ import annotations

from dataclasses import dataclass

from inspector.dialects.delivered import delivered_body
from inspector.model.flow import Capture, Flow, Mutation
from inspector.model.headers import HOP_BY_HOP, Headers, mask_url, masked
from inspector.store.rate_limits import RateLimit, answered_at, rate_limits, retry_after
from inspector.tui import format
from inspector.tui.spans import Line
from inspector.tui.text import clean, one_line, wrap

_NAME_CELLS = 30


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response, as the tabs show it."""

    title: Line
    headers: Headers
    body: Capture
    whole: bool
    """Whether no more of the body comes."""
    mutations: tuple[Mutation, ...] = ()
    limits: str = ""
    """What the provider says of its rate limits, in words."""


@dataclass(frozen=True, slots=True)
class HeadRow:
    """One line of the head, and what is copied from it."""

    line: Line
    label: str = ""
    value: str = ""


def request_message(flow: Flow, forwarded: bool) -> Message:
    """The request as it was received, or as it was sent on."""
    request = flow.sent if forwarded else flow.request
    whole = flow.timing.received is not None or flow.response is not None or not flow.live
    title: Line = [("accent", one_line(request.method)), ("", " " + one_line(_safe_url(request.url), 4000))]
    if flow.forwarded is not None:
        title.append(("warning", "   as forwarded" if forwarded else "   as received"))
    return Message(title, request.headers, request.body, whole, tuple(flow.mutations))


def response_message(flow: Flow, as_delivered: bool = False) -> Message | None:
    """The response as far as it came, or what the client got in its place; None where there is none yet."""
    response = flow.response
    if response is None:
        return None
    style = "ok" if response.status < 400 else "error"
    title: Line = [(style, f"HTTP {response.status}"), ("", f" {one_line(response.reason)}")]
    if flow.delivered is not None or flow.injected:
        title.append(("warning", "   as the client got it" if as_delivered else "   as it came"))
    if as_delivered:
        headers = (flow.delivered or response).headers.without("content-encoding", "content-length")
        return Message(title, headers, Capture(delivered_body(flow)), not flow.live)
    return Message(title, response.headers, response.body, not flow.live, limits=_limits(flow, response.headers))


def head_rows(message: Message, width: int) -> list[HeadRow]:
    """The lines above the body: secrets masked, lines that are not passed on greyed, every duplicate a line."""
    rows = [HeadRow(message.title, "", "".join(text for _, text in message.title))]
    name_cells = min(_NAME_CELLS, max(8, width // 3))
    if message.limits:
        rows += _header_rows("rate limits", message.limits, name_cells, width, False)
    for name, value in masked(message.headers):
        rows += _header_rows(clean(name), clean(value), name_cells, width, name.lower() in HOP_BY_HOP)
    for mutation in message.mutations:
        what = f"{mutation.name} changed by {mutation.by}"
        change = f"{mutation.before} → {mutation.after}" if mutation.before or mutation.after else ""
        line: Line = [("warning", f"✎ {one_line(what)}"), ("muted", f"  {one_line(change)}")]
        rows.append(HeadRow(line, mutation.name, change))
    return rows


def _header_rows(name: str, value: str, cells: int, width: int, grey: bool) -> list[HeadRow]:
    """A header, its value wrapped beside its name. The name is never wrapped, only followed by a blank."""
    label = f"{name:{cells}} "
    rows: list[HeadRow] = []
    for number, piece in enumerate(wrap(value, max(8, width - len(label)))):
        first: Line = [("faint" if grey else "key", label)] if number == 0 else [("", " " * len(label))]
        rows.append(HeadRow([*first, ("faint" if grey else "", piece)], name, value))
    return rows


def _limits(flow: Flow, headers: Headers) -> str:
    """Rate limits as a person says them, the wait that was asked for first."""
    at = answered_at(flow)
    wait = retry_after(headers, at)
    words = [f"retry in {format.wait(wait)}"] if wait is not None else []
    return " · ".join([*words, *map(_limit_words, rate_limits(headers, at))])


def _limit_words(limit: RateLimit) -> str:
    """`requests 49 of 50 left, whole in 12s`."""
    words = clean(limit.name) or "requests"
    if limit.remaining is not None:
        of = f" of {format.count(round(limit.limit))}" if limit.limit is not None else ""
        words += f" {format.count(round(limit.remaining))}{of} left"
    elif limit.used is not None:
        words += f" {format.share(limit.used)} used"
    elif limit.limit is not None:
        words += f" {format.count(round(limit.limit))}"
    return words if limit.reset is None else f"{words}, whole in {format.wait(limit.reset)}"


def _safe_url(url: str) -> str:
    """The URL with credentials masked; one that cannot be read is shown without its query."""
    try:
        return mask_url(url)
    except ValueError:
        return url.partition("?")[0]
