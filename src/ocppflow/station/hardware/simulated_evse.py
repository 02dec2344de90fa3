"""SimulatedEvse: contactor, control pilot, meter, lock and the EV of one EVSE, and the hands of a person there."""

from __future__ import annotations

from typing import cast

from msgspec import structs

from ocppflow.station.hardware.electric_vehicle import Battery, ElectricVehicle
from ocppflow.station.hardware.evse_course import EvseCourse
from ocppflow.station.hardware.hardware_errors import NoSuchPlace, NotNow
from ocppflow.station.hardware.interface import NOTHING, Fault, MeterReading, Offer, SignedReading
from ocppflow.station.hardware.meter_signature import MeterSignature
from ocppflow.station.hardware.simulated_faults import TRIPPING


class SimulatedEvse(EvseCourse):
    """One EVSE, as ``EvseHardware`` wants it, and the hands of a person: :meth:`plug`, :meth:`unplug`, :meth:`pause`,
    :meth:`break_`, :meth:`mend`."""

    __slots__ = ()

    # --- EvseHardware --------------------------------------------------------------------------------------------

    async def lock(self, connector: int) -> bool:
        """Lock the cable in. A fixed cable cannot be taken away."""
        if self.is_fixed(connector):
            return True
        if self.has_fault("ConnectorLockFailure"):
            return False
        if self.connector == connector:
            self.is_locked = True
            self._keep()
        return True

    async def unlock(self, connector: int) -> bool:
        """Let the cable go. If the driver has gone already with the EV, the cable comes out now."""
        if self.is_fixed(connector):
            return True
        if self.has_fault("ConnectorLockFailure"):
            return False
        if self.connector == connector and self.is_locked:
            self.is_locked = False
            if self._pulls:
                self._cable_out()
            else:
                self._keep()
        return True

    def energize(self, on: bool) -> None:
        """Close or open the contactor; a broken one stays as it is, and one that has tripped stays open."""
        if on and any(self.has_fault(code) for code in TRIPPING):
            return
        self._is_wanted = on
        self._switch()

    def offer(self, offer: Offer) -> None:
        """What the EV may draw; it obeys after its reaction time."""
        self._offered = offer
        if self.ev is not None and self._circuit.is_closed and offer != self._circuit.obeyed:
            self._moments.setdefault("obey", self._hardware.now() + self.ev.reaction)
            self.go_on()

    def read(self) -> MeterReading:
        """What the meter shows now, with its signature if the make has such a meter."""
        now = self._hardware.now()
        reading = self._circuit.reading(now)
        self._cover(reading)
        if not self._hardware.signs or reading.signed is not None:
            return reading
        serial = f"{self._hardware.serial}-{self.number}"
        signature = MeterSignature(serial, reading.energy_import, now, is_dc=self.config.current == "DC")
        return structs.replace(reading, signed=cast(SignedReading, signature))

    # --- a person's hands ----------------------------------------------------------------------------------------

    def plug(self, connector: int, ev: ElectricVehicle) -> None:
        """Plug in an EV. Raises NoSuchPlace or NotNow."""
        count = len(self.config.connectors)
        if not 1 <= connector <= count:
            which = "connector 1" if count == 1 else f"connectors 1 to {count}"
            raise NoSuchPlace(f"EVSE {self.number} has no connector {connector}; it has {which}")
        if self.ev is not None or self.connector not in (0, connector):
            raise NotNow(
                f"EVSE {self.number} has a cable in connector {self.connector} already: unplug {self.number} first"
            )
        is_new = not self.connector
        self.settle()
        self.connector = connector
        self._pulls = self._is_paused = False
        battery = self._circuit.battery = Battery(ev)
        self._circuit.count = self._circuit.count._replace(content=battery.arrived)
        if ev.ready_after:
            self._moments["wake"] = self._hardware.now() + ev.ready_after
        self._keep()
        if is_new:
            self._hardware.tell(lambda events: events.plugged(self.number, connector))
        self._will_draw()
        self.go_on()

    def unplug(self, *, leave_cable: bool = False) -> None:
        """Take the plug out of the EV, and the cable out of the station too, once a socket has it not locked, unless
        ``leave_cable``. Raises NotNow."""
        if not self.connector:
            raise NotNow(f"nothing is plugged in at EVSE {self.number}: plug {self.number} first")
        if self.ev is None and (leave_cable or self._pulls):
            locked = ": its cable is locked until the station unlocks it" if self.is_locked else ""
            raise NotNow(f"the EV at EVSE {self.number} has gone already{locked}")
        stays = leave_cable and not self.is_fixed(self.connector)
        self.settle()
        self._pulls = not stays
        self._circuit.battery = None
        self._circuit.obeyed = NOTHING
        self._moments.clear()
        self._keep()
        self.go_on()
        if self.connector and not stays and not self.is_locked:  # who was just told may have unlocked it: it is out
            self._cable_out()

    def pause(self, on: bool) -> None:
        """Let the EV ask for nothing, still connected, or go on. Raises NotNow."""
        if self.ev is None:
            raise NotNow(f"no EV is at EVSE {self.number}: plug {self.number} first")
        self._is_paused = on
        self.go_on()

    def fill(self, percent: float) -> None:
        """Let the EV's battery have so much, as if it had been charged or used elsewhere. Raises NotNow."""
        if self.ev is None:
            raise NotNow(f"no EV is at EVSE {self.number}: plug {self.number} first")
        self.settle()
        self._circuit.count = self._circuit.count._replace(content=self.ev.capacity * percent / 100)
        self._keep()
        self.go_on()

    def break_(self, connector: int, fault: Fault) -> None:
        """Let something break."""
        if any(known.code == fault.code for _, known in self._faults):
            return
        self.settle()
        if fault.code == "PowerMeterFailure":
            self._circuit.frozen = self.read()
        self._faults += ((connector, fault),)
        self.shut_down_if_tripped()
        self._hardware.tell(lambda events: events.faulted(self.number, connector, fault))
        self.go_on()

    def mend(self, code: str = "") -> bool:
        """Mend what is broken, or one thing; whether anything was."""
        mended = [entry for entry in self._faults if code in ("", entry[1].code)]
        self._faults = tuple(entry for entry in self._faults if entry not in mended)
        self.mended()
        left = {connector for connector, _ in self._faults}
        for connector in sorted({connector for connector, _ in mended} - left):
            self._tell_cleared(connector)
        return bool(mended)

    def mended(self) -> None:
        """Something was mended, here or for the whole station."""
        self.settle()
        if not self.has_fault("PowerMeterFailure"):
            self._circuit.frozen = None
        self._switch()
        self.go_on()

    def shut_down_if_tripped(self) -> None:
        """Something broke, here or for the whole station."""
        if any(self.has_fault(code) for code in TRIPPING):
            self._is_wanted = False
            self._switch()
        if self.has_fault("PowerMeterFailure") and self._circuit.frozen is None:
            self._circuit.frozen = self.read()
