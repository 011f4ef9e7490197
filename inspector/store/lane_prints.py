"""What of a prompt tells which conversation it belongs to: a chain of hashes over what was said, call by call.

Only what stays as it is from request to request is taken in. Thoughts, marks for the prompt cache and the blocks that
agents put into a user's message (`<system-reminder>…`) come and go; a result is known by the call that it answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from inspector.model.message import Media, Message, Other, Part, Refusal, Text, ToolCall, ToolResult

_BLOCK = re.compile(r"<([A-Za-z][\w.]*[-_][\w.-]*|INSTRUCTIONS)(?:\s[^<>]*)?>")
"""The start of a block that an agent added: people write no tags with `-` or `_` in their names."""
_BLOCKS = 64
"""How many blocks of one text are looked for."""
_COUNTED = re.compile(r".{0,7}|.*[_:.-]\d{1,4}", re.DOTALL)
"""Call ids that are mere numbers, and therefore not those of one conversation only: `call_1`, `functions.read:0`."""
_LINE = 80
_SAYING = re.compile("[^ \\t#*\\-`>\"'\\n\\r\\v\\f\\x1c-\\x1e\\x85\u2028\u2029]")
"""A character of a line that says something."""

Unit = tuple[str, int]
"""Who speaks (`user`, `assistant`, `tool`), and a hash of what."""


@dataclass(slots=True)
class Prints:
    """The prints of one prompt."""

    chain: list[int] = field(default_factory=list)
    """For each unit a hash of all up to it, but for those of an answer that the model is to go on with."""
    said: int = 0
    """How many units there are up to the last of the model's."""
    before: int = 0
    """How many there are before the model's last answer."""
    roles: list[str] = field(default_factory=list)
    calls: tuple[str, ...] = ()
    """Ids that tell the calls of the model's last answer, or of the results that the prompt ends with."""
    answer: int = 0
    """The hash of that answer's text, where it is long enough to tell it."""
    system: int = 0
    """A hash of what the model is told to be, as far as that stays."""


def prints_of(messages: Iterable[Message], seed: int) -> Prints:
    """The prints of a prompt's messages, in a chain that begins with `seed`. Hashes each message once."""
    prints, chain = Prints(), seed
    units: list[Unit] = []
    calls: list[str] = []
    instructions = ""
    for message in messages:
        if message.role == "system":
            instructions = max((instructions, *_texts(message.parts)), key=len)
            continue
        made = units_of(message)
        if made and message.role == "assistant" and (not units or units[-1][0] != "assistant"):
            prints.before, calls = len(units), []
        calls += _ids(message.parts) if message.role == "assistant" or not prints.said else []
        units += made
        prints.said = len(units) if made and message.role == "assistant" else prints.said
    end = prints.before if units and units[-1][0] == "assistant" else len(units)
    for role, print_ in units[:end]:
        chain = hash((chain, role, print_))
        prints.chain.append(chain)
    prints.roles = [role for role, _ in units[:end]]
    if end < len(units):  # the model is to go on with what was put into its mouth: its last answer is the one before
        prints.said = max((place + 1 for place, role in enumerate(prints.roles) if role == "assistant"), default=0)
        prints.before = prints.said
    elif prints.said:
        prints.answer = units[prints.said - 1][1] if prints.said == prints.before + 1 else 0
    prints.calls = tuple(calls)
    prints.system = hash(instructions[:_LINE])
    return prints


def chain_on(chain: int, units: Iterable[Unit]) -> int:
    """The hash of a chain with more units behind it."""
    for role, print_ in units:
        chain = hash((chain, role, print_))
    return chain


def units_of(message: Message) -> list[Unit]:
    """What of a message is compared, as hashes: results, words, calls. None for one that only brings what passes."""
    role = "assistant" if message.role == "assistant" else "user"
    words: list[str] = []
    results: list[Unit] = []
    rest: list[Unit] = []
    for part in message.parts:
        match part:
            case Text() | Refusal():
                words.append(str(part.content))
            case ToolCall() if not part.server_side:
                rest.append((role, _call(part)))
            case ToolResult() if role == "user":
                results.append(("tool", _result(part)))
            case Media() | Other() if role == "user" and (print_ := _other(part)):
                rest.append((role, print_))
    said = "".join(words)
    said = own_words(said) if message.role == "user" else said.strip()
    return [*results, (role, hash(said)), *rest] if said else [*results, *rest]


def own_words(text: str) -> str:
    """What the user wrote: a message without the blocks that the agent put in. Empty where nothing else is there."""
    if "<" not in text:
        return text.strip()
    kept: list[str] = []
    at = 0
    for _ in range(_BLOCKS):
        opened = _BLOCK.search(text, at)
        if opened is None:
            break
        closing = f"</{opened[1]}>"
        closed = text.find(closing, opened.end())
        end = opened.end() if closed < 0 else closed + len(closing)
        kept.append(text[at : opened.start() if closed >= 0 else end])
        at = end
    words = "".join((*kept, text[at:])).strip()
    return "" if kept and words.startswith("#") and "\n" not in words else words


def opening_of(messages: Iterable[Message]) -> str:
    """What the user said before the model said anything, without the agent's own blocks."""
    said: list[str] = []
    for message in messages:
        if message.role == "assistant":
            break
        if message.role == "user" and (words := own_words(message.text())):
            said.append(words)
    return "\n".join(said)


def title_line(text: str) -> str:
    """A text as a title: its first line that says something, at most eighty characters."""
    said = _SAYING.search(text)
    if said is None:
        return ""
    start = said.start() - len(f"{text[: said.start()]}.".splitlines()[-1]) + 1
    words = " ".join(text[start : start + _LINE * 4].splitlines()[0].split())
    return words if len(words) <= _LINE else words[: _LINE - 1].rstrip() + "…"


def is_telling(call_id: str) -> bool:
    """Whether a call's id belongs to that call only."""
    return _COUNTED.fullmatch(call_id) is None


def _texts(parts: Iterable[Part]) -> list[str]:
    return [str(part.content) for part in parts if isinstance(part, Text)]


def _ids(parts: Iterable[Part]) -> list[str]:
    return [part.id for part in parts if isinstance(part, ToolCall | ToolResult) and is_telling(part.id)]


def _call(call: ToolCall) -> int:
    if is_telling(call.id):
        return hash(call.id)
    arguments = str(call.arguments)
    try:
        return hash((call.name, orjson.dumps(orjson.loads(arguments), option=orjson.OPT_SORT_KEYS)))
    except orjson.JSONDecodeError:
        return hash((call.name, arguments))


def _result(result: ToolResult) -> int:
    return hash(result.id if is_telling(result.id) else result.content)


def _other(part: Media | Other) -> int:
    """A picture by its size and kind; a summary that only the provider can read by what it holds."""
    if isinstance(part, Media):
        return hash((part.modality, part.mime_type, part.uri, part.size))
    if "compaction" not in part.kind or not isinstance(part.data, dict):
        return 0
    return hash(str(part.data.get("encrypted_content") or part.data.get("content")))
