"""The request editor: one document, looked at by message, as JSON, or as its target and headers."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import TextArea

from inspector.model.flow import Flow, Request
from inspector.tui.edit_outcome import Edited, Give, Purpose
from inspector.tui.hold_line import HoldLine
from inspector.tui.key_line import KeyLine
from inspector.tui.message_list import MessageList
from inspector.tui.request_editor_changes import Change
from inspector.tui.request_editor_document import Draft, RequestDocument
from inspector.tui.request_editor_head import head_text, read_head
from inspector.tui.request_editor_insert import InsertMenu
from inspector.tui.request_editor_lines import ChangesView, EditorHead
from inspector.tui.request_editor_pieces import Piece
from inspector.tui.request_editor_words import VIEWS, about, sticky_words, sums, title
from inspector.tui.spans import Line
from inspector.tui.styled_line import RuleLine
from inspector.tui.text_editor import Drafts, EditArea, edit_outside
from inspector.wire.json_path import Path

BIG = 1024 * 1024
"""Bytes of a body from which on the changes are looked for only when somebody asks for them."""
SETTLED = 0.25
"""Seconds without a key after which what was typed is compared with the original."""
LOW = 18
"""Lines of height below which there is no room for what changes."""


class RequestEditor(ModalScreen[Edited | None]):
    """Gives back the request as the person wants it; None where they left, and then the draft is kept."""

    BINDING_GROUP_TITLE = "Request editor"
    HELP = """\
Whatever view is open, it is one request. What you do not touch is sent byte for byte as it came.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "send", id="edit.send", tooltip="Send it as it stands here", priority=True),
        Binding("escape", "leave", "leave", id="edit.leave", tooltip="Leave, and keep what was typed", priority=True),
        Binding("ctrl+l", "next_view", "view", id="edit.view", tooltip="Look at it in another way", priority=True),
        Binding("f2", "view('pieces')", "by message", show=False, id="edit.by-message", tooltip="Piece by piece"),
        Binding("f3", "view('json')", "JSON", show=False, id="edit.json", tooltip="The whole body as JSON"),
        Binding("f4", "view('head')", "URL & headers", show=False, id="edit.head", tooltip="Target and headers"),
        Binding("ctrl+o", "outside", "$EDITOR", id="edit.outside", tooltip="The same text in $EDITOR", priority=True),
        Binding("ctrl+t", "sticky", "sticky", id="edit.sticky", tooltip="Change all later ones, too", priority=True),
        Binding("ctrl+r", "reset", "undo all", id="edit.reset", tooltip="Back to what came", priority=True),
        Binding("ctrl+g", "compare", "what changes", id="edit.compare", tooltip="Compare a big body", priority=True),
        Binding("f1", "app.help", "keys", show=False, id="edit.help", tooltip="The keys of the focused part"),
    ]

    def __init__(
        self, flow: Flow, purpose: Purpose, drafts: Drafts[Draft], give: Give, *, can_stick: bool = False
    ) -> None:
        """`give` takes the edited request; a ValueError of its is shown, and the editor stays.

        `can_stick`: whether changes can be made sticky. Raises ValueError where the body cannot be edited as a text.
        """
        super().__init__()
        self._flow = flow
        self._purpose = purpose
        self._key = f"{purpose} {flow.id}"
        self._drafts = drafts
        self._give = give
        self._can_stick = can_stick
        self._request: Request = flow.sent
        self._document = RequestDocument(flow.sent, flow.dialect)
        self._view = ""
        self._piece: Piece | None = None
        self._loaded = ""
        """The text of the area as it was put there."""
        self._insisted: str | None = None
        """A text that cannot be right, which the person was told."""
        self._problem = ""
        """What is wrong with the text beyond its JSON."""
        self._sticky = False
        self._changes: list[Change] = []
        self._timer: Timer | None = None
        self._head_line = EditorHead(id="request-head")
        self._hold = HoldLine(needed=purpose is Purpose.SEND_ON, id="request-hold")
        self._list = MessageList(id="request-pieces")
        self._what = RuleLine(id="request-what")
        self._area = EditArea(id="request-area")
        self._title = RuleLine(id="request-changes-title")
        self._view_of_changes = ChangesView(id="request-changes")

    def compose(self) -> ComposeResult:
        """Everything from top to bottom."""
        yield self._head_line
        yield self._hold
        with Horizontal(id="request-body"):
            yield self._list
            with Vertical(id="request-text"):
                yield self._what
                yield self._area
        yield self._title
        yield self._view_of_changes
        yield KeyLine(id="request-footer")

    def on_mount(self) -> None:
        """Begin where the person left, or with the view that fits."""
        if (draft := self._drafts.get(self._key)) is not None:
            self._restore(draft)
        else:
            self._open("pieces" if self._document.pieces() else "json")
        self._hold.show(self._flow)
        self.set_interval(1.0, lambda: self._hold.show(self._flow))
        self.on_resize()

    def on_resize(self) -> None:
        """A low terminal has room for the text alone."""
        self.set_class(self.size.height < LOW, "-low")

    # Views

    def _open(self, view: str, at: Path | None = None) -> None:
        """Show a view of the document as it stands."""
        self._view = view
        self.set_class(view == "pieces", "-pieces")
        if view == "pieces":
            self._list.show(self._document.pieces(), at or (self._piece.path if self._piece else None))
            self._load_piece()
            self._list.focus()
        else:
            self._piece = None
            self._area.json = view == "json" and self._document.is_json
            self._load(head_text(self._request) if view == "head" else self._document.text())
            self._area.focus()
        self._show_head()
        self._compare()
        self.refresh_bindings()

    def _load(self, text: str) -> None:
        self._loaded = text
        self._area.load_text(text)
        self._area.move_cursor((0, 0))
        self._show_what()

    def _load_piece(self) -> None:
        self._piece = self._list.piece
        self._area.json = self._piece is not None and self._piece.text is None
        self._load(self._document.piece_text(self._piece) if self._piece is not None else "")

    def _restore(self, draft: Draft) -> None:
        self._document.data = draft.data
        self._request = draft.request
        self._open(draft.view, draft.path)
        if draft.text != self._area.text:
            self._area.replace_all(draft.text)
            self._area.focus()
        self.notify("Your draft is back. ctrl+r undoes all of it.", markup=False)

    @property
    def _views(self) -> list[str]:
        return [view for view in VIEWS if view != "pieces" or self._document.pieces()]

    # Taking over what was typed

    @property
    def _typed(self) -> bool:
        return self._area.text != self._loaded

    def _settle(self, *, as_typed: bool = False) -> bool:
        """Take the text over into the document; False where it cannot be right, and then the person is told why."""
        if (text := self._area.text) == self._loaded:
            return True
        try:
            if self._view == "head":
                self._request = read_head(text, self._flow.sent)
            elif self._piece is not None:
                self._document.take_piece(self._piece, text, as_typed=as_typed)
            else:
                self._document.take(text, as_typed=as_typed)
        except ValueError as error:
            self._show_what(str(error))
            self._show_changes()
            return False
        self._loaded = text
        return True

    @on(TextArea.Changed)
    def _edited(self) -> None:
        self._show_what()
        self._show_changes()
        if self._timer is not None:
            self._timer.stop()
        if len(self._document.data) < BIG:
            self._timer = self.set_timer(SETTLED, self._compare)
        elif self._typed:
            self._title.set([("bold", "what changes")], [("muted", "a big body: ctrl+g compares")])

    @on(MessageList.Chosen)
    def _follow(self) -> bool:
        """Edit the piece under the cursor, as keys may outrun the news; False where the one before is not right."""
        piece, wanted = self._piece, self._list.piece
        if piece is None or wanted is None or wanted.path == piece.path:
            return True
        typed = self._typed
        if not self._settle():
            self._list.show(self._document.pieces(), piece.path)
            self.notify("First put this piece right, or undo with ctrl+z there.", severity="warning", markup=False)
            return False
        if typed:
            self._reload(wanted.path)
        else:
            self._load_piece()
        return True

    def _reload(self, at: Path | None) -> None:
        """Show the pieces anew, after one of them changed."""
        self._list.show(self._document.pieces(), at)
        self._load_piece()
        self._compare()

    def _compare(self) -> None:
        """Say what changes."""
        if not self._settle():
            self._title.set([("bold", "what changes")], [("muted", "not compared while it is not valid")])
            return
        try:
            self._changes = self._document.changes()
        except ValueError:
            self._changes = []
        if (piece := self._list.piece) is not None:
            self._list.show(self._document.pieces(), piece.path)
        self._list.mark([change.path for change in self._changes])
        self._show_changes()
        other = self._request != self._flow.sent
        self._title.set([("bold", "what changes")], sums(self._document, self._changes, other))
        self.refresh_bindings()

    def _show_changes(self) -> None:
        self._view_of_changes.show(self._changes, self._remark(), self._problem or self._area.problem)

    def _remark(self) -> str:
        if self._document.changed and not self._changes:
            return "The body is sent as it is typed."
        return sticky_words(self._document, self._changes) if self._sticky and self._changes else ""

    # What is said around the text

    def _show_head(self) -> None:
        model = next((piece.words for piece in self._document.pieces() if piece.path == ("model",)), "")
        views = [(view, *VIEWS[view]) for view in self._views]
        self._head_line.show(title(self._flow, self._purpose, self._request, model), views, self._view)

    def _show_what(self, problem: str = "", short: str = "not valid") -> None:
        """Say what stands in the area, and whether it is right; `short` is what a problem comes to."""
        self._problem = problem
        if problem := problem or self._area.problem:
            right: Line = [("error", problem if self.has_class("-low") else short)]
        else:
            right = [("muted", "json · valid" if self._area.json else "text")]
        self._what.set(about(self._piece, self._view), right)

    # Actions

    def action_view(self, view: str) -> None:
        """Look at the request in another way."""
        if view != self._view and view in self._views and self._can_go():
            self._open(view)

    def action_next_view(self) -> None:
        """Look at the request in the next way."""
        views = self._views
        self.action_view(views[(views.index(self._view) + 1) % len(views)])

    @on(EditorHead.Chosen)
    def _clicked(self, event: EditorHead.Chosen) -> None:
        self.action_view(event.name)

    def _can_go(self) -> bool:
        """Take over what was typed; where it cannot be right, go there instead."""
        if self._follow() and self._settle():
            return True
        self._area.go_to_problem()
        self._area.focus()
        return False

    def action_write(self) -> None:
        """Go into the text."""
        self._follow()
        self._area.focus()

    def action_insert(self) -> None:
        """Ask what to put in, and put it in."""
        if not self._can_go():
            return
        offered = self._document.templates(self._piece.path if self._piece is not None else ())

        def insert(index: int | None) -> None:
            if index is not None:
                self._reload(self._document.insert(offered[index]))
                self._area.focus()

        self.app.push_screen(InsertMenu([template.label for template in offered]), insert)

    def action_copy(self) -> None:
        """Put the piece in once more."""
        if self._can_go() and self._piece is not None:
            self._reload(self._document.copy(self._piece))

    def action_delete(self) -> None:
        """Take the piece out. What was typed in it goes with it."""
        if self._follow() and self._piece is not None:
            self._loaded = self._area.text
            self._document.delete(self._piece)
            self._reload(self._piece.path)

    def action_shift(self, by: int) -> None:
        """Move the piece."""
        if self._can_go() and self._piece is not None:
            with suppress(ValueError):
                self._reload(self._document.move(self._piece, by))

    def action_compare(self) -> None:
        """Say what changes in a big body."""
        if self._can_go():
            self._compare()

    def action_sticky(self) -> None:
        """Make the changes sticky, or not."""
        self._sticky = not self._sticky
        self._compare()

    def action_reset(self) -> None:
        """Back to the request as it came."""
        self._document.data, self._request = self._document.original, self._flow.sent
        self._open(self._view)

    @work(exclusive=True, group="outside")
    async def action_outside(self) -> None:
        """The text in the person's own editor."""
        edited = await edit_outside(self.app, self._area.text, ".json" if self._area.json else ".txt")
        if edited is not None and edited != self._area.text:
            self._area.replace_all(edited)

    def action_send(self) -> None:
        """Send it. What cannot be right is sent only when the person asks twice, and is marked the first time."""
        text = self._area.text
        if not self._settle(as_typed=self._insisted == text):
            self._area.go_to_problem()
            self._area.focus()
            if self._view != "head":
                self._insisted = text
                if self._timer is not None:
                    self._timer.stop()
                self._show_what(f"not sent: {self._problem} · ctrl+s again sends it as it is typed")
                self._show_changes()
            return
        request = self._request.with_body(self._document.data) if self._document.changed else self._request
        edited = Edited(request, self._sticky and self._document.lasting() > 0)
        try:
            self._give(edited)
        except ValueError as error:
            self._show_what(f"not sent: {error}", "not sent")
            self._show_changes()
            return
        self._drafts.forget(self._key)
        self.dismiss(edited)

    def action_leave(self) -> None:
        """From a piece's text back to the list; from elsewhere out, with the draft kept."""
        if self._view == "pieces" and self._area.has_focus:
            self._list.focus()
            return
        if self._settle() and not self._document.changed and self._request == self._flow.sent:
            self._drafts.forget(self._key)
        else:
            path = self._piece.path if self._piece is not None else ()
            draft = Draft(self._document.data, self._view, path, self._area.text, self._request)
            self._drafts.keep(self._key, draft)
        self.dismiss(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only what does something now."""
        piece = self._piece
        match action:
            case "sticky":
                return self._can_stick
            case "compare":
                return len(self._document.data) >= BIG
            case "view":
                return parameters[0] in self._views
            case "copy" | "shift":
                return piece is not None and piece.item
            case "delete":
                return piece is not None and (piece.item or not piece.part)
            case _:
                return True
