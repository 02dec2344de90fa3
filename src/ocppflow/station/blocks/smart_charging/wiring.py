"""What a station and its EVSEs are wired with."""

from __future__ import annotations

from functools import lru_cache

from ocppflow.station.blocks.smart_charging.charging_rate import Supply
from ocppflow.station.station_config import EvseConfig, StationConfig


@lru_cache(maxsize=64)
def supplies(config: StationConfig) -> tuple[Supply, tuple[Supply, ...]]:
    """What a station of this make, and each of its EVSEs, is wired with."""
    evses = tuple(_supply(evse) for evse in config.evses)
    ac = [supply for supply in evses if not supply.is_dc]
    watts = sum(supply.watts for supply in evses)
    if not ac:
        voltage = max((supply.voltage for supply in evses), default=230.0)
        return Supply(sum(supply.amps for supply in evses), watts, 1, voltage, is_dc=True), evses
    voltage = ac[0].voltage
    phases = 3 if len(ac) < len(evses) else max(supply.phases for supply in ac)
    amps = sum(supply.watts / (voltage * phases) if supply.is_dc else supply.amps for supply in evses)
    return Supply(amps, watts, phases, voltage), evses


def _supply(evse: EvseConfig) -> Supply:
    direct = evse.current == "DC"
    return Supply(evse.max_amps, evse.power, 1 if direct else evse.phases, evse.voltage, direct)
