"""E, Transactions: what happens at the EVSEs, and the transactions that come of it."""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ocppflow.endpoint import Router
from ocppflow.log_budget import budgeted
from ocppflow.messages import Request, Response, Role, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.transactions import (
    driver_tokens,
    energy_supply,
    ev_connection,
    event_answers,
    faulty_evses,
    resumption,
    transaction_limits,
)
from ocppflow.station.blocks.transactions.evse_session import EvseSession
from ocppflow.station.blocks.transactions.session_events import AREA, REASONS, tell
from ocppflow.station.blocks.transactions.transaction_points import NOTHING_SO, POINTS_16, ends, starts
from ocppflow.station.hardware import EvDemand, Fault, Offer
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

transactions: Router[CompleteStation] = Router(Role.CS, "transactions")

FORCED: Final = frozenset({"AbnormalCondition", "ResetCommand"})
"""Triggers that end a transaction whatever TxStopPoint says (B12.FR.04, E06.FR.16)."""


class Transactions(Block):
    """The sessions at the EVSEs, and their transactions."""

    __slots__ = ("booting", "is_down", "running", "sessions")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self.sessions = {evse: EvseSession(evse) for evse in range(len(station.config.evses) + 1)}
        self.running: dict[str, Transaction] = station.store.load(AREA, Transaction)
        """The transactions that run, by their id."""
        self.booting = True
        """The hardware tells what is so already; nothing comes of it yet."""
        self.is_down = False

    # --- what others ask -----------------------------------------------------------------------------------------

    def on_evse(self, evse: int) -> Transaction | None:
        """The transaction of an EVSE."""
        session = self.sessions.get(evse)
        return session.transaction if session is not None else None

    def occupied(self, evse: int, connector: int = 0) -> bool:
        """Whether a cable with an EV behind it is in this connector; for the EVSE as a whole also whether it has a
        transaction or waits for the EV of a driver who is authorized."""
        session = self.sessions[evse]
        if connector:
            return session.connector == connector
        return not session.is_free

    @property
    def may_start(self) -> bool:
        """Whether transactions may start: if they can be kept, and without the variable only once the CSMS has accepted
        the station."""
        before = self.station.device_model.flag("TxCtrlr", "TxBeforeAcceptedEnabled")
        station = self.station
        return station.can_keep and not station.message_queue.is_full and (before or station.provisioning.may_send)

    def points(self, which: str) -> tuple[str, ...]:
        """The members of TxStartPoint or TxStopPoint; in 1.6 there is no choice."""
        if self.station.dialect_16.spoken:
            return POINTS_16[which]
        return self.station.device_model.members("TxCtrlr", which)

    def signs(self, evse: int) -> bool:
        """Whether the meter of the EVSE signs its values, and is to."""
        model = self.station.device_model
        signing = model.flag("SampledDataCtrlr", "SignReadings")
        return signing and energy_supply.hardware_of(self.station, evse).read().signed is not None

    # --- what others do ------------------------------------------------------------------------------------------

    async def start(
        self,
        evse: int,
        token: v21.IdTokenType,
        *,
        group: v21.IdTokenType | None = None,
        remote_start_id: int | None = None,
    ) -> Transaction | None:
        """Begin charging for a driver who is authorized already, as a remote start is. ``evse`` 0: where the driver
        plugs in. Returns the transaction, if there is one so far; see :meth:`driver_tokens.may_use` for whether there
        may be one."""
        driver_tokens.authorize(self, self.sessions[evse], token, group, remote_start_id)
        return self.sessions[evse].transaction

    async def stop(
        self,
        transaction: Transaction,
        reason: v21.ReasonEnumType,
        trigger: v21.TriggerReasonEnumType,
        token: v21.IdTokenType | None = None,
    ) -> None:
        """End the authorization of a transaction, with which it ends if TxStopPoint says so; a fault, a reset or a
        master pass ends it in any case. ``token``: whose that was. Returns when it is durable."""
        session = self.sessions[transaction.evse]
        if session.transaction is transaction:
            if trigger in FORCED or reason == "MasterPass":
                await self.end(session, trigger, reason, token)
            else:
                self.deauthorize(session, trigger, reason, token)

    async def stop_all(
        self,
        reason: v21.ReasonEnumType,
        trigger: v21.TriggerReasonEnumType,
        token: v21.IdTokenType | None = None,
    ) -> None:
        """As :meth:`stop`, for every transaction that runs."""
        for transaction in list(self.running.values()):
            await self.stop(transaction, reason, trigger, token)

    def touch(
        self, transaction: Transaction, trigger: v21.TriggerReasonEnumType, **fields: Any
    ) -> asyncio.Future[None]:
        """Queue an Updated event; ``fields`` as for :func:`session_events.tell`."""
        return tell(self.station, self.sessions[transaction.evse], "Updated", trigger, **fields)

    def offered(self, evse: int, offer: Offer) -> None:
        """Smart charging has another offer: it goes to the hardware if energy may flow at all."""
        session = self.sessions[evse]
        if session.may_draw:
            session.offer = offer
            energy_supply.hardware_of(self.station, evse).offer(offer)
            self.state_changed(session)

    def limit(self, transaction: Transaction, limit: v21.TransactionLimitType) -> None:
        """The driver limits the transaction (E16.FR.01)."""
        transaction_limits.set_limit(self, transaction, limit)

    def told_cost(self, transaction: Transaction, total: float) -> None:
        """The CSMS has told what it costs so far."""
        transaction_limits.told_cost(self, transaction, total)

    def reoffer(self, session: EvseSession, trigger: v21.TriggerReasonEnumType | None = None) -> None:
        """Whether energy may flow has changed; ``trigger`` is why, if there is a better word than for the change of
        the charging state."""
        if session.path:
            session.offer = energy_supply.offer_now(self.station, session)
            energy_supply.hardware_of(self.station, session.evse).offer(session.offer)
        if trigger is not None:
            self.happened(session, trigger)
        else:
            self.state_changed(session)

    # --- what the hardware tells ---------------------------------------------------------------------------------

    def plugged(self, evse: int, connector: int) -> None:
        """A cable with an EV behind it is in."""
        ev_connection.plugged(self, evse, connector)

    def unplugged(self, evse: int, connector: int) -> None:
        """The cable is out."""
        ev_connection.unplugged(self, evse, connector)

    def demand(self, evse: int, demand: EvDemand) -> None:
        """What the EV asks for has changed; NONE: it is no longer there, though the cable may be."""
        ev_connection.demanded(self, evse, demand)

    def presented(self, evse: int, token: v21.IdTokenType) -> None:
        """A token has been read; ``evse`` is 0 if one reader serves them all."""
        driver_tokens.presented(self, evse, token)

    def bay(self, evse: int, taken: bool) -> None:
        """A vehicle has entered the parking bay, or has left it."""
        self.sessions[evse].bay = taken
        if not self.booting:
            self.happened(self.sessions[evse], "EVDetected" if taken else "EVDeparted")

    def stopped_by_ev(self, evse: int) -> None:
        """E15: the EV has ended the session over its higher-level protocol."""
        session = self.sessions[evse]
        if session.authorized:
            energy_supply.cut(self.station, session)
            self.deauthorize(session, "StopAuthorized", "StoppedByEV")

    def faulted(self, evse: int, connector: int, fault: Fault) -> None:
        """Something broke."""
        faulty_evses.faulted(self, evse, connector, fault)

    def cleared(self, evse: int, connector: int) -> None:
        """Nothing is broken there any more."""
        faulty_evses.cleared(self, evse, connector)

    # --- what comes of it ----------------------------------------------------------------------------------------

    def happened(
        self,
        session: EvseSession,
        trigger: v21.TriggerReasonEnumType,
        *,
        quiet: bool = False,
        token: v21.IdTokenType | None = None,
    ) -> None:
        """Something at an EVSE has changed: let a transaction start, end, or tell of it; ``quiet``: only the former."""
        before, after = session.known, session.facts
        session.known = after
        if session.transaction is None:
            if starts(self.points("TxStartPoint"), before, after):
                session.denied = None if self.may_start else trigger
                if session.denied is None:
                    self._begin(session, trigger)
                elif session.authorized:  # no energy without a transaction
                    log.error("%s: no transaction at EVSE %d: none may start now", self.station.identity, session.evse)
                    self.deauthorize(session, trigger, "Other")
        elif ends(self.points("TxStopPoint"), before, after):
            self.end(session, trigger, token=token)
        elif not quiet:
            tell(self.station, session, "Updated", trigger, token=token)

    def state_changed(self, session: EvseSession) -> None:
        """The charging state may have changed (E01.FR.18)."""
        transaction = session.transaction
        if session.resuming:
            return
        if transaction is None or transaction.charging_state != session.state:
            self.happened(session, self.cause(session))
            transaction_limits.watch(self, session)

    def cause(self, session: EvseSession) -> v21.TriggerReasonEnumType:
        """The trigger of what follows by itself once a driver is authorized and an EV there."""
        remote = session.transaction is None and session.remote_start_id is not None
        return "RemoteStart" if remote else "ChargingStateChanged"

    def _begin(self, session: EvseSession, trigger: v21.TriggerReasonEnumType) -> None:
        now = self.station.time.now()
        transaction = Transaction(id=str(uuid.uuid4()), evse=session.evse, started_at=now, last_event_at=now)
        session.hand_over(transaction)
        session.transaction = self.running[transaction.id] = transaction
        session.kept = tell(self.station, session, "Started", trigger)
        session.kept.add_done_callback(partial(self._started, session, transaction))
        self.station.told_all("transaction_started", transaction)

    def _started(self, session: EvseSession, transaction: Transaction, kept: asyncio.Future[None]) -> None:
        """A transaction that could not be kept has not begun: nobody would remember what it delivered."""
        session.kept = None
        if self.is_down or kept.cancelled() or (failure := kept.exception()) is None:
            return
        log.error("%s: no transaction at EVSE %d: %s", self.station.identity, session.evse, failure)
        self.station.message_queue.take_back(transaction.id)
        self.station.reservations.give_back(session.evse)
        self.station.store.remove(AREA, transaction.id)
        self._over(session, transaction)
        energy_supply.cut(self.station, session)
        energy_supply.unlock(self.station, session)

    def deauthorize(
        self,
        session: EvseSession,
        trigger: v21.TriggerReasonEnumType,
        reason: v21.ReasonEnumType,
        token: v21.IdTokenType | None = None,
    ) -> None:
        """The authorization has ended: energy stops, and with it the transaction if TxStopPoint says so."""
        transaction = session.transaction
        if transaction is None:
            energy_supply.cut(self.station, session)
            energy_supply.unlock(self.station, session)
            session.forget_driver()
            session.known = session.facts
            self.cancel_timer(f"connect {session.evse}")
            self.refresh(session.evse)
            return
        transaction.stopped_reason = reason
        session.authorized = False
        if not ends(self.points("TxStopPoint"), session.known, session.facts):
            tell(self.station, session, "Updated", trigger, token=token)
            session.known = session.facts
            energy_supply.cut(self.station, session)
            self.state_changed(session)
            session.signed = False
            self.happened(session, "SignedDataReceived", quiet=True)
            if session.transaction is transaction:
                self.release(session, reason)
        else:
            self.happened(session, trigger, token=token)

    def end(
        self,
        session: EvseSession,
        trigger: v21.TriggerReasonEnumType,
        reason: v21.ReasonEnumType | None = None,
        token: v21.IdTokenType | None = None,
    ) -> asyncio.Future[None]:
        """The transaction ends. The future is done when that is durable."""
        transaction = session.transaction
        if transaction is None:
            raise RuntimeError("there is no transaction to end")
        energy_supply.cut(self.station, session)
        session.authorized = False
        transaction.stopped_reason = reason or transaction.stopped_reason or self._reason(session, trigger)
        values = self.station.metering.ended_values(transaction)
        kept = tell(self.station, session, "Ended", trigger, values=values, token=token)
        self._over(session, transaction)
        if session.connector:
            self.release(session, transaction.stopped_reason)
        return kept

    def _reason(self, session: EvseSession, trigger: str) -> v21.ReasonEnumType:
        if trigger == "ChargingStateChanged":
            return "Other" if session.demand is EvDemand.READY else "StoppedByEV"
        return REASONS.get(trigger, "Local")

    def _over(self, session: EvseSession, transaction: Transaction) -> None:
        self.running.pop(transaction.id, None)
        session.transaction = session.kept = None
        session.charged = session.connector != 0
        if session.locked and transaction.token is not None:
            session.keeper = (transaction.token, transaction.group)
        session.forget_driver()
        session.known = session.facts
        for name in ("connect", "held", "limit"):
            self.cancel_timer(f"{name} {session.evse}")
        self.station.told_all("transaction_ended", transaction)
        self.refresh(session.evse)

    def release(self, session: EvseSession, reason: str) -> None:
        """Unlock the cable, unless it waits for its owner (E06.FR.10, E09.FR.02, E05.FR.11)."""
        model = self.station.device_model
        waits = reason == "DeAuthorized" or (
            reason == "EVDisconnected" and not model.flag("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", True)
        )
        if not waits:
            energy_supply.unlock(self.station, session)
        elif session.locked and session.transaction is not None and session.transaction.token is not None:
            session.keeper = (session.transaction.token, session.transaction.group)

    def refresh(self, evse: int) -> None:
        """Let the status of the connectors follow."""
        if evse:
            self.station.availability.refresh(evse)
            self.station.dialect_16.tell_changes()  # 1.6 has more of it

    # --- boot, connection, answers -------------------------------------------------------------------------------

    def ready(self) -> None:
        resumption.resume(self)

    def transaction_started(self, transaction: Transaction) -> None:
        if "power" not in self._timers:
            self.later("power", resumption.STAMP, partial(resumption.note_power, self))

    def time_set(self) -> None:
        transaction_limits.time_set(self)

    def registered(self) -> None:
        self.begin_denied()

    def begin_denied(self) -> None:
        """Transactions may start again: begin those that something has called for meanwhile."""
        for session in self.sessions.values():
            trigger, session.denied = session.denied, None
            if trigger is not None and session.transaction is None:
                session.known = NOTHING_SO
                self.happened(session, trigger, quiet=True)

    def answered(self, request: Request[Any], response: Response) -> None:
        event_answers.answered(self, request, response)

    def power_down(self) -> None:
        self.is_down = True
        super().power_down()


@transactions.on(v21.GetTransactionStatusRequest)
def _status(station: CompleteStation, request: v21.GetTransactionStatusRequest) -> v21.GetTransactionStatusResponse:
    """E14."""
    wanted = request.transaction_id
    if not isinstance(wanted, str):
        return v21.GetTransactionStatusResponse(messages_in_queue=station.message_queue.holds())
    return v21.GetTransactionStatusResponse(
        messages_in_queue=station.message_queue.holds(wanted), ongoing_indicator=wanted in station.transactions.running
    )
