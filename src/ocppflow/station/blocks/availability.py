"""G, Availability: the status of connectors, EVSEs and the station, and how the CSMS hears of it and changes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.block import Block
from ocppflow.station.blocks.connector_status import ConnectorFacts, connector_status, evse_status, station_status
from ocppflow.station.blocks.fault_notices import HARMLESS, tell_problem
from ocppflow.station.blocks.reasons import because
from ocppflow.station.hardware import Fault
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.transaction import Transaction

log = budgeted("ocppflow.station")

availability: Router[CompleteStation] = Router(Role.CS, "availability")

AREA = "availability"
"""Of the store: what a CSMS has set Inoperative, by place. What is not there is Operative."""

RESERVED_AREA = "reserved_connectors"
"""Of the store: which connectors are Reserved, by place: they are so again after a boot (B11.FR.05)."""

_WAITING = 64
"""Changes of status that wait for the CSMS; with more, only the latest of each connector is kept."""

Place = tuple[int, int]
"""EVSE and connector; (0, 0) is the station, (2, 0) is EVSE 2."""


class _Change(NamedTuple):
    evse: int
    connector: int
    status: v21.ConnectorStatusEnumType
    since: datetime


class Availability(Block):
    """What is out of service, what is broken, and what status follows from it and from cables, transactions and
    reservations. Levels are separate (G03 and G04, note 1): a connector stays Inoperative when its EVSE becomes
    Operative again. What is set while a transaction runs counts for new transactions at once, and shows when it has
    ended (G03.FR.05)."""

    __slots__ = (
        "_changes",
        "_inoperative",
        "_lost_at",
        "_ready",
        "_reporting",
        "_reserved",
        "_said",
        "_statuses",
        "faults",
    )

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        self._inoperative: set[Place] = {_place(key) for key in station.store.load(AREA, bool)}
        self.faults: dict[Place, Fault] = {}
        """What is broken, by place."""
        self._reserved: set[Place] = {_place(key) for key in station.store.load(RESERVED_AREA, bool)}
        self._statuses: dict[Place, v21.ConnectorStatusEnumType] = dict.fromkeys(self._reserved, "Reserved")
        self._said: dict[Place, v21.ConnectorStatusEnumType] = {}  # what the CSMS knows, or is about to
        self._changes: deque[_Change] = deque()
        self._ready = False
        self._reporting = False
        self._lost_at: float | None = None  # clock time of the loss of the connection that it still lacks

    # --- what others ask -----------------------------------------------------------------------------------------

    def operative(self, evse: int = 0, connector: int = 0) -> bool:
        """Whether a transaction may be started there: all on the way to it works, and no reset is to come (B12)."""
        return self.works(evse, connector) and not self.station.resetting.closes(evse)

    def works(self, evse: int = 0, connector: int = 0) -> bool:
        """Whether nothing on the way there is Inoperative, broken, or shut for an update of the firmware."""
        places = {(0, 0), (evse, 0), (evse, connector)}
        closed = self.station.firmware.closes_evses
        return not closed and not places & self._inoperative and not any(map(self._is_broken, places))

    def is_set_inoperative(self, place: Place) -> bool:
        """Whether a CSMS has set just this place Inoperative."""
        return place in self._inoperative

    def _is_closed(self, evse: int) -> bool:
        """Whether an EVSE that is not in use is shut for an update of the firmware (L01.FR.07) or a reset (B12)."""
        return self.station.firmware.closes_evses or self.station.resetting.hides(evse)

    def usable(self, evse: int, connector_type: str = "") -> bool:
        """Whether at least one connector of the EVSE (of that type) works."""
        return any(
            self.works(evse, number)
            for number, each in enumerate(self.station.config.evses[evse - 1].connectors, 1)
            if not connector_type or each.type == connector_type
        )

    def status(self, evse: int, connector: int) -> v21.ConnectorStatusEnumType:
        """The status of a connector."""
        if (evse, connector) not in self._statuses:
            self._statuses[evse, connector] = connector_status(self._facts(evse, connector))
        return self._statuses[evse, connector]

    def is_faulted(self, evse: int) -> bool:
        """Whether the station, the EVSE or one of its connectors is broken."""
        return any(place[0] in (0, evse) and self._is_broken(place) for place in self.faults)

    def _is_broken(self, place: Place) -> bool:
        """Whether there is a fault at just this place that forbids charging."""
        fault = self.faults.get(place)
        return fault is not None and fault.code not in HARMLESS

    def shows_reserved(self, evse: int) -> bool:
        """Whether the EVSE was Reserved when its status was last derived: a cable does not change that (G03.FR.09)."""
        return any(self._statuses.get(place) == "Reserved" for place in self._connectors(evse))

    # --- what happens --------------------------------------------------------------------------------------------

    def fault(self, evse: int, connector: int, fault: Fault) -> None:
        """Something broke: a connector, an EVSE (connector 0), the station (both 0)."""
        self.faults[evse, connector] = fault
        tell_problem(self.station, evse, connector, fault, over=False)
        self.refresh(evse)

    def clear(self, evse: int, connector: int) -> None:
        """Nothing is broken there any more."""
        fault = self.faults.pop((evse, connector), None)
        if fault is not None:
            tell_problem(self.station, evse, connector, fault, over=True)
            self.refresh(evse)

    def transaction_started(self, transaction: Transaction) -> None:
        self.refresh(transaction.evse)

    def transaction_ended(self, transaction: Transaction) -> None:
        self.refresh(transaction.evse)

    def ready(self) -> None:
        self._ready = True
        self.refresh()

    def refresh(self, evse: int = 0, *, tell: bool = True) -> None:
        """Derive the status of an EVSE's connectors anew (0: of all), and tell the CSMS what has changed (G01)."""
        if not self._ready:
            return  # what is Reserved is so until it is known where cables are
        reservations = self.station.reservations
        reservations.drop_lost()
        if len(reservations):  # one EVSE less may be what the reservations cannot do without
            evse = 0
        self._derive(list(self._connectors(evse)))
        self._to_device_model([evse] if evse else range(1, len(self.station.config.evses) + 1))
        if tell:
            self.report_changed()

    def _derive(self, places: Collection[Place]) -> None:
        for _ in self.station.config.evses:  # what is Reserved depends on what else is
            before = dict(self._statuses)
            for place in places:
                self._statuses[place] = connector_status(self._facts(*place))
            if self._statuses == before:
                break
        reserved = {place for place, status in self._statuses.items() if status == "Reserved"}
        if reserved != self._reserved:
            self._reserved = reserved
            self.station.store.replace(RESERVED_AREA, {_key(place): True for place in reserved})
            self.station.store.commit()

    def _facts(self, evse: int, connector: int) -> ConnectorFacts:
        transaction = self.station.transactions.on_evse(evse)
        held = transaction is not None
        held_here = transaction is not None and transaction.connector in (0, connector)
        broken = self._is_broken((0, 0)) or self._is_broken((evse, 0))  # G03.FR.06, G04.FR.07
        shut = self._is_closed(evse) or (0, 0) in self._inoperative or (evse, 0) in self._inoperative
        shut = shut and not held
        shut = shut or (not held_here and (evse, connector) in self._inoperative)
        return ConnectorFacts(
            faulted=self._is_broken((evse, connector)),
            inoperative=broken or shut,
            reserved=self.station.reservations.is_reserved(evse),
            cable=self.station.transactions.occupied(evse, connector),
        )

    def _connectors(self, evse: int = 0) -> Iterator[Place]:
        for number, config in enumerate(self.station.config.evses, 1):
            if evse in (0, number):
                for connector in range(1, len(config.connectors) + 1):
                    yield number, connector

    def _to_device_model(self, evses: Iterable[int]) -> None:
        """AvailabilityState of connectors, EVSEs and the station (Part 2, Referenced Variables 2.13.2)."""
        for evse in evses:
            connectors = {place: self.status(*place) for place in self._connectors(evse)}
            for (_, connector), status in connectors.items():
                self._set("Connector", status, evse=evse, connector=connector)
            self._set("EVSE", self.evse_status(evse), evse=evse)
        self._set("ChargingStation", self.station_status())

    def evse_status(self, evse: int) -> v21.ConnectorStatusEnumType:
        """The AvailabilityState of an EVSE."""
        in_use = self.station.transactions.on_evse(evse) is not None
        shut = (self._is_closed(evse) or bool({(0, 0), (evse, 0)} & self._inoperative)) and not in_use
        return evse_status(
            [self.status(*place) for place in self._connectors(evse)],
            faulted=self._is_broken((evse, 0)),
            inoperative=shut or self._is_broken((0, 0)),
            in_use=in_use,
        )

    def station_status(self) -> v21.ConnectorStatusEnumType:
        """The AvailabilityState of the station."""
        numbers = range(1, len(self.station.config.evses) + 1)
        in_use = any(self.station.transactions.on_evse(evse) is not None for evse in numbers)
        return station_status(
            [self.evse_status(evse) for evse in numbers],
            faulted=self._is_broken((0, 0)),
            inoperative=(self._is_closed(0) or (0, 0) in self._inoperative) and not in_use,
        )

    def _set(self, component: str, status: v21.ConnectorStatusEnumType, **where: Any) -> None:
        if self.station.device_model.find(component, "AvailabilityState", **where) is not None:
            self.station.device_model.set(component, "AvailabilityState", status, **where)

    # --- what the CSMS hears -------------------------------------------------------------------------------------

    def registered(self) -> None:
        self.refresh(tell=False)
        lost_at, self._lost_at = self._lost_at, None
        threshold = self.station.device_model.integer("OCPPCommCtrlr", "OfflineThreshold")
        if lost_at is None or self.station.clock.now() - lost_at > threshold:
            self.report_all()  # B01.FR.05, B04.FR.01
        else:
            self.report_changed()  # B04.FR.02

    def disconnected(self) -> None:
        for change in self._changes:  # what is so then is told after the reconnection
            self._said.pop(change[:2], None)
        self._changes.clear()
        if self._lost_at is None and self._said:
            self._lost_at = self.station.clock.now()

    def report_all(self, evse: int = 0, connector: int = 0) -> None:
        """Tell the CSMS the status of all connectors, or of those of one EVSE, or of one."""
        for place in self._connectors(evse):
            if connector in (0, place[1]):
                self._tell(place)

    def report_changed(self) -> None:
        """Tell the CSMS the status of the connectors of which it knows another one."""
        for place in self._connectors():
            if self._said.get(place) != self.status(*place):
                self._tell(place)

    def notification(self, evse: int, connector: int) -> v21.StatusNotificationRequest:
        """A StatusNotification of how it is now."""
        return _status_notification(_Change(evse, connector, self.status(evse, connector), self.station.time.now()))

    def _tell(self, place: Place) -> None:
        station = self.station
        if not station.is_connected or not station.provisioning.may_send:
            return
        if len(self._changes) >= _WAITING:
            self._changes = deque({change[:2]: change for change in self._changes}.values())
        self._said[place] = self.status(*place)
        self._changes.append(_Change(*place, self.status(*place), station.time.now()))
        self.flush()

    def flush(self) -> None:
        """Send what waits: first the status of connectors, then what has become of reservations."""
        if not self._reporting:
            self._reporting = True
            self.station.work(self._report(), "status of connectors")

    async def _report(self) -> None:
        try:
            while self.station.availability is self:
                if self._changes:
                    change = self._changes.popleft()
                    answer = await self.station.say(self._worded(change))
                    if answer is None and self._said.get(change[:2]) == change.status:
                        del self._said[change[:2]]
                elif not await self.station.reservations.send_update():
                    break
        finally:
            self._reporting = False

    def _worded(self, change: _Change) -> v21.StatusNotificationRequest | v21.NotifyEventRequest:
        """StatusNotification up to 2.0.1; in 2.1, where it is deprecated, a NotifyEvent (G01, remarks)."""
        if self.station.version is not Version.V21:
            return _status_notification(change)
        return _status_event(change, self.station.monitoring.outlet.next_id())

    # --- ChangeAvailability --------------------------------------------------------------------------------------

    async def change(self, place: Place, operative: bool) -> Literal["Accepted", "Scheduled"]:
        """Set what stands at ``place`` Operative or Inoperative, for good. The CSMS hears of the new status by
        :meth:`report_all`. Raises StoreFailed if that cannot be kept; nothing is changed then."""
        store, before = self.station.store, place in self._inoperative
        self._put(place, not operative)
        try:
            await store.commit()
        except StoreFailed:
            self._put(place, before)
            raise
        self.refresh(place[0], tell=False)
        return "Accepted" if operative or not self._holds_up(place) else "Scheduled"

    async def announce(self, place: Place, *, all_of_it: bool) -> None:
        """Tell what has changed (G03.FR.04, G04.FR.05), and the status of all that stands at ``place``, so that a CSMS
        hears of what it has asked for even if it was so already."""
        if all_of_it:
            self.report_all(*place)
        self.report_changed()

    def _put(self, place: Place, inoperative: bool) -> None:
        if inoperative:
            self._inoperative.add(place)
            self.station.store.put(AREA, _key(place), True)
        else:
            self._inoperative.discard(place)
            self.station.store.remove(AREA, _key(place))

    def _holds_up(self, place: Place) -> bool:
        """Whether a transaction has to end before ``place`` is out of service (G03.FR.05, G04.FR.06)."""
        evse, connector = place
        running = (self.station.transactions.on_evse(each) for each in {where for where, _ in self._connectors(evse)})
        return any(each is not None and (not connector or each.connector in (0, connector)) for each in running)


def _key(place: Place) -> str:
    return f"{place[0]}.{place[1]}"


def _place(key: str) -> Place:
    evse, _, connector = key.partition(".")
    return int(evse), int(connector)


def _status_notification(change: _Change) -> v21.StatusNotificationRequest:
    return v21.StatusNotificationRequest(
        timestamp=change.since, connector_status=change.status, evse_id=change.evse, connector_id=change.connector
    )


def _status_event(change: _Change, event_id: int) -> v21.NotifyEventRequest:
    event = v21.EventDataType(
        event_id=event_id,
        timestamp=change.since,
        trigger="Delta",
        actual_value=change.status,
        event_notification_type="HardWiredNotification",
        component=v21.ComponentType(name="Connector", evse=v21.EVSEType(id=change.evse, connector_id=change.connector)),
        variable=v21.VariableType(name="AvailabilityState"),
    )
    return v21.NotifyEventRequest(generated_at=change.since, seq_no=0, event_data=[event], tbc=False)


@availability.on(v21.ChangeAvailabilityRequest)
async def _change_availability(
    station: CompleteStation, request: v21.ChangeAvailabilityRequest
) -> v21.ChangeAvailabilityResponse:
    evse = 0 if request.evse is UNSET else request.evse.id
    connector = 0 if request.evse is UNSET or request.evse.connector_id is UNSET else request.evse.connector_id
    evses = station.config.evses
    if not station.config.has_evse(evse) or (not evse and connector):
        why = because("UnknownEvse", f"there is no EVSE {evse}")
        return v21.ChangeAvailabilityResponse(status="Rejected", status_info=why)
    if evse and not 0 <= connector <= len(evses[evse - 1].connectors):
        why = because("UnknownConnectorId", f"EVSE {evse} has no connector {connector}")
        return v21.ChangeAvailabilityResponse(status="Rejected", status_info=why)
    operative = request.operational_status == "Operative"
    try:
        status = await station.availability.change((evse, connector), operative)
    except StoreFailed as exc:
        log.error("%s: ChangeAvailability was refused: %s", station.identity, exc)
        why = because("OutOfStorage", "the change cannot be kept over a reboot")
        return v21.ChangeAvailabilityResponse(status="Rejected", status_info=why)
    station.respond_then(lambda: station.availability.announce((evse, connector), all_of_it=status == "Accepted"))
    return v21.ChangeAvailabilityResponse(status=status)
