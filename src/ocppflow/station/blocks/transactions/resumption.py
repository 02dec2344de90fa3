"""After a boot: go on with the transactions that ran before, or end them (2.1 E17)."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ocppflow.station.blocks.transactions.energy_supply import supply
from ocppflow.station.blocks.transactions.ev_connection import wait_for_ev
from ocppflow.station.blocks.transactions.evse_session import EvseSession
from ocppflow.station.blocks.transactions.session_events import tell
from ocppflow.station.blocks.transactions.transaction_limits import POWER_AREA, watch
from ocppflow.station.blocks.transactions.transaction_points import Fact, ends
from ocppflow.station.hardware import EvDemand
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.transaction_block import Transactions


STAMP: Final = 60.0
"""Seconds between two such notes: so much longer than it was an interruption may seem (E17.FR.02)."""


def note_power(block: Transactions) -> None:
    """Note now and then that the power is there, as long as a transaction runs."""
    if block.running and block.station.device_model.integer("TxCtrlr", "ResumptionTimeout"):
        block.station.store.put(POWER_AREA, "alive", block.station.time.now())
        block.station.store.commit()
        block.later("power", STAMP, lambda: note_power(block))


def resume(block: Transactions) -> None:
    """Decide for every transaction of before, once the hardware has told what is so."""
    block.booting = False
    for session in block.sessions.values():  # a cable may be in whose EV has gone meanwhile
        session.away = session.connector != 0 and session.demand is EvDemand.NONE
    idle = [session for session in block.sessions.values() if session.evse]
    for transaction in list(block.running.values()):
        session = block.sessions[transaction.evse]
        idle = [each for each in idle if each is not session]
        session.transaction = transaction
        session.token, session.group = transaction.token, transaction.group
        session.authorized = transaction.authorized
        _decide(block, session, transaction)
    for session in idle:  # where one has just ended, its EV begins no other
        block.happened(session, "CablePluggedIn" if session.ev else "EVDetected", quiet=True)


def _decide(block: Transactions, session: EvseSession, transaction: Transaction) -> None:
    alive = block.station.store.load(POWER_AREA, datetime).get("alive", transaction.last_event_at)
    away = (block.station.time.now() - max(transaction.last_event_at, alive)).total_seconds()
    timeout = block.station.device_model.integer("TxCtrlr", "ResumptionTimeout")
    too_long = not block.station.resetting.resumes and (not timeout or away > timeout)  # B13.FR.23
    if session.is_broken or too_long:  # E17.FR.20
        by_cut = block.station.boot_reason == "PowerUp"
        session.known = session.facts
        block.end(session, "AbnormalCondition", "PowerLoss" if by_cut else "Reboot")  # E17.FR.21, E17.FR.22
        return
    before = _facts_of(transaction)
    if ends(block.points("TxStopPoint"), before, before & {*session.facts, Fact.ENERGY, Fact.PATH, Fact.SIGNED}):
        session.known = session.facts
        block.end(session, "EVCommunicationLost" if not session.ev else "EVDeparted")  # E17.FR.17
        return
    _go_on(block, session, transaction)


def _facts_of(transaction: Transaction) -> frozenset[Fact]:
    """What was so when the power went, as far as it is kept."""
    so = {Fact.EV: transaction.charging_state != "Idle", Fact.AUTHORIZED: transaction.authorized}
    return frozenset(fact for fact, holds in so.items() if holds)


def _go_on(block: Transactions, session: EvseSession, transaction: Transaction) -> None:
    model = block.station.device_model
    was_charging = transaction.charging_state == "Charging"
    transaction.charging_since = None
    session.pauses = _pauses(transaction)
    if not model.flag("TxCtrlr", "AllowEnergyTransferResumption", True):
        session.pauses.add("resumption")  # E17.FR.12
    session.known = session.facts
    block.station.told_all("transaction_started", transaction)
    if not session.ev or not session.authorized:
        _tell_resumed(block, session, transaction)
        if not session.ev:
            wait_for_ev(block, session)
        return
    longest = model.integer("TxCtrlr", "EnergyTransferResumptionRandomRange")
    if was_charging and longest:  # E17.FR.18
        session.held = True
        block.later(f"held {session.evse}", _random(longest), lambda: _let_go(block, session))
    session.resuming = True
    block.station.work(_supply_again(block, session, transaction), "charging")


async def _supply_again(block: Transactions, session: EvseSession, transaction: Transaction) -> None:
    """Tell that it goes on once it does: in the charging state that it had before (E17.FR.11, E17.FR.14)."""
    try:
        await supply(block, session)
    finally:
        session.resuming = False
    if session.transaction is transaction and not block.is_down:
        session.known = session.facts
        _tell_resumed(block, session, transaction)
        watch(block, session)


def _tell_resumed(block: Transactions, session: EvseSession, transaction: Transaction) -> None:
    variable = "SampledDataCtrlr.TxUpdatedMeasurands"
    values = block.station.metering.sample(session.evse, "Interruption.End", variable, transaction=transaction)
    tell(block.station, session, "Updated", "TxResumed", values=values)


def _pauses(transaction: Transaction) -> set[str]:
    """What held back its energy before; limits are looked at again as soon as something may flow."""
    so = {
        "invalid": transaction.invalid and transaction.register_limit is None,
        "limit": transaction.reached is not None,
    }
    return {why for why, holds in so.items() if holds}


def _random(longest: int) -> float:
    return secrets.randbelow(longest * 1000 + 1) / 1000


def _let_go(block: Transactions, session: EvseSession) -> None:
    session.held = False
    block.reoffer(session)
