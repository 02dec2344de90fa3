"""Telling of refused connections: one by one as long as they are few, together when somebody makes many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ocppflow.quotas import Quotas, Tally
from ocppflow.transport.clock import Clock, Timer
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.settings import ServerLimits

PERIOD = 10.0
"""Seconds after which it is told how many more there were."""

MOST_SUMS = 50
"""Networks for which that is told of each; the others share one."""


class Refusals:
    """Counts refusals by network and route, and calls ``tell`` for the first ones of each, and for all others together:
    the log, the trace and the hooks hear of every refusal, but not more often than ``limits`` say. Memory is bounded
    as well (``quotas.py``)."""

    __slots__ = ("_clock", "_quotas", "_tell", "_timer")

    def __init__(self, limits: ServerLimits, clock: Clock, tell: Callable[[RefusedInfo], None]) -> None:
        self._quotas = Quotas(limits.refusals_per_address, limits.refusals_per_second, PERIOD)
        self._clock = clock
        self._tell = tell
        self._timer: Timer | None = None

    def add(self, network: str, route: str, info: RefusedInfo) -> None:
        """A connection from ``network`` was refused; ``route`` is empty if the path belongs to none."""
        now = self._clock.now()
        if self._timer is None and self._quotas.is_over(now):
            self._quotas.end()  # nothing was left out, or there would be a timer
        tally = self._quotas.tally((network, route), now)
        if tally is None:
            self._tell(info)
            return
        tally.example = info
        if self._timer is None and (ends_at := self._quotas.ends_at) is not None:
            self._timer = self._clock.call_at(ends_at, self.tell_all)

    def tell_all(self) -> None:
        """Tell now of what has not been told."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        tallies = sorted(self._quotas.end().values(), key=lambda each: -each.left_out)
        for tally in tallies[:MOST_SUMS]:
            self._tell(_sum(tally.example, tally.left_out))
        if others := tallies[MOST_SUMS:]:
            self._tell(_of_many(others))


def _sum(last: RefusedInfo, count: int) -> RefusedInfo:
    return replace(last, more=count - 1)


def _of_many(tallies: list[Tally]) -> RefusedInfo:
    last: RefusedInfo = tallies[0].example
    reason = f"{last.reason} (one of {len(tallies):,} addresses)"
    return replace(last, reason=reason, more=sum(tally.left_out for tally in tallies) - 1)
