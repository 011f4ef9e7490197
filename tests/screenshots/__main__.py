"""Run the demo behind the real proxy and screen, press keys, and take pictures."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from inspector.demo import agent
from inspector.demo.session import DemoServer
from inspector.proxy.server import ProxyConfig, ProxyServer
from inspector.proxy.tasks import spawn
from inspector.store.flows import FlowStore
from inspector.store.transcripts import Transcripts
from inspector.tui.app import InspectorApp

FOLDER = Path(__file__).parents[2] / "screenshots"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@dataclass(slots=True)
class Scene:
    """The program at work, and what takes its picture."""

    app: InspectorApp
    pilot: Pilot[None]
    store: FlowStore

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
        """Take a picture."""
        picture = FOLDER / f"{name}.svg"
        picture.write_text(self.app.export_screenshot(title="inspector"), encoding="utf-8")


Script = Callable[[Scene], Awaitable[None]]


async def play(script: Script, size: tuple[int, int], *, traffic: bool = True, theme: str | None = None) -> None:
    """Run the program in a terminal of `size`, with the demo's traffic passing through it."""
    store, transcripts, stop = FlowStore(), Transcripts(), asyncio.Event()
    async with DemoServer(pace=40) as model:
        config = ProxyConfig(port=0, upstreams={"anthropic": model.url, "openai": model.url})
        async with ProxyServer(config, store) as server:
            app = InspectorApp(store, transcripts, listener=server, theme=theme)
            async with app.run_test(size=size) as pilot:
                working = spawn(agent.run(server.url, stop=stop), "demo agent") if traffic else None
                await script(Scene(app, pilot, store))
                stop.set()
                if working:
                    await working


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
    await scene.press("3")
    await scene.shoot("request")
    await scene.press("k", "k", "4")
    await scene.shoot("response")
    await scene.press("1", "enter")
    await scene.shoot("chat")


def writing(scene: Scene) -> int:
    """How many answers have come some way, the newest flow's among them; none where it has not."""
    *_, newest = scene.store
    answers = [flow for flow in scene.store if flow.live and flow.response and flow.response.body.chunks > 15]
    return len(answers) if newest in answers else 0


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


async def main() -> None:
    """Make all pictures anew."""
    FOLDER.mkdir(exist_ok=True)
    await play(empty, (160, 40), traffic=False)
    await play(busy, (160, 45))
    await play(filtering, (160, 40))
    await play(small, (80, 24))
    await play(beside, (200, 45), theme="inspector-light")
    for picture in sorted(FOLDER.glob("*.svg")):
        png(picture)
        print(picture.with_suffix(".png"))


if __name__ == "__main__":
    asyncio.run(main())
