"""Server: listens on one port for stations of all versions, on any number of paths."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable, Mapping

from websockets.protocol import Side

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.transport.accepting import accept_from
from ocppflow.transport.address import normal_path, shown_host
from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.deadline import Deadline
from ocppflow.transport.descriptors import Descriptors
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.link import Link
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.listening import listen_on
from ocppflow.transport.network import network_of
from ocppflow.transport.route import Mount, Route
from ocppflow.transport.server_context import ServerContext
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.shared_room import unfinished_room, unsent_room
from ocppflow.transport.tls import ServerTLS

log = budgeted("ocppflow.transport")


class Server:
    """One port. Routes come and go while it listens; all versions share it, chosen by subprotocol (2.1 Part 4, 3.1.2).

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
        descriptors: Descriptors | None = None,
    ) -> None:
        self.context = ServerContext(
            limits or ServerLimits(), tls, clock or LoopClock(), on_refused, descriptors or Descriptors()
        )
        self._unfinished = unfinished_room(self.context.limits)
        self._unsent = unsent_room(self.context.limits)
        self._sockets: list[socket.socket] = []
        self._acceptors: list[asyncio.Task[None]] = []
        self._host = ""
        for path, route in (routes or {}).items():
            self.add_route(path, route)

    # Routes.

    def add_route(self, path: str, route: Route) -> None:
        """Serve ``route`` at ``path`` from now on. Raises ConfigurationError if the path is taken."""
        path = normal_path(path)
        if path in self.context.mounts:
            raise ConfigurationError(f"the path {path} is served already on this port")
        if not route.versions:
            raise ConfigurationError(f"the route at {path} speaks no version")
        route.leniency.check(route.versions)
        shared = LinkContext(
            Side.SERVER,
            route.limits or self.context.limits,
            self.context.clock,
            self._ended,
            unfinished=self._unfinished,
            unsent=self._unsent,
        )
        self.context.mounts[path] = Mount(route, shared, set())

    async def remove_route(
        self, path: str, *, code: int = 1001, reason: str = "going away", deadline: Deadline | None = None
    ) -> None:
        """Serve ``path`` no longer, and close its Links. Returns when they are closed."""
        mount = self.context.mounts.pop(normal_path(path), None)
        if mount is not None:
            await self._close_links(mount.links, code, reason, deadline)

    # Listening.

    async def listen(self, host: str | None = None, port: int = 0) -> None:
        """Listen on ``host`` (all interfaces if empty) and ``port`` (any free one if 0).

        Raises ConfigurationError that says what is wrong: a port in use, an address that is not this
        machine's.
        """
        if self._sockets:
            raise ConfigurationError("this server listens already")
        if not 0 <= port < 65536:
            raise ConfigurationError(f"cannot listen on port {port}: a port is between 0 and 65535")
        budgeted("asyncio")  # which logs what peers do to our sockets
        try:
            self._sockets = await listen_on(host, port, self.context.limits.backlog)
        except OSError as error:
            raise ConfigurationError(_explain_bind(error, host, port)) from error
        self._host = host or ""
        loop = asyncio.get_running_loop()
        self._acceptors = [loop.create_task(accept_from(each, self.context)) for each in self._sockets]

    @property
    def is_listening(self) -> bool:
        """Whether new connections are taken."""
        return bool(self._sockets)

    @property
    def port(self) -> int:
        """The port in use; known once it listens."""
        if not self._sockets:
            raise RuntimeError("the server does not listen")
        return int(self._sockets[0].getsockname()[1])

    @property
    def bound(self) -> list[str]:
        """The addresses that it listens on, without the port, as a URL shows them: ``127.0.0.1``, ``[::1]``; known
        once it listens."""
        return [shown_host(each.getsockname()[0]) for each in self._sockets]

    @property
    def url(self) -> str:
        """``ws://host:port``, all interfaces being ``*``; add path and identity."""
        return f"{'wss' if self.context.tls else 'ws'}://{shown_host(self._host)}:{self.port}"

    @property
    def links(self) -> list[Link]:
        """All Links, those that are closing included."""
        return [link for mount in self.context.mounts.values() for link in mount.links]

    async def close(self, code: int = 1001, reason: str = "going away", *, deadline: Deadline | None = None) -> None:
        """Stop listening, free the port, close every Link and wait for that; stragglers are dropped.

        Takes no longer than ``deadline``, or without one than the close time-out of the limits.
        """
        sockets, self._sockets = self._sockets, []
        acceptors, self._acceptors = self._acceptors, []
        for task in acceptors:
            task.cancel()
        await asyncio.gather(*acceptors, return_exceptions=True)
        await asyncio.sleep(0)  # the loop has let go of a socket one turn after its task has
        for each in sockets:
            each.close()
        for opening in list(self.context.openings):
            opening.close("the server is shutting down")
        self.context.refusals.tell_all()
        await self._close_links(self.links, code, reason, deadline)

    # What the Links report.

    def _ended(self, link: Link) -> None:
        self.context.admission.left(network_of(link.peer.address.rpartition(":")[0]))
        mount = self.context.mounts.get(link.peer.path)
        if mount is not None:
            mount.links.discard(link)

    async def _close_links(self, links: Iterable[Link], code: int, reason: str, deadline: Deadline | None) -> None:
        links = list(links)
        deadline = deadline or Deadline(self.context.clock, None)
        for link in links:
            link.close(code, reason)
        await asyncio.gather(*map(deadline.end_of, links))


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
