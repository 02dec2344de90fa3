"""What a station as a whole draws, which 1.6 tells as the values of connector 0 (4.7)."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec

from ocppflow.messages import v16, v21
from ocppflow.station.blocks.transactions.energy_supply import hardware_of
from ocppflow.station.dialect_16.words import meter_values_16
from ocppflow.station.hardware import MeterReading
from ocppflow.station.measured_values import sampled_values

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_MEASURANDS = ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import")
"""Of those that MeterValuesSampledData names: what is the sum of what the EVSEs draw."""


def main_meter_values(station: CompleteStation, context: v21.ReadingContextEnumType) -> list[v16.MeterValue]:
    """The values of the grid connection now. They are the sum of what the meters of the EVSEs show: together these see
    all that goes to EVs. Empty if MeterValuesSampledData names none of what can be summed up."""
    named = station.device_model.members("SampledDataCtrlr", "TxUpdatedMeasurands")
    measurands = [each for each in named if each in _MEASURANDS]
    if any(evse.current == "DC" for evse in station.config.evses):  # their current is not that of the grid
        measurands = [each for each in measurands if each != "Current.Import"]
    evses = range(1, len(station.config.evses) + 1)
    values = sampled_values(_sum([hardware_of(station, evse).read() for evse in evses]), measurands, context)
    at_inlet = [msgspec.structs.replace(value, location="Inlet") for value in values]
    if not at_inlet:
        return []
    return meter_values_16([v21.MeterValueType(timestamp=station.time.now(), sampled_value=at_inlet)])


def _sum(readings: list[MeterReading]) -> MeterReading:
    return MeterReading(
        energy_import=sum(each.energy_import for each in readings),
        power=sum(each.power for each in readings),
        currents=tuple(map(sum, zip_longest(*(each.currents for each in readings), fillvalue=0.0))),
    )
