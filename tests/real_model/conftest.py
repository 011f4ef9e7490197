"""What the tests of a real model need: an interpreter that has `xllamacpp`, `gguf` and `numpy`.

That is the one which runs the tests, or the one that INSPECTOR_REAL_MODEL names; without either they are skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

VARIABLE = "INSPECTOR_REAL_MODEL"
PACKAGES = ("xllamacpp", "gguf", "numpy")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker."""
    config.addinivalue_line("markers", "real_model: talks to a real inference server on this machine")


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of llama.cpp's server with a tiny model."""
    interpreter = os.environ.get(VARIABLE) or (sys.executable if all(map(find_spec, PACKAGES)) else None)
    if interpreter is None:
        pytest.skip(f"{VARIABLE} names no Python that has {', '.join(PACKAGES)}")
    folder = tmp_path_factory.mktemp("llama")
    command = [interpreter, str(Path(__file__).with_name("llama_server.py")), str(folder / "tiny.gguf")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    with server:
        assert server.stdin is not None
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        try:
            assert url.startswith("http://"), (folder / "log").read_text()
            yield url
        finally:
            server.stdin.close()
            try:
                server.wait(10)
            finally:
                server.kill()
