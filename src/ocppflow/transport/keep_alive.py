"""Pings, and the end of a peer that answers none (2.1 Part 4, 5.3; RFC 6455 5.5.2)."""

from __future__ import annotations

from typing import Protocol

from ocppflow.transport.clock import Clock, Timer


class Pinged(Protocol):
    """What a KeepAlive needs of its Link."""

    @property
    def is_open(self) -> bool: ...

    @property
    def last_received(self) -> float: ...

    @property
    def is_reading(self) -> bool: ...

    def send_ping(self) -> None: ...
    def abort(self, reason: str) -> None: ...


class KeepAlive:
    """Pings every ``interval`` seconds (WebSocketPingInterval) and drops a peer from which nothing at all has come
    ``pong_timeout`` seconds later; a ``pong_timeout`` of 0 waits for no pong.

    Any bytes are a sign of life, not only a pong. It is its own timer callback, since every idle connection has one.
    """

    __slots__ = ("_clock", "_interval", "_link", "_pinged_at", "_pong_timeout", "_timer")

    def __init__(self, link: Pinged, clock: Clock, interval: float, pong_timeout: float) -> None:
        self._link = link
        self._clock = clock
        self._interval = interval
        self._pong_timeout = min(pong_timeout, interval)
        self._pinged_at: float | None = None
        self._timer: Timer = clock.call_at(clock.now() + interval, self)

    def stop(self) -> None:
        """Ping no more."""
        self._timer.cancel()

    def __call__(self) -> None:
        """The timer: ping, or see whether something came after the last ping."""
        link, now = self._link, self._clock.now()
        if not link.is_open:
            return
        pinged_at = self._pinged_at
        if pinged_at is None:
            link.send_ping()
            if self._pong_timeout:
                self._pinged_at = now
                due = now + self._pong_timeout
            else:
                due = now + self._interval
        elif link.last_received < pinged_at and link.is_reading:
            link.abort(f"the peer is dead: no pong, nothing received for {now - link.last_received:.0f} s")
            return
        else:
            self._pinged_at = None
            due = max(pinged_at + self._interval, now)
        self._timer = self._clock.call_at(due, self)
