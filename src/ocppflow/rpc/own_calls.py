"""Our own calls: one in flight, the others in a bounded queue (OCPP-J 4.1.1), each with its time-out."""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from ocppflow.errors import InvalidMessageId, QueueFull
from ocppflow.secrecy.discreet_repr import discreet_repr

LATE_KEPT = 16
"""Ids of timed-out calls that are remembered, to tell a late answer from one that nobody asked for. One call is in
flight at a time, so a late answer belongs to one of the last few."""


class OwnCall(msgspec.Struct):
    """A call of ours. Times are the injected clock's; ``sent_at`` is None until it goes out."""

    __repr__ = discreet_repr

    message_id: str
    action: str
    frame: bytes
    timeout: float
    waiter: Any = None
    """Whatever the caller wants back with the answer; it means nothing here."""
    known: bool = True
    """False for an action that this version does not know: its response is delivered undecoded."""
    give_up_at: float | None = None
    """When it fails although it is still queued; None to wait for as long as it takes."""
    sent_at: float | None = None
    abandoned: bool = False
    """Nobody waits for the answer any more, but the peer may still be at work: the place stays taken."""

    @property
    def deadline(self) -> float:
        """When the call, being in flight, times out."""
        due = (self.sent_at or 0.0) + self.timeout
        return due if self.give_up_at is None else min(due, self.give_up_at)

    def age(self, now: float) -> float | None:
        """Seconds since it went out; None if it never did."""
        return None if self.sent_at is None else now - self.sent_at


class OwnCalls:
    """The queue of our calls. No I/O: :meth:`next` hands out the call to be sent now, if any."""

    __slots__ = ("_late", "_limit", "_queue", "in_flight")

    def __init__(self, limit: int) -> None:
        self.in_flight: OwnCall | None = None
        self._queue: deque[OwnCall] | None = None
        self._late: deque[str] | None = None
        self._limit = limit

    def __len__(self) -> int:
        return (self.in_flight is not None) + len(self._queue or ())

    def __contains__(self, message_id: object) -> bool:
        flying = self.in_flight
        return (flying is not None and flying.message_id == message_id) or any(
            call.message_id == message_id for call in self._queue or ()
        )

    def add(self, call: OwnCall) -> None:
        """Queue ``call``. Raises InvalidMessageId or QueueFull, having changed nothing."""
        if call.message_id in self:
            raise InvalidMessageId(f"{call.action}: message id {call.message_id!r} is in progress on this connection")
        if self._queue is None:
            self._queue = deque()
        if len(self._queue) >= self._limit:
            raise QueueFull(
                f"{call.action}: {len(self._queue)} calls wait on this connection already, which is the limit; "
                "wait for answers, or raise Limits.queue"
            )
        self._queue.append(call)

    def next(self, now: float) -> OwnCall | None:
        """The call that goes out now, marked as in flight; None while one is in flight or none waits."""
        if self.in_flight is not None or not self._queue:
            return None
        call = self._queue.popleft()
        call.sent_at = now
        self.in_flight = call
        return call

    def over(self) -> None:
        """The call in flight has its answer, or will get none."""
        self.in_flight = None

    def deadline(self) -> float | None:
        """When the first call times out, in flight or still queued."""
        due = None if self.in_flight is None else self.in_flight.deadline
        for call in self._queue or ():
            if call.give_up_at is not None and (due is None or call.give_up_at < due):
                due = call.give_up_at
        return due

    def expire(self, now: float) -> list[OwnCall]:
        """Take the calls off whose time is over: the one in flight, and any that was not to wait so long."""
        expired = []
        flying = self.in_flight
        if flying is not None and now >= flying.deadline:
            self.in_flight = None
            expired.append(flying)
            if self._late is None:
                self._late = deque(maxlen=LATE_KEPT)
            self._late.append(flying.message_id)
        for call in list(self._queue or ()):
            if call.give_up_at is not None and now >= call.give_up_at:
                self._remove(call)
                expired.append(call)
        return expired

    def unmatched(self, what: str, message_id: str) -> str:
        """Why ``what``, a response or an error to ``message_id``, answers nothing."""
        if self._late is not None and message_id in self._late:
            return f"a {what} to the call {message_id!r}, which had timed out"
        return f"a {what} to {message_id[:60]!r}, which is not a call in flight"

    def cancel(self, message_id: str) -> bool:
        """Forget a waiting call, or stop caring about the one in flight. False if there is no such call."""
        flying = self.in_flight
        if flying is not None and flying.message_id == message_id:
            flying.abandoned = True
            return True
        for call in self._queue or ():
            if call.message_id == message_id:
                self._remove(call)
                return True
        return False

    def _remove(self, call: OwnCall) -> None:
        if self._queue is not None:
            self._queue.remove(call)

    def clear(self) -> list[OwnCall]:
        """Take all calls off, the one in flight first."""
        calls = [self.in_flight] if self.in_flight is not None else []
        calls.extend(self._queue or ())
        self.in_flight = None
        self._queue = None
        return calls
