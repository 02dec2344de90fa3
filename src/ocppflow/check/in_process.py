"""A complete station of ours in the same process as the bench, joined in memory: for the tests, and to try a case."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from ocppflow.check.bench import Bench
from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.operator import Operator
from ocppflow.check.shelf_transfer import ShelfTransfer
from ocppflow.check.workshop import Workshop
from ocppflow.endpoint import Backoff, Link, sleep
from ocppflow.messages import Version
from ocppflow.messages.v21 import ChargingRateUnitEnumType, IdTokenType
from ocppflow.station import CompleteStation, StationConfig
from ocppflow.station.hardware.electric_vehicle import ElectricVehicle


class InProcessOperator(Operator):
    """Hands at a CompleteStation with simulated hardware."""

    name = "operator of the station in this process"

    def __init__(self, station: CompleteStation) -> None:
        self._station = station
        self._not_ready: set[int] = set()

    async def plug(self, evse: int, connector: int = 1) -> None:
        waits = 1e6 if evse in self._not_ready else 0.0
        self._not_ready.discard(evse)
        self._do("plug", evse, connector, ElectricVehicle(soc=20.0, reaction=0.0, ready_after=waits))

    async def unplug(self, evse: int) -> None:
        self._do("unplug", evse)

    async def unplug_ev_side(self, evse: int) -> None:
        self._do("unplug", evse, leave_cable=True)

    async def take_cable(self, evse: int) -> None:
        self._do("unplug", evse)

    async def suspend_ev_before(self, evse: int) -> None:
        self._not_ready.add(evse)

    async def present(self, evse: int, token: IdTokenType) -> None:
        self._do("present", evse, token)

    async def suspend_ev(self, evse: int) -> None:
        self._do("pause", evse)

    async def resume_ev(self, evse: int) -> None:
        self._do("pause", evse, False)

    async def end_session(self, evse: int) -> None:
        self._do("end_session", evse)

    async def park(self, evse: int) -> None:
        self._do("bay", evse, True)

    async def leave(self, evse: int) -> None:
        self._do("bay", evse, False)

    async def fault(self, evse: int, code: str = "GroundFailure") -> None:
        self._do("fault", evse, code)

    async def clear(self, evse: int) -> None:
        self._do("clear", evse)

    async def reboot(self) -> None:
        self._station.work(self._station.reboot("LocalReset"), "reboot")

    async def power_cycle(self, seconds: float = 5.0) -> None:
        await self._station.stop(1006, "no power")
        self._station.power_down()
        await sleep(self._station.clock, seconds)
        self._station.start()

    async def limit(
        self, evse: int, limit: float, unit: ChargingRateUnitEnumType, *, local_generation: bool = False
    ) -> None:
        await self._station.limit_from_outside(evse, limit, unit, local_generation=local_generation)

    async def release(self, evse: int, *, local_generation: bool = False) -> None:
        await self._station.release_from_outside(evse, local_generation=local_generation)

    async def prioritize(self, evse: int, on: bool = True) -> None:
        await self._station.prioritize(evse, on)

    async def fill(self, evse: int, percent: float) -> None:
        self._do("fill", evse, percent)

    def _do(self, verb: str, *arguments: Any, **options: Any) -> None:
        method: Callable[..., object] | None = getattr(self._station.hardware, verb, None)
        if method is None:
            self.cannot(f"{verb.replace('_', ' ')}: its hardware is not simulated")
        else:
            method(*arguments, **options)


def _morning() -> datetime:
    """Ten o'clock and a bit, today: in virtual time the hour must not decide whether clock-aligned values come in
    between, and certificates are valid today."""
    return datetime.now(UTC).replace(hour=10, minute=1, second=7, microsecond=0)


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
    shop = Workshop(in_memory=True)
    bench = Bench(
        "CS1", version, settings or CheckSettings(connectors=connectors), start_time=_morning(), workshop=shop
    )
    station: CompleteStation

    async def dial() -> Link:
        return await bench.dialled("CS1", station.versions)

    made = {"clock": bench.clock, "dial": dial, "start_time": bench.now(), "versions": [bench.version], **more}
    made.setdefault("transfer", ShelfTransfer(shop.shelf))
    made.setdefault("backoff", Backoff(wait_minimum=3.0, random_range=0.0))  # until its variables say otherwise
    station = CompleteStation("CS1", "ws://memory/ocpp", config=config, **made)
    async with running(bench, station, prepare) as operator:
        yield bench, operator, station


@asynccontextmanager
async def running(
    bench: Bench, station: CompleteStation, prepare: Callable[[CompleteStation], object]
) -> AsyncIterator[InProcessOperator]:
    """A station that runs as long as the block lasts, and its operator; ``prepare`` gets it before it starts."""
    prepare(station)
    station.start()
    try:
        yield InProcessOperator(station)
    finally:
        station.grace = bench.csms.grace = None
        await station.close()
        await bench.close()
