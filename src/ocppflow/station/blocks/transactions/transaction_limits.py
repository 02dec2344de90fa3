"""How far a transaction may go: limits of energy, time, cost and state of charge (2.1 E16), and what a driver may still
draw whose token the CSMS does not accept (E05.FR.03)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from ocppflow.messages import v21
from ocppflow.station.blocks.transactions.energy_supply import hardware_of
from ocppflow.station.blocks.transactions.evse_session import EvseSession
from ocppflow.station.blocks.transactions.session_events import AREA, tell
from ocppflow.station.hardware import MeterReading
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.transaction_block import Transactions

NAMES: Final = {"maxCost": "max_cost", "maxEnergy": "max_energy", "maxTime": "max_time", "maxSoC": "max_soc"}

REACHED: Final[dict[str, v21.TriggerReasonEnumType]] = {
    "max_cost": "CostLimitReached",
    "max_energy": "EnergyLimitReached",
    "max_time": "TimeLimitReached",
    "max_soc": "SoCLimitReached",
}

_LOOK_AGAIN: Final = 10.0
"""Seconds after which it is looked at again how far it is: no EV changes its power so much in between that it draws
more than some Wh too many (E16.FR.19)."""

_SOONEST: Final = 0.1
_A_JUMP: Final = 1.0
"""Seconds by which the time of day is set before that is written down at once: less is lost with the power."""
POWER_AREA: Final = "power"
"""Of the store: when the station was last known to have power, while a transaction runs."""

_A_BIT: Final = 0.5
"""Wh by which energy may fall short of its limit: what flows in the time of a look."""


def set_limit(
    block: Transactions, transaction: Transaction, limit: v21.TransactionLimitType, *, by_csms: bool = False
) -> None:
    """Limit a transaction, or change its limits: those that the station supports are confirmed by an event (E16.FR.01,
    E16.FR.03). A limit that the CSMS has set is not exceeded by another one (E16.FR.04)."""
    session = block.sessions[transaction.evse]
    supported = block.station.device_model.members("TxCtrlr", "SupportedLimits")
    wanted = {NAMES[each]: getattr(limit, NAMES[each]) for each in supported if each in NAMES}
    new = {name: value for name, value in wanted.items() if value is not msgspec.UNSET}
    if not by_csms and transaction.csms_limit is not None:
        for name, value in new.items():
            most = getattr(transaction.csms_limit, name)
            new[name] = value if most is msgspec.UNSET else min(value, most)
    if transaction.limit is not None:  # what is said again is not confirmed again, else there would be no end
        new = {name: value for name, value in new.items() if value != getattr(transaction.limit, name)}
    if not new:
        return  # E16.FR.13
    transaction.limit = msgspec.structs.replace(transaction.limit or v21.TransactionLimitType(), **new)
    if by_csms:
        transaction.csms_limit = msgspec.structs.replace(transaction.csms_limit or v21.TransactionLimitType(), **new)
    tell(block.station, session, "Updated", "LimitSet", transaction_limit=v21.TransactionLimitType(**new))
    watch(block, session)


def told_cost(block: Transactions, transaction: Transaction, total: float) -> None:
    """The CSMS has told what it costs so far (E16.FR.15)."""
    transaction.total_cost = total
    block.station.store.put(AREA, transaction.id, transaction)
    watch(block, block.sessions[transaction.evse])


def watch(block: Transactions, session: EvseSession) -> None:
    """Act on what is reached, and look again when something may be."""
    name = f"limit {session.evse}"
    transaction = session.transaction
    if transaction is None or not session.ev or (transaction.limit is None and transaction.register_limit is None):
        block.cancel_timer(name)
        return
    reading = hardware_of(block.station, session.evse).read()
    _act(block, session, transaction, reading)
    if session.transaction is not None:
        block.later(name, _until(block, session, transaction, reading), partial(watch, block, session))


def time_set(block: Transactions) -> None:
    """The time of day has been set: how long a transaction has lasted, and charged, is what it was (E16.FR.09), and so
    is how long ago the power was there (E17.FR.02)."""
    time, store = block.station.time, block.station.store
    for transaction in block.running.values():
        transaction.started_at = time.moved(transaction.started_at)
        transaction.last_event_at = time.moved(transaction.last_event_at)
        if transaction.charging_since is not None:
            transaction.charging_since = time.moved(transaction.charging_since)
        store.put(AREA, transaction.id, transaction)
    if block.running and abs(time.jump.total_seconds()) >= _A_JUMP:
        store.put(POWER_AREA, "alive", time.now())
        store.commit()
    for session in block.sessions.values():
        watch(block, session)


def _act(block: Transactions, session: EvseSession, transaction: Transaction, reading: MeterReading) -> None:
    if transaction.register_limit is not None and reading.energy_import >= transaction.register_limit - _A_BIT:
        _pause(block, session, "invalid")  # E05.FR.02
    reached = _reached(block, transaction, reading)
    if reached == transaction.reached:
        return
    transaction.reached = reached
    if reached is None:
        session.pauses.discard("limit")
        block.reoffer(session)  # E16.FR.14
    elif "EnergyTransfer" in block.points("TxStopPoint"):
        block.end(session, reached)  # E16.FR.06
    else:
        _pause(block, session, "limit", reached)  # E16.FR.05, E16.FR.10


def _pause(
    block: Transactions, session: EvseSession, why: str, trigger: v21.TriggerReasonEnumType | None = None
) -> None:
    if why not in session.pauses:
        session.pauses.add(why)
        block.reoffer(session, trigger)


def _reached(block: Transactions, transaction: Transaction, reading: MeterReading) -> v21.TriggerReasonEnumType | None:
    """Which of the limits is reached, if any."""
    limit = transaction.limit
    if limit is None:
        return None
    drawn = reading.energy_import - (transaction.register_at_start or 0.0)
    passed = (block.station.time.now() - transaction.started_at).total_seconds()  # E16.FR.09
    soc, cost = reading.soc, transaction.total_cost
    if limit.max_energy is not msgspec.UNSET and drawn >= limit.max_energy - _A_BIT:
        return REACHED["max_energy"]
    if limit.max_time is not msgspec.UNSET and passed >= limit.max_time:
        return REACHED["max_time"]
    if limit.max_soc is not msgspec.UNSET and soc is not None and soc >= limit.max_soc:
        return REACHED["max_soc"]
    if limit.max_cost is not msgspec.UNSET and cost is not None and cost >= limit.max_cost:
        return REACHED["max_cost"]
    return None


def _until(block: Transactions, session: EvseSession, transaction: Transaction, reading: MeterReading) -> float:
    """Seconds until a limit may be reached, as things go."""
    waits = [_LOOK_AGAIN]
    limit = transaction.limit or v21.TransactionLimitType()
    if limit.max_time is not msgspec.UNSET:
        waits.append(limit.max_time - (block.station.time.now() - transaction.started_at).total_seconds())
    power = max(reading.power, session.offer.watts)
    left = []
    if limit.max_energy is not msgspec.UNSET:
        left.append(limit.max_energy - reading.energy_import + (transaction.register_at_start or 0.0))
    if transaction.register_limit is not None:
        left.append(transaction.register_limit - reading.energy_import)
    if power > 0:
        waits += [watt_hours * 3600 / power for watt_hours in left]
    return max(_SOONEST, min(each for each in waits if each > 0))
