"""CSMS: the management system's role, without behaviour of its own: what has no handler is refused (NotSupported)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from ocppflow.csms.listeners import Listener
from ocppflow.csms.station import Station
from ocppflow.errors import ConfigurationError, NotConnected
from ocppflow.handlers import Background, Handlers, Hooks
from ocppflow.messages import Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.trace import TraceHook, TraceRecord
from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.handshake import Accept, Acceptor, Handshake, Refuse, RefusedInfo
from ocppflow.transport.link import Link
from ocppflow.transport.passwords import HashedPasswords, PasswordStore, PlainPasswords
from ocppflow.transport.route import Route
from ocppflow.transport.security import SecurityPolicy
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.tls import ServerTLS

log = logging.getLogger("ocppflow")

# Histories kept, of stations that are connected or have been: a few KiB each, and an anonymous peer may invent
# stations.
_KNOWN_KEPT = 200_000
_STRANGERS_KEPT = 50_000
_LONG_IDENTITY = 255


class CSMS(Handlers):
    """A CSMS: listens, lets stations in, and hands what they send to handlers.

    ::

        csms = CSMS(passwords={"CS1": "a-long-password-1"})

        @csms.on(v201.HeartbeatRequest)
        async def heartbeat(station, request):
            return v201.HeartbeatResponse(current_time=datetime.now(UTC))

        async with csms.listen("ws://127.0.0.1:9000/ocpp"):
            station = await csms.wait_for("CS1")
            answer = await station.call(v201.ResetRequest(type="Immediate"))

    ``passwords``: identity -> password or its hash (``hash_password``), or a PasswordStore; only these stations are
    let in. None lets every station in without a password (security profile 0). ``acceptor`` decides instead of both.
    ``versions`` are those spoken. ``policy`` says what to do with messages that break the schema, ``limits`` bounds
    calls, ``grace`` is how long (s) closing waits for what is pending.

    Hooks, as decorators or calls, plain or async: ``on_connect(station)``, ``on_disconnect(station, code, reason)``,
    ``on_refused(RefusedInfo)``. ``trace`` sees every frame and connection event as a TraceRecord, with passwords
    blotted out; more than one can be added with ``add_trace`` before the first station connects.
    """

    __slots__ = (
        "_acceptor",
        "_background",
        "_clock",
        "_histories",
        "_listeners",
        "_stations",
        "_traces",
        "_waiting",
        "grace",
        "limits",
        "on_connect",
        "on_disconnect",
        "on_refused",
        "passwords",
        "policy",
        "silence",
        "versions",
    )

    def __init__(
        self,
        *,
        passwords: Mapping[str, str] | PasswordStore | None = None,
        acceptor: Acceptor | None = None,
        versions: Iterable[Version | str] = tuple(Version),
        limits: Limits | None = None,
        policy: Policy = STRICT,
        trace: TraceHook | None = None,
        clock: Clock | None = None,
        silence: str = "no answer in time",
        grace: float = 5.0,
    ) -> None:
        super().__init__()
        self.passwords = _store(passwords)
        self.versions = tuple(dict.fromkeys(Version.parse(version) for version in versions))
        self.limits = limits or Limits()
        self.policy = policy
        self.silence = silence
        self.grace = grace
        self.on_connect = Hooks("on_connect")
        self.on_disconnect = Hooks("on_disconnect")
        self.on_refused = Hooks("on_refused")
        self._acceptor = acceptor
        self._traces: list[TraceHook] = [trace] if trace is not None else []
        self._clock = clock
        self._stations: dict[str, Station] = {}
        self._histories: OrderedDict[str, History] = OrderedDict()
        self._waiting: dict[str, set[asyncio.Future[Station]]] = {}
        self._listeners: list[Listener] = []
        self._background = Background()

    # --- stations ------------------------------------------------------------------------------------------------

    @property
    def stations(self) -> Mapping[str, Station]:
        """The connected stations by identity."""
        return self._stations

    def __iter__(self) -> Iterator[Station]:
        return iter(list(self._stations.values()))

    def __len__(self) -> int:
        return len(self._stations)

    def __contains__(self, identity: object) -> bool:
        return identity in self._stations

    def __getitem__(self, identity: str) -> Station:
        """The connected station. Raises NotConnected."""
        station = self._stations.get(identity)
        if station is None:
            raise NotConnected(f"station {identity!r} is not connected")
        return station

    async def wait_for(self, identity: str, timeout: float | None = None) -> Station:
        """The station, as soon as it is connected. Raises TimeoutError after ``timeout`` seconds."""
        station = self._stations.get(identity)
        if station is not None:
            return station
        future: asyncio.Future[Station] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(identity, set())
        waiting.add(future)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise TimeoutError(f"station {identity!r} did not connect within {timeout:g} s") from None
        finally:
            waiting.discard(future)
            if not waiting and self._waiting.get(identity) is waiting:
                del self._waiting[identity]

    # --- listening -----------------------------------------------------------------------------------------------

    def listen(self, url: str, *, tls: ServerTLS | None = None, limits: ServerLimits | None = None) -> Listener:
        """A Listener for ``async with``, or to be started with ``await listener.start()``.

        ``url`` is what stations append their identity to, such as ``ws://127.0.0.1:9000/ocpp``; port 0 takes a free
        one. ``wss://`` needs ``tls``. CSMS objects of one event loop may share a port at different paths.
        Raises ConfigurationError for a URL that makes no sense.
        """
        decide = self._acceptor or self._usual_acceptor(tls)

        async def acceptor(handshake: Handshake) -> Accept | Refuse:
            if listener.is_stopping:
                return Refuse(503, "this CSMS is shutting down", {"Retry-After": "10"})
            return await decide(handshake)

        def on_link(link: Link) -> None:
            self.accept(link).listener = listener

        route = Route(acceptor, on_link, self.versions)
        listener = Listener(
            url, route, self.refused, tls=tls, limits=limits, clock=self.clock, before_stop=self._before_stop
        )
        self._listeners = [each for each in self._listeners if each.is_active] + [listener]
        return listener

    def _usual_acceptor(self, tls: ServerTLS | None) -> Acceptor:
        profiles: set[int] = set()
        if tls is not None and tls.asks_certificate:
            profiles.add(3)
        if self.passwords is not None:
            profiles.add(1 if tls is None else 2)
        elif not profiles:
            profiles.add(0)
            log.warning("no passwords are set: every station is let in")
        return SecurityPolicy(profiles, self.passwords)

    @property
    def decides_itself(self) -> bool:
        """Whether an ``acceptor`` of its own says who is let in, so that ``passwords`` have no say."""
        return self._acceptor is not None

    @property
    def clock(self) -> Clock:
        """The injected clock, or the running loop's."""
        if self._clock is None or (isinstance(self._clock, LoopClock) and not self._clock.is_current):
            self._clock = LoopClock()
        return self._clock

    def accept(self, link: Link) -> Station:
        """Take an open Link into service. The newest connection of an identity wins at once."""
        identity = link.peer.identity
        old = self._stations.get(identity)
        if old is not None:
            log.info("%s: connected again, the older connection is closed", identity)
            old.retire(1000, "replaced by a newer connection of this station")
        station = Station(
            link,
            on_closed=self._closed,
            clock=self.clock,
            handlers=self,
            limits=self.limits,
            policy=self.policy,
            history=self._history(identity),
            trace=self._trace if self._traces else None,
            silence=self.silence,
        )
        self._stations[identity] = station
        log.info("%s: connected from %s, OCPP %s", identity, link.peer.address, link.peer.version.value)
        self.on_connect.fire(self._background, station)
        for future in self._waiting.pop(identity, ()):
            if not future.done():
                future.set_result(station)
        return station

    def _history(self, identity: str) -> History:
        history = self._histories.get(identity)
        if history is None:
            history = self._histories[identity] = History()
            known = self.passwords is not None or self.decides_itself
            if len(self._histories) > (_KNOWN_KEPT if known else _STRANGERS_KEPT):
                self._histories.popitem(last=False)
        else:
            self._histories.move_to_end(identity)
        return history

    def _closed(self, station: Station, code: int, reason: str) -> None:
        self._background.hold(station.handlers_at_work)
        if self._stations.get(station.identity) is station:
            del self._stations[station.identity]
            if station.history.is_blank or len(station.identity) > _LONG_IDENTITY:
                self._histories.pop(station.identity, None)
        log.info("%s: disconnected (%s)", station.identity, f"{code} {reason}".rstrip())
        self.on_disconnect.fire(self._background, station, code, reason)

    def refused(self, info: RefusedInfo) -> None:
        """A connection was refused: the trace and the hooks hear of it; the log has."""
        if self._traces:
            note = f"HTTP {info.status}: {info.reason}" if info.status else info.reason
            self._trace(
                TraceRecord(time.time(), info.identity, "refused", Role.CSMS.value, address=info.address, note=note)
            )
        self.on_refused.fire(self._background, info)

    def add_trace(self, hook: TraceHook) -> None:
        """Let ``hook`` see every frame and connection event of the stations that connect from now on."""
        self._traces.append(hook)

    def _trace(self, record: TraceRecord) -> None:
        for hook in self._traces:
            try:
                hook(record)
            except Exception:
                log.exception("the trace hook failed")

    async def _before_stop(self, listener: Listener) -> None:
        stations = [station for station in self if station.listener is listener]
        await asyncio.gather(*(station.close(1001, "going away", grace=self.grace) for station in stations))
        if not self._stations:
            await self._background.stop(self.clock, self.grace)

    async def close(self) -> None:
        """Stop in order: nobody is let in, what is pending is answered or fails within ``grace`` seconds, connections
        are closed with 1001, ports are free, hooks have ended. Leaving ``async with csms.listen(...)`` does the same
        for one listener."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            await listener.stop()
        await asyncio.gather(*(station.close(1001, "going away", grace=self.grace) for station in self))
        await self._background.stop(self.clock, self.grace)


def _store(passwords: Mapping[str, str] | PasswordStore | None) -> PasswordStore | None:
    if passwords is None or not isinstance(passwords, Mapping):
        return passwords
    hashed = {identity for identity, password in passwords.items() if password.startswith("$scrypt$")}
    if not hashed:
        return PlainPasswords(passwords)
    if len(hashed) < len(passwords):
        plain = sorted(set(passwords) - hashed)
        raise ConfigurationError(f"some passwords are hashes and some are not ({', '.join(plain[:3])}); use one kind")
    return HashedPasswords(passwords)
