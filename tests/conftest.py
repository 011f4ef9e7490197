"""What all tests share: the asyncio backend for anyio, and where recorded traffic lies."""

from __future__ import annotations

from pathlib import Path

import pytest

CAPTURES = Path(__file__).parents[2] / "shared" / "captures"


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests (marked `anyio`) on asyncio."""
    return "asyncio"
