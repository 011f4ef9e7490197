"""The pieces of a Gemini request that a person edits by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.dialects._base import Json
from inspector.dialects._fields import list_of, object_of, objects_of, text_of
from inspector.dialects._gemini_shape import Place, key_of, parts_in, pick, snake
from inspector.dialects._writing import Section


def sections_of(body: Json, above: Place = ()) -> list[Section]:
    """The sections of a request, in its order; those of Code Assist's stand within its `request`."""
    return [section for name, value in body.items() for section in _sections(name, value, (*above, name))]


def _sections(name: str, value: object, path: Place) -> Iterator[Section]:
    match snake(name):
        case "request" if isinstance(value, dict):
            yield from sections_of(value, path)
        case "system_instruction":
            yield Section("system", "system", path)
        case "contents" if isinstance(value, list):
            for index, content in enumerate(value):
                yield Section("message", _label(content), (*path, index))
        case "tools" if isinstance(value, list):
            for index, tool in enumerate(value):
                yield from _tools(object_of(tool), (*path, index))
        case "generation_config" if isinstance(value, dict):
            for setting in value:
                yield Section("setting", setting, (*path, setting))
        case _:
            yield Section("setting", name, path)


def _label(content: object) -> str:
    """A turn's role; one that only brings what tools gave back is called after that."""
    parts = [part for _, part in parts_in(content)]
    if parts and all(isinstance(pick(part, "functionResponse"), dict) for part in parts):
        return "tool result"
    role = text_of(object_of(content).get("role"))
    return {"model": "assistant", "": "user"}.get(role, role)


def _tools(tool: Json, path: Place) -> Iterator[Section]:
    """The functions that an entry declares; a tool that Google runs is a section as it stands."""
    key = key_of(tool, "functionDeclarations")
    for index, declared in enumerate(list_of(tool.get(key))):
        yield Section("tool", text_of(object_of(declared).get("name")) or "tool", (*path, key, index))
    if not objects_of(tool.get(key)):
        yield Section("tool", next(iter(tool), "tool"), path)
