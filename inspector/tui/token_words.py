"""Tokens and their figures in words: for the side panel, a call's heading, and where there is nothing to show. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, floor

from inspector.dialects import by_name
from inspector.model.flow import Flow
from inspector.model.message import Transcript
from inspector.model.token import Alternative, Certainty, Token
from inspector.store.token_reading import TokenReading
from inspector.tui.format import NOTHING, short_model
from inspector.tui.spans import Line, plain
from inspector.tui.text import one_line, printable
from inspector.tui.token_pieces import BREAK, EMPTY

_NEXT = 3
"""Alternatives to a tool that its heading names."""
_LONGEST = 60
_WISHES = ("top_logprobs", "logprobs")
"""Where a request says how many alternatives it wants."""


def figure(probability: float | None) -> str:
    """A probability in at most seven cells."""
    if probability is None:
        return NOTHING
    if probability >= 0.005 or probability == 0:
        return f"{probability:.2f}"
    return f"{probability:.4f}" if probability >= 0.00005 else "<0.0001"


def decimals(number: float | None) -> str:
    """A figure with two decimals."""
    return NOTHING if number is None else f"{number:.2f}"


def spelled(data: bytes) -> Line:
    """A token on its own: blanks at its ends are seen, and bytes that are no whole characters stand in hex."""
    try:
        text = data[: 4 * _LONGEST].decode()
    except UnicodeDecodeError:
        return [("muted", f"‹{data[:_LONGEST].hex(' ')}›")]
    if not text:
        return [("faint", EMPTY)]
    inner = text.strip(" ")
    before = text[: len(text) - len(text.lstrip(" "))]
    after = text[len(before) + len(inner) :]
    shown = printable(inner.replace("\r\n", BREAK).replace("\n", BREAK).replace("\t", "⇥"))
    line: Line = [("faint", "␣" * len(before)), ("", shown), ("faint", "␣" * len(after))]
    return [(style, part) for style, part in line if part]


def bytes_of(token: Token) -> str:
    """The raw bytes of a token whose text does not show them; empty where it does."""
    text = token.data.decode("utf-8", "replace")
    if text.isprintable() and "�" not in text and text:
        return ""
    return f"{token.data[:24].hex(' ')}{' …' if len(token.data) > 24 else ''}"


def asked(parameters: dict[str, object]) -> int | None:
    """How many alternatives a request asked for with each token; None where it does not say."""
    wishes = (parameters.get(name) for name in _WISHES)
    return next((wish for wish in wishes if isinstance(wish, int) and not isinstance(wish, bool)), None)


def chosen_of(alternatives: Sequence[Alternative], token: Token) -> int | None:
    """The place of the token itself among its alternatives: by its number, or else by its bytes."""
    for place, each in enumerate(alternatives):
        if each.id == token.id if each.id is not None and token.id is not None else each.data == token.data:
            return place
    return None


def told_of_call(reading: TokenReading, names: Sequence[int], known: str) -> Line:
    """What a call's heading says: how probable the choice of this tool was, and what came next; `known` is the tool's
    name where no token tells it.
    """
    if not names:
        return [("bold", one_line(known, _LONGEST))] if known else [("muted", "tool call")]
    logprobs = [reading.tokens[name].logprob for name in names]
    if any(logprob is None for logprob in logprobs):
        return []
    probability = exp(min(0.0, sum(logprob for logprob in logprobs if logprob is not None)))
    others = list(reading.alternatives(names[0]))
    chosen = chosen_of(others, reading.tokens[names[0]])
    others = [other for place, other in enumerate(others) if place != chosen][:_NEXT]
    following = ", ".join(f"{one_line(_said(other), 24)} {figure(_p(other))}" for other in others)
    words = f"  the tool was chosen with p {figure(probability)}"
    return [("muted", f"{words}; next: {following}" if following else words)]


def _said(alternative: Alternative) -> str:
    return plain(spelled(alternative.data)).strip("␣") or "␣"


def _p(alternative: Alternative) -> float | None:
    return Token(alternative.data, alternative.logprob).probability


def words_of(flow: Flow, transcript: Transcript, certainty: Certainty, tokens: int) -> tuple[str, ...]:
    """What names an answer and how sure the model was of it: at length, shorter, and in the fewest words."""
    model = short_model(transcript.answer.model or transcript.prompt.model)
    who = [f"#{flow.number}", flow.provider, model]
    count, perplexity, mean = f"{tokens:,} token{'' if tokens == 1 else 's'}", "", ""
    if certainty.perplexity is not None:
        perplexity = f"perplexity {certainty.perplexity:.2f}"
        mean = f"mean p {figure(certainty.mean_probability)}"
    sizes = (
        [*who, count, perplexity, mean],
        [who[0], count, perplexity, mean],
        [count, perplexity],
        [perplexity or count],
    )
    return tuple(one_line(" · ".join(filter(None, words))) for words in sizes)


def limit_at(logprob: float | None) -> str:
    """The breakpoint that a token as improbable as this one meets; empty where every token would."""
    if logprob is None:
        return ""
    limit = floor(logprob * 100 + 1) / 100
    return f"logprob<{limit:.2f}" if limit < 0 else ""


def nothing_to_show(flow: Flow, transcript: Transcript) -> list[tuple[str, str]]:
    """Why there are no tokens and what to do, as paragraphs: the style of each, and its text."""
    dialect = by_name(flow.dialect)
    if flow.response is None:
        return [("muted", "Nothing came yet." if flow.live else "No answer came.")]
    if flow.response.status >= 400:
        return [("muted", "The answer is an error: it has no tokens.")]
    if dialect.logprobs is None:
        return [("bold", "No probabilities can come with this answer."), ("muted", _unable(flow.dialect))]
    wanted = _wanted(transcript.prompt.parameters)
    if wanted and flow.live:
        return [("muted", "The first token has not come yet.")]
    head = ("bold", "No probabilities came with this answer.")
    if wanted:
        return [head, ("muted", "The request asked for them, and the provider sent none: not every model gives them.")]
    return [
        head,
        ("muted", "The request did not ask for them. With --profile capture they are asked for on any agent's traffic, "
        "shown here, and taken out again before the agent sees the answer."),
        ("key", "inspector --profile capture"),
    ]  # fmt: skip


def _wanted(parameters: dict[str, object]) -> bool:
    """Whether a request asks for log-probabilities, in the words of any API."""
    include = parameters.get("include")
    included = isinstance(include, list) and any("logprobs" in str(each) for each in include)
    return included or any(parameters.get(name) for name in _WISHES)


def _unable(dialect: str) -> str:
    if dialect.startswith("anthropic"):
        return (
            "Anthropic's Messages API gives no log-probabilities, however it is asked. "
            "Chat Completions and Responses do, and most servers of open models speak one of them."
        )
    return "Nothing is known of this API by which log-probabilities could be asked for."
