"""Which session a request belongs to: what its client was given for a name, and what it calls the session itself.

A name is given by whoever starts the client, in its base URL (`http://127.0.0.1:7077/s/NAME/v1`) or with a header. Both
are taken out before the request goes on. Clients' own names stand in their headers and bodies, which stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from inspector.model.flow import Flow
from inspector.model.headers import SECRET, Headers

GIVEN_HEADER = "x-inspector-session"
"""Gives a request's session its name, where the path does not."""
GIVEN_PATH = "/s/"
"""What stands before the name in a base URL."""
_GIVEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}")

_SESSION = (
    "x-claude-code-session-id",
    "session-id",
    "session_id",
    "x-opencode-session",
    "x-session-id",
    "x-session-affinity",
    "conversation_id",
    "conversation-id",
    "x-conversation-id",
    "x-client-session-id",
    "x-kilocode-taskid",
    "x-roo-task-id",
    "x-mux-workspace-id",
    "x-amp-thread-id",
    "x-zed-thread-id",
    "x-openwebui-chat-id",
    "helicone-session-id",
    "x-litellm-session-id",
    "thread-id",
    "thread_id",
)
"""Headers that name a session, the surest first: Claude Code, Codex, opencode, Copilot in editors, Kilo, Roo, Mux, …"""
_THREAD = ("thread-id", "thread_id", "conversation_id")
"""Codex's headers for a thread, of which a session with sub-agents has several."""
_PARENT = ("x-codex-parent-thread-id", "x-parent-session-id", "x-opencode-parent-session")
"""Headers by which a sub-agent names the session or thread that started it: Codex, opencode."""
_PASSING = ("x-interaction-id",)
"""Headers that name one question with what follows from it, in want of a session: Copilot."""
_CARRIERS = ("x-codex-turn-metadata",)
"""Headers and fields that hold a JSON object with names in it."""
_FIELDS = ("session_id", "sessionId", "conversation_id", "thread_id", "trace_id")
"""Names in the body's metadata, the surest first."""

_USER = re.compile(r"_session_([\w.-]+)$")
"""The end of Claude Code's `metadata.user_id`: `user_…_account_…_session_<id>`."""
_ID = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{20,}|(?:ses|sess|session|thread|conv)[_-]\w+", re.IGNORECASE
)
"""What looks like the id of one session, not like the name of an application."""
_CREDENTIAL = re.compile(
    r"(?:bearer|basic)\s|sk-|sk_|rk_|pk-|key-|AIza|gh[opsu]_|github_pat_|xox[abp]-|AKIA|ya29\.|eyJ[\w-]+\.",
    re.IGNORECASE,
)
"""How keys and tokens begin."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Session:
    """Names by which a client ties its requests together; empty where it gives none."""

    name: str = ""
    thread: str = ""
    """The conversation in it, where the client tells them apart."""
    parent: str = ""
    """The session or the thread that started this one."""
    lasting: bool = True
    """Whether the name holds for a whole conversation; else only for one question and what follows from it."""


def given_name(path: str, headers: Headers) -> tuple[str, str]:
    """The name that a request's session was given, or nothing; and its path without it. The path goes first.

    ValueError, in words for whoever gave it, for what cannot be one.
    """
    by_header, rest = headers.get(GIVEN_HEADER), path
    name = by_header.strip()
    if by_path := path.startswith(GIVEN_PATH):
        name, slash, rest = path.removeprefix(GIVEN_PATH).partition("/")
        rest = slash + rest or "/"
    elif not by_header:
        return "", path
    if not may_name(name):
        where = f"{GIVEN_PATH}NAME/ in the path" if by_path else f"the header {GIVEN_HEADER}"
        raise ValueError(
            f"{where} names a session: up to 100 letters, digits, dots, dashes, tildes and underscores, the first of"
            " them a letter or a digit, and no key"
        )
    return name, rest


def may_name(name: str) -> bool:
    """Whether a name may be given to a session: it stands in URLs, and in the names of files."""
    return _GIVEN.fullmatch(name) is not None and _CREDENTIAL.match(name) is None


def session_name(flow: Flow) -> str:
    """What a flow's session is called in the name of a file: as it was given, else as the client's headers call it.

    Empty where neither could be a name. A flow that was read from a file may bring any.
    """
    name = flow.session or session_of(flow.request.headers, {}).name
    return name if may_name(name) else ""


def session_of(headers: Headers, body: Mapping[str, Any], given: str = "") -> Session:
    """The session that a request names, in its headers first, else in its body's top-level fields.

    Where it was given a name, it has that one, and the client's own stands for the conversation in it. No credential is
    ever taken for a name: neither what looks like one nor what stands in a header for them.
    """
    own = _own(headers, body)
    if not given:
        return own
    return Session(given, own.thread or (own.name if own.lasting else ""), own.parent)


def _own(headers: Headers, body: Mapping[str, Any]) -> Session:
    given = {name.lower(): value for name, value in reversed(headers.pairs)}
    secrets = {word for name in SECRET & given.keys() for word in given[name].split()}

    def safe(value: object) -> str:
        return value if isinstance(value, str) and _is_name(value) and value not in secrets else ""

    def header(names: Iterable[str]) -> str:
        return next((value for name in names if (value := safe(given.get(name)))), "")

    def field(names: Iterable[str]) -> str:
        return next((value for each in told for name in names if (value := safe(each.get(name)))), "")

    told = [*(_object(given.get(name)) for name in _CARRIERS), *_fields(body)]
    name = header(_SESSION) or field(_FIELDS) or safe(_of_user(body)) or safe(_of_cache_key(body))
    thread = header(_THREAD) or field(("thread_id",))
    parent = header(_PARENT) or field(("parent_thread_id",))
    if not name and (passing := header(_PASSING)):
        return Session(passing, thread, parent, lasting=False)
    return Session(name, thread, parent)


def _is_name(value: str) -> bool:
    return 0 < len(value) <= _LONGEST and value.isprintable() and _CREDENTIAL.match(value) is None


def _object(value: object) -> Mapping[str, Any]:
    """A JSON object, or a text that holds one; empty where it is none."""
    if isinstance(value, str) and value[:1] == "{":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def _fields(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The objects of a body in which clients leave names."""
    metadata, client = _object(body.get("metadata")), _object(body.get("client_metadata"))
    top = {key: body[key] for key in ("session_id", "sessionId") if key in body}
    return [*(_object(client.get(name)) for name in _CARRIERS), client, metadata, _object(metadata.get("user_id")), top]


def _of_user(body: Mapping[str, Any]) -> str:
    """The session in the name of a user, where one stands there."""
    for user in (_object(body.get("metadata")).get("user_id"), body.get("user")):
        if isinstance(user, str):
            found = _USER.search(user)
            if found or _object(user):
                return found[1] if found else str(_object(user).get("session_id", ""))
    return ""


def _of_cache_key(body: Mapping[str, Any]) -> str:
    """OpenAI's `prompt_cache_key`, where it is the id of one conversation: Codex and opencode set it so."""
    key = body.get("prompt_cache_key")
    return key if isinstance(key, str) and _ID.fullmatch(key) else ""
