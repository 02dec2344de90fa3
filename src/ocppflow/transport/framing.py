"""How a whole frame is written, and what a close frame may hold (RFC 6455 5.2, 5.5, 7.4)."""

from __future__ import annotations

import secrets

from ocppflow.errors import ConfigurationError

try:
    from websockets.speedups import apply_mask
except ImportError:  # websockets was built without its C extension
    from websockets.utils import apply_mask

__all__ = [
    "FIN_PING",
    "FIN_TEXT",
    "apply_mask",
    "check_code",
    "cut_reason",
    "encode_frame",
]

FIN_TEXT = 0x81
FIN_PING = 0x89


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
        raise ConfigurationError(
            f"{code} is not a close code that may be sent: use 1000, 1001, 1008, ..., 3000 to 4999"
        )


def cut_reason(reason: str) -> str:
    """A close reason has at most 123 bytes of UTF-8 (RFC 6455 5.5)."""
    return reason.encode()[:123].decode(errors="ignore")
