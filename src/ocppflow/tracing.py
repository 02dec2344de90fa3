"""Tracer: turns what an endpoint hears and says into trace records. It exists only where somebody listens."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from ocppflow.messages import Role
from ocppflow.rpc import frame as frames
from ocppflow.rpc.events import CallAnswered, CallFailed, CallReceived, Event, Report, Resumed, SendReceived
from ocppflow.trace import TraceEvent, TraceHook, TraceRecord, without_secrets
from ocppflow.transport.clock import Clock
from ocppflow.transport.link import Peer

log = logging.getLogger("ocppflow")

_MAX_OPEN = 256


class Tracer:
    """The trace of one connection. Latencies of our own answers are told by their ids."""

    __slots__ = ("_clock", "_hook", "_peer", "_received", "_role")

    def __init__(self, hook: TraceHook, peer: Peer, role: Role, clock: Clock) -> None:
        self._hook = hook
        self._peer = peer
        self._role = role
        self._clock = clock
        self._received: dict[str, float] = {}

    def incoming(self, data: bytes, events: Sequence[Event]) -> None:
        """``data`` came, and meant ``events``."""
        latency: float | None = None
        notes: list[str] = []
        for event in events:
            match event:
                case CallReceived():
                    self._opened(event.message_id)
                    notes += map(str, event.violations)
                case SendReceived():
                    notes += map(str, event.violations)
                case CallAnswered():
                    latency = event.latency
                    notes += map(str, event.violations)
                case CallFailed():
                    latency = event.latency
                    if data[:2] != b"[4":
                        notes.append(str(event.error))
                case Report():
                    if isinstance(event, Resumed):
                        self._opened(event.message_id)
                    notes.append(str(event))
                case _:
                    pass
        self.record("in", data, latency, "; ".join(notes))

    def outgoing(self, data: bytes) -> None:
        """``data`` is being sent."""
        latency = None
        if self._received and data[:2] in (b"[3", b"[4"):
            frame = frames.read(data)
            since = self._received.pop(frame.message_id, None)
            latency = None if since is None else self._clock.now() - since
        self.record("out", data, latency)

    def record(self, event: TraceEvent, data: bytes = b"", latency: float | None = None, note: str = "") -> None:
        """Hand a record to the hook; a hook that fails is logged and harms nothing."""
        peer = self._peer
        try:
            self._hook(
                TraceRecord(
                    time.time(),
                    peer.identity,
                    event,
                    self._role.value,
                    peer.version.value,
                    peer.address,
                    latency,
                    note,
                    without_secrets(data),
                )
            )
        except Exception:
            log.exception("the trace hook failed")

    def _opened(self, message_id: str) -> None:
        if len(self._received) >= _MAX_OPEN:
            self._received.pop(next(iter(self._received)))
        self._received[message_id] = self._clock.now()
