"""The command palette's content: every action that has a key here and now, by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.binding import ActiveBinding
from textual.command import DiscoveryHit, Hit, Hits, Provider


class Actions(Provider):
    """Offers the actions of the focused part, of the screen and of the program, with the keys that they have."""

    async def discover(self) -> Hits:
        """All of them."""
        for name, active in self._actions():
            yield DiscoveryHit(name, partial(self._run, active), help=self._help(active))

    async def search(self, query: str) -> Hits:
        """Those whose name or explanation fits."""
        matcher = self.matcher(query)
        for name, active in self._actions():
            score = max(matcher.match(name), 0.8 * matcher.match(active.tooltip))
            if score > 0:
                yield Hit(score, matcher.highlight(name), partial(self._run, active), help=self._help(active))

    def _actions(self) -> Iterator[tuple[str, ActiveBinding]]:
        seen: set[tuple[str, str]] = set()
        for active in sorted(self.screen.active_bindings.values(), key=lambda active: not active.binding.show):
            binding = active.binding
            known = (binding.id or "", binding.action)
            if binding.id and active.enabled and known not in seen:
                seen.add(known)
                yield binding.id.replace(".", ": ").replace("_", " ").replace("-", " "), active

    def _help(self, active: ActiveBinding) -> str:
        return f"{self.app.get_key_display(active.binding)}  {active.tooltip}"

    async def _run(self, active: ActiveBinding) -> None:
        await self.app.run_action(active.binding.action, active.node)
