"""Server: listens on one port for stations of all versions, on any number of paths."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from websockets.protocol import Side

from ocppflow.errors import ConfigurationError
from ocppflow.messages.base import Version
from ocppflow.transport.admission import Admission
from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.connection import SocketLink
from ocppflow.transport.framing import LinkContext
from ocppflow.transport.handshake import Acceptor, normal_path
from ocppflow.transport.incoming import Incoming, RefusedInfo
from ocppflow.transport.link import Link
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.tls import ServerTLS

log = logging.getLogger("ocppflow.transport")


@dataclass(frozen=True, slots=True)
class Route:
    """What is served at one path.

    ``acceptor`` decides on every Handshake whose syntax and subprotocol are right. ``on_link`` gets the
    Link of an accepted one and must call ``link.attach(handler)`` before it returns; only then does
    anything arrive. ``check_identity`` False lets identities in that OCPP 2.x forbids (row 1).
    """

    acceptor: Acceptor
    on_link: Callable[[Link], None]
    versions: tuple[Version, ...] = tuple(Version)
    check_identity: bool = True


@dataclass(slots=True)
class Mount:
    """A Route in service, with its Links."""

    route: Route
    context: LinkContext
    links: set[SocketLink]


class Server:
    """One port. Routes come and go while it listens; all versions share it, chosen by subprotocol (row 2).

    ::

        server = Server(on_refused=print)
        server.add_route("/ocpp", Route(acceptor, on_link))
        await server.listen("127.0.0.1", 9000)
        ...
        await server.close()

    To be made, and used, on a running event loop. ``tls`` makes it wss:// alone (security profiles 2 and 3).
    """

    def __init__(
        self,
        routes: Mapping[str, Route] | None = None,
        *,
        limits: ServerLimits | None = None,
        tls: ServerTLS | None = None,
        clock: Clock | None = None,
        on_refused: Callable[[RefusedInfo], None] | None = None,
    ) -> None:
        self.limits = limits or ServerLimits()
        self.tls = tls
        self.clock: Clock = clock or LoopClock()
        self.on_refused = on_refused
        self.admission = Admission(self.limits, self.clock.now())
        self.mounts: dict[str, Mount] = {}
        self.incoming: set[Incoming] = set()
        self._listener: asyncio.Server | None = None
        self._host = ""
        for path, route in (routes or {}).items():
            self.add_route(path, route)

    # Routes.

    def add_route(self, path: str, route: Route) -> None:
        """Serve ``route`` at ``path`` from now on. Raises ConfigurationError if the path is taken."""
        path = normal_path(path)
        if path in self.mounts:
            raise ConfigurationError(f"the path {path} is served already on this port")
        if not route.versions:
            raise ConfigurationError(f"the route at {path} speaks no version")
        context = LinkContext(Side.SERVER, self.limits, self.clock, self._ended)
        self.mounts[path] = Mount(route, context, set())

    async def remove_route(self, path: str, *, code: int = 1001, reason: str = "going away") -> None:
        """Serve ``path`` no longer, and close its Links. Returns when they are closed."""
        mount = self.mounts.pop(normal_path(path), None)
        if mount is not None:
            await self._close_links(mount.links, code, reason)

    # Listening.

    async def listen(self, host: str | None = None, port: int = 0) -> None:
        """Listen on ``host`` (all interfaces if empty) and ``port`` (any free one if 0).

        Raises ConfigurationError that says what is wrong: a port in use, an address that is not this
        machine's.
        """
        if self._listener is not None:
            raise ConfigurationError("this server listens already")
        if not 0 <= port < 65536:
            raise ConfigurationError(f"cannot listen on port {port}: a port is between 0 and 65535")
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(
                lambda: Incoming(self), host or None, port, backlog=self.limits.backlog
            )
        except OSError as error:
            raise ConfigurationError(_explain_bind(error, host, port)) from error
        self._host = host or "127.0.0.1"
        log.info("listening on %s", self.url)

    @property
    def is_listening(self) -> bool:
        """Whether new connections are taken."""
        return self._listener is not None

    @property
    def port(self) -> int:
        """The port in use; known once it listens."""
        if self._listener is None:
            raise RuntimeError("the server does not listen")
        return int(self._listener.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """``ws://host:port``; add path and identity."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}"

    @property
    def links(self) -> list[Link]:
        """All Links, those that are closing included."""
        return [link for mount in self.mounts.values() for link in mount.links]

    async def close(self, code: int = 1001, reason: str = "going away") -> None:
        """Stop listening, free the port, close every Link and wait for that; stragglers are dropped.

        Takes no longer than the close time-out of the limits.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        for incoming in list(self.incoming):
            incoming.close("the server is shutting down")
        await self._close_links([link for m in self.mounts.values() for link in m.links], code, reason)

    # What Incoming and the Links report.

    def report(self, info: RefusedInfo) -> None:
        """A connection was refused: to the log and to the hook."""
        who = info.identity or "someone"
        level = logging.INFO if info.status in (429, 503) else logging.WARNING  # a storm must not fill the log
        log.log(level, "refused %.60r from %s (%s): %s", who, info.address, info.status or "no answer", info.reason)
        if self.on_refused is not None:
            try:
                self.on_refused(info)
            except Exception:
                log.exception("the on_refused hook failed")

    def _ended(self, link: SocketLink) -> None:
        self.admission.left(link.peer.address.rpartition(":")[0])
        mount = self.mounts.get(link.peer.path)
        if mount is not None:
            mount.links.discard(link)

    async def _close_links(self, links: Iterable[SocketLink], code: int, reason: str) -> None:
        links = list(links)
        for link in links:
            link.close(code, reason)
        for link in links:
            await link.wait_closed()


def _explain_bind(error: OSError, host: str | None, port: int) -> str:
    where = f"{host or 'all interfaces'}, port {port}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"cannot listen on {where}: another program uses this port"
        case errno.EACCES:
            return f"cannot listen on {where}: not permitted (ports below 1024 need privileges)"
        case errno.EADDRNOTAVAIL:
            return f"cannot listen on {where}: no interface of this machine has this address"
        case _:
            return f"cannot listen on {where}: {error.strerror or error}"
