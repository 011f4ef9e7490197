"""What the screen writes when its terminal is gone, and that it does not take it again."""

from __future__ import annotations

import os
from typing import cast

import pytest
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver

from inspector.tui.driver import PatientFile, patient


def test_what_nobody_reads_is_thrown_away() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", closefd=True) as file:
        patient_file = PatientFile(file)
        patient_file.write("a")
        patient_file.flush()
        assert os.read(reader, 9) == b"a" and patient_file.fileno() == writer
        os.close(reader)
        for _ in range(100):
            patient_file.write("b" * 10_000)
            patient_file.flush()
        with pytest.raises(BrokenPipeError):
            os.write(writer, b"c")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, writer)
        os.close(nowhere)


@pytest.mark.anyio
async def test_a_terminal_that_is_gone_is_not_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    monkeypatch.setattr(LinuxDriver, "_sigcont_application", lambda self, *_: taken.append(True))
    driver = cast(LinuxDriver, patient(LinuxDriver)(App[None]()))
    there, gone = os.openpty()
    try:
        driver.fileno = gone
        driver._sigcont_application()
        assert taken == [True]
        os.close(there)
        driver._sigcont_application()
        assert taken == [True]
    finally:
        os.close(gone)


def test_other_drivers_stay_as_they_are() -> None:
    assert patient(HeadlessDriver) is HeadlessDriver
