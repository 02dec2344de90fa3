"""The end of what we send, while the peer may still be sending."""

from __future__ import annotations

from ocppflow.transport.link_context import Transport


def end_of_stream(transport: Transport) -> None:
    """Half-close ``transport``, so that what was sent last is read: a full close answers what still comes with a reset,
    which can overtake it. Where it cannot be half-closed, close it; where the peer has gone, drop it."""
    if not transport.can_write_eof():
        transport.close()
        return
    try:
        transport.write_eof()
    except OSError:  # ENOTCONN: a reset has come that the loop has not seen yet
        transport.abort()
