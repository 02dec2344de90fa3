"""ControlServer: the control API on a port of its own, on the event loop of the station."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ocppflow.control.control_guard import Guard
from ocppflow.errors import ConfigurationError

if TYPE_CHECKING:
    from ocppflow.station import CompleteStation

TOKEN: Final = "OCPPFLOW_CONTROL_TOKEN"  # noqa: S105 - the name of a variable
"""The environment variable with the token that requests have to show."""

_SHORTEST_TOKEN: Final = 16
_SECONDS_TO_END: Final = 2
"""For requests that are at work when the server stops."""
_MOST_AT_ONCE: Final = 64
"""Requests: whoever controls one station has a few."""
_BACKLOG: Final = 128


class ControlAddress(NamedTuple):
    """Where the API listens."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def read_address(text: str) -> ControlAddress:
    """``HOST:PORT`` or ``[IPv6]:PORT``. Raises ConfigurationError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise ConfigurationError(f"{text}: an address is HOST:PORT, as in 127.0.0.1:8080")
    return ControlAddress(host, int(port))


class ControlServer:
    """``start`` listens, ``stop`` ends it; ``url`` has the port that is in use.

    ``token``: requests show it as ``Authorization: Bearer TOKEN``. Without one only loopback addresses are allowed, and
    only requests whose Host is this machine. Raises ConfigurationError for an address that others could reach without
    a token, and for a token that can be guessed; ``start`` raises OSError if the address is taken.
    """

    def __init__(self, station: CompleteStation, address: ControlAddress, token: str | None = None) -> None:
        if token is None and not address.is_loopback:
            raise ConfigurationError(
                f"{address.host} can be reached by others: set {TOKEN} to a token of {_SHORTEST_TOKEN} characters or "
                "more, or listen on 127.0.0.1"
            )
        if token is not None and (len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
            raise ConfigurationError(f"{TOKEN} is to have {_SHORTEST_TOKEN} printable ASCII characters or more")
        self._station = station
        self._address = address
        self._token = token
        self._server: Any = None
        self._serving: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen."""
        import uvicorn

        from ocppflow.control.control_app import control_app

        class QuietServer(uvicorn.Server):
            """Leaves the signals to the program."""

            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                listens.set()

        listens = asyncio.Event()
        listening = _listening(self._address)
        host, port = listening.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        app = Guard(control_app(self._station), self._token)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=_MOST_AT_ONCE,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        self._server = QuietServer(config)
        self._serving = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listening]))
        await listens.wait()

    async def stop(self) -> None:
        """End it, within two seconds."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving
            self._serving = None


def _listening(address: ControlAddress) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening
