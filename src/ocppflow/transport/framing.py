"""What all Links of a server or client share, and how a whole frame is written (RFC 6455 5.2)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from websockets.protocol import Side

from ocppflow.errors import ConfigurationError
from ocppflow.transport.clock import Clock
from ocppflow.transport.settings import LinkLimits

try:
    from websockets.speedups import apply_mask
except ImportError:  # websockets was built without its C extension
    from websockets.utils import apply_mask

if TYPE_CHECKING:
    from ocppflow.transport.connection import SocketLink

__all__ = [
    "FIN_PING",
    "FIN_TEXT",
    "LinkContext",
    "Transport",
    "apply_mask",
    "check_code",
    "cut_reason",
    "encode_frame",
]

FIN_TEXT = 0x81
FIN_PING = 0x89


class Transport(Protocol):
    """The part of asyncio.Transport that a SocketLink uses."""

    def write(self, data: bytes) -> None: ...
    def write_eof(self) -> None: ...
    def can_write_eof(self) -> bool: ...
    def get_write_buffer_size(self) -> int: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class LinkContext:
    """What all Links of one server route, or of one client, share: one object, so that a Link stays small."""

    __slots__ = ("clock", "ended", "limits", "loop", "now", "reads_masked", "seconds_per_message", "side")

    def __init__(
        self, side: Side, limits: LinkLimits, clock: Clock, ended: Callable[[SocketLink], None] | None = None
    ) -> None:
        self.side = side
        self.reads_masked = side is Side.SERVER
        self.limits = limits
        self.clock = clock
        self.now = clock.now
        self.ended = ended
        self.loop = asyncio.get_running_loop()
        self.seconds_per_message = 1 / limits.messages_per_second if limits.messages_per_second else 0.0


def encode_frame(first: int, data: bytes, *, masked: bool) -> bytes:
    """A whole frame, ``first`` being its first byte; a client's are masked."""
    length = len(data)
    bit = 0x80 if masked else 0
    if length < 126:
        head = bytes((first, bit | length))
    elif length < 65536:
        head = bytes((first, bit | 126)) + length.to_bytes(2)
    else:
        head = bytes((first, bit | 127)) + length.to_bytes(8)
    if masked:
        key = secrets.token_bytes(4)
        return head + key + apply_mask(data, key)
    return head + data


def check_code(code: int) -> None:
    """Raise ConfigurationError unless ``code`` may be sent in a close frame (RFC 6455 7.4)."""
    standard = 1000 <= code <= 1014 and code not in (1004, 1005, 1006)
    if not standard and not 3000 <= code < 5000:
        raise ConfigurationError(f"{code} is no close code: use 1000, 1001, 1008, ... or 3000 to 4999")


def cut_reason(reason: str) -> str:
    """A close reason has at most 123 bytes of UTF-8 (RFC 6455 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")
