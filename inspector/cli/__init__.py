"""Floor 7: the command line, and the place where everything is put together."""

from inspector.cli.root import main

__all__ = ["main"]
