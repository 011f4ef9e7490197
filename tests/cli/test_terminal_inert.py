"""What really goes to the terminal of the real program: nothing in it is of somebody else's making."""

from __future__ import annotations

import os
import re
import shlex
import sys
from pathlib import Path

from inspector.formats import EXPORTERS
from inspector.store.transcripts import Transcripts
from tests.cli.terminals import Terminal, terminal
from tests.tui.test_hostile import chat, unread

STEERS = (
    "\x1b]0;TITLE-EVIL\x07\x1b]52;c;RVZJTA==\x07\x1b]8;;http://evil\x1b\\EVIL\x1b]8;;\x1b\\\x1bPEVIL\x1b\\\x1b[8mEVIL\x1b[0m"
    "\x9b2JEVIL\x9d0;EVIL\x9c\x1bc\x1b[6n\x1b[21t\u202eEVIL\u2066\u200b\x85\x08\x7f\x0e"
)
"""Title, clipboard, link, device control, hidden text, C1 controls, reset, answers as if typed, bidi, and the rest."""
SEQUENCES = re.compile(
    r"\x1b\[[0-9;:?<>=$]*[@-~]|\x1b[78=>]|\x1bP\+q[0-9A-Fa-f;]*\x1b\\|\x1b\[\?[0-9;]*\$p|\x1b\]22;[a-z]*\x07"
)
"""What the program itself writes, the pointer's shape last."""


def recording(folder: Path) -> Path:
    """A hostile file with a hostile name."""
    flows = [chat(), unread()]
    for flow in flows:
        flow.agent, flow.provider = flow.agent + STEERS, STEERS
        flow.request.url += STEERS
        flow.error = STEERS
        flow.note(STEERS)
    broken = STEERS.encode() + b"\n"
    file = folder / "evil\x1b]0;NAME-EVIL\x07\x9b.jsonl"
    file.write_bytes(b"".join(map(EXPORTERS["jsonl"].lines(flows, Transcripts()), flows)) + broken)
    return file


def environment(folder: Path) -> dict[str, str]:
    """One of a person with nothing set."""
    own = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "HOME": str(folder), "XDG_STATE_HOME": str(folder)}
    return {**{name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}, **own}


def check(screen: Terminal) -> None:
    """Nothing is left but the program's own sequences, and text."""
    rest = SEQUENCES.sub("", screen.written)
    acting = {each for each in rest if not each.isprintable() and each not in "\r\n\t\xa0\u3000"}
    assert not acting, sorted(map(ascii, acting))
    assert "\x1b[6n" not in screen.written and "\x1b[21t" not in screen.written and "\x1b[8m" not in screen.written
    assert "EVIL" in screen.written


def test_the_screen_is_not_steered(tmp_path: Path) -> None:
    file = recording(tmp_path)
    with terminal([sys.executable, "-m", "inspector", "open", str(file)], environment(tmp_path)) as screen:
        screen.hears("NAME-EVIL")
        screen.press("\r")
        screen.hears("‹U+202E›")
        screen.press("1")
        screen.hears("‹U+202E›")
        screen.press("q")
        screen.ends()
    check(screen)


def test_no_command_is_steered(tmp_path: Path) -> None:
    file = recording(tmp_path)
    inspector = f"{shlex.quote(sys.executable)} -m inspector"
    sessions = tmp_path / "inspector" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / f"{file.stem}.db").write_bytes(b"SQLite format 3\0no")
    words = [
        *(f"{inspector} export {shlex.quote(str(file))} --format {name}" for name in ("jsonl", "markdown")),
        f"{inspector} replay {shlex.quote(str(file))} nobody",
        f"{inspector} open {shlex.quote(str(sessions / f'{file.stem}.db'))}",
        f"{inspector} sessions",
    ]
    with terminal(["sh", "-c", "; ".join([*words, "echo over"])], environment(tmp_path)) as screen:
        screen.hears("over")
        screen.ends()
    check(screen)
