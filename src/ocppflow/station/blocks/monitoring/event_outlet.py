"""EventOutlet: the way of monitoring events to the CSMS, at once or from the queue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from msgspec import UNSET
from msgspec.structs import replace

from ocppflow.log_budget import budgeted
from ocppflow.messages import Version, v21
from ocppflow.station.blocks.message_limits import pages
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

AREA = "events"
_RESERVED: Final = 1000
"""Event ids that are taken from the store at once, so that no event has to wait for it."""


_MOST_UNSENT: Final = 100
"""Events that are kept in memory when a connection is lost while they are on their way; the latest count."""


_MOST_WAITING: Final = 1000
"""Events that wait while others are on their way; some 500 bytes each."""


class EventOutlet:
    """Gathers the events of a moment into as few NotifyEvents as hold them."""

    __slots__ = ("_down", "_events", "_next", "_reserved", "_sending", "_station", "_unsent")

    def __init__(self, station: CompleteStation) -> None:
        self._station = station
        self._next = self._reserved = station.store.load(AREA, int).get("next", 1)
        self._events: list[v21.EventDataType] = []
        self._unsent: list[v21.EventDataType] = []
        """What was lost with the connection, and is not severe enough for the queue."""
        self._sending = False
        self._down = False

    def close(self) -> None:
        """The power is gone: nothing is sent or kept any more."""
        self._down = True
        self._events.clear()
        self._unsent.clear()

    def _is_down(self) -> bool:
        return self._down

    def next_id(self) -> int:
        """An eventId that no event of this station has had."""
        if self._next >= self._reserved:
            self._reserved = self._next + _RESERVED
            self._station.store.put(AREA, "next", self._reserved)
        number, self._next = self._next, self._next + 1
        return number

    def put(self, event: v21.EventDataType) -> None:
        """Send it, with what else happens now."""
        self._events.append(event)
        if len(self._events) > _MOST_WAITING:
            del self._events[: _MOST_WAITING // 2]
            log.warning("%s: events come faster than the CSMS takes them: some are dropped", self._station.identity)
        if not self._sending:
            self._sending = True
            self._station.work(self._send(), "NotifyEvent")

    def retry(self) -> None:
        """There is a CSMS again: what happened while there was one is told."""
        unsent, self._unsent = self._unsent, []
        for event in unsent:
            self.put(event)

    async def _send(self) -> None:
        try:
            while self._events:
                await asyncio.sleep(0)  # what happens at one moment goes together
                events, self._events = self._events, []
                if events:
                    await self._send_all(events)
        finally:
            self._sending = False

    async def _send_all(self, events: list[v21.EventDataType]) -> None:
        try:
            await self._station.store.commit()  # with what the monitors remember
        except StoreFailed as exc:
            log.error("%s: what monitors have noticed cannot be kept: %s", self._station.identity, exc)
        if self._down:
            return
        for number, (page, more) in enumerate(pages(events)):
            request = v21.NotifyEventRequest(
                generated_at=self._station.time.now(), seq_no=number, event_data=page, tbc=more
            )
            taken = await self._station.say(in_words(request, self._station.version))
            if taken is None and not self._is_down() and not is_online(self._station):
                self._wait(request)

    def _wait(self, request: v21.NotifyEventRequest) -> None:
        """What is severe waits in the queue (N07.FR.04, N08.FR.03). The rest happened while the station was online,
        since it is not watched else: it is told when it is so again, unless there is a boot between."""
        most = queued_severity(self._station)
        severe = [event for event in request.event_data if event.severity is not UNSET and event.severity <= most]
        self._unsent += [event for event in request.event_data if event not in severe]
        del self._unsent[:-_MOST_UNSENT]
        if severe:
            request.event_data = severe
            self._station.message_queue.put(request)


def in_words(request: v21.NotifyEventRequest, version: Version | None) -> v21.NotifyEventRequest:
    """What 2.0.1 has words for: it knows no severity of an event (2.1: N07.FR.20)."""
    if version is not Version.V201:
        return request
    return replace(request, event_data=[replace(event, severity=UNSET) for event in request.event_data])


def is_online(station: CompleteStation) -> bool:
    """Whether events can be sent."""
    return station.is_connected and station.provisioning.may_send


def queued_severity(station: CompleteStation) -> int:
    """Up to which severity events wait for the CSMS while there is none; -1: none does."""
    value = station.device_model.value("MonitoringCtrlr", "OfflineQueuingSeverity")
    return int(value) if value else -1
