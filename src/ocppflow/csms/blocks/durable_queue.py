"""Calls to stations that are not there: kept, and made when they come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Row, insert, select, update

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.errors import ConnectionLost, LocalError, NotConnected, OCPPError, RemoteCallError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Request, Version
from ocppflow.messages.codec import decode, encode, message_type
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store import work_tables

if TYPE_CHECKING:
    from ocppflow.csms.complete_csms import CompleteCSMS

log = budgeted("ocppflow.csms")

_CALLS = work_tables.QUEUED_CALLS

ATTEMPTS: Final = 3
"""How often a call is made whose answer is lost with the connection."""

ONCE: Final = frozenset({"Reset", "RequestStartTransaction", "UnlockConnector", "TriggerMessage", "DataTransfer"})
"""Actions that are not made again when it is not known whether the station carried them out: twice is not once."""


class NoSuchCall(LocalError):
    """There is no queued call of this number, or it waits no longer."""


class QueuedCall(Struct, frozen=True, kw_only=True):
    """A call for later, and what came of it."""

    __repr__ = discreet_repr

    id: int
    station: str
    action: str
    state: str
    """waiting, sent, done, failed, expired, cancelled"""
    payload: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    attempts: int
    response: dict[str, Any] | None
    error: dict[str, Any] | None
    """code, description, details"""
    asked_by: str
    purpose: str


class DurableQueue(CSMSBlock):
    """Calls to stations that are not there: kept, and made when they come, one after another in the order in which
    they were asked for. That a call is on its way is in the store before it goes, so that after a crash what must not
    happen twice (:data:`ONCE`) does not."""

    title = "durable_queue"

    def __init__(self, csms: CompleteCSMS) -> None:
        self._waiting: dict[str, int] = {}
        """How many calls wait, by station: who has none costs no query."""
        self._at_work: set[str] = set()
        self._accepted: set[str] = set()
        super().__init__(csms)

    async def start(self) -> None:
        """Take up what waits; what was on its way when the last process ended is settled."""
        await self.csms.store.write(self._settle)
        query = select(_CALLS.c.station).where(_CALLS.c.state == "waiting")
        for identity in await self.csms.store.read(lambda c: c.execute(query).scalars().all()):
            self._waiting[identity] = self._waiting.get(identity, 0) + 1
        self.later("expiry", 0.0, self._look)

    def _settle(self, connection: Any) -> None:
        lost = {"code": "", "description": "the CSMS was restarted before the answer came", "details": {}}
        sent = update(_CALLS).where(_CALLS.c.state == "sent")
        final = _CALLS.c.action.in_(ONCE) | (_CALLS.c.attempts >= ATTEMPTS)
        connection.execute(sent.where(final).values(state="failed", ended_at=self.csms.now(), error=lost))
        connection.execute(sent.values(state="waiting"))

    # --- asking --------------------------------------------------------------------------------------------------

    async def put(
        self, identity: str, request: Request[Any], *, expires: datetime | None = None, by: str = "", purpose: str = ""
    ) -> int:
        """Make a call as soon as the station is connected and accepted; its number. It survives a restart. ``expires``:
        from then on it is not made any more. Raises InvalidMessage for what the schema forbids, and what the store
        raises, as for a station that is not known."""
        row = {
            "station": identity,
            "action": request.__action__,
            "version": request.__version__.value,
            "payload": encode(request).decode(),
            "state": "waiting",
            "created_at": self.csms.now(),
            "expires_at": expires,
            "asked_by": by,
            "purpose": purpose,
        }
        statement = insert(_CALLS).values(row).returning(_CALLS.c.id)
        number: int = await self.csms.store.write(lambda c: c.execute(statement).scalar_one())
        self._waiting[identity] = self._waiting.get(identity, 0) + 1
        self.later("expiry", 0.0, self._look)
        self._go(identity)
        return number

    async def get(self, number: int) -> QueuedCall:
        """A call, whatever its state. Raises NoSuchCall."""
        row = await self.csms.store.read(lambda c: c.execute(select(_CALLS).where(_CALLS.c.id == number)).first())
        if row is None:
            raise NoSuchCall(f"there is no queued call {number}")
        return _call(row)

    async def of(self, identity: str) -> list[QueuedCall]:
        """The calls that wait for a station, in order."""
        query = select(_CALLS).where(_CALLS.c.station == identity, _CALLS.c.state == "waiting").order_by(_CALLS.c.id)
        return [_call(row) for row in await self.csms.store.read(lambda c: c.execute(query).all())]

    async def cancel(self, number: int) -> None:
        """Do not make a call. Raises NoSuchCall if it waits no longer."""
        call = await self.get(number)
        if not await self._end(call, "cancelled", {}, only="waiting"):
            raise NoSuchCall(f"queued call {number} is {call.state}")

    # --- making them ---------------------------------------------------------------------------------------------

    def accepted(self, station: Station) -> None:
        self._accepted.add(station.identity)
        self._go(station.identity)

    def connected(self, station: Station) -> None:
        self._accepted.discard(station.identity)  # of an older connection that this one has replaced

    def disconnected(self, station: Station) -> None:
        self._accepted.discard(station.identity)

    def _go(self, identity: str) -> None:
        if identity in self._accepted and self._waiting.get(identity) and identity not in self._at_work:
            self._at_work.add(identity)
            self.csms.background.add(self._work(identity), "the queue of calls")

    async def _work(self, identity: str) -> None:
        try:
            while identity in self._accepted and (calls := await self.of(identity)):
                if not await self._make(calls[0]):
                    return
        finally:
            self._at_work.discard(identity)
            self._go(identity)  # it may have gone and come back meanwhile

    async def _make(self, call: QueuedCall) -> bool:
        """Make one call. False if the station is gone, so that the others wait."""
        if call.expires_at is not None and call.expires_at <= self.csms.now():
            await self._end(call, "expired", {}, only="waiting")
            return True
        if not await self._change(call.id, "waiting", {"state": "sent", "attempts": call.attempts + 1}):
            return True  # it was cancelled meanwhile
        try:
            answer = await self.csms.call(call.station, await self._request(call))
        except NotConnected:
            await self._change(call.id, "sent", {"state": "waiting", "attempts": call.attempts})
            return False
        except ConnectionLost as error:
            if call.action not in ONCE and call.attempts + 1 < ATTEMPTS:
                await self._change(call.id, "sent", {"state": "waiting"})
            else:
                await self._end(call, "failed", {"error": _error(error)})
            return False
        except OCPPError as error:
            await self._end(call, "failed", {"error": _error(error)})
            return True
        await self._end(call, "done", {"response": encode(answer, validate=False).decode()})
        return True

    async def _request(self, call: QueuedCall) -> Request[Any]:
        row = await self.csms.store.read(lambda c: c.execute(select(_CALLS).where(_CALLS.c.id == call.id)).one())
        request = decode(message_type(Version(row.version), row.action, "request"), row.payload)
        assert isinstance(request, Request)  # noqa: S101 - put() takes no other
        return request

    async def _change(self, number: int, before: str, values: dict[str, Any]) -> bool:
        statement = update(_CALLS).where(_CALLS.c.id == number, _CALLS.c.state == before).values(values)
        return bool(await self.csms.store.write(lambda c: c.execute(statement).rowcount))

    async def _end(self, call: QueuedCall, state: str, values: dict[str, Any], *, only: str = "sent") -> bool:
        if not await self._change(call.id, only, {"state": state, "ended_at": self.csms.now(), **values}):
            return False
        left = self._waiting.get(call.station, 0) - 1
        if left > 0:
            self._waiting[call.station] = left
        else:
            self._waiting.pop(call.station, None)
        self.csms.newsroom.tell("queue", call.station, call=call.id, action=call.action, state=state)
        return True

    # --- expiry --------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._waiting:
            self.csms.background.add(self._expire(), "expiring queued calls")

    async def _expire(self) -> None:
        query = select(_CALLS).where(_CALLS.c.state == "waiting", _CALLS.c.expires_at.is_not(None))
        rows = await self.csms.store.read(lambda c: c.execute(query.order_by(_CALLS.c.expires_at)).all())
        now, next_one = self.csms.now(), None
        for row in rows:
            if row.expires_at > now:
                next_one = row.expires_at
                break
            await self._end(_call(row), "expired", {}, only="waiting")
        if next_one is not None and not self.has_timer("expiry"):
            self.at("expiry", next_one, self._look)


def _error(error: Exception) -> dict[str, Any]:
    if isinstance(error, RemoteCallError):
        return {"code": error.code, "description": error.description, "details": error.details}
    return {"code": "", "description": f"{type(error).__name__}: {error}", "details": {}}


def _call(row: Row[Any]) -> QueuedCall:
    return QueuedCall(
        id=row.id,
        station=row.station,
        action=row.action,
        state=row.state,
        payload=msgspec.json.decode(row.payload),
        created_at=row.created_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        attempts=row.attempts,
        response=None if row.response is None else msgspec.json.decode(row.response),
        error=row.error,
        asked_by=row.asked_by or "",
        purpose=row.purpose or "",
    )
