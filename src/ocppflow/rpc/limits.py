"""Limits: the bounds of a session."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a session. Times in seconds.

    ``call_timeout``: for the answer to a call of ours, from when it goes out. ``answer_timeout``: for our answer to a
    call of the peer's; after it the peer gets a CALLERROR. ``queue``: calls of ours that may wait. ``in_progress``:
    calls of the peer's that may be unanswered at a time (a peer that keeps to OCPP-J 4.1.1 has one).
    """

    call_timeout: float = 30.0
    answer_timeout: float = 60.0
    queue: int = 64
    in_progress: int = 32
