"""A complete station of ours in the same process as the bench, joined in memory: for the tests, and to try a case."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ocppflow.check.bench import Bench
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.operator import Operator
from ocppflow.endpoint import Backoff, Link
from ocppflow.messages import Version
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station import CompleteStation, StationConfig


class InProcessOperator(Operator):
    """Hands at a CompleteStation, by its own verbs."""

    name = "operator of the station in this process"

    def __init__(self, station: CompleteStation) -> None:
        self._station: Any = station

    async def plug(self, evse: int, connector: int = 1) -> None:
        await self._do("plug", f"connect an EV to EVSE {evse}", evse, connector)

    async def unplug(self, evse: int) -> None:
        await self._do("unplug", f"disconnect the EV from EVSE {evse}", evse)

    async def present(self, evse: int, token: IdTokenType) -> None:
        await self._do("swipe", f"present {token.id_token}", evse, token.id_token, token.type)

    async def fault(self, evse: int, code: str = "GroundFailure") -> None:
        await self._do("fault", f"make EVSE {evse} faulty", evse, code)

    async def clear(self, evse: int) -> None:
        await self._do("clear", f"clear the fault of EVSE {evse}", evse)

    async def reboot(self) -> None:
        await self._do("reboot", "reboot the station")

    async def power_cycle(self, seconds: float = 5.0) -> None:
        await self._do("power_cut", "cut the station's power", seconds)

    async def _do(self, verb: str, what: str, *arguments: Any) -> None:
        method = getattr(self._station, verb, None)
        if method is None:
            self.cannot(what)
        else:
            done = method(*arguments)
            if hasattr(done, "__await__"):
                await done


@asynccontextmanager
async def station_in_process(
    version: Version | str,
    settings: CheckSettings | None = None,
    config: StationConfig | None = None,
    *,
    prepare: Callable[[CompleteStation], object] = lambda _: None,
    **more: Any,
) -> AsyncIterator[tuple[Bench, InProcessOperator, CompleteStation]]:
    """A bench, with a CompleteStation that has been accepted and has said what it says after that. ``prepare`` gets
    the station before it starts, so that a test may break it; ``more`` is for CompleteStation."""
    config = config or StationConfig()
    connectors = tuple(len(evse.connectors) for evse in config.evses)
    bench = Bench("CS1", version, settings or CheckSettings(connectors=connectors))
    station: CompleteStation

    async def dial() -> Link:
        return await bench.dialled("CS1", station.versions)

    made = {"clock": bench.clock, "dial": dial, "start_time": bench.now(), "versions": [bench.version], **more}
    made.setdefault("backoff", Backoff())
    station = CompleteStation("CS1", "ws://memory/ocpp", config=config, **made)
    prepare(station)
    station.start()
    try:
        yield bench, InProcessOperator(station), station
    finally:
        station.grace = bench.csms.grace = None
        await station.close()
        await bench.close()
