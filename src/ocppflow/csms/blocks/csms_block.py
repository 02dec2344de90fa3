"""CSMSBlock: what one functional block of the standard does in a CSMS: handlers, and state beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from ocppflow.endpoint import Clock, NamedTimers, Router, Timer
from ocppflow.messages import Role

if TYPE_CHECKING:
    from ocppflow.csms.books.booked import Booked
    from ocppflow.csms.complete_csms import CompleteCSMS
    from ocppflow.csms.station import Station

_LOOK_AGAIN: Final = 3600.0


class CSMSBlock(Router["Station"], NamedTimers):
    """Base of the blocks. Each is a Router of its own handlers, which :meth:`hear` registers: bound methods,
    ``async def handler(self, station, request)``, of 2.1's requests; 2.0.1 is served by them too, and 1.6 by
    ``dialect_16``.

    What a block does to a station goes through ``self.csms.call(identity, request)`` with 2.1's requests, whatever the
    station speaks. What outlives the process is in ``self.csms.store``.
    """

    title: ClassVar[str]
    """What the block is called where it is included or left out."""

    def __init__(self, csms: CompleteCSMS) -> None:
        super().__init__(Role.CSMS, self.title)
        self.csms = csms
        self._timers: dict[str, Timer] = {}
        self.hear()

    def hear(self) -> None:
        """Register the handlers."""

    async def start(self) -> None:
        """The store is open; nobody is connected yet. The blocks before this one have started."""

    async def stop(self) -> None:
        """Everybody has gone: nothing happens by itself any more."""
        self.cancel_timers()

    def _clock(self) -> Clock:
        return self.csms.clock

    def at(self, name: str, moment: datetime, callback: Callable[[], object]) -> None:
        """As ``later``, at a time of day; or earlier, in an hour, to look again: the time of day may be set."""
        self.later(name, min(_LOOK_AGAIN, (moment - self.csms.now()).total_seconds()), callback)

    def connected(self, station: Station) -> None:
        """A station is there; it may not have booted on this connection."""

    def accepted(self, station: Station) -> None:
        """The station has been told that its boot is accepted, or it was accepted before and has connected again
        without booting: calls may go to it. Quiet stations are told of as well: see ``csms.may_send``."""

    def disconnected(self, station: Station) -> None:
        """A station's newest connection is over."""

    def transaction_changed(self, booked: Booked) -> None:
        """A transaction has begun, gone on or ended, and the books have it in the store."""
