"""Ports in use in this process, so that several CSMS objects can share one, each at its own path."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from ocppflow.endpoint import Clock, RefusedInfo, Route, Server, ServerLimits, ServerTLS
from ocppflow.errors import ConfigurationError

RefusedHook = Callable[[RefusedInfo], None]


class _Shared:
    """A Server and the paths that use it."""

    def __init__(self, host: str, port: int, tls: ServerTLS | None, limits: ServerLimits | None, clock: Clock) -> None:
        self.key = (host, port)
        self.tls = tls
        self.limits = limits
        self.hooks: dict[str, RefusedHook] = {}
        self.server = Server(tls=tls, limits=limits, clock=clock, on_refused=self._refused)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def _refused(self, info: RefusedInfo) -> None:
        """To whom the path belongs; what belongs to none, to all who share the port."""
        hook = self.hooks.get(info.path)
        for each in [hook] if hook is not None else list(self.hooks.values()):
            each(info)


_shared: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, int], _Shared]] = (
    weakref.WeakKeyDictionary()
)


class Listener:
    """One path on one port. ``async with`` starts and stops it; so do :meth:`start` and :meth:`stop`."""

    def __init__(
        self,
        url: str,
        route: Route,
        on_refused: RefusedHook,
        *,
        tls: ServerTLS | None,
        limits: ServerLimits | None,
        clock: Clock,
        before_stop: Callable[[Listener], Awaitable[object]],
    ) -> None:
        self.scheme, self.host, self.port, self.path = _parts(url, tls is not None)
        self._route = route
        self._on_refused = on_refused
        self._tls = tls
        self._limits = limits
        self._clock = clock
        self._before_stop = before_stop
        self._shared: _Shared | None = None
        self.is_stopping = False

    @property
    def url(self) -> str:
        """The endpoint URL that stations append their identity to; with the real port once it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host or "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}{self.path if self.path != '/' else ''}"

    @property
    def is_active(self) -> bool:
        """Whether it listens."""
        return self._shared is not None

    async def start(self) -> Listener:
        """Listen. Raises ConfigurationError: the port is in use, the path is taken, the address is not ours."""
        ports = _shared.setdefault(asyncio.get_running_loop(), {})
        shared = ports.get((self.host, self.port)) if self.port else None
        if shared is None:
            shared = _Shared(self.host, self.port, self._tls, self._limits, self._clock)
            await self._open(shared, ports)
        else:
            await shared.ready
            if shared.tls is not self._tls:
                raise ConfigurationError(f"{self.url}: this port is open already, with other TLS settings")
        shared.server.add_route(self.path, self._route)
        shared.hooks[self.path] = self._on_refused
        self._shared = shared
        return self

    async def _open(self, shared: _Shared, ports: dict[tuple[str, int], _Shared]) -> None:
        if self.port:
            ports[shared.key] = shared
        try:
            await shared.server.listen(self.host or None, self.port)
        except BaseException as exc:
            ports.pop(shared.key, None)
            shared.ready.set_exception(exc if isinstance(exc, Exception) else ConnectionError("not started"))
            shared.ready.exception()  # the others who wait hear of it; if there are none, nobody has to
            raise
        self.port = shared.server.port
        shared.key = (self.host, self.port)
        ports[shared.key] = shared
        shared.ready.set_result(None)

    async def stop(self, code: int = 1001, reason: str = "going away") -> None:
        """Let nobody in any more, close this path's connections, and free the port if nobody else uses it."""
        if self._shared is None or self.is_stopping:
            return
        self.is_stopping = True
        try:
            await self._before_stop(self)
        finally:
            shared, self._shared = self._shared, None
            self.is_stopping = False
            await self._leave(shared, code, reason)

    async def _leave(self, shared: _Shared, code: int, reason: str) -> None:
        shared.hooks.pop(self.path, None)
        if not shared.hooks:
            _shared.get(asyncio.get_running_loop(), {}).pop(shared.key, None)
            await shared.server.close(code, reason)
        else:
            await shared.server.remove_route(self.path, code=code, reason=reason)

    async def __aenter__(self) -> Listener:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _parts(url: str, tls: bool) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise ConfigurationError(f"the listen URL {url!r} makes no sense: {exc}") from None
    if parts.scheme not in ("ws", "wss"):
        raise ConfigurationError(f"the listen URL {url!r} must begin with ws:// or wss://")
    if (parts.scheme == "wss") is not tls:
        need = "a certificate (tls=)" if parts.scheme == "wss" else "no TLS settings, or wss://"
        raise ConfigurationError(f"the listen URL {url!r} needs {need}")
    default = 443 if tls else 80
    host = parts.hostname or ""
    host = "" if host in ("0.0.0.0", "*") else host  # noqa: S104 - said by the user
    return parts.scheme, host, default if port is None else port, "/" + parts.path.strip("/")
