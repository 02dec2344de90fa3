"""EvseDriver: the people who come to one EVSE of a fleet, one after another, with timers instead of tasks."""

from __future__ import annotations

import random
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from ocppflow.endpoint import Timer
from ocppflow.errors import OCPPError
from ocppflow.fleet.arrivals import Arrivals, some_ev
from ocppflow.fleet.figures import Figures

if TYPE_CHECKING:
    from ocppflow.fleet.fleet_station import FleetStation

_WALK = (1.0, 6.0)
"""Seconds from plugging in to presenting the token, and from that to taking the plug out."""

_GLANCE = 30.0
"""Seconds between two looks whether the EV is full."""


class DriverState(Enum):
    """What goes on at the EVSE."""

    FREE = "free"
    PLUGGED = "plugged"
    CHARGING = "charging"
    LEAVING = "leaving"


class EvseDriver:
    """Lets EVs come to one EVSE, charge and leave."""

    __slots__ = ("_arrivals", "_chance", "_figures", "_leaves_at", "_station", "_timer", "_token", "evse", "state")

    def __init__(
        self, station: FleetStation, evse: int, arrivals: Arrivals, chance: random.Random, figures: Figures
    ) -> None:
        self._station = station
        self.evse = evse
        self._arrivals = arrivals
        self._chance = chance
        self._figures = figures
        self._timer: Timer | None = None
        self._leaves_at = 0.0
        self._token = ""
        self.state = DriverState.FREE

    def start(self) -> None:
        """Wait for the first EV."""
        wait = self._arrivals.next(self._chance)
        if wait is not None:
            self._later(wait, self._arrive)

    def stop(self) -> None:
        """Nobody comes any more; who is here stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self, seconds: float, what: Callable[[], None]) -> None:
        clock = self._station.clock
        self._timer = clock.call_at(clock.now() + seconds, what)

    def _do(self, what: str, verb: Callable[[], object]) -> bool:
        try:
            verb()
        except OCPPError:
            self._figures.counts[f"{what} did not work"] += 1
            return False
        return True

    def _arrive(self) -> None:
        if not self._do("plugging in", lambda: self._station.simulated.plug(self.evse, 1, some_ev(self._chance))):
            self.start()
            return
        self.state = DriverState.PLUGGED
        self._figures.counts["sessions"] += 1
        self._token = f"FLEET{self._chance.randrange(10_000):05d}"
        self._leaves_at = self._station.clock.now() + self._arrivals.staying(self._chance)
        self._later(self._chance.uniform(*_WALK), self._present)

    def _present(self) -> None:
        self._do("presenting a token", lambda: self._station.present(self.evse, self._token))
        self.state = DriverState.CHARGING
        self._later(_GLANCE, self._look)

    def _look(self) -> None:
        if self._station.clock.now() < self._leaves_at and not self._station.is_full(self.evse):
            self._later(_GLANCE, self._look)
            return
        self.state = DriverState.LEAVING
        if self._station.transaction_at(self.evse) is not None:
            self._do("presenting a token", lambda: self._station.present(self.evse, self._token))
        self._later(self._chance.uniform(*_WALK), self._leave)

    def _leave(self) -> None:
        if not self._do("taking the plug out", lambda: self._station.simulated.unplug(self.evse)):
            self._later(_GLANCE, self._leave)  # the cable is still locked
            return
        self.state = DriverState.FREE
        self.start()
