"""Files are their owner's."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.formats.session_lock import SessionLock, is_written, lock_path
from inspector.store.private_files import exposed, fresh, make_folder, opened, take_place, unbuffered


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    """A process whose files everyone may read, unless it says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    make_folder(folder)
    with opened(folder / "x", "ab") as file, unbuffered(folder / "y", "wb") as raw:
        file.write(b"1")
        raw.write(b"2")
    assert [mode(path) for path in (tmp_path / "a", folder, folder / "x", folder / "y")] == [
        *(0o700, 0o700),
        *(0o600, 0o600),
    ]
    assert not exposed(folder / "x")
    with pytest.raises(FileExistsError):
        opened(folder / "x", "xb")


def test_what_exists_keeps_its_mode_and_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("1")
    path.chmod(0o644)
    with opened(path, "ab") as file:
        file.write(b"2")
    assert (path.read_text(), mode(path)) == ("12", 0o644)
    assert exposed(path) == f"others on this machine can read {path}: chmod 600 ends that"
    assert exposed(tmp_path) == exposed(tmp_path / "none") == ""


def test_a_link_that_somebody_laid_is_not_followed(tmp_path: Path) -> None:
    victim, part = tmp_path / "victim", tmp_path / "x.part"
    victim.write_text("mine")
    part.symlink_to(victim)
    with fresh(part) as file:
        file.write(b"secret")
    assert victim.read_text() == "mine"
    assert (part.is_symlink(), part.read_bytes(), mode(part)) == (False, b"secret", 0o600)


def test_a_lock_is_not_made_through_a_link(tmp_path: Path) -> None:
    session = tmp_path / "s.db"
    lock_path(session).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match=r".+"):
        SessionLock.take(session)
    assert not is_written(session) and not (tmp_path / "victim").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch(0o600)
    os.chown(path, 12345, -1)
    assert exposed(path) == f"{path} is somebody else's, who can read it"


def test_what_takes_a_place_takes_its_mode(tmp_path: Path) -> None:
    path, part = tmp_path / "x", tmp_path / "x.part"
    for before in (None, 0o640):
        if before is not None:
            path.chmod(before)
        with opened(part, "wb") as file:
            file.write(b"new")
        take_place(part, path)
        assert (path.read_bytes(), mode(path)) == (b"new", before or 0o600)
        assert not part.exists()
