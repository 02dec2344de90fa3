"""Limits: the bounds of a session."""

from __future__ import annotations

from typing import Final

import msgspec

from ocppflow.limit_check import check_limit

_NEEDED: Final = {
    "call_timeout": "it must be above 0, or no call can ever be answered",
    "answer_timeout": "it must be above 0, or no handler can ever answer",
    "queue": "it must be at least 1, or no call can be made",
    "in_progress": "it must be at least 1, or no call is ever handled",
}
"""The bounds that cannot be 0, and why."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of a session, alike for both roles. Times in seconds.

    Raises ConfigurationError that names the field.
    """

    call_timeout: float = 30.0
    """For the answer to a call of ours, from when it goes out. 30 s is what most stations allow."""

    answer_timeout: float = 60.0
    """For our answer to a call of the peer's; after it the peer gets a CALLERROR with the text ``silence`` instead of
    silence. Twice the other, since a handler may have to make a call of its own."""

    queue: int = 64
    """Calls of ours that may wait for their turn (OCPP-J 4.1.1 lets one be in flight); more is a loop that has run
    away."""

    in_progress: int = 32
    """Calls of the peer's that are processed at a time. A peer that keeps to OCPP-J 4.1.1 has one; some send what they
    stored while offline at once. As many again may wait; beyond that nothing more is read from the connection, and
    nothing is lost."""

    handler_timeout: float = 60.0
    """For a handler to end after its answer has expired, or after its connection is gone; then it is cancelled, and 0
    lets it be. As long again as an answer may take, for it may be in the middle of a write, and the peer may come back
    and ask for the answer."""

    silence: str = "no answer in time"
    """What the CALLERROR says when ``answer_timeout`` is over."""

    def __post_init__(self) -> None:
        for name, kind in Limits.__annotations__.items():
            check_limit(name, kind, getattr(self, name), _NEEDED)
