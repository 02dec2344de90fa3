"""B, Provisioning: resets of the station or of an EVSE (B11, B12; 2.1 B13)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET

from ocppflow.endpoint import Router, sleep
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.reasons import because
from ocppflow.station.blocks.transactions import energy_supply
from ocppflow.station.station_store import StoreFailed
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

resetting: Router[CompleteStation] = Router(Role.CS, "resets")

AREA: Final = "resets"
"""Of the store: what is scheduled, by EVSE (0: the station)."""

_RESUMING: Final = "resuming"
"""In the same area: the reboot that comes is one after which transactions go on (B13)."""

_LOOK_AGAIN: Final = 5.0
"""Seconds after which a scheduled reset looks whether an upload or an update, which it waits for, is over."""


class ResetAnswer(NamedTuple):
    """What becomes of a reset, and why."""

    status: v21.ResetStatusEnumType
    reason: str = ""
    info: str = ""


class Resetting(Block):
    """Resets that are scheduled, and those under way. An EVSE that is to be reset takes no new transaction (B12)."""

    __slots__ = ("_going", "_hidden", "_scheduled", "resumes")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        kept = station.store.load(AREA, bool)
        self.resumes = kept.pop(_RESUMING, False)
        """Whether this boot is the end of a reset with which transactions go on, however long it took (B13.FR.23)."""
        self._scheduled = {int(evse) for evse in kept}
        self._going: set[int] = set()
        self._hidden: set[int] = set()

    def power_up(self) -> None:
        """This boot has reset every EVSE. The station's own reset is still owed if it was the power that went: the CSMS
        waits for a ScheduledReset."""
        done = {each for each in self._scheduled if each or self.station.boot_reason != "PowerUp"}
        for evse in done:
            self.station.store.remove(AREA, str(evse))
        if self.resumes:
            self.station.store.remove(AREA, _RESUMING)
        self._scheduled -= done

    def ready(self) -> None:
        self._look_later()

    def closes(self, evse: int) -> bool:
        """Whether no new transaction may begin at an EVSE for the sake of a reset; a reservation outlives it
        (B11.FR.05)."""
        return bool({0, evse} & (self._scheduled | self._going))

    def hides(self, evse: int) -> bool:
        """Whether an EVSE is Unavailable for the sake of a reset: it was Available when the reset was scheduled, or is
        being reset itself (B12)."""
        return evse in self._hidden

    # --- what the CSMS wants -------------------------------------------------------------------------------------

    async def ask(
        self, kind: v21.ResetEnumType, evse: int = 0, reason: v21.BootReasonEnumType | None = None
    ) -> ResetAnswer:
        """What becomes of a reset that is asked for. If it is accepted it begins once the message at hand is
        answered."""
        refused = self._refusal(kind, evse)
        if refused is not None:
            return refused
        if kind == "OnIdle" and self._is_busy(evse):
            return await self._schedule(evse)  # B12.FR.01
        self._going.add(evse)
        self.station.after_answer(lambda: self._begin(kind, evse, reason))
        return ResetAnswer("Accepted")  # B11.FR.03, B12.FR.02, B13.FR.02, B13.FR.03

    def _refusal(self, kind: v21.ResetEnumType, evse: int) -> ResetAnswer | None:
        model = self.station.device_model
        if not self.station.config.has_evse(evse):
            return ResetAnswer("Rejected", "UnknownEvse", f"there is no EVSE {evse}")
        if evse and not model.flag("EVSE", "AllowReset", evse=evse):  # B11.FR.09, B12.FR.09
            return ResetAnswer("Rejected", "UnsupportedRequest", f"EVSE {evse} cannot be reset by itself")
        if kind == "ImmediateAndResume" and not model.integer("TxCtrlr", "ResumptionTimeout"):  # B13.FR.01
            return ResetAnswer("Rejected", "NotEnabled", "TxCtrlr.ResumptionTimeout is 0")
        if kind != "OnIdle" and not evse and self.station.firmware.status in ("Installing", "InstallRebooting"):
            return ResetAnswer("Rejected", "FwUpdateInProgress", "firmware is being installed")  # B12.FR.10
        return None

    def _is_busy(self, evse: int) -> bool:
        """Whether a reset OnIdle has to wait: for transactions, and for the whole station also for an upload and an
        update of the firmware."""
        station = self.station
        if evse:
            return station.transactions.on_evse(evse) is not None
        uploading = station.diagnostics.status().status == "Uploading"
        return bool(station.transactions.running) or uploading or station.firmware.in_progress

    async def _schedule(self, evse: int) -> ResetAnswer:
        store = self.station.store
        store.put(AREA, str(evse), True)
        try:
            await store.commit()
        except StoreFailed as exc:
            log.error("%s: a reset cannot be scheduled: %s", self.station.identity, exc)
            store.remove(AREA, str(evse))
            return ResetAnswer("Rejected", "OutOfStorage", "the schedule cannot be kept")
        self._scheduled.add(evse)
        numbers = [evse] if evse else range(1, len(self.station.config.evses) + 1)
        self._hidden |= {each for each in numbers if self.station.availability.evse_status(each) == "Available"}
        self.station.availability.refresh(evse)
        self._look_later()
        return ResetAnswer("Scheduled")

    # --- when the time has come ----------------------------------------------------------------------------------

    def transaction_ended(self, transaction: Transaction) -> None:
        if self._scheduled:
            self.later("look", 0, self._look)

    def _look_later(self) -> None:
        if self._scheduled:
            self.later("look", _LOOK_AGAIN, self._look)

    def _look(self) -> None:
        for evse in sorted(self._scheduled - self._going):
            if not self._is_busy(evse):
                self._going.add(evse)
                self._begin("OnIdle", evse, "ScheduledReset")
        self._look_later()

    def _begin(self, kind: v21.ResetEnumType, evse: int, reason: v21.BootReasonEnumType | None) -> None:
        if evse:
            self._hidden.add(evse)
            self.station.availability.refresh(evse, tell=False)  # that need not be said (B11.FR.08)
        self.station.work(self._reset(kind, evse, reason or "RemoteReset"), "a reset")

    async def _reset(self, kind: v21.ResetEnumType, evse: int, reason: v21.BootReasonEnumType) -> None:
        running = [each for each in self.station.transactions.running.values() if evse in (0, each.evse)]
        charging = {each.id for each in running if each.charging_state == "Charging"}
        for transaction in running:
            if kind == "ImmediateAndResume":
                await self._suspend(transaction, evse)
            else:
                await self._end(transaction)
        if evse:
            await self._reset_evse(evse, running if kind == "ImmediateAndResume" else [], charging)
            return
        await self._all_told()
        self._forget(0)
        if kind == "ImmediateAndResume" and running:
            self.station.store.put(AREA, _RESUMING, True)
            self._interrupt(running)
        await self.station.reboot(reason)

    async def _end(self, transaction: Transaction) -> None:
        """B12.FR.04, B12.FR.08."""
        try:
            await self.station.transactions.stop(transaction, "ImmediateReset", "ResetCommand")
        except StoreFailed as exc:
            log.error("%s: the end of a transaction is not kept: %s", self.station.identity, exc)

    async def _suspend(self, transaction: Transaction, evse: int) -> None:
        """B13.FR.04, B13.FR.10: the charging state of before is what is told, and gone back to."""
        transactions = self.station.transactions
        try:
            await transactions.touch(transaction, "ResetCommand")
        except StoreFailed as exc:
            log.error("%s: a transaction is not kept for its resumption: %s", self.station.identity, exc)
        if evse:
            session = transactions.sessions[evse]
            session.held = True
            transactions.reoffer(session)

    def _interrupt(self, running: list[Transaction]) -> None:
        """B13.FR.20: no energy, cables let go. The station is about to go down: that the EV notices is told no more."""
        transactions = self.station.transactions
        transactions.booting = True
        for transaction in running:
            session = transactions.sessions[transaction.evse]
            energy_supply.cut(self.station, session)
            energy_supply.unlock(self.station, session)

    async def _all_told(self) -> None:
        """Give the queue the time that one message has to be answered; the rest is sent after the reboot
        (B12.FR.05)."""
        station = self.station
        if not station.is_connected or not station.provisioning.may_send:
            return
        seconds = station.device_model.integer("OCPPCommCtrlr", "MessageTimeout", 30, variable_instance="Default")
        told = asyncio.ensure_future(station.message_queue.drained())
        last = asyncio.ensure_future(sleep(station.clock, seconds))
        try:
            await asyncio.wait([told, last], return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            last.cancel()

    async def _reset_evse(self, evse: int, resuming: list[Transaction], charging: set[str]) -> None:
        station = self.station
        if not resuming:
            energy_supply.cut(station, station.transactions.sessions[evse])
        await sleep(station.clock, station.config.reboot_seconds)
        self._going.discard(evse)
        self._forget(evse)
        station.store.commit()
        for transaction in resuming:
            if transaction.id in station.transactions.running:
                self._resume(transaction, transaction.id in charging)
        station.availability.refresh(evse)

    def _resume(self, transaction: Transaction, charged: bool) -> None:
        """B13.FR.12 to B13.FR.14, B13.FR.30."""
        transactions = self.station.transactions
        session = transactions.sessions[transaction.evse]
        session.held = False
        if charged and not self.station.device_model.flag("TxCtrlr", "AllowEnergyTransferResumption", True):
            session.pauses.add("resumption")
        transactions.touch(transaction, "TxResumed")
        transactions.reoffer(session)

    def _forget(self, evse: int) -> None:
        self._scheduled.discard(evse)
        self._hidden.discard(evse)
        self.station.store.remove(AREA, str(evse))


@resetting.on(v21.ResetRequest)
async def _reset(station: CompleteStation, request: v21.ResetRequest) -> v21.ResetResponse:
    answer = await station.resetting.ask(request.type, 0 if request.evse_id is UNSET else request.evse_id)
    info = because(answer.reason, answer.info) if answer.reason else UNSET
    return v21.ResetResponse(status=answer.status, status_info=info)
