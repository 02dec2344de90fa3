"""Tracer: turns what a connection hears and says into trace records. It exists only where somebody listens."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from ocppflow.errors import InvalidResponse
from ocppflow.messages import Role
from ocppflow.rpc.events import CallAnswered, CallFailed, Event, Forgiven, Notice
from ocppflow.trace import TraceEvent, TraceHook, TraceRecord, without_secrets
from ocppflow.transport.clock import Clock
from ocppflow.transport.link import Peer

log = logging.getLogger("ocppflow")


class Tracer:
    """The trace of one connection."""

    __slots__ = ("_clock", "_hook", "_peer", "_role")

    def __init__(self, hook: TraceHook, peer: Peer, role: Role, clock: Clock) -> None:
        self._hook = hook
        self._peer = peer
        self._role = role
        self._clock = clock

    def incoming(self, data: bytes, events: Sequence[Event]) -> None:
        """``data`` came, and meant ``events``."""
        latency: float | None = None
        notes: list[str] = []
        for event in events:
            match event:
                case CallAnswered():
                    latency = event.latency
                case CallFailed():
                    latency = event.latency
                    if isinstance(event.error, InvalidResponse):
                        notes.append(f"refused: {event.error}")
                case Forgiven():
                    notes += map(str, event.violations)
                case Notice():
                    notes.append(str(event))
                case _:
                    pass
        self.record("in", data, latency, "; ".join(notes))

    def outgoing(self, data: bytes, since: float | None) -> None:
        """``data`` is being sent; ``since``: when the call that it answers came."""
        self.record("out", data, None if since is None else self._clock.now() - since)

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
