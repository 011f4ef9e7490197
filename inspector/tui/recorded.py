"""What the screen says of the recording: that it goes on, calmly, or since when it does not."""

from __future__ import annotations

from datetime import datetime

from inspector.proxy.server import ProxyServer
from inspector.tui.desk import Desk
from inspector.tui.text import one_line


def kept_in(desk: Desk) -> str:
    """The name of the session that is kept, while it is; empty where none is, or where the disk refuses it."""
    session = desk.session
    return session.path.stem if session is not None and session.stopped is None else ""


def not_kept(desk: Desk, now: datetime) -> tuple[str, str]:
    """What is not being recorded, and since when; and why. Empty while all is well. The session comes first."""
    session = desk.session
    if session is not None and session.stopped is not None:
        return f"not recorded since {_clock(session.stopped.since, now)}", one_line(session.stopped.why)
    for file in desk.files:
        if file.stopped is not None:
            since = _clock(file.stopped.since, now)
            return f"{one_line(file.path.name, 24)} not written since {since}", one_line(file.stopped.why)
    return "", ""


def older_in(desk: Desk) -> str:
    """Where flows lie that have left memory."""
    if desk.session is not None:
        return "in the session"
    return "in the file" if desk.server is None else "in the files" if desk.files else "kept nowhere"


def leaving(server: ProxyServer | None) -> str:
    """What is waited for before the program ends; empty while it stays."""
    if server is None or (patience := server.patience) is None:
        return ""
    return f"leaving · {server.in_flight} in flight, {patience:.0f} s · q now"


def _clock(moment: float, now: datetime) -> str:
    """The time of day; of another day, which one."""
    then = datetime.fromtimestamp(moment)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%a %d %b %H:%M}"
