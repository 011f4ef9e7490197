"""Packages that are loaded late: once, in a thread, and missed by nobody where they are not there."""

from __future__ import annotations

import logging
import threading

import pytest

from inspector.store.late_package import LatePackage


def test_it_is_loaded_once_in_a_thread_of_its_own() -> None:
    seen: list[str] = []
    go_on = threading.Event()

    def load() -> str:
        assert go_on.wait(60)
        seen.append(threading.current_thread().name)
        return "it"

    late = LatePackage("loader", load, "it is lost")
    for _ in range(3):
        late.begin()
    assert not late.done.is_set()
    go_on.set()
    assert late.done.wait(60)
    assert (late.loaded, seen) == ("it", ["loader"])


def test_what_cannot_be_loaded_is_told_once_and_never_there(caplog: pytest.LogCaptureFixture) -> None:
    def load() -> str:
        raise ImportError("no such package")

    late = LatePackage("loader", load, "it is lost")
    with caplog.at_level(logging.WARNING):
        late.begin()
        assert late.done.wait(60)
        late.begin()
    assert late.loaded is None and [record.message for record in caplog.records] == ["it is lost"]


def test_where_no_thread_can_be_had_it_is_lost_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    late = LatePackage("loader", lambda: "it", "it is lost")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with caplog.at_level(logging.WARNING):
        late.begin()
    assert late.done.is_set() and late.loaded is None and "it is lost: can't start" in caplog.text
