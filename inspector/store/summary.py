"""One flow in a line: what the list shows of it, and what filters and sorting ask of it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from sys import intern

from inspector.model.flow import Capture, Flow
from inspector.model.message import (
    Growing,
    Media,
    Message,
    Other,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
)
from inspector.store.cost import cost_of

WORDS = 200
"""Characters of text that a row may show."""
PACE_SLICES = 8
_STEPS = 64
_HEIGHTS = tuple(step / _STEPS for step in range(_STEPS + 1))
"""All heights that a pace may have: there is a pace for each flow, and numbers of its own would take much more."""
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English text, until the provider names its count."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one row says of a flow. None where it is not known (yet)."""

    model: str = ""
    """As it was sent; as answered where the request does not say."""
    asked_model: str = ""
    """What the client asked for, where another model was asked in its place; else empty."""
    response_model: str = ""
    """As the provider names it in its answer."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    output_estimated: bool = False
    """`output_tokens` is worked out from the size of the text, for want of a final count."""
    cache_read_tokens: int | None = None
    cache: float | None = None
    """Share of the input that came from the provider's cache, 0 to 1."""
    cost: float | None = None
    """US dollars, as far as they are known."""
    ttft: float | None = None
    """Time to the first token, in ms since the flow's start."""
    tokens_per_second: float | None = None
    """Output tokens by the time from the first token to the last byte."""
    pace: tuple[float, ...] = ()
    """Up to eight heights from 0 to 1: how much came in equal slices of the response's time, the fullest being 1."""
    mean_probability: float | None = None
    """Of the answer's tokens, 0 to 1, where the provider tells their log-probabilities."""
    perplexity: float | None = None
    """Among how many equally probable tokens the model chose, in the mean."""
    tools: tuple[str, ...] = ()
    """Names of the tools called, in their order."""
    finish: str | None = None
    """The provider's finish reason."""
    words: str = ""
    """The end of what was said, on one line: text, a call's arguments, an error; for other traffic method and path."""
    prompt: str = ""
    """The start of the last thing that the user said, on one line."""
    error: str | None = None

    @property
    def billed(self) -> float | None:
        """The cost as it goes into a sum: that counting tokens is free tells nothing of what the answers cost."""
        return self.cost if self.cost or self.output_tokens is not None else None


def summarise(flow: Flow, transcript: Transcript, *, figures_only: bool = False) -> Summary:
    """Sum a flow up. Costs the same for a long stream as for a short one, but for one look over the answer's text.

    `figures_only` leaves out what a row shows and what is not asked on the relay's path: pace, words and cost.
    """
    prompt, answer = transcript.prompt, transcript.answer
    message, usage = answer.message, answer.usage
    counted = usage.output_tokens if usage is not None else None
    output, estimated = (counted, False) if answer.complete and counted is not None else _estimate(transcript, counted)
    read = usage.cache_read_input_tokens if usage is not None else None
    given = usage.input_tokens if usage is not None else None
    error = flow.error or answer.error
    cost = None if figures_only else cost_of(flow, transcript)
    return Summary(
        # Names are the same in thousands of flows, and each reading makes them anew.
        model=intern(prompt.model or answer.model),
        asked_model=_asked(flow, prompt.model),
        response_model=intern(answer.model),
        input_tokens=given,
        output_tokens=output,
        output_estimated=estimated,
        cache_read_tokens=read,
        cache=min(1.0, read / given) if read is not None and given else None,
        cost=cost.usd if cost is not None else None,
        ttft=transcript.first_token,
        tokens_per_second=_rate(flow, transcript, output),
        pace=() if figures_only or flow.response is None else pace(flow.response.body),
        mean_probability=answer.certainty.mean_probability,
        perplexity=answer.certainty.perplexity,
        tools=tuple(intern(call.name) for call in _calls(transcript)),
        finish=intern(message.finish_reason) if message is not None and message.finish_reason is not None else None,
        words="" if figures_only else _words(flow, message, error),
        prompt="" if figures_only else _prompt(transcript),
        error=error,
    )


def _asked(flow: Flow, sent: str) -> str:
    """The model that the client asked for; empty where it is the one that was sent."""
    asked = next((mutation.before for mutation in flow.mutations if mutation.name == "model"), "")
    return asked if asked != sent else ""


def part_text(part: Part) -> str:
    """The words of a part that a model wrote: text, thoughts, a call's arguments; empty where it has none."""
    return str(_growing(part))


def _growing(part: Part) -> Growing:
    match part:
        case Text() | Reasoning() | Refusal():
            return part.content
        case ToolCall():
            return part.arguments
        case Media():
            return part.transcript
        case _:
            return Growing()


def _size(part: Part) -> int:
    return _growing(part).length + (len(part.name) if isinstance(part, ToolCall) else 0)


def has_substance(part: Part) -> bool:
    """Whether anything of a part has come: words, sealed thoughts, a call's name, a picture."""
    match part:
        case Reasoning():
            return bool(part.content or part.encrypted)
        case ToolCall():
            return bool(part.name or part.arguments)
        case ToolResult():
            return bool(part.content)
        case Media() | Other():
            return True
        case _:
            return bool(_growing(part))


def pace(body: Capture) -> tuple[float, ...]:
    """How much of a body came in each of up to eight equal slices of its time, the fullest being 1."""
    if not body.chunks:
        return ()
    start, last = body.times[0], body.times[-1]
    slices = min(PACE_SLICES, body.chunks)
    if last <= start:
        return (1.0,)
    edges = [start + (last - start) * number / slices for number in range(1, slices)]
    ends = [_bytes_until(body, edge) for edge in edges] + [len(body)]
    sizes = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
    fullest = max(sizes) or 1
    return tuple(_HEIGHTS[round(size * _STEPS / fullest)] for size in sizes)


def one_line(text: str, limit: int = WORDS) -> str:
    """The start of a text with every run of white space as one space."""
    return " ".join(text[: limit * 4].split())[:limit]


def _bytes_until(body: Capture, at: float) -> int:
    index = bisect_right(body.times, at)
    return body.ends[index - 1] if index else 0


def _calls(transcript: Transcript) -> list[ToolCall]:
    """The tools that were called: by the model, or by a request that is a call itself, as those to MCP servers are."""
    last = transcript.prompt.messages[-1:]
    asked = [call for message in last if message.role == "assistant" for call in message.tool_calls()]
    return [call for choice in transcript.answer.choices for call in choice.tool_calls()] or asked


def _estimate(transcript: Transcript, counted: int | None) -> tuple[int | None, bool]:
    """A provisional count, and whether it is a guess: some open with a count of 1 and correct it at the end."""
    written = (choice.parts for choice in transcript.answer.choices if choice.role == "assistant")
    size = sum(_size(part) for parts in written for part in parts)
    guess = -(-size // CHARACTERS_PER_TOKEN)
    if guess > (counted or 0):
        return guess, True
    return counted, False


def _rate(flow: Flow, transcript: Transcript, output: int | None) -> float | None:
    if output is None or transcript.first_token is None or flow.response is None or not flow.response.body.chunks:
        return None
    spent = flow.response.body.times[-1] - transcript.first_token
    return output * 1000 / spent if spent > 0 else None


def _words(flow: Flow, message: Message | None, error: str | None) -> str:
    if error:
        return one_line(error)
    if message is not None:
        for part in reversed(message.parts):
            # What a model's provider ran itself is no word of the model's; an MCP server has no others.
            given = part.content if isinstance(part, ToolResult) and message.role == "tool" else ""
            if tail := given[-WORDS * 2 :] or _growing(part).tail(WORDS * 2):
                return " ".join(tail.split())[-WORDS:]
    if flow.dialect == "raw":
        return one_line(f"{flow.request.method} {url_path(flow.request.url)}")
    return ""


def _prompt(transcript: Transcript) -> str:
    for message in reversed(transcript.prompt.messages):
        if message.role == "user" and (line := one_line(message.text())):
            return line
    return ""


def url_host(url: str) -> str:
    """The host and port of an absolute URL, without credentials."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


def url_path(url: str) -> str:
    """The path of an absolute URL as it is spelled, without its query."""
    rest = url.partition("://")[2] or url
    path = rest.partition("?")[0].partition("#")[0]
    return "/" + path.partition("/")[2]
