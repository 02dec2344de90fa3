"""Workshop: what a case may need besides the CSMS: files for the station, authorities that sign."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from ocppflow.check.authorities import Authorities
from ocppflow.check.file_server import FileServer
from ocppflow.check.file_shelf import FileShelf
from ocppflow.errors import ConfigurationError

IN_MEMORY: Final = "http://files.memory"
"""Where files are for a station that is joined in memory."""


class Workshop:
    """``shelf`` has the files; the server for them begins when the first URL is asked for. ``in_memory``: the station
    has the shelf at hand, and needs no server."""

    def __init__(self, authorities: Authorities | None = None, *, in_memory: bool = False) -> None:
        self.authorities = authorities or Authorities()
        self.shelf = FileShelf()
        self._in_memory = in_memory
        self._server: FileServer | None = None

    async def file_url(self, path: str, host: str, port: int = 0) -> str:
        """Where the station, which finds this machine as ``host``, finds ``path``. Raises ConfigurationError if the
        file server cannot begin, on ``port``."""
        if self._in_memory:
            return IN_MEMORY + path
        if self._server is None:
            server = FileServer(self.shelf, port=port)
            await server.listen()
            self._server = server
        return f"http://{host}:{self._server.port}{path}"

    async def close(self) -> None:
        """Nothing is served any more."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()


def own_address(peer: str) -> str:
    """The address of this machine from which it would speak to ``peer``, as a URL shows it. Raises ConfigurationError
    if there is no way there."""
    host, _, port = peer.rpartition(":")
    host = host.strip("[]")
    with suppress(OSError, ValueError):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, int(port) or 9))  # UDP: nothing is sent
            own = str(probe.getsockname()[0])
            return f"[{own}]" if ":" in own else own
    raise ConfigurationError(f"where {peer} finds this machine is not known: say it with host in the PICS' settings")


def server_names(listen: str, host: str) -> list[str]:
    """The names and addresses that a server's certificate should have: what the station is told to dial (``host``), or
    what is listened on; for all interfaces those that this machine has."""
    named = host or urlsplit(listen).hostname or ""
    if named not in ("", "0.0.0.0", "::"):  # noqa: S104 - these are not bound here
        return [named]
    own = {socket.gethostname(), socket.getfqdn(), "localhost", "127.0.0.1", "::1"}
    with suppress(OSError):
        own |= {str(address[0]) for *_, address in socket.getaddrinfo(socket.gethostname(), None)}
    return sorted(name for name in own if name and "%" not in name)
