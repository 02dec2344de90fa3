"""Where a connection stands, and who is told when it is over."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Protocol

from ocppflow.rpc.events import LateAnswer


class ConnectionState(Enum):
    """Where a connection stands; see :data:`NEXT` for what may follow what."""

    OPEN = "open"
    CLOSING = "closing"
    """No new calls of ours; what is pending may still end."""
    CLOSED = "closed"


NEXT: Final = {
    ConnectionState.OPEN: frozenset({ConnectionState.CLOSING, ConnectionState.CLOSED}),
    ConnectionState.CLOSING: frozenset({ConnectionState.CLOSED}),
    ConnectionState.CLOSED: frozenset[ConnectionState](),
}


class Keeper(Protocol):
    """Who holds connections: a role. It is told of the end, and of answers to calls of an ended connection."""

    def connection_closed(self, connection: Any, code: int, reason: str) -> None: ...
    def answered_late(self, connection: Any, answer: LateAnswer) -> None: ...
