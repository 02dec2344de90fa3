"""Circuit: what flows between the grid, the meter and the EV of one simulated EVSE.

Nothing ticks: between two events the power is known, so content and registers are exact at any moment from the last
event on. Whoever changes something calls :meth:`Circuit.settle` first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from ocppflow.station.hardware.electric_vehicle import Battery
from ocppflow.station.hardware.interface import NOTHING, MeterReading, Offer

if TYPE_CHECKING:
    from ocppflow.station.hardware.simulated_hardware import SimulatedHardware
    from ocppflow.station.station_config import EvseConfig

_WARMING: Final = 600.0
"""Seconds in which the inside has come nearer to its new temperature by 63 %."""


class Count(NamedTuple):
    """Wh in the battery, and in the registers."""

    content: float = 0.0
    imported: float = 0.0
    exported: float = 0.0


class Circuit:
    """Contactor, meter and battery of one EVSE. ``now`` is the clock's time everywhere, ``grid`` W at the meter,
    positive into the EV."""

    __slots__ = (
        "_config",
        "_hardware",
        "_rise",
        "_since",
        "battery",
        "count",
        "frozen",
        "is_closed",
        "is_idle",
        "obeyed",
    )

    def __init__(self, hardware: SimulatedHardware, config: EvseConfig) -> None:
        self._hardware = hardware
        self._config = config
        self.battery: Battery | None = None
        self.count = Count()
        """At the last event."""
        self.is_closed = False
        """The contactor."""
        self.is_idle = False
        """The EV draws nothing whatever is offered: it sleeps, or cannot be understood."""
        self.obeyed: Offer = NOTHING
        """The offer that the EV obeys now."""
        self.frozen: MeterReading | None = None
        """What a broken meter shows."""
        self._rise = 0.0  # degrees above what is outside
        self._since = 0.0

    def allowed(self, offer: Offer) -> float:
        """W that EV, offer and contactor allow, whatever the battery takes."""
        battery, config = self.battery, self._config
        if battery is None or not self.is_closed or self.is_idle:
            return 0.0
        if offer.watts < 0:
            return offer.watts
        if config.current == "DC":
            return min(offer.watts, offer.amps * self.volts[0])
        volts = sum(self.volts[: min(offer.phases, battery.ev.phases, config.phases)])
        amps = min(offer.amps, offer.watts / volts, battery.ev.max_amps)
        return amps * volts if amps >= battery.ev.min_amps * (1 - 1e-9) else 0.0

    @property
    def grid(self) -> float:
        """What is allowed now."""
        return self.allowed(self.obeyed)

    @property
    def power(self) -> float:
        """W at the last event."""
        return self.battery.power(self.count.content, self.grid) if self.battery is not None else 0.0

    @property
    def volts(self) -> tuple[float, ...]:
        """By phase; one for DC, which is the battery's."""
        if self._config.current == "DC":
            return (min(self._config.voltage, self.battery.ev.voltage) if self.battery is not None else 0.0,)
        return tuple(self._config.voltage * share for share in self._hardware.supply[: self._config.phases])

    def at(self, now: float, grid: float | None = None) -> Count:
        """The count at a moment from the last event on; with ``grid``, as if so much were allowed."""
        battery, count = self.battery, self.count
        if battery is None:
            return count
        content = battery.after(count.content, max(0.0, now - self._since), self.grid if grid is None else grid)
        if self.frozen is not None:
            return count._replace(content=content)
        more, efficiency = content - count.content, battery.ev.efficiency
        return Count(
            content,
            count.imported + max(0.0, more) / efficiency,
            count.exported + max(0.0, -more) * efficiency,
        )

    def settle(self, now: float) -> None:
        """Count what has flowed until now, before something changes."""
        self._rise = self._rise_at(now)
        self.count = self.at(now)
        self._since = now

    def done_at(self) -> float:
        """When the battery has what it wants, if nothing changes; infinite if never."""
        if self.battery is None or not self.power:
            return math.inf
        return self._since + self.battery.seconds_until_done(self.count.content, self.grid)

    def reading(self, now: float) -> MeterReading:
        """What the meter shows."""
        if self.frozen is not None:
            return self.frozen
        count, battery, volts, is_ac = self.at(now), self.battery, self.volts, self._config.current == "AC"
        power = battery.power(count.content, self.grid) if battery is not None else 0.0
        used = 1
        if is_ac and battery is not None:
            used = max(1, min(self.obeyed.phases, battery.ev.phases, len(volts)))
        amps = power / sum(volts[:used]) if power else 0.0
        return MeterReading(
            energy_import=count.imported,
            energy_export=count.exported,
            power=power,
            currents=tuple(amps if phase < used else 0.0 for phase in range(len(volts))),
            voltages=volts,
            frequency=self._hardware.frequency(now) if is_ac else None,
            soc=self.percent(count) if battery is not None and battery.ev.tells_soc else None,
            temperature=self._hardware.ambient + self._rise_at(now),
        )

    def percent(self, count: Count) -> float | None:
        """The state of charge; None without an EV."""
        return count.content * 100 / self.battery.ev.capacity if self.battery is not None else None

    def _rise_at(self, now: float) -> float:
        target = 30.0 * min(1.0, abs(self.power) / self._config.power) ** 2
        return target + (self._rise - target) * math.exp(-max(0.0, now - self._since) / _WARMING)
