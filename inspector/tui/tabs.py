"""The tabs of the detail, in their order. A new one is a module of its own and a line here."""

from __future__ import annotations

from inspector.tui.chat_tab import ChatTab
from inspector.tui.context_tab import ContextTab
from inspector.tui.diff_tab import DiffTab
from inspector.tui.http_tab import RequestTab, ResponseTab
from inspector.tui.stream_tab import StreamTab
from inspector.tui.tab import Tab
from inspector.tui.timing_tab import TimingTab
from inspector.tui.tokens_tab import TokensTab
from inspector.tui.tools_tab import ToolsTab

TABS: tuple[type[Tab], ...] = (
    *(ChatTab, StreamTab, TokensTab, ToolsTab, ContextTab),
    *(RequestTab, ResponseTab, TimingTab, DiffTab),
)
