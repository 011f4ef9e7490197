"""Amazon Bedrock's Converse API: `POST /model/{id}/converse` and `…/converse-stream`, the same for every model.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import ClassVar

from inspector.dialects._base import Reader, parse_object
from inspector.dialects._bedrock import operation_of
from inspector.dialects._converse_reader import ConverseReader
from inspector.dialects._converse_request import read_prompt
from inspector.dialects._converse_writer import ConverseWriter
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Transcript


class BedrockConverse:
    """Converse and ConverseStream."""

    name: ClassVar[str] = "bedrock-converse"
    terminal: ClassVar[tuple[bytes, ...]] = (b"\x0bmessageStop",)
    """With the length that stands before it in its frame's headers: JSON has no such byte."""
    call_marks: ClassVar[tuple[bytes, ...]] = (b"toolUse",)
    writer: ClassVar[Writer | None] = ConverseWriter()
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """A POST to `…/model/{id}/converse`, streaming or not."""
        asked = operation_of(request)
        return asked is not None and asked[1].startswith("converse")

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object."""
        prompt = read_prompt(parse_object(body))
        if asked := operation_of(request):
            prompt.model, prompt.stream = asked[0], asked[1].endswith("-stream")
        return prompt

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return ConverseReader(transcript)
