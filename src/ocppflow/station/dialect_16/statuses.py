"""The status of a connector in 1.6: nine words where 2.1 has five, since it tells what the transaction does as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast, get_args

from ocppflow.messages import v16
from ocppflow.station.hardware import Fault

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

_ERROR_CODES: Final[frozenset[str]] = frozenset(get_args(v16.ChargePointErrorCode))


class Status16(NamedTuple):
    """What a StatusNotification of 1.6 tells."""

    status: v16.ChargePointStatus
    error_code: v16.ChargePointErrorCode = "NoError"
    info: str = ""
    vendor_code: str = ""


def status_16(station: CompleteStation, evse: int, connector: int) -> Status16:
    """The status of a connector, or of the station itself (0, 0), which is Available, Unavailable or Faulted."""
    availability = station.availability
    fault = availability.faults.get((evse, connector)) or (availability.faults.get((evse, 0)) if evse else None)
    if fault is not None:
        return _faulted(fault)
    if evse == 0:
        return Status16("Available" if availability.operative() else "Unavailable")
    transaction = station.transactions.on_evse(evse)
    if transaction is not None and transaction.connector in {0, connector}:
        return Status16(_in_transaction(transaction))
    match availability.status(evse, connector):
        case "Occupied":
            return Status16("Finishing" if station.dialect_16.finished(evse) else "Preparing")
        case status:
            return Status16(status)


def _faulted(fault: Fault) -> Status16:
    known = fault.code in _ERROR_CODES
    code = cast(v16.ChargePointErrorCode, fault.code) if known else "OtherError"
    info = fault.text if known else f"{fault.code} {fault.text}".strip()
    return Status16("Faulted", code, info[:50], fault.vendor_code[:50])


def _in_transaction(transaction: Transaction) -> v16.ChargePointStatus:
    if transaction.token is None or transaction.connector == 0:
        return "Preparing"
    match transaction.charging_state:
        case "Charging" | "SuspendedEV" | "SuspendedEVSE" as state:
            return state
        case "EVConnected":
            return "SuspendedEV"  # authorized, and the EV asks for nothing
        case _:
            return "Preparing"
