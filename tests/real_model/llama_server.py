"""llama.cpp's own server, by the package `xllamacpp`, until its standard input closes: `python llama_server.py MODEL`.

It is run by an interpreter of its own, as `tiny_model` is, and not imported.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def main(path: str) -> None:
    """Make the model, serve it, and say where on standard output."""
    tiny_model: Any = import_module("tiny_model")
    tiny_model.write(path)
    llama: Any = import_module("xllamacpp")
    settings = llama.CommonParams()
    settings.model.path = path
    settings.port = 0
    settings.n_ctx = 4096
    settings.n_parallel = 2
    settings.cpuparams.n_threads = 1
    settings.cpuparams_batch.n_threads = 1
    settings.cache_prompt = False
    settings.warmup = False
    server = llama.Server(settings)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(sys.argv[1])
