"""SimulatedHardware: a station's EVSEs and token reader, without a station."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from ocppflow.endpoint import Clock
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station.hardware.electric_vehicle import ElectricVehicle
from ocppflow.station.hardware.evse_course import KeptEvse
from ocppflow.station.hardware.hardware_errors import NoSuchPlace, NotNow
from ocppflow.station.hardware.interface import Fault, HardwareEvents
from ocppflow.station.hardware.simulated_evse import SimulatedEvse
from ocppflow.station.hardware.simulated_faults import fault_code
from ocppflow.station.station_config import StationConfig
from ocppflow.station.station_store import StationStore

AREA = "hardware"

_EVS = (
    ElectricVehicle(capacity=39_000, max_amps=32, phases=1, max_watts=46_000, voltage=350),
    ElectricVehicle(capacity=58_000, max_watts=120_000),
    ElectricVehicle(capacity=77_000, max_watts=175_000),
    ElectricVehicle(capacity=93_000, max_amps=32, max_watts=270_000, voltage=800),
)
"""Kinds of EV that come when none is named."""


class SimulatedHardware:
    """What ``config`` says, with EVs that come when they are told to. All chance is of ``config.seed`` and
    ``identity``: the same calls at the same times give the same run.

    It is the hardware of one station; it outlives boots and power cuts of it, as hardware does, and what it must not
    forget at the end of the process is in the store (see ``evse_course``).
    """

    __slots__ = (
        "_events",
        "_faults",
        "_phase",
        "_plugs",
        "_seed",
        "_store",
        "ambient",
        "clock",
        "evses",
        "signs",
        "supply",
    )

    def __init__(self, config: StationConfig, identity: str = "") -> None:
        self._seed = f"{config.seed}:{identity}"
        chance = random.Random(self._seed)  # noqa: S311 - for a simulation
        self.supply = tuple(1 + chance.uniform(-0.008, 0.008) for _ in range(3))
        """Voltage of each phase, as a share of the nominal one."""
        self.ambient = chance.uniform(12.0, 26.0)
        """Degrees Celsius around the station."""
        self._phase = chance.uniform(0.0, math.tau)
        self._plugs = 0
        self.signs = config.has("signed_meter_values")
        """Whether its meters sign what they show."""
        self._faults: tuple[Fault, ...] = ()
        self.clock: Clock | None = None
        """None until it has had power for the first time."""
        self._events: HardwareEvents | None = None
        self._store: StationStore | None = None
        self.evses = tuple(SimulatedEvse(self, number, evse) for number, evse in enumerate(config.evses, 1))

    # --- Hardware ------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<SimulatedHardware, {len(self.evses)} EVSEs{'' if self.is_powered else ', no power'}>"

    def start(self, events: HardwareEvents, clock: Clock, store: StationStore) -> None:
        """Tell ``events`` from now on, first what is so already."""
        is_first = self.clock is None
        if is_first:
            for key, kept in store.load(AREA, KeptEvse).items():
                if key.isdecimal() and 1 <= int(key) <= len(self.evses):
                    self.evses[int(key) - 1].load(kept)
        self.clock, self._store, self._events = clock, store, events
        for fault in self._faults:
            events.faulted(0, 0, fault)
        for evse in self.evses:
            evse.start(is_first)

    def stop(self) -> None:
        """Contactors open, nothing is told any more; the registers are kept as they are."""
        if self._events is None:
            return
        self._events = None
        for evse in self.evses:
            evse.stop()
        self.commit()

    # --- a person's hands ----------------------------------------------------------------------------------------

    def plug(self, evse: int, connector: int = 1, ev: ElectricVehicle | None = None) -> None:
        """Plug an EV in, one of some common kinds if none is given. Raises NoSuchPlace, or NotNow."""
        there = self.evse(evse)
        if ev is None:
            chance = random.Random(f"{self._seed}:{self._plugs}")  # noqa: S311 - for a simulation
            kind = chance.choice(_EVS)
            ev = ElectricVehicle(**{**_fields(kind), "soc": round(chance.uniform(15.0, 60.0), 1)})
        there.plug(connector, ev)
        self._plugs += 1

    def unplug(self, evse: int, *, leave_cable: bool = False) -> None:
        """Take the plug out of the EV, and out of the station unless ``leave_cable``; a locked cable stays in a socket
        until it is unlocked. Raises NoSuchPlace, or NotNow."""
        self.evse(evse).unplug(leave_cable=leave_cable)

    def pause(self, evse: int, on: bool = True) -> None:
        """Let the EV ask for nothing, still connected, or go on. Raises NoSuchPlace, or NotNow."""
        self.evse(evse).pause(on)

    def fill(self, evse: int, percent: float) -> None:
        """Let the EV's battery have so much, without any time or energy. Raises NoSuchPlace, or NotNow."""
        self.evse(evse).fill(percent)

    def end_session(self, evse: int) -> None:
        """Let the EV end the session over its higher-level protocol. Raises NoSuchPlace, or NotNow."""
        self.evse(evse).pause(True)
        self.tell(lambda events: events.stopped_by_ev(evse))

    def bay(self, evse: int, taken: bool) -> None:
        """Drive a vehicle into the parking bay, or out of it. Raises NoSuchPlace."""
        self.evse(evse)
        self.tell(lambda events: events.bay(evse, taken))

    def present(self, evse: int, token: IdTokenType) -> None:
        """Hold a token before the reader of an EVSE, or of the station (0). Raises NoSuchPlace, or NotNow."""
        if evse:
            self.evse(evse)
        if not self.is_powered:
            raise NotNow("the station has no power: nobody reads tokens")
        if self.has_fault("ReaderFailure") or (evse and self.evse(evse).has_fault("ReaderFailure")):
            raise NotNow(f"the token reader is broken (ReaderFailure): clear {evse} first")
        self.tell(lambda events: events.presented(evse, token))

    def fault(self, evse: int, code: str, *, connector: int = 0, text: str = "", vendor_code: str = "") -> None:
        """Break something, at an EVSE or for the whole station (0): see FAULTS. Raises NoSuchPlace, or NoSuchFault."""
        fault = Fault(code=fault_code(code), text=text, vendor_code=vendor_code)
        if evse:
            self.evse(evse).break_(connector, fault)
        elif not self.has_fault(fault.code):
            for each in self.evses:
                each.settle()
            self._faults += (fault,)
            for each in self.evses:
                each.shut_down_if_tripped()
            self.tell(lambda events: events.faulted(0, 0, fault))
            for each in self.evses:
                each.go_on()

    def clear(self, evse: int, code: str = "") -> None:
        """Mend what is broken there, or one thing. Raises NoSuchPlace, or NotNow if nothing is broken."""
        wanted = fault_code(code) if code else ""
        mended = self.evse(evse).mend(wanted) if evse else self._mend(wanted)
        if not mended:
            what = wanted or "nothing"
            raise NotNow(f"{what} is {'not ' if wanted else ''}broken at {f'EVSE {evse}' if evse else 'the station'}")

    def _mend(self, code: str) -> bool:
        mended = [fault for fault in self._faults if code in ("", fault.code)]
        self._faults = tuple(fault for fault in self._faults if fault not in mended)
        if mended and not self._faults:
            self.tell(lambda events: events.cleared(0, 0))
        for each in self.evses:
            each.mended()
        return bool(mended)

    def tamper(self) -> None:
        """Open the housing."""
        self.tell(lambda events: events.security_event("TamperDetectionActivated", "the housing was opened"))

    # --- for its EVSEs -------------------------------------------------------------------------------------------

    @property
    def serial(self) -> str:
        """What tells its meters from those of other stations."""
        return self._seed

    @property
    def is_powered(self) -> bool:
        """Whether the station has power."""
        return self._events is not None

    def evse(self, number: int) -> SimulatedEvse:
        """An EVSE by its number. Raises NoSuchPlace."""
        if not 1 <= number <= len(self.evses):
            count = len(self.evses)
            raise NoSuchPlace(
                f"there is no EVSE {number}; the station has {'EVSE 1' if count == 1 else f'EVSEs 1 to {count}'}"
            )
        return self.evses[number - 1]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is broken for the whole station."""
        return self._faults

    def has_fault(self, code: str) -> bool:
        """Whether this is broken for the whole station."""
        return any(fault.code == code for fault in self._faults)

    def now(self) -> float:
        """The clock's time; 0 before there was power."""
        return self.clock.now() if self.clock is not None else 0.0

    def frequency(self, now: float) -> float:
        """Hz of the grid."""
        return 50.0 + 0.02 * math.sin(now / 53.0 + self._phase)

    def tell(self, what: Callable[[HardwareEvents], Any]) -> None:
        """Tell the station, if it has power."""
        if self._events is not None:
            what(self._events)

    def keep(self, key: str, kept: KeptEvse) -> None:
        """Stage what is kept of an EVSE."""
        if self._store is not None:
            self._store.put(AREA, key, kept)

    def commit(self) -> None:
        """Write what has been staged. If that fails it waits for the next commit, and the station says so."""
        if self._store is not None:
            self._store.commit()


def _fields(ev: ElectricVehicle) -> dict[str, Any]:
    return {name: getattr(ev, name) for name in ev.__struct_fields__}
