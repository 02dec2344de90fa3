"""H, Reservation: an EVSE is kept for somebody, one in particular or any of a kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.id_tokens import same_token
from ocppflow.station.blocks.reasons import because
from ocppflow.station.blocks.reservation_places import Reservation, served
from ocppflow.station.station_store import StoreFailed, unkeepable

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

log = budgeted("ocppflow.station")

reservation: Router[CompleteStation] = Router(Role.CS, "reservation")

AREA = "reservations"
UPDATES_AREA = "reservation_updates"

_MOST_UPDATES: Final = 100
"""Updates that wait for a connection: more reservations than any station has EVSEs."""


class _UpdateStatus(msgspec.Struct, frozen=True):
    """What has become of a reservation."""

    status: v21.ReservationUpdateStatusEnumType


class Reservations(Block):
    """The reservations, and what they leave to others. One that is not for an EVSE in particular keeps as many EVSEs
    free as are needed (H01.FR.07, H01.FR.09): an EVSE is Reserved if without it one of the reservations could no longer
    be kept (H01.FR.20, H01.FR.24)."""

    __slots__ = ("_all", "_kept", "_taken", "_updates")

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        kept = station.store.load(AREA, Reservation).values()
        self._all: dict[int, Reservation] = {each.id: each for each in kept}
        updates = station.store.load(UPDATES_AREA, _UpdateStatus)
        self._updates: dict[int, v21.ReservationUpdateStatusEnumType] = {
            int(key): update.status for key, update in updates.items()
        }
        self._kept: dict[int, float] = {}  # ids of those that have been used, and for how many seconds they were kept
        self._taken: dict[int, Reservation] = {}  # EVSEs of drivers who had reserved, and what they have used

    def power_up(self) -> None:
        self._wait_for_expiry()

    def registered(self) -> None:
        self.station.availability.flush()

    def time_set(self) -> None:
        for each in list(self._all.values()):
            if each.made_at is not None:
                made_at = self.station.time.moved(each.made_at)
                self._all[each.id] = msgspec.structs.replace(each, made_at=made_at)
                self.station.store.put(AREA, str(each.id), self._all[each.id])
        self._wait_for_expiry()

    # --- what others ask -----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._all)

    def made_for(self, token: v21.IdTokenType) -> list[Reservation]:
        """Those that were made with this token."""
        return [each for each in self._all.values() if same_token(each.token, token)]

    def at(self, evse: int) -> Reservation | None:
        """The reservation of this EVSE in particular."""
        return next((each for each in self._all.values() if each.evse == evse), None)

    def is_reserved(self, evse: int) -> bool:
        """Whether only who has reserved may charge there."""
        if not self._all:
            return False
        places = self._free()
        return evse in places and not self._spared(evse, self._all.values(), places)

    def admits(self, evse: int, token: v21.IdTokenType, group: v21.IdTokenType | None) -> bool:
        """Whether this driver may charge at the EVSE, or if it is not known yet (0), at one at least."""
        if not self._all:
            return True
        if not evse:
            numbers = range(1, len(self.station.config.evses) + 1)
            mine = any(each.is_for(token, group) for each in self._all.values())
            return mine or any(self._is_idle(each) and self.admits(each, token, group) for each in numbers)
        places = self._free()
        if evse not in places or self._spared(evse, self._all.values(), places):
            return True
        return self._usable_by(evse, token, group) is not None

    def used(self, evse: int, token: v21.IdTokenType, group: v21.IdTokenType | None) -> int | None:
        """The driver is there: the id of the reservation that is used up with it (H03.FR.09), for the next
        TransactionEvent (H01.FR.15). The store forgets it together with that: if the power goes before, so does the
        driver's authorization, and it is reserved again."""
        mine = self._usable_by(evse, token, group)
        if mine is None:
            return None
        if evse and self.station.transactions.on_evse(evse) is None:
            self._all.pop(mine.id)
        else:
            self._forget(mine)
            self.station.store.commit()
        if mine.made_at is not None:
            while len(self._kept) > len(self.station.config.evses):
                del self._kept[next(iter(self._kept))]
            self._kept[mine.id] = max(0.0, (self.station.time.now() - mine.made_at).total_seconds())
        if evse:
            self._taken[evse] = mine
            timeout = self.station.device_model.integer("TxCtrlr", "EVConnectionTimeOut")
            if timeout and self.station.transactions.on_evse(evse) is None:
                self.later(f"taken {evse}", timeout + 1, lambda: self._unused(evse))
        self.station.availability.refresh()  # H03.FR.10
        return mine.id

    def kept_for(self, reservation_id: int | None) -> float | None:
        """For how many seconds a reservation was kept that a transaction uses (2.1 I12.FR.07); None if there was
        none."""
        return None if reservation_id is None else self._kept.pop(reservation_id, 0.0)

    def place_for(self, token: v21.IdTokenType, group: v21.IdTokenType | None) -> int:
        """The EVSE that is reserved for this driver in particular; 0 if there is none."""
        mine = (each.evse for each in self._all.values() if each.evse and each.is_for(token, group))
        return next(mine, 0)

    def _usable_by(self, evse: int, token: v21.IdTokenType, group: v21.IdTokenType | None) -> Reservation | None:
        """Which of the driver's reservations serves at the EVSE, the most particular first."""
        places = self._free()
        mine = [each for each in self._all.values() if each.is_for(token, group) and evse in (0, *self._places(each))]
        for each in sorted(mine, key=lambda one: (one.evse == 0, one.connector_type == "")):
            others = [other for other in self._all.values() if other is not each]
            if not evse or self._spared(evse, others, places):
                return each
        return None

    # --- places --------------------------------------------------------------------------------------------------

    def _targets(self, reserved: Reservation) -> list[int]:
        """The EVSEs that would do if all worked (H01.FR.07, H01.FR.09)."""
        evses, wanted = self.station.config.evses, reserved.connector_type
        numbers = [reserved.evse] if reserved.evse else range(1, len(evses) + 1)
        return [
            evse for evse in numbers if not wanted or any(each.type == wanted for each in evses[evse - 1].connectors)
        ]

    def _places(self, reserved: Reservation) -> list[int]:
        """Those of them that work."""
        usable = self.station.availability.usable
        return [evse for evse in self._targets(reserved) if usable(evse, reserved.connector_type)]

    def _free(self) -> list[int]:
        """The EVSEs that a reservation may count on: nobody is there, or only somebody who may not charge."""
        numbers = range(1, len(self.station.config.evses) + 1)
        return [evse for evse in numbers if self._is_idle(evse) or self._is_blocked(evse)]

    def _is_idle(self, evse: int) -> bool:
        return evse not in self._taken and not self.station.transactions.occupied(evse)

    def _is_blocked(self, evse: int) -> bool:
        """Whether somebody without the right token is plugged in where it is reserved (G03.FR.09)."""
        return evse not in self._taken and self.station.availability.shows_reserved(evse)

    def _served(self, reservations: Iterable[Reservation], places: Iterable[int]) -> dict[int, int]:
        return served({each.id: self._places(each) for each in reservations}, list(places))

    def _spared(self, evse: int, reservations: Iterable[Reservation], places: list[int]) -> bool:
        """Whether the reservations can do without the EVSE."""
        known = list(reservations)
        without = [place for place in places if place != evse]
        return len(self._served(known, without)) == min(len(known), len(self._served(known, places)))

    # --- what happens --------------------------------------------------------------------------------------------

    def transaction_started(self, transaction: Transaction) -> None:
        self.cancel_timer(f"taken {transaction.evse}")
        if transaction.reservation_id is not None:
            self._used_up(transaction.reservation_id)

    def _used_up(self, reservation_id: int) -> None:
        if reservation_id not in self._all:  # else the CSMS has made another of this number meanwhile
            self.station.store.remove(AREA, str(reservation_id))
            self.station.store.commit()

    def give_back(self, evse: int) -> None:
        """The transaction that was to use a reservation could not be kept: it is as before."""
        unused = self._taken.get(evse)
        if unused is not None and unused.id not in self._all:
            self._all[unused.id] = unused
            self.station.store.put(AREA, str(unused.id), unused)
            self._wait_for_expiry()

    def transaction_ended(self, transaction: Transaction) -> None:
        self._taken.pop(transaction.evse, None)

    def _unused(self, evse: int) -> None:
        """2.1 H03.FR.11: who had reserved was there, and has not begun."""
        used = self._taken.get(evse)
        if used is None or self.station.transactions.on_evse(evse) is not None:
            return
        del self._taken[evse]
        self._used_up(used.id)
        if self.station.version in (None, Version.V21):
            self._tell(used.id, "NoTransaction")
        self.station.availability.refresh()
        self.station.availability.flush()

    def drop_lost(self) -> None:
        """H01.FR.16, H01.FR.17: cancel what can no longer be kept, because EVSEs are broken or out of service. What
        could have been served by none of those stays; of the others the newest goes first."""
        touched = [each for each in self._all.values() if self._targets(each) != self._places(each)]
        if not touched:
            return
        others = [each for each in self._all.values() if each not in touched]
        kept = self._served([*others, *touched], self._free())
        for each in [each for each in touched if each.id not in kept]:
            log.info("%s: reservation %d cannot be kept any more", self.station.identity, each.id)
            self._forget(each)
            self._tell(each.id, "Removed")
            self.station.store.commit()

    def _wait_for_expiry(self) -> None:
        if self._all:
            first = min(each.expires_at for each in self._all.values())
            self.later("expiry", (first - self.station.time.now()).total_seconds(), self._expire)
        else:
            self.cancel_timer("expiry")

    def _expire(self) -> None:
        """H04.FR.01: and whoever comes may charge again (H04.FR.02)."""
        now = self.station.time.now()
        for each in [each for each in self._all.values() if each.expires_at <= now]:
            log.info("%s: reservation %d has expired", self.station.identity, each.id)
            self._forget(each)
            self._tell(each.id, "Expired")
        self.station.store.commit()
        self._wait_for_expiry()
        self.station.availability.refresh()
        self.station.availability.flush()

    def _forget(self, reserved: Reservation) -> None:
        self._all.pop(reserved.id, None)
        self.station.store.remove(AREA, str(reserved.id))

    async def put(self, new: Reservation) -> None:
        """Make a reservation; one of the same id is replaced (H01.FR.02). Raises StoreFailed if it cannot be kept;
        nothing is changed then."""
        before = self._all.pop(new.id, None)
        self._all[new.id] = new
        self.station.store.put(AREA, str(new.id), new)
        await self._commit(new.id, before)

    async def cancel(self, reservation_id: int) -> bool:
        """Whether there was such a reservation (H02). Raises StoreFailed; it stays then."""
        before = self._all.pop(reservation_id, None)
        if before is None:
            return False
        self.station.store.remove(AREA, str(reservation_id))
        await self._commit(reservation_id, before)
        return True

    async def _commit(self, reservation_id: int, before: Reservation | None) -> None:
        store = self.station.store
        try:
            await store.commit()
        except StoreFailed:
            self._all.pop(reservation_id, None)
            store.remove(AREA, str(reservation_id))
            if before is not None:
                self._all[reservation_id] = before
                store.put(AREA, str(reservation_id), before)
            raise
        self._wait_for_expiry()
        self.station.availability.refresh(tell=False)

    # --- ReservationStatusUpdate ---------------------------------------------------------------------------------

    def _tell(self, reservation_id: int, status: v21.ReservationUpdateStatusEnumType) -> None:
        """It is sent after the new status of the connectors, and kept until there is a connection."""
        self._updates[reservation_id] = status
        self.station.store.put(UPDATES_AREA, str(reservation_id), _UpdateStatus(status=status))
        if len(self._updates) > _MOST_UPDATES:
            oldest = next(iter(self._updates))
            del self._updates[oldest]
            self.station.store.remove(UPDATES_AREA, str(oldest))

    async def send_update(self) -> bool:
        """Send one that waits. Whether there was one that could be sent."""
        if not self._updates or not self.station.authorization.online:
            return False
        reservation_id, status = next(iter(self._updates.items()))
        answer = await self.station.say(
            v21.ReservationStatusUpdateRequest(reservation_id=reservation_id, reservation_update_status=status)
        )
        if answer is None and not self.station.is_connected:
            return False
        if self._updates.get(reservation_id) == status:
            del self._updates[reservation_id]
            self.station.store.remove(UPDATES_AREA, str(reservation_id))
            self.station.store.commit()
        return True

    # --- ReserveNow ----------------------------------------------------------------------------------------------

    def refusal(self, new: Reservation) -> v21.ReserveNowResponse | None:
        """Why a reservation cannot be made; None if it can."""
        model = self.station.device_model
        available = model.flag("ReservationCtrlr", "Available", True)
        if not available or not model.flag("ReservationCtrlr", "Enabled", False):
            return _rejected("NotEnabled", "reservations are not accepted")  # H01.FR.01
        if not self.station.config.has_evse(new.evse):
            return _rejected("UnknownEvse", f"there is no EVSE {new.evse}")
        if not new.evse and not model.flag("ReservationCtrlr", "NonEvseSpecific"):
            return _rejected("UnsupportedParam", "an evseId is needed: NonEvseSpecific is false")  # H01.FR.19
        if fault := unkeepable(new):
            return _rejected("TooLargeElement", fault)
        targets = self._targets(new)
        if not targets:
            return _rejected("UnknownConnectorType", f"there is no connector {new.connector_type} there")
        if new.expires_at <= self.station.time.now():
            return _rejected("InvalidValue", "expiryDateTime has passed")
        return self._no_place(new, targets)

    def _no_place(self, new: Reservation, targets: list[int]) -> v21.ReserveNowResponse | None:
        others = [each for each in self._all.values() if each.id != new.id]
        if len(self._served([*others, new], self._free())) == len(others) + 1:
            return None
        availability = self.station.availability
        if any(availability.usable(evse, new.connector_type) for evse in targets):
            return v21.ReserveNowResponse(status="Occupied")  # H01.FR.11
        faulted = all(availability.is_faulted(evse) for evse in targets)
        return v21.ReserveNowResponse(status="Faulted" if faulted else "Unavailable")  # H01.FR.12, H01.FR.14


def _rejected(reason_code: str, text: str) -> v21.ReserveNowResponse:
    return v21.ReserveNowResponse(status="Rejected", status_info=because(reason_code, text))


@reservation.on(v21.ReserveNowRequest)
async def _reserve_now(station: CompleteStation, request: v21.ReserveNowRequest) -> v21.ReserveNowResponse:
    new = Reservation(
        id=request.id,
        expires_at=request.expiry_date_time,
        token=request.id_token,
        group=None if request.group_id_token is UNSET else request.group_id_token,
        evse=0 if request.evse_id is UNSET else request.evse_id,
        connector_type="" if request.connector_type is UNSET else request.connector_type,
        made_at=station.time.now(),
    )
    refusal = station.reservations.refusal(new)
    if refusal is not None:
        return refusal
    try:
        await station.reservations.put(new)
    except StoreFailed as exc:
        log.error("%s: ReserveNow was refused: %s", station.identity, exc)
        return _rejected("OutOfStorage", "the reservation cannot be kept over a reboot")
    place = (new.evse, 0)
    station.respond_then(lambda: station.availability.announce(place, all_of_it=bool(new.evse)))
    return v21.ReserveNowResponse(status="Accepted")


@reservation.on(v21.CancelReservationRequest)
async def _cancel_reservation(
    station: CompleteStation, request: v21.CancelReservationRequest
) -> v21.CancelReservationResponse:
    try:
        known = await station.reservations.cancel(request.reservation_id)
    except StoreFailed as exc:
        log.error("%s: CancelReservation was refused: %s", station.identity, exc)
        why = because("OutOfStorage", "the cancellation cannot be kept over a reboot")
        return v21.CancelReservationResponse(status="Rejected", status_info=why)
    if not known:
        return v21.CancelReservationResponse(status="Rejected", status_info=because("NotFound"))
    station.respond_then(lambda: station.availability.announce((0, 0), all_of_it=False))
    return v21.CancelReservationResponse(status="Accepted")
