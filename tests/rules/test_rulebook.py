"""The file that keeps the rules."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from inspector.model.message import Growing, Media, Text, ToolCall
from inspector.rules.breakpoints import Breakpoints
from inspector.rules.mocks import MockRule, Mocks
from inspector.rules.replies import Reply
from inspector.rules.rulebook import Rulebook
from inspector.rules.spoiling import Fault
from inspector.rules.sticky import StickyEdits
from inspector.store.filters import parse

BEFORE = b'{"role": "user", "content": "h\\u00fc \\"x\\""}'


def empty(path: Path) -> Rulebook:
    return Rulebook(path, Breakpoints(), Mocks(), StickyEdits())


def filled(path: Path) -> Rulebook:
    """A rulebook with some of everything."""
    book = empty(path)
    book.breakpoints.add('tool:Bash arg.command~"rm \\"?\\\\w"')
    book.breakpoints.switch(book.breakpoints.add("end"))
    call = ToolCall(name="Bash", arguments=Growing('{"command": "ls\\n\u007f"}'), done=True)
    book.mocks.add(MockRule(parse("agent:codex"), Reply((Text(Growing("a\nb ✓")), call)), False, 3, 0.25, 7))
    book.mocks.add(MockRule(parse(""), Reply(status=529, retry_after=3, fault=Fault(tokens_per_second=2))))
    book.sticky.add(BEFORE, b'{"role": "user", "content": "other"}')
    book.sticky.switch(book.sticky.add(b'{"type": "text", "text": "gone"}', None, "a reminder"))
    return book


def same(one: Rulebook, other: Rulebook) -> bool:
    """Whether two rulebooks say the same."""
    told = [
        (
            [(str(each), each.on) for each in book.breakpoints],
            [(each.filter, each.reply, each.on, each.count, each.probability, each.seed) for each in book.mocks],
            book.sticky.dump(),
        )
        for book in (one, other)
    ]
    return told[0] == told[1]


def test_what_is_kept_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rules.toml"
    book, again = filled(path), empty(path)
    book.save()
    again.load()
    assert same(book, again)
    again.save()
    other = empty(path)
    other.load()
    assert same(book, other)


def test_the_file_is_whole_and_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("old")
    path.chmod(0o644)
    filled(path).save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["rules.toml"]


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rules.toml"
    path.write_text("old")
    book = filled(path)
    book.mocks.add(MockRule(parse(""), Reply((Media("image"),))))
    with pytest.raises(ValueError, match="one text"):
        book.save()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        filled(path).save()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["rules.toml"]


def test_where_there_is_no_file_there_are_no_rules(tmp_path: Path) -> None:
    book = empty(tmp_path / "rules.toml")
    book.load()
    assert not len(book.breakpoints) + len(book.mocks) + len(book.sticky)


def test_what_is_not_to_be_kept_is_not_written(tmp_path: Path) -> None:
    book = empty(tmp_path / "rules.toml")
    book.breakpoints.add("request", kept=False)
    book.breakpoints.add("end")
    book.save()
    book.load()
    assert [str(each) for each in book.breakpoints] == ["end"]


def test_a_person_may_write_it(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        """
        [[breakpoint]]
        when = 'tool:Bash arg.command~"rm "'
        on = false
        [[mock]]
        reply = "just words"
        [[mock]]
        filter = "agent:codex"
        reply = {cut_after = 10}
        count = 2
        """
    )
    book = empty(path)
    book.load()
    assert [(str(each), each.on) for each in book.breakpoints] == [('event tool:Bash arg.command~"rm "', False)]
    assert [each.reply for each in book.mocks] == [
        Reply((Text(Growing("just words")),)),
        Reply(fault=Fault(cut_after=10)),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "Expected"),
        ("keys = 1", "unknown: keys; there are"),
        ("[breakpoint]", "breakpoint is written as"),
        ("[[breakpoint]]", "breakpoint 1: when is missing"),
        ("[[breakpoint]]\nwhen = 'end'\n[[breakpoint]]\nwhen = 'in:x'", "breakpoint 2: x is not a number"),
        ("[[breakpoint]]\nwhen = 5", "when cannot be 5"),
        ("[[breakpoint]]\nwhen = 'end'\nif = 5", "there is no if"),
        ("[[mock]]\nfilter = 'x'", "mock 1: reply is missing"),
        ("[[mock]]\nfilter = 'agnet:x'\nreply = 'a'", "mock 1: there is no key agnet"),
        ("[[mock]]\nreply = {statsu = 5}", "mock 1: a reply has no statsu"),
        ("[[mock]]\nreply = 'a'\ncount = 0", "mock 1: count is 1 or more"),
        ("[[mock]]\nreply = 'a'\ncount = true", "count cannot be True"),
        ("[[mock]]\nreply = 'a'\nprobability = 1.5", "from 0 to 1"),
        ("[[sticky]]\nafter = 'a'", "a sticky edit needs"),
    ],
)
def test_what_is_wrong_is_told_and_changes_nothing(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    book = filled(path)
    with pytest.raises(ValueError, match=words) as raised:
        book.load()
    assert str(raised.value).startswith(f"{path}: ")
    assert same(book, filled(path))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.mkdir()
    with pytest.raises(ValueError, match=r"rules.toml: Is a directory"):
        empty(path).load()
    path.rmdir()
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match=r"rules.toml: 'utf-8'"):
        empty(path).load()
