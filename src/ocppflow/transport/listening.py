"""The sockets that a server listens on."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Sequence
from typing import Any

_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


async def listen_on(host: str | None, port: int, backlog: int) -> list[socket.socket]:
    """Sockets that listen on every address ``host`` has, on all interfaces of IPv4 and IPv6 if it is empty.

    ``port`` 0 takes any free one, the same for all of them. An address of a name (``localhost`` is two) that this
    machine does not have is left out if there is another. Raises OSError.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    addresses = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
    while True:
        sockets = _bind_all(addresses, port, backlog)
        numbers = {each.getsockname()[1] for each in sockets}
        if len(numbers) == 1:
            return sockets
        # Port 0 gives IPv4 and IPv6 a port each; a URL can name only one.
        port = sockets[0].getsockname()[1]
        for each in sockets:
            each.close()


def _bind_all(addresses: Sequence[tuple[int, tuple[Any, ...]]], port: int, backlog: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for family, address in addresses:
            try:
                sockets.append(_bind(family, (address[0], port, *address[2:]), backlog))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                missing = error
    except BaseException:
        for each in sockets:
            each.close()
        raise
    if not sockets:
        raise missing or OSError(errno.EADDRNOTAVAIL, "the host has no address")
    return sockets


def _bind(family: int, address: tuple[object, ...], backlog: int) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix" and sys.platform != "cygwin":
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a restart waits for TIME_WAIT
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
        one.bind(address)
        one.listen(backlog)
        one.setblocking(False)
    except BaseException:
        one.close()
        raise
    return one
