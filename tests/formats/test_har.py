"""HAR 1.2: what is written follows the specification, whatever a flow holds."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.formats import EXPORTERS
from inspector.formats.har import timings
from inspector.formats.jsonl import read
from inspector.formats.redaction import Redaction
from inspector.model.flow import Capture, Flow, Mutation, Reason, Request, Response, Timing
from inspector.model.headers import Headers
from inspector.store.transcripts import Transcripts
from tests.captures import capture_flows
from tests.formats.har_schema import HAR
from tests.formats.schemas import check
from tests.handmade import STARTED, chat_chunks, chat_flow, done_chat, finish, respond, stream

KEY = "sk-ant-REDACT0123456789abcdefgh"
milestone = st.none() | st.floats(-10, 1e6) | st.just(float("nan"))


def archive(flows: Iterable[Flow]) -> Any:
    """The log of an archive with these flows."""
    exporter = EXPORTERS["har"]
    line = exporter.lines((), Transcripts(limit=1))
    data = json.loads(exporter.head + b"".join(map(line, flows)) + exporter.foot)
    check(data, HAR)
    return data["log"]


def test_an_exchange_is_an_entry() -> None:
    flow = done_chat("f7")
    flow.marked, flow.comment, flow.seq = True, "why twice?", 7
    (one,) = archive([flow])["entries"]
    assert one["startedDateTime"] == "2025-11-21T08:00:00.250000Z" and one["comment"] == "why twice?"
    asked, given = one["request"], one["response"]
    assert (asked["method"], asked["url"], asked["httpVersion"]) == ("POST", flow.request.url, "HTTP/1.1")
    assert json.loads(asked["postData"]["text"])["model"] == "gpt-5-mini"
    assert (given["status"], given["statusText"]) == (200, "OK")
    assert given["content"]["text"] == "".join(chunk.decode() for chunk in chat_chunks())
    assert given["content"]["mimeType"].startswith("text/event-stream")
    more = one["_inspector"]
    assert (more["id"], more["number"], more["marked"], more["state"]) == ("f7", "7", True, "done")
    assert [at for at, _ in more["chunks"]] == [500 + 10 * number for number in range(len(chat_chunks()))]
    assert sum(size for _, size in more["chunks"]) == given["bodySize"]


def test_it_is_told_apart_from_what_can_be_opened(tmp_path: Path) -> None:
    exporter = EXPORTERS["har"]
    data = exporter.head + exporter.lines((), Transcripts())(done_chat()) + exporter.foot
    (path := tmp_path / "a.har").write_bytes(data)
    assert [str(each) for each in read(path)] == ["line 1: this is not JSON lines but a HAR archive"]


def test_no_flows_are_an_archive_too() -> None:
    assert archive([])["entries"] == []


def test_the_first_has_no_comma_and_every_other_one_has() -> None:
    line = EXPORTERS["har"].lines((), Transcripts(limit=1))
    lines = [line(done_chat(name)) for name in ("a", "b", "c")]
    assert [each[:1] for each in lines] == [b"{", b",", b","]
    assert all(each.count(b"\n") == 1 and each.endswith(b"\n") for each in lines)


def test_a_flow_without_an_answer_has_one_of_status_0() -> None:
    flow = finish(chat_flow(), Reason.UPSTREAM_UNREACHABLE)
    flow.error = "refused"
    (one,) = archive([flow])["entries"]
    assert (one["response"]["status"], one["response"]["bodySize"]) == (0, -1)
    assert (one["response"]["_error"], one["_inspector"]["end"]["reason"]) == ("refused", "upstream_unreachable")
    assert "chunks" not in one["_inspector"]


def test_a_live_flow_is_written_as_far_as_it_has_come() -> None:
    flow = stream(respond(chat_flow()), chat_chunks(usage=None, finish=None))
    (one,) = archive([flow])["entries"]
    assert one["time"] == 510.0 and one["timings"]["receive"] == 110.0


def test_bodies_are_decoded_and_what_is_no_text_is_base64() -> None:
    picture = bytes(range(256))
    flow = respond(chat_flow(), content_type="image/png")
    assert flow.response is not None
    flow.response.headers = Headers([*flow.response.headers, ("Content-Encoding", "gzip")])
    finish(stream(flow, [packed := gzip.compress(picture * 9)]))
    flow.request.body = Capture(picture)
    (one,) = archive([flow])["entries"]
    content, posted = one["response"]["content"], one["request"]["postData"]
    assert b64decode(content["text"]) == picture * 9 and content["encoding"] == "base64"
    assert (content["size"], one["response"]["bodySize"]) == (2304, len(packed))
    assert content["compression"] == 2304 - len(packed)
    assert b64decode(posted["text"]) == picture and posted["_encoding"] == "base64"


def test_what_cannot_be_decoded_is_there_as_it_came_with_a_remark() -> None:
    flow = respond(chat_flow())
    assert flow.response is not None
    flow.response.headers = Headers([("Content-Encoding", "gzip")])
    (one,) = archive([finish(stream(flow, [b"\x00\xffno gzip"]))])["entries"]
    assert b64decode(one["response"]["content"]["text"]) == b"\x00\xffno gzip"
    assert one["response"]["content"]["comment"]


def test_secrets_are_masked_and_keys_in_bodies_can_be() -> None:
    flow = done_chat(prompt=f"my key is {KEY}")
    flow.request.url += f"?key={KEY}&x=1"
    flow.comment = f"look: {KEY}"
    exporter = EXPORTERS["har"]
    line = exporter.lines((), Transcripts(limit=1))
    assert line(flow).count(KEY.encode()) == 2 and b"0123456789abcdefghij" not in line(flow)
    hidden = Redaction().line(exporter.lines((), Transcripts(limit=1)))(flow)
    assert KEY.encode() not in hidden
    assert {pair["name"]: pair["value"] for pair in json.loads(hidden)["request"]["queryString"]}["x"] == "1"


def test_what_was_changed_on_the_way_is_told() -> None:
    flow = done_chat()
    flow.forwarded = flow.request.with_body(b'{"model":"other"}')
    flow.delivered = Response(200, Headers([("content-type", "text/plain")]), "OK", Capture(b"mine"))
    flow.mutations.append(Mutation("body", "hand", "a", "b"))
    (one,) = archive([flow])["entries"]
    assert one["request"]["postData"]["text"] == '{"model":"other"}'
    assert one["response"]["content"]["text"] == "mine"
    more = one["_inspector"]
    assert json.loads(more["received"]["postData"]["text"])["model"] == "gpt-5-mini"
    assert more["upstream"]["content"]["text"].startswith("data: ")
    assert more["mutations"] == [{"name": "body", "by": "hand"}]


@pytest.mark.parametrize(
    ("timing", "took"),
    [
        (
            Timing(1, 2, 400, 1000, resolved=12, reached=32, connected=62),
            {"blocked": 2, "dns": 10, "connect": 50, "ssl": 30, "send": 0, "wait": 338, "receive": 600},
        ),
        (
            Timing(1, 2, 400, 1000, connected=3, reused=True),
            {"blocked": 3, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 397, "receive": 600},
        ),
        (Timing(1), {"blocked": 0, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 0, "receive": 0}),
    ],
)
def test_where_the_time_went(timing: Timing, took: dict[str, float]) -> None:
    flow = chat_flow()
    flow.timing = timing
    assert timings(flow) == took


@settings(deadline=None, max_examples=60)
@given(st.lists(milestone, min_size=7, max_size=7), st.sampled_from(["http", "https"]))
def test_the_phases_are_never_more_than_the_whole(marks: list[float | None], scheme: str) -> None:
    received, forwarded, resolved, reached, connected, head, ended = marks
    flow = Flow("f", Request("GET", f"{scheme}://h/", Headers()), STARTED)
    flow.timing = Timing(received, forwarded, head, ended, resolved=resolved, reached=reached, connected=connected)
    (one,) = archive([flow])["entries"]
    latest = max((at for at in marks if at is not None and at == at), default=0.0)
    assert one["time"] <= max(0.0, latest) + 0.01


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_whatever_a_flow_holds_the_archive_is_valid(body: bytes, text: str, url: str) -> None:
    flow = respond(chat_flow(), content_type=text)
    flow.request.url, flow.comment, flow.agent = url, text, text
    flow.request.body = Capture(body)
    log = archive([finish(stream(flow, [body])), done_chat("g")])
    assert [each["_inspector"]["id"] for each in log["entries"]] == ["f1", "g"]


def test_recorded_traffic_is_valid() -> None:
    flows = list(islice(capture_flows(), 60))
    assert [each["_inspector"]["id"] for each in archive(flows)["entries"]] == [flow.id for flow in flows]
