"""StoreWatch: a store that cannot be written is said once, and tried again until it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ocppflow.log_budget import budgeted
from ocppflow.station.blocks.block import Block
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

RETRY: Final = 10.0
"""Seconds after which a store that failed is tried again, if nothing else is written until then."""


class StoreWatch(Block):
    """Watches the store of one station. As long as it fails, ``station.can_keep`` is False and no transaction starts:
    nobody would remember it."""

    __slots__ = ()

    def __init__(self, station: CompleteStation) -> None:
        super().__init__(station)
        station.store.on_outcome = self._told

    def power_up(self) -> None:
        if self.station.store.failure is not None:
            self._later()

    def _told(self, failure: StoreFailed | None) -> None:
        identity = self.station.identity
        if failure is None:
            log.warning("%s: the store can be written again", identity)
            self.cancel_timers()
            self.station.transactions.begin_denied()
        else:
            log.error("%s: no transaction starts, since it could not be kept: %s", identity, failure)
            self._later()

    def _later(self) -> None:
        self.later("retry", RETRY, self._retry)

    def _retry(self) -> None:
        self._later()
        self.station.store.put("store", "tried", self.station.time.now())  # there may be nothing else to write
        self.station.store.commit()

    def power_down(self) -> None:
        self.station.store.on_outcome = None
        super().power_down()
