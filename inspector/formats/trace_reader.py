"""Reads training traces: files with a `TurnRecord` a line, of this program and of others.

The format is that of the interception proxy of OpenEnv (https://github.com/huggingface/OpenEnv,
`openenv.core.harness.sandbox.interception`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from math import isfinite
from os import PathLike
from typing import Any, NotRequired, TypedDict, cast

from inspector.dialects._fields import float_of, int_of, list_of, object_of, objects_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.formats.jsonl_reader import BrokenLine, numbered, parse
from inspector.formats.trace_tokens import CHAT, Tokens
from inspector.model.flow import Capture, End, Flow, Reason, Request, Response, Timing
from inspector.model.headers import Headers

logger = logging.getLogger("inspector.trace")

Json = dict[str, Any]

KEYS = frozenset({"turn", "request", "response", "latency_s"})
"""Keys by which a line is known for one of a trace."""
URL = "http://trace.invalid/v1/chat/completions"
"""Stands for the place that a trace does not name: nothing can be sent there (RFC 2606)."""

_JSON = Headers([("content-type", "application/json")])


class TurnRecord(TypedDict):
    """One turn: a request to a model, and its answer. The flat lists are those of the answer's first choice."""

    turn: int
    """From 1, by arrival."""
    request: Json
    """The body as it was sent on."""
    response: Json
    """A whole `chat.completion`, assembled where it was streamed. For a turn that failed, `choices` is empty and
    `usage` null, with `upstream_status` (null where nothing answered) and the object `upstream_error`.
    """
    logprobs: list[Json] | None
    """The payload's entries; None for an API that has none."""
    completion_tokens: list[str]
    completion_token_ids: list[int]
    """Empty where the server tells none."""
    per_token_logps: list[float]
    finish_reason: str | None
    latency_s: float
    """From the sending of the request to the last byte of the answer."""
    timestamp: float
    """When the turn ended, in seconds since the epoch."""
    prompt_token_ids: NotRequired[list[int]]
    """Where the server tells them."""
    partial: NotRequired[bool]
    """True where the answer broke off."""


def read_trace(path: str | PathLike[str]) -> list[TurnRecord]:
    """The turns of a trace file, in its order; none where there is no such file.

    A last line that is broken, as of a file that is still being written, is passed over with a warning in the log.
    ValueError, with the line's number, for any other that is no JSON object.
    """
    records: list[TurnRecord] = []
    broken: BrokenLine | None = None
    try:
        with open(path, "rb") as file:
            for number, line in numbered(file):
                if broken is not None:
                    raise ValueError(f"{path}: {broken}")
                try:
                    records.append(cast(TurnRecord, parse(line)))
                except (ValueError, RecursionError) as error:
                    broken = BrokenLine(number, f"not a JSON object ({error})")
    except FileNotFoundError:
        return []
    if broken is not None:
        logger.warning("%s: the last line is passed over: %s", path, broken)
    return records


def read(source: Iterable[bytes]) -> Iterator[Flow | BrokenLine]:
    """The flows that the turns of a trace were, as far as it tells; what is broken is named and passed over."""
    for number, line in numbered(source):
        try:
            yield _flow(parse(line), number)
        except (ValueError, RecursionError, OverflowError) as error:
            yield BrokenLine(number, f"not a turn of a trace ({error})")


def _flow(record: Json, number: int) -> Flow:
    """A flow with a whole answer in the place of the stream that may have come."""
    if missing := sorted(KEYS - record.keys()):
        raise ValueError(f'"{missing[0]}" is missing')
    latency = _seconds(record.get("latency_s"))
    response = object_of(record["response"])
    status, error = int_of(response.get("upstream_status")), response.get("upstream_error")
    flow = Flow(
        f"turn-{number}",
        Request("POST", URL, _JSON, Capture(json_bytes(object_of(record["request"])))),
        started=max(_seconds(record.get("timestamp")) - latency, 0.0),
        source="file",
        dialect=CHAT,
        timing=Timing(received=0.0, forwarded=0.0, ended=latency * 1000),
        end=End(Reason.INTERRUPTED if record.get("partial") else Reason.DONE, "file"),
    )
    failed = error is not None and not response.get("choices")
    if failed and status is None:
        flow.error = text_of(object_of(error).get("error")) or "there was no answer"
        flow.end = End(Reason.INTERRUPTED, "file")
        return flow
    body = error if failed else _with_tokens(response, record)
    flow.response = Response(status if status is not None and failed else 200, _JSON)
    flow.response.body.append(latency * 1000, json_bytes(body))
    flow.timing.head = latency * 1000
    return flow


def _with_tokens(response: Json, record: Json) -> Json:
    """The answer with the tokens put back that stand beside it only."""
    choices = objects_of(response.get("choices"))
    if not choices:
        return response
    first, entries, ids = dict(choices[0]), objects_of(record.get("logprobs")), record.get("completion_token_ids")
    if entries and not first.get("logprobs"):
        first["logprobs"] = {"content": entries}
    if ids and not first.get("token_ids") and Tokens(entries).ids != ids:
        first["token_ids"] = ids
    whole = {**response, "choices": [first, *choices[1:]]}
    if list_of(record.get("prompt_token_ids")):
        whole["prompt_token_ids"] = record["prompt_token_ids"]
    return whole


def _seconds(value: object) -> float:
    number = float_of(value)
    return number if number is not None and isfinite(number) else 0.0
