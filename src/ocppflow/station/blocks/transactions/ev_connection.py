"""EVs that come and go: cables plugged in and out, at either end (E02, E03, E09, E10)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ocppflow.log_budget import budgeted
from ocppflow.station.blocks.transactions import driver_tokens
from ocppflow.station.blocks.transactions.energy_supply import LOCK_FAILED, cut, supply
from ocppflow.station.blocks.transactions.evse_session import EvseSession
from ocppflow.station.blocks.transactions.transaction_points import Fact, ends
from ocppflow.station.hardware import EvDemand

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.transaction_block import Transactions

log = budgeted("ocppflow.station")


def plugged(block: Transactions, evse: int, connector: int) -> None:
    """A cable with an EV behind it is in."""
    session = block.sessions[evse]
    if session.connector:
        if session.connector != connector:  # E01.FR.14
            log.info("%s: EVSE %d serves its connector %d already", block.station.identity, evse, session.connector)
        return
    session.connector, session.away, session.charged = connector, False, False
    if block.booting:
        return
    nowhere = block.sessions[0]
    if nowhere.authorized and driver_tokens.may_move(block, nowhere, session):
        _move(block, nowhere, session)
    _connected(block, session)


def _move(block: Transactions, nowhere: EvseSession, session: EvseSession) -> None:
    """The driver who was authorized before has plugged in here."""
    block.cancel_timer("connect 0")
    session.admit(nowhere.token or driver_tokens.NOBODY, nowhere.group, nowhere.remote_start_id, nowhere.reservation_id)
    session.known |= {Fact.AUTHORIZED}
    session.transaction, nowhere.transaction = nowhere.transaction, None
    session.kept, nowhere.kept = nowhere.kept, None
    if session.transaction is not None:
        session.transaction.evse = session.evse
    nowhere.forget_driver()
    nowhere.known = nowhere.facts


def _connected(block: Transactions, session: EvseSession) -> None:
    block.cancel_timer(f"connect {session.evse}")
    block.refresh(session.evse)
    if session.transaction is not None:
        session.transaction.evse_told = False
    block.happened(session, "CablePluggedIn")
    if session.authorized:
        block.station.work(supply(block, session), "charging")
    elif not block.station.device_model.flag("AuthCtrlr", "Enabled", True):
        driver_tokens.let_in(block, session)


def unplugged(block: Transactions, evse: int, connector: int) -> None:
    """The cable is out."""
    session = block.sessions[evse]
    if not session.connector or session.connector != connector:
        return
    was_there = session.ev
    session.connector, session.away, session.locked, session.keeper = 0, False, False, None
    session.demand = EvDemand.NONE
    if block.station.availability.faults.get((evse, connector)) is LOCK_FAILED:
        block.cleared(evse, connector)
    if block.booting:
        return
    if was_there:
        _lost(block, session)
    else:
        _gone(block, session)


def demanded(block: Transactions, evse: int, demand: EvDemand) -> None:
    """What the EV asks for has changed; NONE: it is no longer there, though the cable may be."""
    session = block.sessions[evse]
    before, session.demand = session.demand, demand
    if block.booting or not session.connector:
        return
    if demand is EvDemand.NONE:
        if before is not EvDemand.NONE and not session.away:
            session.away = True
            _lost(block, session)
    elif session.away:
        session.away = False
        _connected(block, session)
    else:
        block.state_changed(session)


def _lost(block: Transactions, session: EvseSession) -> None:
    """E09, E10: the EV is no longer connected."""
    cut(block.station, session)
    if session.authorized and block.station.device_model.flag("TxCtrlr", "StopTxOnEVSideDisconnect"):
        session.authorized = False  # E09.FR.01
        if session.transaction is None:
            session.forget_driver()
        elif session.transaction.stopped_reason is None:
            session.transaction.stopped_reason = "EVDisconnected"
    block.happened(session, "EVCommunicationLost")  # first, so that what waits for its end shows at once (G01.FR.05)
    if session.connector and not session.authorized and session.keeper is None:
        block.release(session, "EVDisconnected")
    _gone(block, session)


def _gone(block: Transactions, session: EvseSession) -> None:
    block.refresh(session.evse)
    if not session.connector and (session.authorized or session.transaction is not None):
        wait_for_ev(block, session)  # E10.FR.02, E03.FR.05


def wait_for_ev(block: Transactions, session: EvseSession) -> None:
    """E03.FR.05: give the driver EVConnectionTimeOut to plug in."""
    seconds = block.station.device_model.integer("TxCtrlr", "EVConnectionTimeOut")
    if seconds:
        block.later(f"connect {session.evse}", seconds, partial(_nobody_came, block, session))


def _nobody_came(block: Transactions, session: EvseSession) -> None:
    if session.transaction is None:
        session.forget_driver()
        session.known = session.facts
        block.refresh(session.evse)
        return
    session.transaction.stopped_reason = session.transaction.stopped_reason or "Timeout"
    session.authorized = False
    stops = block.points("TxStopPoint")
    if "ParkingBayOccupancy" in stops and not ends(stops, session.known, session.facts):  # E03.FR.15
        block.happened(session, "EVConnectTimeout")
    else:
        block.end(session, "EVConnectTimeout")
