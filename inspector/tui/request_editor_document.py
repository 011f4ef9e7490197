"""A request's body while it is edited: one document, whichever way it is looked at."""

from __future__ import annotations

import json
from dataclasses import dataclass

from inspector import dialects
from inspector.dialects._base import parse_object
from inspector.dialects._writing import Json
from inspector.model.flow import Request
from inspector.rules.sticky_pieces import changed_pieces
from inspector.tui.request_editor_changes import Change, changes
from inspector.tui.request_editor_pieces import Piece, pieces_of
from inspector.tui.request_editor_templates import Template, templates
from inspector.wire.body import decoded
from inspector.wire.json_edit import delete_at, insert_at, minimal_edit, move_at, pretty, replace_at, value_at
from inspector.wire.json_path import Path

_MARK = "\ue0f0 typed here \ue0f1"
"""Stands for a moment where a text goes in that is no JSON."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An edit that was left: the body so far, and the text that stood in the editor."""

    data: bytes
    view: str
    """Which view was open: `pieces`, `json` or `head`."""
    path: Path
    text: str
    request: Request
    """With the target and headers as they were edited."""


class RequestDocument:
    """The bytes of a body, as they came and as they are to be sent. ValueError where the body is no text at all."""

    def __init__(self, request: Request, dialect: str) -> None:
        data, remark = decoded(request.headers, bytes(request.body))
        if remark is not None:
            raise ValueError(f"the body cannot be read: {remark}")
        try:
            data.decode()
        except UnicodeDecodeError:
            raise ValueError(f"the body is not a text: {len(data)} bytes of {_kind(request)}") from None
        self.original = data
        self.data = data
        """As it would be sent now."""
        self.dialect = dialect
        self.is_json = _is_json(data)
        """Whether it came as JSON."""
        self._writer = dialects.by_name(dialect).writer
        self._cut: tuple[bytes, list[Piece]] = b"", []
        """The body that was cut last, and its pieces."""

    @property
    def changed(self) -> bool:
        """Whether anything was."""
        return self.data != self.original

    def pieces(self) -> list[Piece]:
        """The pieces that it is made of; none where it is no JSON object of a known dialect."""
        if self._cut[0] is not self.data:
            body = self._parsed()
            sections = self._writer.sections(body) if self._writer is not None and body is not None else []
            self._cut = self.data, pieces_of(body or {}, sections)
        return self._cut[1]

    def templates(self, at: Path) -> list[Template]:
        """What can be put in, while the cursor stands on the piece at a path."""
        body = self._parsed()
        return templates(body, self.dialect, at) if body is not None else []

    def changes(self) -> list[Change]:
        """What differs from the original. ValueError where either is no JSON, or too deep."""
        try:
            return changes(json.loads(self.original), json.loads(self.data)) if self.changed else []
        except RecursionError as error:
            raise ValueError("it is too deep to be compared") from error

    def lasting(self) -> int:
        """How many of the changed pieces can be made sticky; none where the body is no JSON."""
        try:
            return len(changed_pieces(self.original, self.data))
        except ValueError:
            return 0

    def text(self) -> str:
        """The whole, laid out for editing; as it is where it is no JSON."""
        try:
            return pretty(self.data)
        except ValueError:
            return self.data.decode("utf-8", "replace")

    def take(self, text: str, *, as_typed: bool = False) -> None:
        """Take an edited whole. JsonError where it is no JSON though the original is, unless it is meant so."""
        if as_typed or not self.is_json:
            self.data = text.encode("utf-8", "surrogateescape")
        else:
            self.data = minimal_edit(self.original, text)

    def piece_text(self, piece: Piece) -> str:
        """A piece for editing: its words, or its JSON."""
        value = value_at(self.data, piece.text if piece.text is not None else piece.path)
        return str(json.loads(value)) if piece.text is not None else value

    def take_piece(self, piece: Piece, text: str, *, as_typed: bool = False) -> None:
        """Take an edited piece. JsonError where it is no JSON, unless it is meant so."""
        if piece.text is not None:
            self._replace(piece.text, json.dumps(text))
        elif as_typed:
            marked = replace_at(self.data, piece.path, json.dumps(_MARK))
            spelled = (json.dumps(_MARK), json.dumps(_MARK, ensure_ascii=False))
            for spelling in spelled:
                marked = marked.replace(spelling.encode(), text.encode("utf-8", "surrogateescape"))
            self.data = marked
        else:
            self._replace(piece.path, text)

    def insert(self, template: Template) -> Path:
        """Put something in; where the piece stands that it brought."""
        place = template.path
        if template.behind is None:
            self._replace(place, template.text)
        else:
            self.data = insert_at(self.data, place, template.behind, template.text)
            place = (*place, template.behind)
        return next((piece.path for piece in self.pieces() if piece.path[: len(place)] == place), place)

    def copy(self, piece: Piece) -> Path:
        """Put an item of a list in once more, behind itself."""
        place = piece.path[:-1], int(piece.path[-1]) + 1
        self.data = insert_at(self.data, *place, value_at(self.data, piece.path))
        return (*place[0], place[1])

    def delete(self, piece: Piece) -> None:
        """Take a piece out."""
        self.data = self._settled(delete_at(self.data, piece.path))

    def move(self, piece: Piece, by: int) -> Path:
        """Move an item of a list up or down; where it stands now."""
        above, index = piece.path[:-1], int(piece.path[-1])
        if index + by < 0:
            raise ValueError("this is the first one")
        self.data = self._settled(move_at(self.data, above, index, index + by))
        return (*above, index + by)

    def _replace(self, path: Path, text: str) -> None:
        self.data = self._settled(replace_at(self.data, path, text))

    def _settled(self, data: bytes) -> bytes:
        """The bytes nearest to the original: what was changed and changed back is spelled as it came."""
        return minimal_edit(self.original, data)

    def _parsed(self) -> Json | None:
        try:
            return parse_object(self.data)
        except (ValueError, RecursionError):
            return None


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _kind(request: Request) -> str:
    return request.headers.get("content-type") or "an unknown kind"
