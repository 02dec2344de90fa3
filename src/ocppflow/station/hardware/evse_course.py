"""EvseCourse: how one simulated EVSE goes on by itself, and what is kept of it.

What happens by itself (the EV obeys an offer, wakes up, is full) stands in ``_moments``, and one timer waits for the
next of them.

**The register over a power cut.** A meter keeps its register itself, and so does this object as long as it lives. Over
the end of the process it lives in the store, which must never be behind what has been reported, and is not to be
written with every reading. So while power flows the store has the state of the near future: what register and battery
will be in ``AHEAD`` seconds if nothing changes; it is written anew before that is reached, or when more may be drawn.
After a kill the hardware goes on from there, as if the power had gone at that moment: the register is not below
anything that was reported, and battery and register agree. When the contactor opens, and at a stop, what is exact is
written.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from ocppflow.station.hardware.electric_vehicle import Battery, ElectricVehicle
from ocppflow.station.hardware.interface import NOTHING, EvDemand, Fault, MeterReading, Offer
from ocppflow.station.hardware.simulated_circuit import Circuit, Count

if TYPE_CHECKING:
    from ocppflow.endpoint import Timer
    from ocppflow.station.hardware.simulated_hardware import SimulatedHardware
    from ocppflow.station.station_config import EvseConfig

AHEAD = 60.0
"""Seconds. At 11 kW: after a kill the register may be 183 Wh further than it was; and one small write every 30 s."""


class KeptEvse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is kept of an EVSE in the store, under its number."""

    energy_import: float = 0.0
    energy_export: float = 0.0
    connector: int = 0
    locked: bool = False
    ev: ElectricVehicle | None = None
    content: float = 0.0
    ceiling: float = 0.0


class EvseCourse:
    """What passes at one EVSE while time passes."""

    __slots__ = (
        "_circuit",
        "_faults",
        "_hardware",
        "_is_paused",
        "_is_wanted",
        "_kept",
        "_moments",
        "_offered",
        "_pulls",
        "_timer",
        "config",
        "connector",
        "demand",
        "is_locked",
        "number",
    )

    def __init__(self, hardware: SimulatedHardware, number: int, config: EvseConfig) -> None:
        self._hardware = hardware
        self.number = number
        self.config = config
        self.connector = 0
        """The connector that has a cable in; 0: none."""
        self.is_locked = False
        self.demand = EvDemand.NONE
        """What the EV says."""
        self._circuit = Circuit(hardware, config)
        self._kept = Count()
        self._offered: Offer = NOTHING
        self._is_wanted = False  # what the contactor was told last
        self._is_paused = False  # by the EV's driver
        self._pulls = False  # the driver has gone, and takes the cable too as soon as it is not locked
        self._faults: tuple[tuple[int, Fault], ...] = ()
        self._moments: dict[str, float] = {}
        self._timer: Timer | None = None

    # --- what is to be seen --------------------------------------------------------------------------------------

    @property
    def ev(self) -> ElectricVehicle | None:
        """The EV that is plugged in."""
        return self._circuit.battery.ev if self._circuit.battery is not None else None

    @property
    def is_energized(self) -> bool:
        """Whether the contactor is closed."""
        return self._circuit.is_closed

    @property
    def offered(self) -> Offer:
        """What the station offers the EV."""
        return self._offered

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is broken."""
        return tuple(fault for _, fault in self._faults)

    @property
    def soc(self) -> float | None:
        """Percent in the EV's battery, whether it tells the station or not."""
        return self._circuit.percent(self._circuit.at(self._hardware.now()))

    def has_fault(self, code: str) -> bool:
        """Whether this is broken, here or for the whole station."""
        return any(fault.code == code for _, fault in self._faults) or self._hardware.has_fault(code)

    def is_fixed(self, connector: int) -> bool:
        """Whether the connector's cable belongs to the station."""
        connectors = self.config.connectors
        return not 1 <= connector <= len(connectors) or not connectors[connector - 1].type.startswith("s")

    # --- power on and off ----------------------------------------------------------------------------------------

    def load(self, kept: KeptEvse) -> None:
        """Be as it was, but for an EV that has come meanwhile."""
        self._kept = Count(kept.content, kept.energy_import, kept.energy_export)
        if self.ev is not None:
            self._circuit.count = self._kept._replace(content=self._circuit.count.content)
            return
        self._circuit.count = self._kept
        self.connector, self.is_locked = kept.connector, kept.locked
        if kept.ev is not None:
            battery = self._circuit.battery = Battery(kept.ev, kept.ceiling)
            if kept.ev.ready_after and kept.content <= battery.arrived:
                self._moments["wake"] = kept.ev.ready_after

    def start(self, is_first: bool) -> None:
        """The station has power: tell what is so."""
        now = self._hardware.now()
        if is_first and "wake" in self._moments:
            self._moments["wake"] += now  # there was no clock yet
        self.demand = EvDemand.NONE
        self._circuit.settle(now)
        if is_first and self.connector:
            self._stage(self._circuit.count)
        for connector, fault in self._faults:
            self._tell_faulted(connector, fault)
        if self.connector:
            self._hardware.tell(lambda events: events.plugged(self.number, self.connector))
        self.go_on()

    def stop(self) -> None:
        """The station has no power."""
        self.settle()
        self._is_wanted = self._circuit.is_closed = False
        self._offered = self._circuit.obeyed = NOTHING
        self._moments = {name: when for name, when in self._moments.items() if name == "wake"}
        self._arm()
        if self._kept != self._circuit.count:
            self._stage(self._circuit.count)

    # --- how it goes on ------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Count what has flowed until now, before something changes."""
        self._circuit.settle(self._hardware.now())

    def go_on(self) -> None:
        """Something has changed: tell what the EV says now, look ahead, and wait for what comes next."""
        if not self._hardware.is_powered:
            return
        self.settle()
        self._circuit.is_idle = "wake" in self._moments or self._is_paused or self.has_fault("EVCommunicationError")
        self._look_ahead()
        full = self._circuit.done_at()
        self._moments.pop("full", None)
        if full < math.inf:
            self._moments["full"] = full
        self._arm()
        self._tell_demand()

    def _switch(self) -> None:
        on = self._is_wanted
        if on is self._circuit.is_closed or self.has_fault("PowerSwitchFailure"):
            return
        self.settle()
        self._circuit.is_closed = on
        self._circuit.obeyed = NOTHING
        self._moments.pop("obey", None)
        self._will_draw()
        if not on:
            self._keep()
        self.go_on()

    def _will_draw(self) -> None:
        """An EV behind a closed contactor begins to draw after its reaction time."""
        if self.ev is not None and self._circuit.is_closed:
            self._moments["obey"] = self._hardware.now() + self.ev.reaction

    def _tell_demand(self) -> None:
        battery = self._circuit.battery
        demand = EvDemand.NONE
        if battery is not None:
            waits = self._circuit.is_idle or self._circuit.count.content >= battery.ceiling
            demand = EvDemand.CONNECTED if waits else EvDemand.READY
        if demand is not self.demand:
            self.demand = demand
            self._hardware.tell(lambda events: events.demand(self.number, demand))

    def _tell_faulted(self, connector: int, fault: Fault) -> None:
        self._hardware.tell(lambda events: events.faulted(self.number, connector, fault))

    def _tell_cleared(self, connector: int) -> None:
        self._hardware.tell(lambda events: events.cleared(self.number, connector))

    def _cable_out(self) -> None:
        connector, self.connector = self.connector, 0
        self._pulls = False
        self._keep()
        self._hardware.tell(lambda events: events.unplugged(self.number, connector))

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._moments and self._hardware.is_powered and self._hardware.clock is not None:
            self._timer = self._hardware.clock.call_at(min(self._moments.values()), self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._hardware.now()
        due = [name for name, when in self._moments.items() if when <= now]
        self.settle()
        for name in due:
            del self._moments[name]
        circuit = self._circuit
        if "full" in due and circuit.battery is not None:
            circuit.count = circuit.count._replace(content=circuit.battery.ceiling)  # rounding may have left it below
            self._keep()
        if "obey" in due:
            circuit.obeyed = self._offered
        self.go_on()

    # --- what is kept --------------------------------------------------------------------------------------------

    def _look_ahead(self) -> None:
        """See to it that the store is ahead of the registers, whatever the EV draws of what is offered."""
        circuit = self._circuit
        self._moments.pop("keep", None)
        soon = self._after(AHEAD * 3 / 4)
        if soon.imported > self._kept.imported or soon.exported > self._kept.exported:
            self._stage(self._after(AHEAD))
            self._hardware.commit()
        if soon != circuit.count:
            self._moments["keep"] = self._hardware.now() + AHEAD / 2

    def _after(self, seconds: float) -> Count:
        """What the EV may have brought it to by then, whether it still obeys the last offer but one or the last: when
        one of them lets it draw and the other give back, as much of both."""
        circuit, then = self._circuit, self._hardware.now() + seconds
        grids = circuit.grid, circuit.allowed(self._offered)
        drawn, given = circuit.at(then, max(0.0, *grids)), circuit.at(then, min(0.0, *grids))
        return Count(drawn.content + given.content - circuit.count.content, drawn.imported, given.exported)

    def _cover(self, reading: MeterReading) -> None:
        """Whoever reads may tell of it: then the store goes ahead of that with the next commit, at the latest that of
        what is told. Late timers, after the process has stood still, are not waited for."""
        if reading.energy_import > self._kept.imported or reading.energy_export > self._kept.exported:
            self.settle()
            self._stage(self._after(AHEAD))

    def _keep(self) -> None:
        """Keep what is so: exactly, if nothing flows."""
        self.settle()
        self._stage(self._after(AHEAD))
        self._hardware.commit()

    def _stage(self, count: Count) -> None:
        self._kept = count
        battery = self._circuit.battery
        kept = KeptEvse(
            energy_import=count.imported,
            energy_export=count.exported,
            connector=self.connector,
            locked=self.is_locked,
            ev=self.ev,
            content=count.content,
            ceiling=battery.ceiling if battery is not None else 0.0,
        )
        self._hardware.keep(str(self.number), kept)
