"""Scenes of the engine, and of Node-RED whose pages must go on answering."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from benchmarks.processes import free_port

from tests.attack.kernel import FairClock, Wait
from tests.attack.runtimes import EngineTarget, NodeRedTarget
from tests.attack.scenes import AtCSMS, Scene
from tests.attack.way_in import PATIENCE, WayIn
from tests.attack.well_behaved import GoodCSMS

_PAGE = b"GET /settings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_BETWEEN_PAGES = 0.2


class AtCSNodes(Scene):
    """Two CS nodes in an engine; the CSMS of the other one beside."""

    good: GoodCSMS

    async def open(self) -> None:
        await asyncio.wait_for(self.good.station_is_there(), 30)


class AtNodeRed(AtCSMS):
    """A CSMS node in a Node-RED, whose editor somebody uses."""

    target: NodeRedTarget

    def __init__(self, target: NodeRedTarget, way: WayIn, *, strangers: bool) -> None:
        super().__init__(target, way, strangers=strangers)
        self._pages: list[Wait] = []

    def companions(self, clock: FairClock) -> list[Coroutine[Any, Any, None]]:
        return [*super().companions(clock), self._use_the_editor(clock)]

    async def _use_the_editor(self, clock: FairClock) -> None:
        while True:
            begun = clock.moment()
            reader, writer = await asyncio.open_connection("127.0.0.1", self.target.red.port)
            writer.write(_PAGE)
            with contextlib.suppress(TimeoutError):
                data = await asyncio.wait_for(reader.read(), PATIENCE)
                assert data.startswith(b"HTTP/1.1 200"), data[:100]
            writer.close()
            self._pages.append(clock.since(begun))
            await asyncio.sleep(_BETWEEN_PAGES)

    def waits_of_pages(self) -> list[Wait]:
        return self._pages


async def open_runtime_scene(kind: str, folder: Path, *, strangers: bool) -> Scene:
    """See ``scenes.open_scene``."""
    if kind == "node-red":
        red = await asyncio.to_thread(NodeRedTarget, folder)
        return AtNodeRed(red, await red.csms(), strangers=strangers)
    engine = await asyncio.to_thread(EngineTarget, folder, deaf=kind == "engine, not read")
    if kind == "CS nodes":
        csms = GoodCSMS()
        await csms.start()
        scene = AtCSNodes(engine)
        scene.way, scene.good = WayIn(free_port()), csms
        await asyncio.to_thread(engine.cs, "GOOD", csms.port)
        await asyncio.to_thread(engine.cs, "EVIL", scene.way.port)
        engine.serve()
        return scene
    way = await asyncio.to_thread(engine.csms)
    engine.serve()
    if kind == "engine":
        return AtCSMS(engine, way, strangers=strangers)
    alone = Scene(engine)
    alone.way = way.strange()
    return alone
