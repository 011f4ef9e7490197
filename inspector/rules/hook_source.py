"""Where a hook comes from: `module:Class` or `path/to/file.py:Class`, read anew when the file changes."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from inspector.proxy.hooks import RequestHandler


class HookError(ValueError):
    """A hook that cannot be loaded, in words for the person."""


class HookSource:
    """The file and the class of a hook."""

    def __init__(self, spec: str) -> None:
        """HookError where there is no such file or module."""
        where, _, self.name = spec.rpartition(":")
        if not where or not self.name.isidentifier():
            raise HookError(f"{spec!r} names no hook: it is written module:Class or path/to/file.py:Class")
        self.module, self.package = where, ""
        if where.endswith(".py") or os.sep in where:
            self.path = Path(where).expanduser().resolve()
            self.module = f"inspector_hook_{self.path.stem}"
            if not self.path.is_file():
                raise HookError(f"there is no file {where}")
            _importable(self.path.parent)
        else:
            _importable(Path.cwd())
            self.path, self.package = _find(where)

    def changed_at(self) -> int:
        """When the file was last changed, in ns; 0 where it is gone."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return 0

    def load(self) -> RequestHandler:
        """Run the file, and make one of its class. HookError where that fails; its cause is what was raised."""
        module = ModuleType(self.module)
        module.__file__, module.__package__ = str(self.path), self.package
        before = sys.modules.get(self.module)
        # Dataclasses and pickle look the module up. Its compiled copy is passed by: that one is known by whole seconds.
        sys.modules[self.module] = module
        try:
            exec(compile(self.path.read_bytes(), self.path, "exec"), module.__dict__)
            return self._make(module)
        except BaseException as error:
            sys.modules.pop(self.module)
            if before is not None:
                sys.modules[self.module] = before
            if isinstance(error, HookError):
                raise
            raise HookError(f"{self.path.name} cannot be loaded: {type(error).__name__}: {error}") from error

    def _make(self, module: ModuleType) -> RequestHandler:
        found = vars(module).get(self.name)
        handlers = [
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, RequestHandler) and value is not RequestHandler
        ]
        if found is None:
            others = f"; it has {', '.join(handlers)}" if handlers else ""
            raise HookError(f"{self.path.name} has no class {self.name}{others}")
        if not isinstance(found, type) or not issubclass(found, RequestHandler):
            raise HookError(f"{self.name} in {self.path.name} is no subclass of inspector.proxy.hooks.RequestHandler")
        return found()


def _find(module: str) -> tuple[Path, str]:
    """A module's file and package."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError) as error:
        raise HookError(f"there is no module {module}: {error}") from error
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise HookError(f"there is no module {module} that is a Python file")
    return Path(spec.origin), spec.name if spec.submodule_search_locations else spec.parent or ""


def _importable(folder: Path) -> None:
    """Let a hook import what lies beside it, behind all that is installed."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
