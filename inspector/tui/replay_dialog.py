"""The `R` key: how a flow is sent again. Says before it is sent what cannot be said in another provider's API."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Button, Input, Select, Static

from inspector.dialects import DIALECTS, by_name
from inspector.model.flow import Flow
from inspector.model.headers import mask_url
from inspector.proxy.routes import Routes
from inspector.rules.variants import Variant, variant
from inspector.store.transcripts import Transcripts
from inspector.tui.text import one_line, printable

MOST = 1000
"""Replays that one order may ask for."""
MOST_AT_ONCE = 64
_SETTLED = 0.2
"""Seconds without a key after which it is said what the order comes to."""
_FIELDS = (
    ("model", "model", ""),
    ("upstream", "upstream", ""),
    ("parameters", "parameters", 'temperature=0 stop="a b"; name= takes one out'),
    ("times", "times", "1"),
    ("at-once", "at once", "4"),
)
_PAIR = re.compile(r"""([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)""")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be sent, and how often."""

    variant: Variant
    times: int
    at_once: int


class ReplayDialog(ModalScreen[Order | None]):
    """Gives back what is to be sent; None where nothing is."""

    BINDING_GROUP_TITLE = "Replay"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "send", "send", id="replay.send", tooltip="Send it like this", priority=True),
        Binding("escape", "cancel", "cancel", id="replay.cancel", tooltip="Send nothing"),
    ]

    def __init__(self, flow: Flow, transcripts: Transcripts, routes: Routes | None = None) -> None:
        super().__init__()
        self._flow = flow
        self._transcripts = transcripts
        self._routes = routes
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """A field a line, what it comes to, and two buttons."""
        apis = [(dialect.name, dialect.name) for dialect in DIALECTS if dialect.writer is not None]
        known = by_name(self._flow.dialect).writer is not None
        same = {
            "model": one_line(self._transcripts.of(self._flow).prompt.model),
            "upstream": f"{one_line(_server(self._flow.sent.url))}; a URL or a name",
        }
        with Vertical(id="replay"):
            yield Static(one_line(f"Send #{self._flow.number} again"), id="replay-title", markup=False)
            for name, label, hint in _FIELDS:
                with Horizontal(classes="replay-line"):
                    yield Static(label, classes="replay-label", markup=False)
                    yield Input(placeholder=same.get(name, hint), id=f"replay-{name}", compact=True)
                if name == "model" and known:
                    with Horizontal(classes="replay-line"):
                        yield Static("API", classes="replay-label", markup=False)
                        yield Select(apis, value=self._flow.dialect, allow_blank=False, compact=True, id="replay-api")
            yield Static("", id="replay-message", markup=False)
            with Horizontal(id="replay-buttons"):
                yield Button("Send", variant="primary", id="replay-go", compact=True)
                yield Button("Cancel", id="replay-stop", compact=True)

    def on_mount(self) -> None:
        """The model is what one mostly wants to change."""
        self.query_one("#replay-model", Input).focus()
        self._check()

    @on(Input.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_SETTLED, self._check)

    @on(Input.Submitted)
    @on(Button.Pressed, "#replay-go")
    def action_send(self) -> None:
        """Send it, if it can be sent."""
        try:
            order = self._order()
        except ValueError as error:
            self._say(str(error), "-error")
        else:
            self.dismiss(order)

    @on(Button.Pressed, "#replay-stop")
    def action_cancel(self) -> None:
        """Leave."""
        self.dismiss(None)

    def _check(self) -> None:
        try:
            order = self._order()
        except ValueError as error:
            self._say(str(error), "-error")
            return
        said, target = order.variant.said, mask_url(order.variant.request.url)
        often = f", {order.times} times, {order.at_once} at once" if order.times > 1 else ""
        self._say(
            "\n".join([f"goes to {target}{often}", *(f"• {words}" for words in said)]), "-warning" if said else ""
        )

    def _order(self) -> Order:
        return Order(self._variant(), self._number("times", 1, MOST), self._number("at-once", 4, MOST_AT_ONCE))

    def _variant(self) -> Variant:
        flow = self._flow
        select = self.query("#replay-api")
        wanted = str(select.first(Select).value) if select else flow.dialect
        return variant(
            flow,
            model=self._value("model") or None,
            upstream=self._value("upstream") or None,
            dialect=wanted if wanted != flow.dialect else None,
            parameters=parameters_of(self._value("parameters")),
            routes=self._routes,
        )

    def _value(self, name: str) -> str:
        return self.query_one(f"#replay-{name}", Input).value.strip()

    def _number(self, name: str, default: int, most: int) -> int:
        text = self._value(name)
        if text and not (text.isdecimal() and 1 <= int(text) <= most):
            raise ValueError(f"{name.replace('-', ' ')} is a number from 1 to {most}")
        return int(text) if text else default

    def _say(self, text: str, kind: str) -> None:
        message = self.query_one("#replay-message", Static)
        message.set_classes(kind)
        message.update(Content("\n".join(printable(line) for line in text.split("\n"))))


def _server(url: str) -> str:
    """Where a URL leads, without its path."""
    scheme, separator, rest = mask_url(url).partition("://")
    return scheme + separator + rest.partition("/")[0]


def parameters_of(text: str) -> dict[str, Any]:
    """Read `temperature=0 stop="a b"`: JSON values, or words without quotes; a name with nothing is taken out.

    ValueError for anything else.
    """
    parameters: dict[str, Any] = {}
    rest = _PAIR.sub("", text).strip()
    if rest:
        raise ValueError(f"parameters are written name=value, not {rest}")
    for name, value in _PAIR.findall(text):
        try:
            parameters[name] = json.loads(value) if value else None
        except ValueError:
            parameters[name] = value
    return parameters
