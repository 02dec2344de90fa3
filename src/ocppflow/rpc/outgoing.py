"""Our own calls: one in flight, the others in a bounded queue (OCPP-J 4.1.1), each with its time-out."""

from __future__ import annotations

from collections import deque

import msgspec

from ocppflow.errors import InvalidMessageId, QueueFull

LATE_KEPT = 16


class Outgoing(msgspec.Struct):
    """A call of ours. Times are the injected clock's; ``sent_at`` is set when it goes out."""

    message_id: str
    action: str
    frame: bytes
    timeout: float
    known: bool = True
    """False for an action that this version does not know: its response is delivered undecoded."""
    sent_at: float = 0.0
    abandoned: bool = False
    """Nobody waits for the answer any more, but the peer may still be at work: the place stays taken."""


class Calls:
    """The queue of our calls. No I/O: :meth:`next` hands out the call to be sent now, if any."""

    __slots__ = ("_late", "_limit", "_queue", "in_flight")

    def __init__(self, limit: int) -> None:
        self.in_flight: Outgoing | None = None
        self._queue: deque[Outgoing] | None = None
        self._late: deque[str] | None = None
        self._limit = limit

    def __len__(self) -> int:
        return (self.in_flight is not None) + len(self._queue or ())

    def __contains__(self, message_id: object) -> bool:
        flying = self.in_flight
        return (flying is not None and flying.message_id == message_id) or any(
            call.message_id == message_id for call in self._queue or ()
        )

    def add(self, call: Outgoing) -> None:
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

    def next(self, now: float) -> Outgoing | None:
        """The call that goes out now, marked as in flight; None while one is in flight or none waits."""
        if self.in_flight is not None or not self._queue:
            return None
        call = self._queue.popleft()
        call.sent_at = now
        self.in_flight = call
        return call

    def answered(self, message_id: str) -> Outgoing | None:
        """Take the call in flight off, if it has this id."""
        call = self.in_flight
        if call is None or call.message_id != message_id:
            return None
        self.in_flight = None
        return call

    def deadline(self) -> float | None:
        """When the call in flight times out."""
        call = self.in_flight
        return None if call is None else call.sent_at + call.timeout

    def expire(self, now: float) -> Outgoing | None:
        """Take the call in flight off if its time is over."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return None
        call, self.in_flight = self.in_flight, None
        if call is not None:
            if self._late is None:
                self._late = deque(maxlen=LATE_KEPT)
            self._late.append(call.message_id)
        return call

    def was_late(self, message_id: str) -> bool:
        """Whether ``message_id`` is one of the calls that timed out lately."""
        return self._late is not None and message_id in self._late

    def cancel(self, message_id: str) -> bool:
        """Forget a waiting call, or stop caring about the one in flight. False if there is no such call."""
        flying = self.in_flight
        if flying is not None and flying.message_id == message_id:
            flying.abandoned = True
            return True
        for call in self._queue or ():
            if call.message_id == message_id:
                (self._queue or deque()).remove(call)
                return True
        return False

    def clear(self) -> list[Outgoing]:
        """Take all calls off, the one in flight first."""
        calls = [self.in_flight] if self.in_flight is not None else []
        calls.extend(self._queue or ())
        self.in_flight = None
        self._queue = None
        return calls
