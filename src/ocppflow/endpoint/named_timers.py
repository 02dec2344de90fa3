"""NamedTimers: what a block of either role does later, each by a name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ocppflow.transport.clock import Clock, Timer

_LONGEST: Final = 1e9
"""Seconds, some 30 years: a peer may name any number, which no clock can count to."""


class NamedTimers:
    """Mixed into a block, which has ``_timers``, an empty dict at first, and tells its clock."""

    __slots__ = ()

    _timers: dict[str, Timer]

    def _clock(self) -> Clock:
        raise NotImplementedError

    def later(self, name: str, seconds: float, callback: Callable[[], object]) -> None:
        """Call ``callback`` in ``seconds``, once; a timer of that name that still runs is called off."""
        self.cancel_timer(name)
        clock = self._clock()

        def due() -> None:
            self._timers.pop(name, None)
            callback()

        self._timers[name] = clock.call_at(clock.now() + max(0.0, min(seconds, _LONGEST)), due)

    def has_timer(self, name: str) -> bool:
        """Whether a timer of that name runs."""
        return name in self._timers

    def cancel_timer(self, name: str) -> None:
        """Call off a timer, if it runs."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()

    def cancel_timers(self) -> None:
        """Call off all timers of this block."""
        for name in list(self._timers):
            self.cancel_timer(name)
