"""Run the demo behind the real proxy and screen, press keys, and take pictures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from inspector.demo import agent
from inspector.demo.exchange import Report
from inspector.demo.session import DemoServer
from inspector.model.flow import Flow, State
from inspector.proxy.held import Step
from inspector.proxy.replay import Replayer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.rules.capture import CAPTURE, CaptureProfile
from inspector.rules.control import Control
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp
from inspector.tui.desk import Desk
from inspector.tui.key_line import KeyLine
from inspector.tui.screen import HEADER_EVERY, MainScreen

FOLDER = Path(__file__).parents[2] / "screenshots"
CALM = 15.0
"""Milliseconds of lag that the program has by itself."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass(slots=True)
class Scene:
    """The program at work, and what takes its picture."""

    app: InspectorApp
    pilot: Pilot[None]
    store: FlowStore
    control: Control
    server: ProxyServer

    async def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Let the program run until something is so."""
        async with asyncio.timeout(seconds):
            while not condition():
                await self.pilot.pause(0.05)

    async def press(self, *keys: str) -> None:
        """Press keys, and let the screen settle."""
        await self.pilot.press(*keys)
        await self.pilot.pause(0.4)

    async def shoot(self, name: str) -> None:
        """Take a picture, when the keys stand in their line and the last one is no longer seen in the loop's lag."""
        await self.wait(lambda: not self.app.screen.query(KeyLine) or bool(self.app.screen.query(FooterKey)))
        with contextlib.suppress(TimeoutError):
            await self.wait(lambda: self.server.lag_ms < CALM, 1.5)
            await self.pilot.pause(HEADER_EVERY)
        picture = FOLDER / f"{name}.svg"
        picture.write_text(self.app.export_screenshot(title="inspector"), encoding="utf-8")


Script = Callable[[Scene], Awaitable[None]]


async def play(script: Script, size: tuple[int, int], *, traffic: bool = True, theme: str | None = None) -> None:
    """Run the program in a terminal of `size`, with the demo's traffic passing through it."""
    store, transcripts, stop = FlowStore(), Transcripts(), asyncio.Event()
    async with DemoServer(pace=40) as model:
        config = ProxyConfig(port=0, upstreams={"anthropic": model.url, "openai": model.url})
        control = Control(store, transcripts, profile=CaptureProfile(CAPTURE))
        async with ProxyServer(config, store, hooks=control, holds=control.holds) as server:
            replayer = Replayer(store, server.transport)
            desk = Desk(store, transcripts, control, server, replayer)
            app = InspectorApp(store, transcripts, desk=desk, listener=server, theme=theme)
            async with app.run_test(size=size) as pilot:
                working = spawn(agent.run(server.url, stop=stop), "demo agent") if traffic else None
                await script(Scene(app, pilot, store, control, server))
                await replayer.aclose()
                stop.set()
                await let_go(control, working)


async def let_go(control: Control, working: asyncio.Task[Report] | None) -> None:
    """Release whatever is held until the agent is done."""
    for each in list(control.breakpoints):
        control.breakpoints.remove(each)
    control.hold_requests = False
    while working is not None and not working.done():
        for held in control.holds:
            held.step(Step.END)
        await asyncio.wait([working], timeout=0.05)


def png(picture: Path) -> None:
    """Turn an SVG into a PNG by headless Chromium, the one converter that keeps blanks and columns."""
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser is None:
        sys.exit("a Chromium is needed to make PNGs (Debian: apt-get install chromium fonts-firacode)")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture.read_text(encoding="utf-8"))
    assert box is not None
    width, height = (int(float(side)) + 1 for side in box.groups())
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
    options += ["--disable-background-networking", f"--screenshot={picture.with_suffix('.png')}"]
    command = [browser, *options, f"--window-size={width},{height}", picture.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    picture.unlink()


async def empty(scene: Scene) -> None:
    """Nothing has come yet."""
    await scene.shoot("empty")


async def busy(scene: Scene) -> None:
    """The list while several answers stream, then each tab."""
    await scene.wait(lambda: len(scene.store) >= 12 and writing(scene) >= 2)
    await scene.shoot("main")
    await scene.press("2")
    await scene.wait(lambda: writing(scene) >= 2)
    await scene.shoot("stream")
    await scene.press("6")
    await scene.shoot("request")
    await scene.press("k", "k", "7")
    await scene.shoot("response")
    await scene.press("1", "enter")
    await scene.shoot("chat")


def writing(scene: Scene) -> int:
    """How many answers have come some way, the newest flow's among them; none where it has not."""
    *_, newest = scene.store
    answers = [flow for flow in scene.store if flow.live and flow.response and flow.response.body.chunks > 15]
    return len(answers) if newest in answers else 0


async def lanes(scene: Scene) -> None:
    """A run with a sub-agent, and what the other tabs say of its last turn; a search in all of it."""

    def last_turn() -> Flow | None:
        """The newest turn of a lane that had a sub-agent, with its answer."""
        places = [(flow, scene.app.desk.transcripts.place(flow)) for flow in reversed(list(scene.store))]
        parents = {place.lane.parent for _, place in places if place is not None}
        turns = [flow for flow, place in places if place is not None and place.turn and place.lane in parents]
        told = [flow for flow in turns if flow.seq > max(child_seqs(scene), default=flow.seq)]
        return next((flow for flow in told if finished(flow)), None)

    await scene.wait(lambda: last_turn() is not None, 120)
    screen, flow = scene.app.screen_stack[0], last_turn()
    assert isinstance(screen, MainScreen) and flow is not None
    screen.show_flow(flow, "chat")
    await scene.press("right_square_bracket", "right_square_bracket")
    await scene.shoot("lanes")
    await scene.press("left_square_bracket", "left_square_bracket", "left_square_bracket", "4")
    await scene.shoot("tools")
    await scene.press("5")
    await scene.shoot("context")
    await scene.press("8")
    await scene.shoot("timing")
    await scene.press("9")
    await scene.shoot("diff-turn")
    await scene.press("1", "S", *"parser")
    await scene.pilot.pause(1)
    await scene.press("down")
    await scene.shoot("search")
    await scene.press("escape", "v", *"usage.cache_read_input_tokens", "down", *"hit=in.cached/in", "enter")
    await scene.shoot("columns")


def child_seqs(scene: Scene) -> list[int]:
    """The numbers of the flows of sub-agents."""
    places = [(flow.seq, scene.app.desk.transcripts.place(flow)) for flow in scene.store]
    return [seq for seq, place in places if place is not None and place.lane.depth]


async def filtering(scene: Scene) -> None:
    """The filter bar at work, with a wrong word in it."""
    await scene.wait(lambda: len(scene.store) >= 12)
    await scene.press("f", *"status:>=400 or tol:Task")
    await scene.shoot("filter")


async def small(scene: Scene) -> None:
    """A terminal of 80 by 24."""
    await scene.wait(lambda: len(scene.store) >= 12)
    await scene.shoot("small")


async def beside(scene: Scene) -> None:
    """The detail beside the list, in the light theme."""
    await scene.wait(lambda: len(scene.store) >= 12)
    await scene.press("backslash")
    await scene.shoot("beside-light")


async def held(scene: Scene) -> None:
    """An answer stopped in the middle of a tool call, and the call being edited."""
    scene.control.breakpoints.add('tool:Read arg.file_path~"parser"')
    scene.control.breakpoints.add("head agent:codex status:>=500")
    await scene.wait(lambda: len(scene.control.holds) > 0)
    await scene.press("H")
    streams = [hold.stream for hold in scene.control.holds]
    await scene.wait(lambda: all(stream is not None and len(stream.waiting) > 9 for stream in streams))
    await scene.press("tab")
    await scene.shoot("held")
    await scene.press("e")
    await scene.press("down", "end", *["left"] * 4, *"_test")
    await scene.shoot("edit-answer")
    await scene.press("escape", "b")
    await scene.shoot("breakpoints")
    await scene.press("escape")


async def editing(scene: Scene) -> None:
    """A held request: by message, then as JSON with a mistake in it; and an answer by hand."""
    scene.control.breakpoints.add("request dialect:anthropic")
    await scene.wait(lambda: len(scene.control.holds) > 0)
    await scene.press("H", "e")
    await scene.shoot("edit-request")
    await scene.press("f3", *["down"] * 4, "end", *",,")
    await scene.press("ctrl+s")
    await scene.shoot("edit-json")
    await scene.press("escape", "a")
    await scene.shoot("answer")
    await scene.press("escape")


async def replaying(scene: Scene) -> None:
    """A flow sent again twelve times, and one of the replays against its original."""
    await scene.wait(lambda: any(flow.dialect == "openai-chat" and finished(flow) for flow in scene.store))
    flow = next(flow for flow in scene.store if flow.dialect == "openai-chat" and finished(flow))
    screen = scene.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    screen.show_flow(flow)
    await scene.press("R")
    await scene.shoot("replay")
    await scene.press(*["tab"] * 4, *"12", "ctrl+s")
    await scene.wait(lambda: sum(finished(child) for child in scene.store if child.parent == flow.id) > 6)
    await scene.press("down", "down")
    await scene.shoot("replays")
    await scene.press("enter")
    await scene.shoot("diff")


async def tokens(scene: Scene) -> None:
    """The tokens of an answer while it is written, of one that is whole, and going on from one of a held answer."""
    await scene.wait(lambda: any(long_chat(flow) and flow.live for flow in scene.store))
    screen = scene.app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    screen.show_flow(next(flow for flow in scene.store if long_chat(flow) and flow.live), "tokens")
    await scene.press("tab")
    await scene.shoot("tokens-live")
    await scene.press("tab")
    scene.control.breakpoints.add("event dialect:openai-chat tokens:>60")
    await scene.wait(lambda: any(long_chat(flow) and finished(flow) for flow in scene.store))
    screen.show_flow(next(flow for flow in scene.store if long_chat(flow) and finished(flow)), "tokens")
    await scene.press("enter", "tab", "ctrl+home", *["n"] * 4)
    await scene.shoot("tokens")
    await scene.press("escape")
    await scene.wait(lambda: any(hold.flow.hold and hold.flow.hold.upstream_done for hold in scene.control.holds), 120)
    flow = next(hold.flow for hold in scene.control.holds if hold.flow.hold and hold.flow.hold.upstream_done)
    screen.show_flow(flow, "tokens")
    await scene.press("3", "tab", "ctrl+end", "N", "N", "enter")
    await scene.shoot("token-fork")
    await scene.press("escape", "P")
    await scene.shoot("profile")
    await scene.press("escape")


def long_chat(flow: Flow) -> bool:
    """Whether an answer of Chat Completions has come some way."""
    return flow.dialect == "openai-chat" and flow.response is not None and flow.response.body.chunks > 70


def finished(flow: Flow) -> bool:
    """Whether a flow was answered."""
    return flow.state is State.DONE


SCENES: dict[str, Callable[[], Awaitable[None]]] = {
    "empty": lambda: play(empty, (160, 40), traffic=False),
    "busy": lambda: play(busy, (160, 45)),
    "lanes": lambda: play(lanes, (160, 50)),
    "filter": lambda: play(filtering, (160, 40)),
    "small": lambda: play(small, (80, 24)),
    "held": lambda: play(held, (160, 45)),
    "edit": lambda: play(editing, (160, 45)),
    "replay": lambda: play(replaying, (160, 45)),
    "tokens": lambda: play(tokens, (160, 40)),
    "beside": lambda: play(beside, (200, 45), theme="inspector-light"),
}


async def main(names: list[str]) -> None:
    """Make pictures anew: those of the scenes named, or all."""
    os.environ["COLORTERM"] = "truecolor"
    FOLDER.mkdir(exist_ok=True)
    for name in names or SCENES:
        await SCENES[name]()
    for picture in sorted(FOLDER.glob("*.svg")):
        png(picture)
        print(picture.with_suffix(".png"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
