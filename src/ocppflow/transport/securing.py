"""The TLS handshake of a connection that has come in, before a word of HTTP is read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any


async def secure(
    transport: Any,
    protocol: asyncio.Protocol,
    context: ssl.SSLContext,
    *,
    timeout: float | None,
    early: Callable[[], bytearray],
) -> Any:
    """Agree on TLS as the server; returns the transport that ``protocol`` goes on with, or None if it is lost.

    ``early`` hands over, once, what ``protocol`` has received before TLS was in place. Raises OSError if the peers
    cannot agree within ``timeout`` seconds.
    """
    loop = asyncio.get_running_loop()
    upgrade = loop.create_task(
        loop.start_tls(transport, protocol, context, server_side=True, ssl_handshake_timeout=timeout)
    )
    try:
        # After two turns the loop has the TLS protocol in place, and has read nothing into it yet.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        _feed_early(transport.get_protocol(), early())
        return await upgrade
    except (OSError, asyncio.CancelledError):
        upgrade.cancel()
        raise


def _feed_early(tls: Any, early: bytearray) -> None:
    """uvloop begins to read however early reading is paused: pass on what came before TLS was in place."""
    while early and hasattr(tls, "buffer_updated"):
        space = memoryview(tls.get_buffer(len(early)))
        count = min(len(space), len(early))
        space[:count] = early[:count]
        del early[:count]
        tls.buffer_updated(count)
