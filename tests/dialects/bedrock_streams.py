"""Answers of Bedrock as its SDK, botocore, reads them."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]
from botocore.loaders import Loader  # type: ignore[import-untyped]
from botocore.model import ServiceModel  # type: ignore[import-untyped]
from botocore.parsers import EventStreamJSONParser, create_parser  # type: ignore[import-untyped]

from inspector.model.message import Message, Part, Reasoning, Refusal, Text, ToolCall
from inspector.wire.event import Event
from inspector.wire.eventstream import EventStream
from tests.dialects.recorded import Json

FRAMES = "application/vnd.amazon.eventstream"
HOST = "https://bedrock-runtime.us-east-1.amazonaws.com"


@cache
def model() -> Any:
    """The service as botocore knows it."""
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))


def sdk_events(body: bytes, shape: str = "ConverseStreamOutput") -> list[Json]:
    """A stream's events, each an object of one member. Checksums are checked; an exception comes as `Error`."""
    buffer, parser = EventStreamBuffer(), EventStreamJSONParser()
    buffer.add_data(body)
    found = []
    for message in buffer:
        response = message.to_response_dict()
        parsed = parser.parse(response, model().shape_for(shape))
        parsed.pop("ResponseMetadata", None)
        assert response["status_code"] == 200 or "Error" in parsed
        found.append(parsed)
    return found


def sdk_document(body: bytes) -> Json:
    """A whole answer of Converse."""
    response = {"body": body, "headers": {}, "status_code": 200}
    found: Json = create_parser("rest-json").parse(response, model().shape_for("ConverseResponse"))
    return found


def sdk_message(body: bytes) -> Json:
    """The message that a stream of Converse makes, put together the plain way."""
    blocks: dict[int, Json] = {}
    message: Json = {"reason": None, "usage": None, "ended": 0}
    for event in sdk_events(body):
        [(name, said)] = event.items()
        match name:
            case "contentBlockStart":
                blocks[said["contentBlockIndex"]] = {"start": said["start"], "text": ""}
            case "contentBlockDelta":
                _fill(blocks.setdefault(said["contentBlockIndex"], {"text": ""}), said["delta"])
            case "messageStop":
                message["reason"] = said["stopReason"]
                message["ended"] += 1
            case "metadata":
                assert message["ended"] == 1
                message["usage"] = said["usage"]
    return {**message, "blocks": [block for _, block in sorted(blocks.items())]}


def _fill(block: Json, delta: Json) -> None:
    [(kind, value)] = delta.items()
    block["kind"] = kind
    if kind == "text":
        block["text"] += value
    elif kind == "toolUse":
        block["text"] += value["input"]
    elif kind == "reasoningContent":
        block["text"] += value.get("text", "")
        block["signature"] = value.get("signature", block.get("signature", ""))
        block["sealed"] = value.get("redactedContent", b"")
    elif kind == "citation":
        block["citations"] = block.get("citations", 0) + 1


def arguments(text: str) -> object:
    """What a call's arguments say; the text, where they are cut."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def block_shape(block: Json) -> object:
    """What a block of the SDK's says, comparable to a part."""
    if tool := block.get("start", {}).get("toolUse"):
        return "call", tool["toolUseId"], tool["name"], arguments(block["text"])
    if "signature" in block:
        return ("sealed",) if block["sealed"] else ("thinking", block["text"], block["signature"])
    return "text", block["text"], block.get("citations", 0)


def shape(part: Part) -> object:
    """The same of a part."""
    match part:
        case Text():
            return "text", str(part.content), len(part.citations)
        case Refusal():
            return "text", str(part.content), 0
        case Reasoning():
            return ("sealed",) if part.encrypted else ("thinking", str(part.content), part.signature)
        case ToolCall():
            return "call", part.id, part.name, arguments(str(part.arguments))
        case _:
            raise AssertionError(part)


def visible(parts: list[Part]) -> list[Part]:
    """The parts that a stream of Converse shows: a text or thought begins with its first words."""
    return [part for part in parts if shape(part) not in (("text", "", 0), ("thinking", "", ""))]


def shapes(message: Message) -> list[object]:
    """What the parts of a message say."""
    return [shape(part) for part in visible(message.parts)]


def read_events(pieces: list[bytes]) -> list[Event]:
    """Frames as events."""
    framing = EventStream()
    return [event for piece in pieces for event in framing.feed(piece)] + framing.close()
