"""What all tests share: the asyncio backend for anyio, where recorded traffic lies, and that nothing is left behind."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from tests.leaks import nothing_left, tasks_end

CAPTURES = Path(__file__).parents[2] / "shared" / "captures"


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests (marked `anyio`) on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True, scope="session")
def _lasting() -> None:
    """Open what libuv opens once, for its signals, and keeps as long as the process lives."""
    uvloop.new_event_loop().close()


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Sessions are kept beside the person's own by default; those of tests are not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """No test leaves a thread, an open file, a socket or a complaint of the event loop's behind."""
    with nothing_left():
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """No test leaves a task behind in its event loop."""
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        pyfuncitem.obj = tasks_end(pyfuncitem.obj)
