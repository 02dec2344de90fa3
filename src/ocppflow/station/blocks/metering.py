"""J, Metering: meter values in and out of transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocppflow.messages import v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.transactions.energy_supply import hardware_of
from ocppflow.station.measured_values import sampled_values
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation


class Metering(Block):
    """The meter values of one station."""

    __slots__ = ()

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)

    def register(self, evse: int) -> float:
        """Wh of the register of an EVSE's meter."""
        return hardware_of(self.station, evse).read().energy_import

    def sample(
        self, evse: int, context: v21.ReadingContextEnumType, measurands_variable: str
    ) -> list[v21.MeterValueType]:
        """What the meter of an EVSE shows now, of the measurands that a variable lists, such as
        ``SampledDataCtrlr.TxUpdatedMeasurands``; empty if it lists none that there is."""
        component, _, variable = measurands_variable.partition(".")
        measurands = self.station.device_model.members(component, variable)
        if not measurands or not evse:
            return []
        reading = hardware_of(self.station, evse).read()
        values = sampled_values(reading, measurands, context)
        return [v21.MeterValueType(timestamp=self.station.time.now(), sampled_value=values)] if values else []

    def ended_values(self, transaction: Transaction) -> list[v21.MeterValueType]:
        """The values of an Ended event (E06.FR.11)."""
        if not transaction.begin_told:
            return []
        return self.sample(transaction.evse, "Transaction.End", "SampledDataCtrlr.TxEndedMeasurands")
