"""What the two APIs of Amazon Bedrock have in common: where they are asked, and how they fail.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from inspector.dialects._base import Json
from inspector.dialects._fields import error_text, object_of, text_of
from inspector.dialects._pieces import json_bytes
from inspector.model.flow import Request
from inspector.wire.eventstream import exception_frame

_OPERATIONS = frozenset({"converse", "converse-stream", "invoke", "invoke-with-response-stream"})
_MODEL = "/model/"


def operation_of(request: Request) -> tuple[str, str] | None:
    """The model and the operation that a request asks for, by its path; None where it is none of these.

    The model is an id, or a resource name (ARN), whose colons and slashes clients encode or not.
    """
    path, _, operation = request.url.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")
    if request.method != "POST" or operation not in _OPERATIONS or _MODEL not in path:
        return None
    model = unquote(path.partition(_MODEL)[2].strip("/"))
    return (model, operation) if model else None


def path_to(model: str, operation: str) -> str:
    """The path of a request, from the root."""
    return f"/model/{quote(model, safe='')}/{operation}"


def is_signed(request: Request) -> bool:
    """Whether a request bears Amazon's signature (SigV4). It covers body, path and host: changed, it is refused; and so
    it is some minutes after it was signed.
    """
    return request.headers.get("authorization").startswith("AWS4-") or "X-Amz-Signature=" in request.url


def failure_of(name: str, data: Json) -> str | None:
    """The words of an exception in a stream, or of an error's body, as `type: message`; None where it is none."""
    if "error" in data or "detail" in data:
        return error_text(data)
    data = object_of(data.get("Output")) or data
    kind = text_of(data.get("__type")).rpartition("#")[2] or name
    words = text_of(data.get("message")) or text_of(data.get("Message")) or text_of(data.get("originalMessage"))
    if not words and not kind.endswith(("Exception", "Error")):
        return None
    return ": ".join(filter(None, (kind, words)))


def error_body(message: str) -> bytes:
    """The body of an HTTP error; its type stands in the header `x-amzn-errortype`."""
    return json_bytes({"message": message})


def failed(error: str) -> bytes:
    """The frame with which a stream breaks off. `error` is as the transcript has it: `type: message`."""
    kind, found, words = error.partition(": ")
    if not (found and kind.endswith("Exception")):
        kind, words = "modelStreamErrorException", error
    return exception_frame(kind, error_body(words))
