"""A request as a call of Cohere's own Python SDK. https://docs.cohere.com/reference/chat"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from inspector.formats._python_literal import python, string
from inspector.formats._python_script import (
    TIMEOUT,
    arguments_of,
    call,
    headers_beside,
    is_plain,
    key_of,
    mapping,
    record,
)
from inspector.formats._snippet_request import Asked, literal

_PATH = "/v2/chat"
_BASE = "https://api.cohere.com"
_CARRIER = "authorization"
_KNOWN = ("model", "messages", "tools", "max_tokens", "temperature", "p", "k", "seed", "stop_sequences")


def lines(request: Asked, body: dict[str, Any]) -> list[str] | None:
    """The script without the import of `os`; None where the SDK would send something else. It always says `stream`."""
    url, streams = urlsplit(literal(request.url)), body.get("stream")
    named = {name: value for name, value in body.items() if name in _KNOWN and value is not None}
    wanted = isinstance(streams, bool) and isinstance(named.get("messages"), list) and "model" in named
    if not (wanted and url.path.endswith(_PATH) and not url.query and is_plain(request, (_CARRIER,))):
        return None
    client = [f"api_key={key_of(request, (_CARRIER,))[1]}"]
    if (base := literal(request.url).removesuffix(_PATH)) != _BASE:
        client.append(f"base_url={string(base)}")
    options = [f'"timeout_in_seconds": {TIMEOUT}']
    if extra := {name: value for name, value in body.items() if name not in (*named, "stream")}:
        options.append(f'"additional_body_parameters": {python(extra, 2)}')
    if headers := headers_beside(request, (_CARRIER,)):
        options.append(f'"additional_headers": {mapping(headers, 2)}')
    arguments = [*arguments_of(named), f"request_options={record(options)}"]
    name = "client.chat" + ("_stream" if streams else "")
    written = call(name, arguments, "{}.model_dump_json(exclude_none=True)", streams=streams is True)
    return ["from cohere import ClientV2", "", f"client = ClientV2({', '.join(client)})", *written]
