"""Simulated hardware on a clock that stands still, and what it tells."""

from __future__ import annotations

from typing import Any

from ocppflow.messages.v21 import IdTokenType
from ocppflow.station import EvseConfig, MemoryStationStore, StationConfig
from ocppflow.station.hardware import EvDemand, Fault, Offer, SimulatedHardware
from ocppflow.testing import ManualClock

FULL = Offer(watts=22_080.0, amps=32.0, phases=3)


class Told:
    """HardwareEvents that keeps what it hears."""

    def __init__(self) -> None:
        self.all: list[tuple[Any, ...]] = []

    def plugged(self, evse: int, connector: int) -> None:
        self.all.append(("plugged", evse, connector))

    def unplugged(self, evse: int, connector: int) -> None:
        self.all.append(("unplugged", evse, connector))

    def demand(self, evse: int, demand: EvDemand) -> None:
        self.all.append(("demand", evse, demand))

    def presented(self, evse: int, token: IdTokenType) -> None:
        self.all.append(("presented", evse, token.id_token))

    def bay(self, evse: int, taken: bool) -> None:
        self.all.append(("bay", evse, taken))

    def stopped_by_ev(self, evse: int) -> None:
        self.all.append(("stopped_by_ev", evse))

    def faulted(self, evse: int, connector: int, fault: Fault) -> None:
        self.all.append(("faulted", evse, connector, fault.code))

    def cleared(self, evse: int, connector: int) -> None:
        self.all.append(("cleared", evse, connector))

    def security_event(self, kind: str, info: str = "") -> None:
        self.all.append(("security_event", kind))

    def hear(self) -> list[tuple[Any, ...]]:
        """What has come since the last time."""
        heard, self.all = self.all, []
        return heard


class HardwareBench:
    """Hardware that has power; ``one`` is its first EVSE."""

    def __init__(self, *evses: EvseConfig, seed: int = 0, store: MemoryStationStore | None = None) -> None:
        self.clock = ManualClock()
        self.store = store or MemoryStationStore()
        self.told = Told()
        self.config = StationConfig(evses=evses or (EvseConfig(),), seed=seed)
        self.hardware = SimulatedHardware(self.config, "CS1")
        self.hardware.start(self.told, self.clock, self.store)
        self.one = self.hardware.evses[0]

    def again(self) -> HardwareBench:
        """What comes up in a new process, after this one was killed."""
        return HardwareBench(*self.config.evses, store=self.store)
