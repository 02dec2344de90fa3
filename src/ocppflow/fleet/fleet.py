"""Fleet: many complete stations in one process, to develop and load a CSMS."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from ocppflow.endpoint import Clock, Link, LoopClock, sleep
from ocppflow.errors import ConfigurationError
from ocppflow.fleet.arrivals import Arrivals
from ocppflow.fleet.evse_driver import EvseDriver
from ocppflow.fleet.figures import Figures
from ocppflow.fleet.fleet_station import FleetStation
from ocppflow.messages import Version
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.station import StationConfig, StationStore
from ocppflow.station.line_faults import FaultPlan, inject

StoreOf = Callable[[str], StationStore]
DialFor = Callable[[str, Sequence[Version]], Awaitable[Link]]


class FleetPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet is."""

    __repr__ = discreet_repr

    url: str
    count: int
    configs: tuple[StationConfig, ...] = (StationConfig(),)
    """Makes, taken in turn."""
    prefix: str = "FLEET"
    """Of the identities: ``FLEET00001`` is the first."""
    password: str | None = None
    """Of all of them; ``{identity}`` in it stands for the station's own."""
    arrivals: Arrivals = Arrivals()
    seed: int = 0
    faults: FaultPlan | None = None
    """What goes wrong on the line of each, by chances of its own."""
    per_second: float = 200.0
    """Stations that begin to connect in a second."""

    def identity(self, number: int) -> str:
        """Of the station with this number, from 1."""
        return f"{self.prefix}{number:05d}"


class Fleet:
    """Stations that run until they are stopped; ``figures`` says how it goes.

    ``settings`` are those of CompleteStation (``ssl``, ``limits`` ...), for all. ``store_of`` gives a station its
    store; without it nothing outlives the process. ``dial(identity, versions)`` replaces the network (tests).
    """

    def __init__(
        self,
        plan: FleetPlan,
        *,
        clock: Clock | None = None,
        store_of: StoreOf | None = None,
        dial: DialFor | None = None,
        **settings: Any,
    ) -> None:
        if plan.count < 1:
            raise ConfigurationError(f"a fleet has at least one station, not {plan.count}")
        self.plan = plan
        self.clock: Clock = clock or LoopClock()
        self.figures = Figures(self.clock.now())
        self._configs = [msgspec.structs.replace(config, seed=plan.seed) for config in plan.configs]
        self.stations: list[FleetStation] = []
        self._drivers: list[EvseDriver] = []
        self._store_of = store_of
        self._dial = dial
        self._settings = settings

    def build(self) -> Sequence[FleetStation]:
        """Make all stations; none of them connects yet."""
        while len(self.stations) < self.plan.count:
            self._add(len(self.stations) + 1)
        return self.stations

    def _add(self, number: int) -> None:
        plan = self.plan
        identity = plan.identity(number)
        config = self._configs[(number - 1) % len(self._configs)]
        password = plan.password.replace("{identity}", identity) if plan.password is not None else None
        station = FleetStation(
            identity,
            plan.url,
            config=config,
            password=password,
            store=self._store_of(identity) if self._store_of is not None else None,
            dial=partial(self._dial, identity, config.versions) if self._dial is not None else None,
            **{"clock": self.clock, **self._settings},
        )
        station.figures = self.figures
        if plan.faults is not None:
            inject(station, plan.faults)
        station.on_connect(self._connected)
        station.on_disconnect(self._disconnected)
        station.on_retry(self._retried)
        self.stations.append(station)
        for evse in range(1, len(config.evses) + 1):
            chance = random.Random(f"{plan.seed}:{identity}:{evse}")  # noqa: S311 - for a simulation
            self._drivers.append(EvseDriver(station, evse, plan.arrivals, chance, self.figures))

    async def start(self) -> None:
        """Let them connect, so many a second as planned, and EVs come. Returns when all have begun to."""
        self.build()
        began = self.clock.now()
        for number, station in enumerate(self.stations):
            early = began + number / self.plan.per_second - self.clock.now()
            if early > 0.02:
                await sleep(self.clock, early)
            elif number % 20 == 0:
                await asyncio.sleep(0)  # those before get a turn
            station.start()
        for driver in self._drivers:
            driver.start()

    async def stop(self) -> None:
        """EVs stay where they are; the stations go."""
        for driver in self._drivers:
            driver.stop()
        await asyncio.gather(*(station.close() for station in self.stations))

    # --- what is seen --------------------------------------------------------------------------------------------

    @property
    def connected(self) -> int:
        """How many stations are connected."""
        return self.figures.counts["connected"] - self.figures.counts["lost"]

    @property
    def registered(self) -> int:
        """How many the CSMS has accepted."""
        return sum(station.is_up and station.provisioning.may_send for station in self.stations)

    @property
    def running(self) -> int:
        """Transactions that run."""
        return sum(len(station.transactions.running) for station in self.stations if station.is_up)

    @property
    def queued(self) -> int:
        """Messages that wait for the CSMS."""
        return sum(station.message_queue.length for station in self.stations if station.is_up)

    def _connected(self, station: FleetStation) -> None:
        self.figures.counts["connected"] += 1
        self.figures.span(self.clock.now()).connected = self.connected

    def _disconnected(self, station: FleetStation, code: int, reason: str) -> None:
        self.figures.counts["lost"] += 1
        self.figures.span(self.clock.now()).connected = self.connected

    def _retried(self, station: FleetStation, attempt: int, delay: float, reason: str) -> None:
        self.figures.counts["attempts that failed"] += 1
