"""Notices: status notifications that the CSMS gets in their order, once it may be told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from ocppflow.errors import ConnectionLost, NotConnected, OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Request

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

_NoticeT = TypeVar("_NoticeT", bound=Request[Any])


_MOST: Final = 100
"""Notifications that wait for a CSMS that takes none, and asks for more."""


class Notices(Generic[_NoticeT]):
    """What waits to be told, the oldest first. ``told`` is called for each that the CSMS has got."""

    __slots__ = ("_sending", "_station", "_told", "last", "waiting")

    def __init__(self, station: CompleteStation, told: Callable[[_NoticeT], None]) -> None:
        self._station = station
        self._told = told
        self._sending: asyncio.Future[Any] | None = None
        self.waiting: list[_NoticeT] = []
        self.last: _NoticeT | None = None
        """The last one that was sent (L01.FR.25, L01.FR.26)."""

    def put(self, notice: _NoticeT) -> None:
        """Tell this in its turn."""
        self.waiting.append(notice)
        if len(self.waiting) > _MOST:
            del self.waiting[1]  # the first may be on its way
            log.warning("%s: %d notifications wait, an older one is dropped", self._station.identity, _MOST)
        self.send()

    def send(self) -> None:
        """Begin to tell what waits, if the station may."""
        if self.waiting and self._sending is None and self._may_send():
            self._sending = self._station.background.add(self._send_all(), "status notifications")

    async def drained(self) -> None:
        """Return when all is told that can be told now."""
        if self._sending is not None:
            await asyncio.wait([self._sending])

    def _may_send(self) -> bool:
        return self._station.is_up and self._station.is_connected and self._station.provisioning.may_send

    async def _send_all(self) -> None:
        try:
            while self.waiting and self._may_send():
                notice = self.waiting[0]
                self.last = notice
                try:
                    await self._station.call(notice)
                except (NotConnected, ConnectionLost):
                    return  # it is told once there is a connection again
                except OCPPError as exc:
                    log.warning("%s: %s failed: %s", self._station.identity, type(notice).__name__, exc)
                if self.waiting and self.waiting[0] is notice:
                    del self.waiting[0]
                self._told(notice)
        finally:
            self._sending = None
