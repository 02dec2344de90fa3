"""What a fault of the hardware means for charging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocppflow.messages.v21 import ReasonEnumType
from ocppflow.station.blocks.fault_notices import HARMLESS
from ocppflow.station.blocks.transactions.energy_supply import cut
from ocppflow.station.hardware import Fault

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.transaction_block import Transactions

REASONS_OF: Final[dict[str, ReasonEnumType]] = {
    "EmergencyStop": "EmergencyStop",
    "GroundFailure": "GroundFault",
    "GroundFault": "GroundFault",
    "OverCurrentFailure": "OvercurrentFault",
    "OvercurrentFault": "OvercurrentFault",
    "OverVoltage": "PowerQuality",
    "PowerQuality": "PowerQuality",
    "UnderVoltage": "PowerQuality",
}
"""The stoppedReason of a fault; Other for the rest."""


def faulted(block: Transactions, evse: int, connector: int, fault: Fault) -> None:
    """Energy stops at once, and the transaction with it (E06.FR.16)."""
    block.station.availability.fault(evse, connector, fault)
    if fault.code in HARMLESS:
        return
    for session in [each for number, each in block.sessions.items() if number and evse in (0, number)]:
        session.faults.add(connector)
        if connector not in (0, session.connector):
            continue
        cut(block.station, session)
        if block.booting:
            continue
        if session.transaction is not None:
            block.end(session, "AbnormalCondition", REASONS_OF.get(fault.code, "Other"))
        elif session.authorized:
            block.deauthorize(session, "AbnormalCondition", "Other")


def cleared(block: Transactions, evse: int, connector: int) -> None:
    """A driver may begin anew; nothing goes on by itself."""
    block.station.availability.clear(evse, connector)
    for number, session in block.sessions.items():
        if evse in (0, number):
            session.faults.discard(connector)
