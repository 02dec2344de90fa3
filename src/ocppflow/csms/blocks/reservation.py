"""H: reservations, written before they are asked for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, Struct
from sqlalchemy import insert, select, update

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.blocks.remote_control import reason_of
from ocppflow.csms.station import Station
from ocppflow.errors import ConfigurationError, LocalError, OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import v21
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store import token_tables
from ocppflow.store.struct_rows import struct_of

if TYPE_CHECKING:
    from ocppflow.csms.books.booked import Booked

log = budgeted("ocppflow.csms")

_RESERVATIONS = token_tables.RESERVATIONS

_LIVE: Final = ("asked", "accepted")

_ENDS: Final = {"Expired": "expired", "Removed": "removed", "NoTransaction": "expired"}
"""ReservationUpdateStatus -> what the reservation is then."""


class NoSuchReservation(LocalError):
    """There is no reservation of this number, or it is over."""


class Reserved(Struct, frozen=True, kw_only=True):
    """A reservation, and what came of it."""

    __repr__ = discreet_repr

    id: int
    station: str
    evse: int | None
    """None: any EVSE of the station."""
    connector_type: str | None
    id_token: str
    type: str
    group_token: str | None
    expires_at: datetime
    status: str
    """asked, accepted, refused, used, cancelled, expired, removed"""
    reason: str | None
    """Why it was refused."""
    transaction: int | None
    """The books' number of the transaction that used it."""


class ReservationService(CSMSBlock):
    """H: reservations. A row is there before the station is asked, so that none is at a station that nobody knows of:
    if the answer is lost, it stays ``asked`` until it expires, is used or is cancelled."""

    title = "reservation"

    def hear(self) -> None:
        self.on(v21.ReservationStatusUpdateRequest)(self.status_update)

    async def start(self) -> None:
        """What has expired meanwhile is over."""
        await self._expire()

    # --- asking --------------------------------------------------------------------------------------------------

    async def reserve(
        self,
        identity: str,
        token: v21.IdTokenType,
        expires_at: datetime,
        *,
        evse: int | None = None,
        connector_type: str | None = None,
        group: v21.IdTokenType | None = None,
    ) -> Reserved:
        """H01: keep an EVSE, or any (of a ``connector_type``), for a token and its group. Returns it accepted, or
        refused with the reason: Occupied, Faulted, Unavailable or Rejected. Raises ConfigurationError for a time that
        has passed, and what ``csms.call`` raises; unless an answer may yet come, the reservation is refused then."""
        if expires_at <= self.csms.now():
            raise ConfigurationError(f"a reservation that expires at {expires_at:%Y-%m-%d %H:%M:%S} is over already")
        row = {
            "station": identity,
            "evse": evse,
            "connector_type": connector_type,
            "id_token": token.id_token,
            "type": token.type,
            "group_token": None if group is None else group.id_token,
            "expires_at": expires_at,
            "status": "asked",
            "created_at": self.csms.now(),
            "updated_at": self.csms.now(),
        }
        making = insert(_RESERVATIONS).values(row).returning(_RESERVATIONS.c.id)
        number: int = await self.csms.store.write(lambda c: c.execute(making).scalar_one())
        await self._expire()
        request = v21.ReserveNowRequest(
            id=number,
            expiry_date_time=expires_at,
            id_token=token,
            connector_type=UNSET if connector_type is None else connector_type,
            evse_id=UNSET if evse is None else evse,
            group_id_token=UNSET if group is None else group,
        )
        try:
            answer = await self.csms.call(identity, request)
        except LocalError as error:  # nothing was sent
            await self._change(number, "refused", reason=str(error))
            raise
        if answer.status == "Accepted":
            await self._change(number, "accepted", before=("asked",))
        else:
            why = reason_of(answer.status_info)
            await self._change(number, "refused", reason=f"{answer.status}: {why}" if why else answer.status)
        return await self.get(number)

    async def cancel(self, number: int) -> v21.CancelReservationResponse:
        """H02: give it up. A station that does not know it (Rejected) has it no more either. Raises NoSuchReservation,
        and what ``csms.call`` raises; then it stays."""
        reserved = await self.get(number)
        if reserved.status not in _LIVE:
            raise NoSuchReservation(f"reservation {number} is {reserved.status} already")
        answer = await self.csms.call(reserved.station, v21.CancelReservationRequest(reservation_id=number))
        await self._change(number, "cancelled")
        return answer

    async def get(self, number: int) -> Reserved:
        """A reservation, whatever became of it. Raises NoSuchReservation."""
        query = select(_RESERVATIONS).where(_RESERVATIONS.c.id == number)
        row = await self.csms.store.read(lambda c: c.execute(query).first())
        if row is None:
            raise NoSuchReservation(f"there is no reservation {number}")
        return struct_of(Reserved, row)

    async def live(self, identity: str) -> list[Reserved]:
        """Those of a station that hold, or may hold."""
        here = (_RESERVATIONS.c.station == identity, _RESERVATIONS.c.status.in_(_LIVE))
        query = select(_RESERVATIONS).where(*here).order_by(_RESERVATIONS.c.id)
        return [struct_of(Reserved, row) for row in await self.csms.store.read(lambda c: c.execute(query).all())]

    # --- what becomes of them ------------------------------------------------------------------------------------

    async def status_update(
        self, station: Station, request: v21.ReservationStatusUpdateRequest
    ) -> v21.ReservationStatusUpdateResponse:
        """H03, H04: it is over, as the station says. One that is not the station's own changes nothing."""
        number = request.reservation_id
        status = _ENDS[request.reservation_update_status]
        if not await self._change(number, status, station=station.identity):
            log.warning("%s: told of reservation %d, which it does not have", station.identity, number)
        return v21.ReservationStatusUpdateResponse()

    def transaction_changed(self, booked: Booked) -> None:
        """H03.FR.09: a transaction names the reservation that it has used."""
        if booked.reservation_id is not None:
            number, station = booked.reservation_id, booked.station
            changing = self._changing(number, "used", station=station, transaction=booked.id)
            self.csms.store.write_soon(lambda c: c.execute(changing))

    async def _change(self, number: int, status: str, **about: Any) -> bool:
        """Whether it was one that could become so."""
        changing = self._changing(number, status, **about)
        return bool(await self.csms.store.write(lambda c: c.execute(changing).rowcount))

    def _changing(
        self,
        number: int,
        status: str,
        *,
        before: tuple[str, ...] = _LIVE,
        station: str | None = None,
        **values: Any,
    ) -> Any:
        changing = update(_RESERVATIONS).where(_RESERVATIONS.c.id == number, _RESERVATIONS.c.status.in_(before))
        if station is not None:
            changing = changing.where(_RESERVATIONS.c.station == station)
        return changing.values(status=status, updated_at=self.csms.now(), **values)

    async def _expire(self) -> None:
        now = self.csms.now()
        live = _RESERVATIONS.c.status.in_(_LIVE)
        over = update(_RESERVATIONS).where(live, _RESERVATIONS.c.expires_at <= now)
        await self.csms.store.write(lambda c: c.execute(over.values(status="expired", updated_at=now)))
        query = select(_RESERVATIONS.c.expires_at).where(live).order_by(_RESERVATIONS.c.expires_at).limit(1)
        soonest: datetime | None = await self.csms.store.read(lambda c: c.execute(query).scalar())
        if soonest is None:
            self.cancel_timer("expiry")
        else:
            self.at("expiry", soonest, self._due)

    def _due(self) -> None:
        self.csms.background.add(self._expire_quietly(), "expiring reservations")

    async def _expire_quietly(self) -> None:
        try:
            await self._expire()
        except OCPPError as error:
            log.error("reservations are not expired: %s", error)
            self.later("expiry", 60.0, self._due)
