"""Tokens at an EVSE: who may start, who may stop, who may take the cable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ocppflow.log_budget import budgeted
from ocppflow.messages.v21 import IdTokenType
from ocppflow.station.blocks.id_tokens import same_group, same_token
from ocppflow.station.blocks.transactions import ev_connection
from ocppflow.station.blocks.transactions.energy_supply import supply, unlock
from ocppflow.station.blocks.transactions.evse_session import EvseSession

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.transaction_block import Transactions

log = budgeted("ocppflow.station")

NOBODY = IdTokenType(id_token="", type="NoAuthorization")
"""The token of a station that asks for none (C02)."""


def presented(block: Transactions, evse: int, token: IdTokenType) -> None:
    """A token has been read."""
    session = _session_for(block, evse, token)
    if session.asking:
        return  # one at a time: the answer decides what the next means
    if session.authorized and (same_token(token, session.token) or _is_known_friend(block, session, token)):
        block.deauthorize(session, "StopAuthorized", "Local", token=token)
    elif session.keeper is not None and same_token(token, session.keeper[0]):  # E09.FR.03
        unlock(block.station, session)
    else:
        session.asking = True
        block.station.work(_judge(block, session, token), "authorizing a token")


def _is_known_friend(block: Transactions, session: EvseSession, token: IdTokenType) -> bool:
    """Whether the local list or the cache knows the token as a valid one of the driver's group: it ends the
    authorization without asking anybody (C01.FR.03, C09.FR.07, E07.FR.01)."""
    known = block.station.authorization.local(token)
    return known is not None and known.accepted and same_group(session.group, known.group)


def _session_for(block: Transactions, evse: int, token: IdTokenType) -> EvseSession:
    """At which EVSE a token counts that was read by a reader that serves all of them."""
    every = [session for number, session in block.sessions.items() if number]
    if evse:
        return block.sessions[evse]
    if len(every) == 1:
        return every[0]
    holder = [each for each in block.sessions.values() if each.authorized and same_token(token, each.token)]
    owner = [each for each in every if each.keeper is not None and same_token(token, each.keeper[0])]
    waiting = [each for each in every if each.ev and not each.authorized]
    return next(iter([*holder, *owner, *waiting]), block.sessions[0])


async def _judge(block: Transactions, session: EvseSession, token: IdTokenType) -> None:
    station = block.station
    authorization = station.authorization
    try:
        verdict = await authorization.authorize(token, session.evse)
    finally:
        session.asking = False
    if block.is_down:
        return
    if not verdict.accepted:
        log.info("%s: a token is refused: %s", station.identity, verdict.status)
        return
    if authorization.is_master_pass(token, verdict.group):  # C16
        await block.stop_all("MasterPass", "StopAuthorized", token)
        return
    session = _reserved_for(block, session, token, verdict.group)
    if session.authorized:
        if same_group(session.group, verdict.group):  # E07.FR.01, E08.FR.02
            block.deauthorize(session, "StopAuthorized", "Local", token=token)
    elif session.keeper is not None and same_group(session.keeper[1], verdict.group):
        unlock(station, session)
    elif not _is_anothers(session, token, verdict.group) and may_use(block, session, token, verdict.group):
        session.only = verdict.only
        authorize(block, session, token, verdict.group)


def may_move(block: Transactions, nowhere: EvseSession, session: EvseSession) -> bool:
    """Whether a driver who was authorized before may charge at the EVSE where an EV has been plugged in (C01.FR.21)."""
    if session.authorized or session.transaction is not None or (nowhere.only and session.evse not in nowhere.only):
        return False
    return may_use(block, session, nowhere.token or NOBODY, nowhere.group)


def _reserved_for(
    block: Transactions, session: EvseSession, token: IdTokenType, group: IdTokenType | None
) -> EvseSession:
    """Where a driver goes who may plug in anywhere: to the EVSE that is reserved for just this one."""
    reserved = 0 if session.evse else block.station.reservations.place_for(token, group)
    return block.sessions[reserved] if reserved and block.sessions[reserved].is_free else session


def _is_anothers(session: EvseSession, token: IdTokenType, group: IdTokenType | None) -> bool:
    """Whether the transaction has had another driver, whose authorization has ended (C01.FR.23)."""
    driver = None if session.transaction is None else session.transaction.token
    if session.transaction is None or driver is None or same_token(driver, token):
        return False
    return not same_group(session.transaction.group, group)


def let_in(block: Transactions, session: EvseSession) -> None:
    """A station that asks for no token charges whoever comes (C01.FR.17)."""
    if may_use(block, session, NOBODY, None):
        authorize(block, session, NOBODY, None)


def may_use(block: Transactions, session: EvseSession, token: IdTokenType, group: IdTokenType | None) -> bool:
    """Whether the EVSE may be used by this driver now: registered, operative, sound, not reserved for somebody else."""
    station = block.station
    if not block.may_start or session.is_broken:
        return False
    if not station.availability.operative(session.evse, session.connector):
        return False
    return station.reservations.admits(session.evse, token, group)


def authorize(
    block: Transactions,
    session: EvseSession,
    token: IdTokenType,
    group: IdTokenType | None,
    remote_start_id: int | None = None,
) -> None:
    """The driver is authorized: what starts with that starts, and energy flows if an EV is there."""
    reservation_id = block.station.reservations.used(session.evse, token, group)
    session.keeper = None
    session.admit(token, group, remote_start_id, reservation_id)
    block.happened(session, "Authorized" if remote_start_id is None else "RemoteStart")
    if session.ev:
        block.station.work(supply(block, session), "charging")
    elif session.authorized:
        block.refresh(session.evse)
        ev_connection.wait_for_ev(block, session)
