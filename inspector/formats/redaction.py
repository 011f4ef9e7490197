"""Keys within bodies, put out of sight where a file is to be shared: prompts quote them, and tools print them.

A key becomes a pseudonym of the same length, the same one wherever it stands in one export, so that offsets, chunks and
token boundaries still hold. Found is what is known by its looks: keys of model providers, GitHub, GitLab, Slack, AWS
(the id, not the secret), Google, Stripe, npm and Hugging Face, JSON web tokens, and private keys in PEM. Not found is
what looks like nothing (passwords, AWS secrets), what is encoded once more within a body (base64), and what a model
says in pieces, an event for each. A body whose encoding cannot be read is left out.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import replace
from typing import TypeVar

from inspector.formats._exporter import Line
from inspector.model.flow import Capture, Flow, Request, Response
from inspector.wire.encodings import DecodeError, decoder_for

_Message = TypeVar("_Message", Request, Response)

_BEFORE = rb"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))"
"""Where a word begins: also behind a line feed that JSON has escaped."""
_KEYS = (
    rb"(sk-(?:ant-|proj-|or-v1-)?)(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}",
    rb"([rs]k_(?:live|test)_|gsk_|hf_|npm_|gh[opsur]_|github_pat_|glpat-|xai-|pplx-)[A-Za-z0-9_-]{20,}",
    rb"(xox[abeoprs]-|xapp-)[A-Za-z0-9-]{10,}",
    rb"(AIza|ya29\.)[A-Za-z0-9_-]{30,}",
    rb"(AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",
    rb"(eyJ)[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",
)
_KEY = re.compile(_BEFORE + rb"(?:" + rb"|".join(_KEYS) + rb")")
_PEM = re.compile(
    rb"(-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----)([A-Za-z0-9+/=:,.\s\\-]{16,65536}?)(?=-----END (?:[A-Z]+ )*PRIVATE KEY)"
)
_KEPT = re.compile(rb"\s|\\+[nrt]|[^A-Za-z0-9]")
"""What of a private key stays: its line breaks, also as JSON writes them, and its signs."""
_MARK = b"REDACTED"
_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Redaction:
    """Pseudonyms that stay the same as long as this lives, and cannot be traced back."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)

    def line(self, line: Line) -> Line:
        """What writes flows without the keys in them."""
        return lambda flow: self.hide(line(self.flow(flow)))

    def hide(self, data: bytes) -> bytes:
        """The same number of bytes, without keys. What has none is given back as it is."""
        if b"PRIVATE KEY-----" in data:
            data = _PEM.sub(lambda found: found[1] + self._filled(found[2]), data)
        return _KEY.sub(self._pseudonym, data)

    def flow(self, flow: Flow) -> Flow:
        """A copy without keys in its bodies; the flow itself where none has any."""
        request, forwarded = self._message(flow.request) or flow.request, self._message(flow.forwarded)
        response, delivered = self._message(flow.response), self._message(flow.delivered)
        before = (flow.request, flow.forwarded, flow.response, flow.delivered)
        if all(new is old for new, old in zip((request, forwarded, response, delivered), before, strict=True)):
            return flow
        return replace(flow, request=request, forwarded=forwarded, response=response, delivered=delivered)

    def _message(self, message: _Message | None) -> _Message | None:
        """A request or a response with another body, decoded where a key is found in what was encoded.

        One whose encoding cannot be read is left out: nobody knows what is in it.
        """
        if message is None:
            return None
        try:
            plain = _decoded(message)
        except DecodeError:
            plain = None if _is_text(message.body) else Capture()
        body = message.body if plain is None else plain
        data = bytes(body)
        hidden = self.hide(data)
        if hidden == data and (data or not message.body):
            return message
        copy = Capture()
        copy.data[:], copy.times[:], copy.ends[:] = hidden, body.times, body.ends
        headers = message.headers if plain is None else message.headers.without("content-encoding", "content-length")
        return replace(message, headers=headers, body=copy)

    def _pseudonym(self, found: re.Match[bytes]) -> bytes:
        prefix: bytes = found[found.lastindex or 0]
        rest = found[0][len(prefix) :]
        if rest.startswith(_MARK):
            return found[0]
        return prefix + (_MARK + self._digits(found[0], len(rest)))[: len(rest)]

    def _digits(self, key: bytes, length: int) -> bytes:
        digest = hmac.digest(self._salt, key, hashlib.sha256)
        return bytes(_DIGITS[byte & 31] for byte in digest * (length // len(digest) + 1))[:length]

    def _filled(self, text: bytes) -> bytes:
        kept = {at for found in _KEPT.finditer(text) for at in range(*found.span())}
        return bytes(byte if at in kept else ord("X") for at, byte in enumerate(text))


def _decoded(message: Request | Response) -> Capture | None:
    """The body of a message without its content-encoding, chunk by chunk; None where it has none.

    DecodeError where it cannot be read.
    """
    decoder = decoder_for(",".join(message.headers.all("content-encoding")))
    if decoder is None:
        return None
    plain = Capture()
    for number, at in enumerate(message.body.times):
        plain.append(at, decoder.feed(message.body.chunk(number)))
    return plain


def _is_text(body: Capture) -> bool:
    """Whether a body is plain, whatever its head says."""
    try:
        return "\0" not in bytes(body).decode()
    except UnicodeDecodeError:
        return False
