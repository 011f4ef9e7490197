"""A request as a call of `google-genai`, Gemini's Python SDK.

Its types refuse what they do not know, and take base64 for text. So only plain contents and a few settings become
arguments; all else goes into the body as it is, by `extra_body`.
https://googleapis.github.io/python-genai/
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from inspector.formats._python_literal import python, string
from inspector.formats._python_script import (
    INDENT,
    arguments_of,
    call,
    headers_beside,
    is_plain,
    key_of,
    mapping,
    record,
)
from inspector.formats._snippet_request import Asked, literal

_PATH = re.compile(r"(.*)/(v\d\w*)/models/([\w.-]+):(generateContent|streamGenerateContent)", re.ASCII)
_BASE = "https://generativelanguage.googleapis.com"
_CARRIER = "x-goog-api-key"
_OWN = (_CARRIER, "x-goog-api-client", "x-server-timeout")
_SETTINGS = {"temperature": float, "topP": float, "maxOutputTokens": int, "seed": int}
_MEMBERS: dict[str, dict[str, type]] = {
    "functionCall": {"id": str, "name": str, "args": dict},
    "functionResponse": {"id": str, "name": str, "response": dict},
}


def lines(request: Asked, body: dict[str, Any]) -> list[str] | None:
    """The script without the import of `os`; None where the SDK would send something else."""
    url = urlsplit(literal(request.url))
    found = _PATH.fullmatch(url.path)
    contents = body.get("contents")
    if found is None or not is_plain(request, (_CARRIER,)) or not isinstance(contents, list) or not contents:
        return None
    streams = found[4] == "streamGenerateContent"
    if url.query != ("alt=sse" if streams else "") or not all(map(_is_plain, contents)):
        return None
    named, beside = _divided({name: value for name, value in body.items() if name != "contents"})
    arguments = arguments_of({"model": found[3], "contents": contents, **({"config": named} if named else {})})
    name = "client.models.generate_content" + ("_stream" if streams else "")
    written = call(name, arguments, "{}.model_dump_json(exclude_none=True)", streams=streams)
    options = [f'"api_version": {string(found[2])}']
    if (base := f"{url.scheme}://{url.netloc}{found[1]}") != _BASE:
        options.insert(0, f'"base_url": {string(base)}')
    if beside:
        options.append(f'"extra_body": {python(beside, 2)}')
    if headers := headers_beside(request, _OWN):
        options.append(f'"headers": {mapping(headers, 2)}')
    client = [
        *("client = genai.Client(", f"{INDENT}api_key={key_of(request, (_CARRIER,))[1]},"),
        *(f"{INDENT}http_options={record(options)},", ")"),
    ]
    return ["from google import genai", "", *client, *written]


def _divided(body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that become arguments, and what goes into the body as it is. With a setting, the SDK always sends a
    `generationConfig`: there are none where the body has no such thing.
    """
    settings = body.get("generationConfig")
    if not isinstance(settings, dict):
        return {}, body
    named = {name: value for name, value in settings.items() if _is_a(value, _SETTINGS.get(name))}
    if not named:
        return {}, body
    beside = {**body, "generationConfig": {name: value for name, value in settings.items() if name not in named}}
    if not beside["generationConfig"]:
        del beside["generationConfig"]
    if _is_plain(body.get("systemInstruction")):
        named = {"systemInstruction": beside.pop("systemInstruction"), **named}
    return named, beside


def _is_plain(content: object) -> bool:
    """Whether the SDK sends a content as it was: texts, calls and their results."""
    if not isinstance(content, dict) or not content.keys() <= {"role", "parts"}:
        return False
    parts = content.get("parts")
    return content.get("role", "") in ("", "user", "model") and isinstance(parts, list) and all(map(_is_known, parts))


def _is_known(part: object) -> bool:
    if not isinstance(part, dict):
        return False
    kinds = part.keys() - {"thought"}
    if len(kinds) != 1 or not isinstance(part.get("thought", False), bool):
        return False
    (kind,) = kinds
    value, members = part[kind], _MEMBERS.get(kind)
    if members is None:
        return kind == "text" and isinstance(value, str)
    return isinstance(value, dict) and all(isinstance(each, members.get(name, ())) for name, each in value.items())


def _is_a(value: object, kind: type | None) -> bool:
    if isinstance(value, bool) or kind is None:
        return False
    return isinstance(value, int | float) if kind is float else isinstance(value, int)
