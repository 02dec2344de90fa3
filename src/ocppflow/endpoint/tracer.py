"""Tracer: turns what a connection hears and says into trace records. It exists only where somebody listens."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import UNSET

from ocppflow.endpoint.trace_hooks import TraceHooks, hand, without_fault
from ocppflow.errors import InvalidResponse, RemoteCallError
from ocppflow.messages import Role
from ocppflow.plain_text import SHOWN_REPORT, one_line
from ocppflow.rpc.events import CallAnswered, CallFailed, CallReceived, Event, Forgiven, Notice
from ocppflow.secrecy.blotting import (
    USUAL,
    faulty_without_secrets,
    text_without_secrets,
    usual_without_secrets,
    without_secrets,
    without_these,
)
from ocppflow.secrecy.secret_names import is_secret
from ocppflow.trace import TraceEvent, TraceHook, TraceRecord
from ocppflow.transport.clock import Clock
from ocppflow.transport.link import Peer

_FAULTS = (b"[4", b"[5")  # CALLERROR, CALLRESULTERROR


class Tracer:
    """The trace of one connection."""

    __slots__ = ("_clock", "_hooks", "_peer", "_role")

    def __init__(self, hook: TraceHook, peer: Peer, role: Role, clock: Clock) -> None:
        self._hooks = hook if isinstance(hook, TraceHooks) else TraceHooks([hook])
        self._peer = peer
        self._role = role
        self._clock = clock

    def incoming(self, data: bytes, events: Sequence[Event]) -> None:
        """``data`` came, and meant ``events``."""
        hooks: Sequence[TraceHook] = self._hooks.all
        usual = without_fault(events)
        if usual:
            hooks = self._hooks.wanting(self._peer.identity, "in", data)
            if not hooks:
                return
        shown = _shown(data, events[0]) if usual else faulty_without_secrets(data)
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
                    elif isinstance(event.error, RemoteCallError):
                        shown = without_these(shown, event.error.error._concealed)
                case Forgiven():
                    notes += map(str, event.violations)
                case Notice():
                    notes.append(str(event))
                case _:
                    pass
        self._hand(hooks, "in", shown, latency, one_line("; ".join(notes), SHOWN_REPORT))

    def outgoing(self, data: bytes, since: float | None) -> None:
        """``data`` is being sent; ``since``: when the call that it answers came."""
        hooks: Sequence[TraceHook] = self._hooks.all
        if data[:2] not in _FAULTS:
            hooks = self._hooks.wanting(self._peer.identity, "out", data)
            if not hooks:
                return
        self._hand(hooks, "out", without_secrets(data), None if since is None else self._clock.now() - since)

    def record(self, event: TraceEvent, data: bytes = b"", note: str = "") -> None:
        """Something else happened on the connection."""
        note = one_line(text_without_secrets(note), SHOWN_REPORT)
        self._hand(self._hooks.all, event, without_secrets(data), None, note)

    def _hand(
        self, hooks: Sequence[TraceHook], event: TraceEvent, data: bytes, latency: float | None, note: str = ""
    ) -> None:
        """``data`` and ``note`` have no secrets any more."""
        peer = self._peer
        record = TraceRecord(
            time.time(),
            peer.identity,
            event,
            self._role.value,
            peer.version.value,
            peer.address,
            latency,
            note,
            data,
        )
        hand(hooks, record)


def _shown(data: bytes, event: Event) -> bytes:
    """A message without a fault as it is shown. Most are of a few actions, and are searched for less."""
    if type(event) is CallReceived and event.framed and event.action in USUAL:
        token = getattr(event.message, "id_token", UNSET)
        if token is UNSET or (token.additional_info is UNSET and not is_secret(token.type)):
            return usual_without_secrets(data)
    return without_secrets(data)
