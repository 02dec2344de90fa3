"""The ports that an event loop listens on: several CSMS objects may share one, each at a path of its own.

A :class:`Ports` owns them. There is one for each event loop (:meth:`Ports.of_loop`), because a port can be bound once
in a process, and the CSMS objects that share it (two nodes in one Node-RED) do not know each other.
"""

from __future__ import annotations

import asyncio
import errno
import weakref
from collections.abc import Callable
from dataclasses import fields, replace
from typing import ClassVar

from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.transport.address import ListenAddress, shown_host
from ocppflow.transport.clock import Clock
from ocppflow.transport.deadline import Deadline
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.route import Route
from ocppflow.transport.server import Server
from ocppflow.transport.settings import LinkLimits, ServerLimits
from ocppflow.transport.tls import ServerTLS

log = budgeted("ocppflow.transport")

RefusedHook = Callable[[RefusedInfo], None]

# What holds for a whole port; the rest of ServerLimits holds for each path by itself.
_OF_THE_PORT = tuple(
    field.name for field in fields(ServerLimits) if field.name not in {each.name for each in fields(LinkLimits)}
)


class SharedPort:
    """A port that is open, or about to be: its Server, and to whom the paths belong."""

    def __init__(self, ports: Ports, tls: ServerTLS | None, limits: ServerLimits | None, clock: Clock) -> None:
        self.ports = ports
        self.tls = tls
        self.hooks: dict[str, RefusedHook] = {}
        self.server = Server(tls=tls, limits=limits, clock=clock, on_refused=self._refused)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def number(self) -> int:
        """The port in use."""
        return self.server.port

    def check(self, where: str, tls: ServerTLS | None, limits: ServerLimits | None) -> None:
        """Raise ConfigurationError unless somebody with these settings can share the port."""
        if tls != self.tls:
            raise ConfigurationError(f"{where}: this port is open already, with other TLS settings")
        own = self.server.context.limits
        differ = [name for name in _OF_THE_PORT if limits is not None and getattr(limits, name) != getattr(own, name)]
        if differ:
            said = ", ".join(f"{name} is {getattr(own, name):g}, not {getattr(limits, name):g}" for name in differ)
            raise ConfigurationError(
                f"{where}: this port is open already, with other limits ({said}), which hold for all its paths: "
                "give all listeners of the port the same"
            )

    def _refused(self, info: RefusedInfo) -> None:
        """To whom the path belongs; what belongs to none, to all who share the port."""
        hook = self.hooks.get(info.path)
        for each in [hook] if hook is not None else list(self.hooks.values()):
            each(info)


class Ports:
    """The open ports of one event loop, by host and number."""

    _of_loops: ClassVar[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Ports]] = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], SharedPort] = {}

    @classmethod
    def of_loop(cls) -> Ports:
        """That of the running event loop."""
        return cls._of_loops.setdefault(asyncio.get_running_loop(), cls())

    async def join(
        self,
        address: ListenAddress,
        route: Route,
        on_refused: RefusedHook,
        *,
        tls: ServerTLS | None,
        limits: ServerLimits | None,
        clock: Clock,
    ) -> SharedPort:
        """Serve ``route`` at ``address``, on a port that is open already or is opened now.

        ``limits`` None is content with what the port has. Raises ConfigurationError: the port is in use, the path is
        taken, the address is not this machine's, or TLS settings or limits contradict those of an open port.
        """
        shared = await self._wait_for(address)
        if shared is None:
            shared = await self._listen(address, tls, limits, clock)
        else:
            shared.check(address.url(address.port), tls, limits)
        try:
            shared.server.add_route(address.path, replace(route, limits=limits) if limits is not None else route)
        except ConfigurationError:
            if not shared.hooks:
                await self.leave(shared, address.path, 1001, "going away")
            raise
        shared.hooks[address.path] = on_refused
        bound = shared.server.bound
        names = "" if bound == [shown_host(address.host)] else f" ({', '.join(bound)})"
        log.info("listening on %s", address.url(shared.number) + names)
        return shared

    async def leave(
        self, shared: SharedPort, path: str, code: int, reason: str, deadline: Deadline | None = None
    ) -> None:
        """Serve ``path`` no longer and close its connections; the port is freed if nobody else uses it."""
        shared.hooks.pop(path, None)
        if shared.hooks:
            await shared.server.remove_route(path, code=code, reason=reason, deadline=deadline)
        else:
            self._open = {key: each for key, each in self._open.items() if each is not shared}
            await shared.server.close(code, reason, deadline=deadline)

    async def _wait_for(self, address: ListenAddress) -> SharedPort | None:
        """The port, if it is open, once it is."""
        key = address.host, address.port
        while (shared := self._open.get(key)) is not None:
            await shared.ready
            if self._open.get(key) is shared:  # or it has been opened and closed meanwhile
                break
        return shared

    async def _listen(
        self, address: ListenAddress, tls: ServerTLS | None, limits: ServerLimits | None, clock: Clock
    ) -> SharedPort:
        shared = SharedPort(self, tls, limits, clock)
        if address.port:
            self._open[address.host, address.port] = shared
        try:
            await shared.server.listen(address.host or None, address.port)
        except BaseException as error:
            self._open.pop((address.host, address.port), None)
            failure = self._explain(error, address)
            # Those who wait hear of it; if there are none, nobody has to.
            shared.ready.set_exception(failure if isinstance(failure, Exception) else ConnectionError("not started"))
            shared.ready.exception()
            if failure is error:
                raise
            raise failure from error.__cause__
        self._open[address.host, shared.number] = shared
        shared.ready.set_result(None)
        return shared

    def _explain(self, error: BaseException, address: ListenAddress) -> BaseException:
        """Our own port, bound at another host, is named as such."""
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE:
            for (_, number), other in self._open.items():
                if number == address.port and other.server.is_listening:
                    paths = ", ".join(sorted(other.hooks))
                    own = f"this process itself listens on {other.server.url} ({paths})"
                    where = address.url(address.port)
                    return ConfigurationError(f"cannot listen on {where}: {own}; name the same host to share the port")
        return error
