"""Listener: one path on one port at which a CSMS lets stations in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ocppflow.endpoint import (
    Clock,
    Deadline,
    Ports,
    RefusedInfo,
    Route,
    ServerLimits,
    ServerTLS,
    SharedPort,
    listen_address,
)


class Listener:
    """One path on one port. ``async with`` starts and stops it; so do :meth:`start` and :meth:`stop`.

    Listeners of one event loop, of several CSMS objects too, share a port if host and TLS settings are the same and
    their limits do not contradict each other. What :class:`ServerLimits` bounds for each connection (message size,
    pings, ...) holds for the Listener's own path; what it bounds for the port (connections, handshakes) for all.
    """

    def __init__(
        self,
        url: str,
        route: Route,
        on_refused: Callable[[RefusedInfo], None],
        *,
        tls: ServerTLS | None,
        limits: ServerLimits | None,
        clock: Clock,
        deadline: Callable[[], Deadline],
        before_stop: Callable[[Listener, Deadline, int, str], Awaitable[object]],
        ports: Ports | None = None,
    ) -> None:
        self._address = listen_address(url, tls=tls is not None)
        self._route = route
        self._on_refused = on_refused
        self._tls = tls
        self._limits = limits
        self._clock = clock
        self._deadline = deadline
        self._before_stop = before_stop
        self._ports = ports
        self._shared: SharedPort | None = None
        self.port = self._address.port
        """The port; once it listens, the one in use."""
        self.is_stopping = False

    @property
    def host(self) -> str:
        """The host as it was given; empty for all interfaces."""
        return self._address.host

    @property
    def path(self) -> str:
        """The route: what comes before the identity."""
        return self._address.path

    @property
    def url(self) -> str:
        """What stations append their identity to: the address that is bound, with the port in use once it listens.
        All interfaces, of IPv4 and IPv6, are shown as ``*``."""
        return self._address.url(self.port)

    @property
    def is_active(self) -> bool:
        """Whether it listens."""
        return self._shared is not None

    async def start(self) -> Listener:
        """Listen. Raises ConfigurationError: the port is in use, the path is taken, the address is not this machine's,
        or the settings contradict those of the port, which is open already."""
        ports = self._ports or Ports.of_loop()
        self._shared = await ports.join(
            self._address, self._route, self._on_refused, tls=self._tls, limits=self._limits, clock=self._clock
        )
        self.port = self._shared.number
        return self

    async def stop(self, code: int = 1001, reason: str = "going away") -> None:
        """Let nobody in any more, close this path's connections, and free the port if nobody else uses it. Takes no
        longer than the CSMS's ``grace``."""
        deadline = self._deadline()
        await deadline.hold(self.stop_by(deadline, code, reason))

    async def stop_by(self, deadline: Deadline, code: int = 1001, reason: str = "going away") -> None:
        """As :meth:`stop`, as a part of a closing that has begun already."""
        if self._shared is None or self.is_stopping:
            return
        self.is_stopping = True
        try:
            await self._before_stop(self, deadline, code, reason)
        except asyncio.CancelledError:  # told once more: nobody is waited for
            deadline = Deadline(self._clock, 0)
            raise
        finally:
            shared, self._shared = self._shared, None
            self.is_stopping = False
            await shared.ports.leave(shared, self.path, code, reason, deadline)

    async def __aenter__(self) -> Listener:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def __repr__(self) -> str:
        state = "stopping" if self.is_stopping else "listening" if self.is_active else "not listening"
        return f"<Listener {self.url} {state}>"
