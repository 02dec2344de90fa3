"""How a whole frame is written, and what a close frame may hold (RFC 6455 5.2, 5.5, 7.4)."""

from __future__ import annotations

import secrets

from ocppflow.errors import ConfigurationError

try:
    from websockets.speedups import apply_mask
except ImportError:  # websockets was built without its C extension
    from websockets.utils import apply_mask

__all__ = [
    "FIN_CLOSE",
    "FIN_PING",
    "FIN_PONG",
    "FIN_TEXT",
    "apply_mask",
    "check_code",
    "cut_reason",
    "encode_frame",
    "frame_at",
    "whole_text",
]

FIN_TEXT = 0x81
FIN_CLOSE = 0x88
FIN_PING = 0x89
FIN_PONG = 0x8A


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


def whole_text(data: bytes, *, masked: bool) -> bytes | None:
    """What ``data`` says if it is one whole, final, uncompressed text frame below 64 KiB; None for anything else."""
    size = len(data)
    if size < 4 or data[0] != FIN_TEXT:
        return None
    second = data[1]
    if (second > 0x7F) is not masked:
        return None
    body, length = 2, second & 0x7F
    if length > 125:
        if length == 127:
            return None
        body, length = 4, int.from_bytes(data[2:4])
    if not masked:
        return data[body:] if body + length == size else None
    body += 4
    return apply_mask(data[body:], data[body - 4 : body]) if body + length == size else None


def frame_at(data: bytes, position: int, *, masked: bool) -> tuple[int, int] | None:
    """Where the payload of the frame at ``position`` begins and ends, be it all there or not; None if its head is not
    all there. A mask, if it is ``masked``, stands in the four bytes before the payload."""
    size = len(data)
    if size - position < 2:
        return None
    length, body = data[position + 1] & 0x7F, position + 2
    if length > 125:
        body += 2 if length == 126 else 8
        if body > size:
            return None
        length = int.from_bytes(data[position + 2 : body])
    if masked:
        body += 4
    return body, body + length


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
