"""Amazon Bedrock's InvokeModel: `POST /model/{id}/invoke` and `…/invoke-with-response-stream`.

What goes in and out is the API of the model's own maker. A stream wraps its events: `{"bytes": "<base64>"}`.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html
"""

from __future__ import annotations

from typing import ClassVar

from inspector.dialects._base import Reader, parse_object
from inspector.dialects._bedrock import operation_of
from inspector.dialects._invoke_events import METRICS, base64_marks
from inspector.dialects._invoke_reader import InvokeReader
from inspector.dialects._invoke_request import read_prompt
from inspector.dialects._invoke_writer import InvokeWriter
from inspector.dialects._logprobs import Logprobs
from inspector.dialects._writing import Writer
from inspector.model.flow import Request
from inspector.model.message import Prompt, Transcript


class BedrockInvoke:
    """InvokeModel and InvokeModelWithResponseStream."""

    name: ClassVar[str] = "bedrock-invoke"
    terminal: ClassVar[tuple[bytes, ...]] = base64_marks(METRICS)
    """The last event counts tokens."""
    call_marks: ClassVar[tuple[bytes, ...]] = base64_marks("tool_", "input_json", "toolUse", "tool-call")
    writer: ClassVar[Writer | None] = InvokeWriter()
    logprobs: ClassVar[Logprobs | None] = None

    def matches(self, request: Request) -> bool:
        """A POST to `…/model/{id}/invoke`, streaming or not."""
        asked = operation_of(request)
        return asked is not None and asked[1].startswith("invoke")

    def prompt(self, request: Request, body: bytes) -> Prompt:
        """Read a request's body. ValueError where it is no JSON object."""
        model, operation = operation_of(request) or ("", "")
        prompt = read_prompt(parse_object(body), model)
        prompt.model, prompt.stream = model, operation.endswith("-stream")
        return prompt

    def reader(self, transcript: Transcript) -> Reader:
        """A reader of one answer, streamed or whole."""
        return InvokeReader(transcript)
