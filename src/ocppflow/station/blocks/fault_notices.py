"""What the CSMS hears of a fault beside the status of connectors: the variable Problem of what is broken (G05, N07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocppflow.station.device_model import VariableKey
from ocppflow.station.hardware import Fault

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

HARDWARE_FAILURE: Final = 1
"""The severity (N02, severities): the hardware does not do what it is for, somebody has to come."""

HARMLESS: Final = frozenset({"LocalListConflict", "NoError", "ReaderFailure", "ResetFailure", "WeakSignal"})
"""Codes with which charging goes on: what is broken has no part in that."""

_LOCK: Final = "ConnectorPlugRetentionLock"


def tell_problem(station: CompleteStation, evse: int, connector: int, fault: Fault, *, over: bool) -> None:
    """Set the variable, and send a NotifyEvent with the fault's code, monitored or not (G05.FR.02)."""
    key = _key(station, evse, connector, fault)
    if station.device_model.find(key.component, key.variable, evse=evse, connector=connector) is None:
        return
    station.device_model.set(key.component, key.variable, not over, evse=evse, connector=connector)
    station.monitoring.notify(
        key,
        "false" if over else "true",
        HARDWARE_FAILURE,
        trigger="Delta",
        cleared=over,
        tech_code=fault.vendor_code or fault.code,
        tech_info=fault.text,
    )


def _key(station: CompleteStation, evse: int, connector: int, fault: Fault) -> VariableKey:
    component = "Connector" if connector else "EVSE" if evse else "ChargingStation"
    if fault.code == "ConnectorLockFailure" and connector:
        locks = station.device_model.find(_LOCK, "Problem", evse=evse, connector=connector) is not None
        component = _LOCK if locks else component
    return VariableKey(component, "Problem", evse=evse, connector=connector)
