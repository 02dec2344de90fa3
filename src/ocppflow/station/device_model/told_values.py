"""Values that are nowhere kept, but known when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocppflow.station.device_model.declaration import VariableKey
from ocppflow.station.device_model.variable_hooks import told

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation


@told("ClockCtrlr", "DateTime")
def _now(station: CompleteStation, key: VariableKey) -> str:
    return station.time.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


@told("SecurityCtrlr", "Identity")
def _identity(station: CompleteStation, key: VariableKey) -> str:
    return station.identity


@told("ChargingStation", "SerialNumber")
def _serial_number(station: CompleteStation, key: VariableKey) -> str:
    return station.config.serial_number


@told("ChargingStation", "FirmwareVersion")
def _firmware_version(station: CompleteStation, key: VariableKey) -> str:
    return station.firmware.version


@told("EVSE", "Power")
def _power(station: CompleteStation, key: VariableKey) -> str:
    return f"{_watts(station, key.evse):.1f}"


@told("ChargingStation", "Power")
def _power_of_all(station: CompleteStation, key: VariableKey) -> str:
    return f"{sum(_watts(station, evse) for evse in range(1, len(station.config.evses) + 1)):.1f}"


def _watts(station: CompleteStation, evse: int) -> float:
    if station.hardware is None or evse > len(station.hardware.evses):
        return 0.0
    return station.hardware.evses[evse - 1].read().power


@told("EVSE", "ActiveTransactionId")
def _transaction(station: CompleteStation, key: VariableKey) -> str:
    transaction = station.transactions.on_evse(key.evse)
    return transaction.id if transaction is not None else ""


@told("EVSE", "ChargingState")
def _charging_state(station: CompleteStation, key: VariableKey) -> str:
    transaction = station.transactions.on_evse(key.evse)
    return transaction.charging_state if transaction is not None else "Idle"


@told("ChargingStation", "ActiveTransactionId")
def _transactions(station: CompleteStation, key: VariableKey) -> str:
    return ",".join(station.transactions.running)
