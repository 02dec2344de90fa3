"""A target, and those beside the attacker: who must notice nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from tests.attack.kernel import FairClock
from tests.attack.targets import CSMSTarget, PortTaken, Setting, StationTarget, Target
from tests.attack.way_in import WayIn
from tests.attack.well_behaved import GoodCSMS, GoodStation, Newcomers


class Scene:
    """``target`` under attack, ``way`` for the attacker, ``good`` who is connected, ``newcomers`` who come."""

    good: GoodStation | GoodCSMS | None = None
    newcomers: Newcomers | None = None
    way: WayIn

    def __init__(self, target: Target) -> None:
        self.target = target

    async def open(self) -> None:
        """Let the well-behaved connect."""

    def companions(self, clock: FairClock) -> list[Coroutine[Any, Any, None]]:
        """What the well-behaved do all the time."""
        return [each.keep_calling(clock) for each in (self.good,) if each is not None] + [
            each.keep_coming(clock) for each in (self.newcomers,) if each is not None
        ]

    def waits_of_pages(self) -> list[Any]:
        """How long web pages of the target took, where it has any."""
        return []

    async def close(self) -> None:
        """Everything is gone then."""
        if self.good is not None:
            self.good.hang_up()
        self.target.remove()
        await asyncio.sleep(0.01)  # transports close in the next turn of the event loop


class AtCSMS(Scene):
    """A CSMS; a station beside, and newcomers."""

    good: GoodStation
    newcomers: Newcomers

    def __init__(self, target: Target, way: WayIn, *, strangers: bool) -> None:
        super().__init__(target)
        self.way = way.strange() if strangers else way
        self.good = GoodStation(way)
        self.newcomers = Newcomers(way)

    async def open(self) -> None:
        await self.good.connect()


class AtStation(Scene):
    """Two stations in a program; the CSMS of the other one beside."""

    good: GoodCSMS
    target: StationTarget

    async def open(self) -> None:
        await asyncio.wait_for(self.good.station_is_there(), 30)


def _csms_target(folder: Path, setting: Setting) -> CSMSTarget:
    """Started; on another port if another program took the one that was free a moment ago."""
    for _ in range(3):
        with contextlib.suppress(PortTaken):
            return CSMSTarget(folder, setting)
    raise AssertionError("no port stays free for long enough")


async def open_scene(kind: str, folder: Path, setting: Setting, *, strangers: bool) -> Scene:
    """Start the target and let the others connect. Raises AssertionError if it does not start."""
    if kind == "csms":
        target = await asyncio.to_thread(_csms_target, folder, setting)
        scene: Scene = AtCSMS(target, target.way, strangers=strangers)
    elif kind == "station":
        csms = GoodCSMS()
        await csms.start()
        station = StationTarget(folder, csms.port)
        scene = AtStation(station)
        scene.way, scene.good = WayIn(station.evil_port), csms
    else:
        from tests.attack.runtime_scenes import open_runtime_scene

        scene = await open_runtime_scene(kind, folder, strangers=strangers)
    try:
        await scene.open()
    except BaseException:
        await scene.close()
        raise
    return scene
