"""Keys that bodies quote: found by their looks, replaced in the same length, and nothing else touched."""

from __future__ import annotations

import gzip
import json
import re
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats import EXPORTERS
from inspector.formats.jsonl import read
from inspector.formats.redaction import Redaction
from inspector.model.flow import Capture, Flow
from inspector.store.transcripts import Transcripts
from tests.handmade import chat_chunks, chat_request, done_chat

LETTERS = "Ab1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uVwXyZ"
KEYS = [
    f"sk-ant-api03-{LETTERS}-{LETTERS}AA",
    f"sk-proj-{LETTERS}_{LETTERS}",
    f"sk-{LETTERS}",
    f"sk-or-v1-{LETTERS}",
    f"AIza{LETTERS[:35]}",
    f"ghp_{LETTERS}",
    f"github_pat_{LETTERS}_{LETTERS}",
    f"glpat-{LETTERS[:20]}",
    "xoxb-" + "123456789012-1234567890123-abcdefABCDEF",
    "AKIA" + "IOSFODNN7EXAMPLE",
    f"hf_{LETTERS}",
    f"gsk_{LETTERS}{LETTERS}",
    "sk_" + f"live_{LETTERS}",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
]
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1\nabcdEFGH+/1234==\n-----END RSA PRIVATE KEY-----"
INNOCENT = [
    "task-management-system-for-everyone-2024",
    "risk-assessment-and-mitigation",
    "sk-learn",
    "skip-this-and-that-please",
    "sk-one-two-three-four-five",
    "AKIAsomething",
    "eyJub3Q.a.jwt",
    "0123456789abcdef0123456789abcdef01234567",
    "msg_01XFDUDYJgAACzvnptvVoYEL",
    "call_abcdefghijklmnopqrstuvwx",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0\n-----END PUBLIC KEY-----",
]


@pytest.mark.parametrize("key", [*KEYS, PEM])
@pytest.mark.parametrize("around", ["{}", "key={} ", '"{}"', "a\\n{}\\n", "({}),"])
def test_keys_are_hidden_in_their_length(key: str, around: str) -> None:
    text = around.format(key)
    redaction = Redaction()
    hidden = redaction.hide(text.encode()).decode()
    assert len(hidden) == len(text)
    assert key not in hidden and "MIIEowIBAAKCAQEAx1" not in hidden
    assert key == PEM or key[-12:] not in hidden
    assert redaction.hide(hidden.encode()).decode() == hidden


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_a_little_like_a_key_stays(text: str) -> None:
    assert Redaction().hide(text.encode()) == text.encode()


def test_a_key_keeps_its_pseudonym_and_two_keys_have_two() -> None:
    one, other = KEYS[1].encode(), KEYS[1].replace("Z", "Y").encode()
    redaction = Redaction()
    first, again, second = redaction.hide(one + b" " + one + b" " + other).split(b" ")
    assert first == again != second
    assert Redaction().hide(one) != first


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([*KEYS, PEM, *INNOCENT]), st.text(max_size=8)), max_size=8))
def test_json_stays_json_of_the_same_shape(words: list[str]) -> None:
    text = json.dumps({"a": words}).encode()
    hidden = Redaction().hide(text)
    assert len(hidden) == len(text)
    assert [len(word) for word in json.loads(hidden)["a"]] == [len(word) for word in words]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_keep_their_length(data: bytes) -> None:
    assert len(Redaction().hide(data)) == len(data)


def quoting(key: str) -> Flow:
    """A flow whose prompt quotes a key, and whose answer repeats it."""
    return done_chat(prompt=f"my key is {key}\nis it good?", chunks=chat_chunks([f"{key} is good"]))


@pytest.mark.parametrize("name", EXPORTERS)
@pytest.mark.parametrize("key", KEYS)
def test_exports_can_be_shared(name: str, key: str) -> None:
    flow = quoting(key)
    line = EXPORTERS[name].lines([flow], Transcripts())
    assert key.encode() in line(flow)
    assert key.encode() not in Redaction().line(EXPORTERS[name].lines([flow], Transcripts()))(flow)
    assert key.encode() in bytes(flow.request.body)


def test_chunks_times_and_offsets_hold() -> None:
    flow = quoting(KEYS[0])
    line = Redaction().line(EXPORTERS["jsonl"].lines([flow], Transcripts()))(flow)
    (back,) = read(BytesIO(line))
    assert isinstance(back, Flow) and back.response is not None and flow.response is not None
    assert list(back.response.body.ends) == list(flow.response.body.ends)
    assert list(back.response.body.times) == list(flow.response.body.times)
    assert re.search(rb"sk-ant-REDACTED[A-Z2-7]+ is good", bytes(back.response.body))


@pytest.mark.parametrize("encoding", ["gzip", "compress", "br", "gzip, gzip, gzip, gzip, gzip, gzip"])
@pytest.mark.parametrize("body", [b"\x1f\x8b\x08" + KEYS[2].encode() + b"\xff\xff", b"\0" + KEYS[2].encode()])
def test_what_cannot_be_read_is_left_out(encoding: str, body: bytes) -> None:
    flow = done_chat()
    flow.request.headers = flow.request.headers.set("content-encoding", encoding)
    flow.request.body = Capture(body)
    assert not bytes(Redaction().flow(flow).request.body)
    assert bytes(flow.request.body) == body


def test_a_plain_body_that_claims_an_encoding_is_read_as_it_is() -> None:
    flow = done_chat(prompt=f"my key is {KEYS[2]}")
    flow.request.headers = flow.request.headers.set("content-encoding", "gzip")
    hidden = Redaction().flow(flow).request
    assert len(hidden.body) == len(flow.request.body) and KEYS[2].encode() not in bytes(hidden.body)


def test_a_flow_without_keys_is_itself() -> None:
    flow = done_chat()
    assert Redaction().flow(flow) is flow


def test_encoded_bodies_are_decoded_where_they_hold_a_key() -> None:
    flow = done_chat()
    packed = gzip.compress(chat_request(KEYS[1]))
    flow.request.headers = flow.request.headers.set("content-encoding", "gzip").set("content-length", str(len(packed)))
    flow.request.body = Capture()
    for start in range(0, len(packed), 50):
        flow.request.body.append(float(start), packed[start : start + 50])
    hidden = Redaction().flow(flow)
    assert "content-encoding" not in hidden.request.headers and "content-length" not in hidden.request.headers
    assert KEYS[1].encode() not in bytes(hidden.request.body) and b"sk-proj-REDACTED" in bytes(hidden.request.body)
    assert hidden.request.body.times == flow.request.body.times
    assert "content-encoding" in flow.request.headers
    flow.request.body = Capture(gzip.compress(chat_request("no key")))
    assert Redaction().flow(flow) is flow
