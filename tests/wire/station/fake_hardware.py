"""Hardware that does what it is told, and tells what a test lets happen."""

from __future__ import annotations

from collections.abc import Sequence

from ocppflow.endpoint import Clock
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station import StationConfig, StationStore
from ocppflow.station.hardware import NOTHING, EvDemand, Fault, HardwareEvents, MeterReading, Offer, SignedReading

READY = EvDemand.READY


class FakeEvse:
    """One EVSE. It draws all that is offered once the contactor is closed and the EV wants it."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.connector = 0
        self.demand = EvDemand.NONE
        self.closed = False
        self.offered: Offer = NOTHING
        self.locked = False
        self.lock_works = True
        self.signs = False
        self.soc: float | None = None
        self._register = 1000.0
        self._since = 0.0

    @property
    def power(self) -> float:
        """W that flow."""
        return self.offered.watts if self.closed and self.connector and self.demand is READY else 0.0

    def _count(self) -> None:
        now = self.clock.now() if self.clock is not None else 0.0
        self._register += self.power * (now - self._since) / 3600
        self._since = now

    async def lock(self, connector: int) -> bool:
        self.locked = self.lock_works
        return self.lock_works

    async def unlock(self, connector: int) -> bool:
        self.locked = False
        return True

    def energize(self, on: bool) -> None:
        self._count()
        self.closed = on

    def offer(self, offer: Offer) -> None:
        self._count()
        self.offered = offer

    def change(self, *, connector: int | None = None, demand: EvDemand | None = None) -> None:
        """The world changes."""
        self._count()
        self.connector = self.connector if connector is None else connector
        self.demand = self.demand if demand is None else demand

    def read(self) -> MeterReading:
        self._count()
        signed = SignedReading(data="AA==", signing_method="ECDSA", encoding_method="OCMF", public_key="Key")
        return MeterReading(
            energy_import=self._register,
            power=self.power,
            currents=(self.offered.amps,) * 3 if self.power else (0.0,) * 3,
            voltages=(230.0,) * 3,
            frequency=50.0,
            soc=self.soc,
            signed=signed if self.signs else None,
        )


class FakeHardware:
    """All of a station's EVSEs, and what a driver does at them."""

    def __init__(self, evses: int = 1) -> None:
        self.evses: Sequence[FakeEvse] = [FakeEvse() for _ in range(evses)]
        self.events: HardwareEvents | None = None
        self.broken: dict[tuple[int, int], Fault] = {}
        self.stays_broken = False  # whether a power cut leaves faults as they are

    @classmethod
    def of(cls, config: StationConfig) -> FakeHardware:
        return cls(len(config.evses))

    def start(self, events: HardwareEvents, clock: Clock, store: StationStore) -> None:
        self.events = events
        if not self.stays_broken:
            self.broken.clear()
        for (number, connector), fault in self.broken.items():
            events.faulted(number, connector, fault)
        for number, evse in enumerate(self.evses, 1):
            if evse.clock is None:
                evse.clock, evse._since = clock, clock.now()
            evse.energize(False)
            if evse.connector:
                events.plugged(number, evse.connector)
                events.demand(number, evse.demand)

    def stop(self) -> None:
        self.events = None
        for evse in self.evses:
            evse.energize(False)
            evse.offer(NOTHING)

    @property
    def _told(self) -> HardwareEvents:
        assert self.events is not None, "the station is off"
        return self.events

    def plug(self, evse: int = 1, connector: int = 1, demand: EvDemand = READY) -> None:
        self.evses[evse - 1].change(connector=connector, demand=demand)
        if self.events is not None:
            self.events.plugged(evse, connector)
            self.events.demand(evse, demand)

    def unplug(self, evse: int = 1) -> None:
        connector = self.evses[evse - 1].connector
        self.evses[evse - 1].change(connector=0, demand=EvDemand.NONE)
        if self.events is not None:
            self.events.unplugged(evse, connector)

    def ev(self, demand: EvDemand, evse: int = 1) -> None:
        self.evses[evse - 1].change(demand=demand)
        if self.events is not None:
            self.events.demand(evse, demand)

    def swipe(self, token: str = "TOKEN", evse: int = 1) -> None:
        self._told.presented(evse, tag(token))

    def bay(self, taken: bool, evse: int = 1) -> None:
        self._told.bay(evse, taken)

    def fault(self, code: str, evse: int = 1, connector: int = 0) -> None:
        self.broken[evse, connector] = Fault(code=code)
        self._told.faulted(evse, connector, Fault(code=code))

    def clear(self, evse: int = 1, connector: int = 0) -> None:
        self.broken.pop((evse, connector), None)
        self._told.cleared(evse, connector)


def tag(token: str) -> IdTokenType:
    """An RFID token."""
    return IdTokenType(id_token=token, type="ISO14443")
