"""Workshop: what a case may need besides the CSMS: files for the station, and authorities that sign."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Final

from ocppflow.check.authorities import Authorities
from ocppflow.check.file_server import FileServer
from ocppflow.check.file_shelf import FileShelf
from ocppflow.errors import ConfigurationError

IN_MEMORY: Final = "http://files.memory"
"""Where files are for a station that is joined in memory."""


class Workshop:
    """``shelf`` has the files; the server for them begins when the first URL is asked for. ``base_url`` is where the
    station finds it; empty: at the address of this machine that it has for the station."""

    def __init__(self, authorities: Authorities | None = None, *, base_url: str = "", port: int = 0) -> None:
        self.authorities = authorities or Authorities()
        self.shelf = FileShelf()
        self.base_url = base_url.rstrip("/")
        self._port = port
        self._server: FileServer | None = None

    async def file_url(self, path: str, peer: str) -> str:
        """Where the station, whose connection comes from ``peer`` (``host:port``), finds ``path``. Raises
        ConfigurationError if the file server cannot begin."""
        if self.base_url == IN_MEMORY:
            return IN_MEMORY + path
        if self._server is None:
            server = FileServer(self.shelf, port=self._port)
            await server.listen()
            self._server = server
        return (self.base_url or f"http://{own_address(peer)}:{self._server.port}") + path

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
    raise ConfigurationError(
        f"where {peer} finds this machine is not known: say it with files_url in the PICS' settings"
    )
