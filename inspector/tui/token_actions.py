"""Going on from a token, and stopping answers at tokens like it: what the Tokens tab asks for."""

from __future__ import annotations

from textual import on

from inspector.model.flow import Flow
from inspector.rules.prefill import prefilled, taken
from inspector.tui.flow_screen import FlowScreen
from inspector.tui.rules_screen import RulesScreen
from inspector.tui.text import printable
from inspector.tui.token_fork_dialog import TokenForkDialog
from inspector.tui.token_fork_words import TokenFork
from inspector.tui.tokens_tab import TokensTab


class TokenActions(FlowScreen):
    """Acts on tokens of the selected flow."""

    @on(TokensTab.Fork)
    def _fork_asked(self, event: TokensTab.Fork) -> None:
        """Ask with what to go on, and go on."""
        flow, control = event.flow, self.desk.control
        if self.desk.replayer is None:
            self._warn("nothing can be sent from here")
            return
        held = control.holds.get(flow) if control is not None else None
        dialog = TokenForkDialog(flow, event.reading, event.index, event.typed, held, self.desk.transcripts)
        self.app.push_screen(dialog, lambda fork: self._go_on(flow, fork) if fork is not None else None)

    def _go_on(self, flow: Flow, fork: TokenFork) -> None:
        replayer, control = self.desk.replayer, self.desk.control
        if replayer is None:
            return
        try:
            made = prefilled(flow, fork.beginning, fork.manner, self.desk.transcripts)
            if not fork.into_held:
                self.show_flow(replayer.send(flow, made.request, made.mutations))
                return
            held = control.holds.get(flow) if control is not None else None
            if held is None:
                raise ValueError("the answer is not held any more: nothing was sent")
            held.splice(taken(flow, fork.beginning), lambda: replayer.continuation(flow, made.request, made.mutations))
        except ValueError as error:
            self._warn(str(error))

    @on(TokensTab.Break)
    async def _break_asked(self, event: TokensTab.Break) -> None:
        """Let the person make the breakpoint."""
        if self.desk.control is None:
            self._warn("there is no proxy here that could stop anything")
            return
        screen = RulesScreen(self.desk)
        await self.app.push_screen(screen)
        screen.action_ask(f"event {event.expression}")

    def _warn(self, words: str) -> None:
        self.notify(printable(words), severity="warning", markup=False)
