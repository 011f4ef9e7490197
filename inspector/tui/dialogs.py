"""What is not on the screen at first and has keys of its own: a keymap may name these, too."""

from __future__ import annotations

from textual.dom import DOMNode

from inspector.tui.answer_dialog import AnswerDialog
from inspector.tui.answer_dialog_list import SaidList
from inspector.tui.answer_editor import AnswerEditor
from inspector.tui.answer_editor_panes import Listing
from inspector.tui.copy_dialog import CopyDialog
from inspector.tui.export_dialog import ExportDialog
from inspector.tui.fork_dialog import ForkDialog
from inspector.tui.keys_screen import KeysScreen, KeysView
from inspector.tui.log_screen import LogScreen
from inspector.tui.message_list import MessageList
from inspector.tui.profile_dialog import ProfileDialog
from inspector.tui.quit_dialog import QuitDialog
from inspector.tui.replay_dialog import ReplayDialog
from inspector.tui.request_editor import RequestEditor
from inspector.tui.request_editor_insert import InsertMenu
from inspector.tui.rule_input import RuleInput
from inspector.tui.rules_screen import RulesPane, RulesScreen
from inspector.tui.runs_screen import RunsPane, RunsScreen
from inspector.tui.search_pane import HitsPane
from inspector.tui.search_screen import SearchInput, SearchScreen
from inspector.tui.token_fork_dialog import TokenForkDialog
from inspector.tui.token_fork_lines import AlternativeLines
from inspector.tui.watch_dialog import WatchDialog, WatchInput

DIALOGS: tuple[type[DOMNode], ...] = (
    *(AnswerDialog, AnswerEditor, ExportDialog, ForkDialog, InsertMenu, Listing, LogScreen, MessageList, QuitDialog),
    *(ReplayDialog, RequestEditor, RuleInput, RulesPane, RulesScreen, RunsPane, RunsScreen, SaidList),
    *(AlternativeLines, CopyDialog, HitsPane, ProfileDialog, SearchInput, SearchScreen, TokenForkDialog),
    *(WatchDialog, WatchInput, KeysScreen, KeysView),
)
