"""From an authorized driver and a plugged-in EV to energy that flows: lock, contactor, offer; and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocppflow.log_budget import budgeted
from ocppflow.station.blocks.transactions.evse_session import EvseSession
from ocppflow.station.hardware import NOTHING, EvseHardware, Fault, Offer
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.transaction_block import Transactions
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")


LOCK_FAILED: Final = Fault(code="ConnectorLockFailure", text="the cable could not be locked")
"""What the station has noticed itself (G05); it is over when the cable is out."""


def hardware_of(station: CompleteStation, evse: int) -> EvseHardware:
    """The hardware of an EVSE; only asked for once the hardware has spoken of it."""
    if station.hardware is None:
        raise RuntimeError(f"{station.identity} has no hardware")
    return station.hardware.evses[evse - 1]


def is_detachable(station: CompleteStation, session: EvseSession) -> bool:
    """Whether the cable can be taken out of the station."""
    connectors = station.config.evses[session.evse - 1].connectors
    return 0 < session.connector <= len(connectors) and connectors[session.connector - 1].type.startswith("s")


async def supply(block: Transactions, session: EvseSession) -> None:
    """Lock the cable, close the contactor, offer energy. Does nothing where that is not to be."""
    if session.supplying or session.path or not _wanted(session):
        return
    session.supplying = True
    try:
        await _supply(block, session)
    finally:
        session.supplying = False


async def _supply(block: Transactions, session: EvseSession) -> None:
    hardware = hardware_of(block.station, session.evse)
    connector = session.connector
    if not await hardware.lock(connector):
        if _wanted(session):
            block.faulted(session.evse, connector, LOCK_FAILED)
        return
    session.locked = True
    if not await _goes_on(block, session):
        return
    if not session.signed and block.signs(session.evse):
        session.signed = True
        block.happened(session, "SignedDataReceived", quiet=True)
        if not await _goes_on(block, session):
            return
    hardware.energize(True)
    session.path = True
    block.happened(session, block.cause(session), quiet=True)  # PowerPathClosed
    if not await _goes_on(block, session):
        return
    session.offer = offer_now(block.station, session)
    block.state_changed(session)  # with this EnergyTransfer may start a transaction
    if await _goes_on(block, session):
        hardware.offer(session.offer)


def _wanted(session: EvseSession) -> bool:
    return session.authorized and session.ev and not session.is_broken


async def _goes_on(block: Transactions, session: EvseSession) -> bool:
    """Whether energy is still wanted once a transaction that has just started is durable: none flows for one that
    nobody would remember."""
    if session.kept is not None:
        try:
            await session.kept
        except StoreFailed:
            return False  # and the start has been taken back
    if block.is_down or not _wanted(session):
        if not block.is_down:
            cut(block.station, session)
            if not session.authorized and session.keeper is None:
                unlock(block.station, session)
        return False
    return True


def offer_now(station: CompleteStation, session: EvseSession) -> Offer:
    """What the EV may draw."""
    if session.paused or session.held:
        return NOTHING
    return station.smart_charging.limit(session.evse, station.time.now())


def cut(station: CompleteStation, session: EvseSession) -> None:
    """No energy any more: nothing offered, contactor open."""
    if session.offer is not NOTHING or session.path:
        hardware = hardware_of(station, session.evse)
        session.offer = NOTHING
        hardware.offer(NOTHING)
        session.path = False
        hardware.energize(False)


def unlock(station: CompleteStation, session: EvseSession) -> None:
    """Let the cable go (E06.FR.10)."""
    session.keeper = None
    if session.locked:
        session.locked = False
        station.work(_unlock(station, session.evse, session.connector or 1), "unlocking a cable")


async def _unlock(station: CompleteStation, evse: int, connector: int) -> None:
    if not await hardware_of(station, evse).unlock(connector):
        log.error("%s: the cable at EVSE %d cannot be unlocked", station.identity, evse)
