"""The status of a connector in 1.6: nine words where 2.1 has five, since it tells what the transaction does as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, cast, get_args

from ocppflow.messages import v16
from ocppflow.station.blocks.fault_notices import HARMLESS
from ocppflow.station.dialect_16.numbering import places
from ocppflow.station.hardware import Fault

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.evse_session import EvseSession
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

_ERROR_CODES: Final[frozenset[str]] = frozenset(get_args(v16.ChargePointErrorCode))

EV_GONE: Final = "EV side disconnected"
"""Why a connector is SuspendedEV or Finishing whose cable is in, but not in the EV any more (4.9)."""


class Status16(NamedTuple):
    """What a StatusNotification of 1.6 tells."""

    status: v16.ChargePointStatus
    error_code: v16.ChargePointErrorCode = "NoError"
    info: str = ""
    vendor_code: str = ""


def status_16(station: CompleteStation, evse: int, connector: int) -> Status16:
    """The status of a connector, or of the station itself (0, 0), which is Available, Unavailable or Faulted. A fault
    with which charging goes on is only a warning beside the status (4.9)."""
    faults = station.availability.faults
    fault = faults.get((evse, connector)) or (faults.get((evse, 0)) if evse else None)
    if fault is None:
        return _sound(station, evse, connector)
    if fault.code not in HARMLESS:
        return _with_fault("Faulted", fault)
    return _with_fault(_sound(station, evse, connector).status, fault)


def _sound(station: CompleteStation, evse: int, connector: int) -> Status16:
    availability = station.availability
    if evse == 0:
        return Status16("Available" if availability.operative() else "Unavailable")
    session = station.transactions.sessions[evse]
    transaction = session.transaction
    if transaction is not None and _is_here(station, transaction, evse, connector):
        return _in_transaction(station, session, transaction)
    match availability.status(evse, connector):
        case "Occupied" if session.charged:
            return Status16("Finishing", info=EV_GONE if session.away else "")
        case "Occupied":
            return Status16("Preparing")
        case "Available" | "Reserved" if session.authorized and not session.connector:
            return Status16("Preparing")  # a token or a remote start came first (A2, G2)
        case status:
            return Status16(status)


def _with_fault(status: v16.ChargePointStatus, fault: Fault) -> Status16:
    known = fault.code in _ERROR_CODES
    code = cast(v16.ChargePointErrorCode, fault.code) if known else "OtherError"
    info = fault.text if known else f"{fault.code} {fault.text}".strip()
    return Status16(status, code, info[:50], fault.vendor_code[:50])


def _is_here(station: CompleteStation, transaction: Transaction, evse: int, connector: int) -> bool:
    """Whether this is the connector of the transaction, as far as that is known."""
    known = station.dialect_16.known(transaction.id).connector_id
    where = transaction.connector or (places(station.config)[known - 1][1] if known else 0)
    return where in (0, connector)


def _in_transaction(station: CompleteStation, session: EvseSession, transaction: Transaction) -> Status16:
    if transaction.token is None:
        return Status16("Preparing")
    if session.connector == 0:  # nobody has come yet, or a cable that is fixed to the station is out of the EV
        begun = station.dialect_16.known(transaction.id).start_seq_no is not None
        return Status16("SuspendedEV", info=EV_GONE) if begun else Status16("Preparing")
    if session.away:
        return Status16("SuspendedEV" if session.authorized else "Finishing", info=EV_GONE)
    if not session.authorized:
        return Status16("Finishing")
    match session.state:
        case "Charging" | "SuspendedEV" | "SuspendedEVSE" as state:
            return Status16(state)
        case _:
            return Status16("SuspendedEV")  # authorized and connected, but the contactor is not closed yet
