"""CSMS: the management system's role, without behaviour of its own: what has no handler is refused (NotSupported)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from ocppflow.csms.contested import RETRY_AFTER, is_contested, replaced
from ocppflow.csms.known_stations import KnownStation, KnownStations, StationMemory
from ocppflow.csms.listeners import Listener
from ocppflow.csms.station import Station
from ocppflow.endpoint import (
    EXACT,
    Accept,
    Acceptor,
    CallAnswered,
    Clock,
    Deadline,
    Handshake,
    HashedPasswords,
    Hooks,
    LateAnswer,
    Leniency,
    Limits,
    Link,
    PasswordStore,
    PlainPasswords,
    Refuse,
    RefusedInfo,
    RoleBase,
    Route,
    SecurityPolicy,
    ServerLimits,
    ServerTLS,
    hiding_identities,
)
from ocppflow.errors import ConfigurationError, NotConnected
from ocppflow.log_budget import budgeted
from ocppflow.messages import Request, Response, Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.trace import TraceHook

log = budgeted("ocppflow")

_R = TypeVar("_R", bound=Response)

_KNOWN_KEPT = 200_000
_STRANGERS_KEPT = 50_000
"""Stations remembered, connected or not: a few KiB each. Fewer where nobody has to show a password, because an
anonymous peer may invent identities; 50,000 of them are about 100 MiB."""

_AT_A_TIME = 100
"""Connections that begin to close in one turn of the event loop: a few milliseconds of work."""


class CSMS(RoleBase[Station]):
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
    ``hide_identities`` answers whoever is not let in with one and the same 401, so that nobody can find out which
    stations there are; it holds for listeners made afterwards.
    ``versions`` are those spoken. ``policy`` says what to do with messages that break the schema, ``limits`` bounds
    calls, ``leniency`` says what an opening handshake may lack, ``grace`` is how long (s) closing takes at most, see
    :meth:`close`. ``memory``, such as ``StationFile(path)``, lets what stations say they are outlive a restart, so that
    rules for a vendor keep holding.

    Handlers: ``on(Request)``, ``on_any``, ``include(block)``, ``middleware``; see Router. Hooks, as decorators or
    calls, plain or async: ``on_connect(station)``, whose async callbacks end before the station's first message is
    handled, ``on_disconnect(station, code, reason)``, ``on_refused(RefusedInfo)``. ``trace`` sees every frame and
    connection event as a TraceRecord, with passwords blotted out; more can be added with ``add_trace``.
    """

    role = Role.CSMS

    __slots__ = (
        "_acceptor",
        "_known",
        "_listeners",
        "_stations",
        "_waiting",
        "hide_identities",
        "leniency",
        "on_refused",
        "passwords",
    )

    def __init__(
        self,
        *,
        passwords: Mapping[str, str] | PasswordStore | None = None,
        acceptor: Acceptor | None = None,
        hide_identities: bool = False,
        versions: Iterable[Version | str] = tuple(Version),
        limits: Limits | None = None,
        policy: Policy = STRICT,
        leniency: Leniency = EXACT,
        trace: TraceHook | None = None,
        clock: Clock | None = None,
        grace: float | None = 5.0,
        memory: StationMemory | None = None,
    ) -> None:
        super().__init__(versions=versions, limits=limits, policy=policy, trace=trace, clock=clock, grace=grace)
        self.passwords = _store(passwords)
        self.hide_identities = hide_identities
        leniency.check(self.versions)
        self.leniency = leniency
        self.on_refused = Hooks("on_refused")
        self._acceptor = acceptor
        self._stations: dict[str, Station] = {}
        self._known = KnownStations(memory)
        self._waiting: dict[str, list[asyncio.Future[Station]]] = {}
        self._listeners: list[Listener] = []

    def remember_in(self, memory: StationMemory) -> None:
        """Let what stations say they are outlive a restart, as the argument ``memory`` does. Call it before the first
        station connects."""
        self._known = KnownStations(memory)

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

    def known(self, identity: str) -> KnownStation | None:
        """What is known of a station, connected or not; None if it never connected (and no ``memory`` has it)."""
        return self._known.get(identity)

    async def call(
        self, identity: str, request: Request[_R], *, timeout: float | None = None, wait: float | None = 0.0
    ) -> _R:
        """Call a station by identity, see ``Station.call``. If it is not connected, wait for its next connection: up to
        ``wait`` seconds, None for as long as it takes. Raises NotConnected if it does not come."""
        return await (await self._reachable(identity, wait)).call(request, timeout=timeout)

    async def call_raw(
        self,
        identity: str,
        action: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        timeout: float | None = None,
        wait: float | None = 0.0,
    ) -> CallAnswered:
        """As ``call``, for an action by name and a payload in wire names; see ``Station.call_raw``."""
        return await (await self._reachable(identity, wait)).call_raw(action, data, timeout=timeout)

    async def _reachable(self, identity: str, wait: float | None) -> Station:
        if wait == 0:
            return self[identity]
        try:
            return await self.wait_for(identity, wait)
        except TimeoutError as exc:
            raise NotConnected(str(exc)) from None

    async def wait_for(self, identity: str, timeout: float | None = None) -> Station:
        """The station, as soon as it is connected. Raises TimeoutError after ``timeout`` seconds."""
        station = self._stations.get(identity)
        if station is not None:
            return station
        future: asyncio.Future[Station] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(identity, [])
        waiting.append(future)
        try:
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise TimeoutError(f"station {identity!r} did not connect within {timeout:g} s") from None
        finally:
            waiting.remove(future)
            if not waiting and self._waiting.get(identity) is waiting:
                del self._waiting[identity]

    # --- listening -----------------------------------------------------------------------------------------------

    def listen(self, url: str, *, tls: ServerTLS | None = None, limits: ServerLimits | None = None) -> Listener:
        """A Listener for ``async with``, or to be started with ``await listener.start()``.

        ``url`` is what stations append their identity to, such as ``ws://127.0.0.1:9000/ocpp``; port 0 takes a free
        one. ``wss://`` needs ``tls``. CSMS objects of one event loop may share a port at different paths.
        Raises ConfigurationError for a URL that makes no sense.
        """
        usual = self._acceptor or self._usual_acceptor(tls)

        async def uncontested(handshake: Handshake) -> Accept | Refuse:
            verdict = await usual(handshake)
            return self._contest(handshake, verdict) if isinstance(verdict, Accept) else verdict

        decide = hiding_identities(uncontested) if self.hide_identities else uncontested

        async def acceptor(handshake: Handshake) -> Accept | Refuse:
            if listener.is_stopping:
                return Refuse(503, "this CSMS is shutting down", {"Retry-After": "10"})
            return await decide(handshake)

        def on_link(link: Link) -> None:
            self.accept(link).listener = listener

        route = Route(acceptor, on_link, self.versions, leniency=self.leniency)
        listener = Listener(
            url,
            route,
            self.refused,
            tls=tls,
            limits=limits,
            clock=self.clock,
            deadline=self._deadline,
            before_stop=self._before_stop,
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
        return SecurityPolicy(profiles, self.passwords, hide_identities=self.hide_identities)

    @property
    def decides_itself(self) -> bool:
        """Whether an ``acceptor`` of its own says who is let in, so that ``passwords`` have no say."""
        return self._acceptor is not None

    def accept(self, link: Link) -> Station:
        """Take an open Link into service. The newest connection of an identity wins at once."""
        identity = link.peer.identity
        known = self._known.seen(identity, _KNOWN_KEPT if self._knows_its_stations else _STRANGERS_KEPT)
        old = self._stations.pop(identity, None)
        if old is not None:
            self._replace(old, known, link)
        station = self._take(Station, link, known, None)
        self._stations[identity] = station
        log.info("%s: connected from %s, OCPP %s", identity, link.peer.address, link.peer.version.value)
        self._connected(station, station)
        for future in self._waiting.pop(identity, ()):
            if not future.done():
                future.set_result(station)
        return station

    @property
    def _knows_its_stations(self) -> bool:
        """Whether an identity is that of a station, and not whatever an anonymous peer has thought of."""
        return self.passwords is not None or self.decides_itself

    def _replace(self, old: Station, known: KnownStation, link: Link) -> None:
        log.info("%s: connected again, the older connection is closed", old.identity)
        if old.is_open and replaced(known, self.clock.now(), old.idle_for):
            log.warning(
                "%s: two peers use this identity, from %s and %s, and replace each other; give one of them its own. "
                "Until then a newcomer is asked to wait %d s",
                old.identity,
                old.peer.address,
                link.peer.address,
                RETRY_AFTER,
            )
        old.retire(1000, "replaced by a newer connection of this station")

    def _contest(self, handshake: Handshake, verdict: Accept) -> Accept | Refuse:
        known, present = self._known.get(handshake.identity), self._stations.get(handshake.identity)
        if known is None or present is None or not present.is_open:
            return verdict
        if not is_contested(known, self.clock.now(), present.idle_for):
            return verdict
        reason = f"{handshake.identity} is connected; two peers use this identity"
        wait, private = {"Retry-After": str(RETRY_AFTER)}, f"the other one comes from {present.peer.address}"
        shown = handshake.password is not None or handshake.certificate is not None
        proved = shown and verdict.security_profile != 0
        # Where identities are hidden, only who has shown that it is his is told that another one uses it.
        return Refuse(503, reason, wait, private=private, impartial=proved)

    def connection_closed(self, station: Station, code: int, reason: str) -> None:
        self.background.hold(station.handlers_at_work)
        if self._stations.get(station.identity) is station:
            del self._stations[station.identity]
            self._known.left(station.known, keep=self._knows_its_stations)
        log.info("%s: disconnected (%s)", station.identity, f"{code} {reason}".rstrip())
        self.on_disconnect.fire(self.background, station, code, reason)

    def answered_late(self, station: Station, answer: LateAnswer) -> None:
        present = self._stations.get(station.identity)
        if present is not None:
            present.pass_on(answer)

    def refused(self, info: RefusedInfo) -> None:
        """A connection was refused: the trace and the hooks hear of it; the log has."""
        note = f"HTTP {info.status}: {info.reason}" if info.status else info.reason
        if info.more:
            note += f"; and {info.more:,} more like this"
        self._trace_event(info.identity, "refused", note, info.address)
        self.on_refused.fire(self.background, info)

    # --- running and the end -------------------------------------------------------------------------------------

    async def serve_forever(
        self, url: str, *, tls: ServerTLS | None = None, limits: ServerLimits | None = None
    ) -> None:
        """Listen at ``url`` (see ``listen``) until SIGINT, SIGTERM or cancellation, and close in order; a second signal
        closes at once."""
        await self._serve_until_told(url, tls=tls, limits=limits)

    def run(self, url: str, *, tls: ServerTLS | None = None, limits: ServerLimits | None = None) -> None:
        """``serve_forever`` for a program that does nothing else, on the fastest event loop there is."""
        self._run_until_told(url, tls=tls, limits=limits)

    async def _begin_serving(self, url: str, **how: Any) -> None:
        await self.listen(url, **how).start()

    async def _before_stop(self, listener: Listener, deadline: Deadline, code: int, reason: str) -> None:
        stations = [station for station in self if station.listener is listener]
        await self._close_stations(stations, deadline, code, reason)
        if not self._stations:
            await self.background.stop(deadline)

    async def close(self) -> None:
        """Stop in order, within ``grace`` seconds: nobody is let in, what is pending is answered or fails, connections
        are closed with 1001 and those whose peer does not answer that are dropped, ports are free, hooks have ended.
        Leaving ``async with csms.listen(...)`` does the same for one listener. With a ``grace`` of None nothing pending
        is waited for, and each peer has the ``close_timeout`` of the limits for its part of the goodbye."""
        deadline = self._deadline()
        await deadline.hold(self._close_by(deadline))

    async def _close_by(self, deadline: Deadline) -> None:
        listeners, self._listeners = self._listeners, []
        await asyncio.gather(*(listener.stop_by(deadline) for listener in listeners))
        await self._close_stations(list(self), deadline, 1001, "going away")
        await self.background.stop(deadline)

    @staticmethod
    async def _close_stations(stations: list[Station], deadline: Deadline, code: int, reason: str) -> None:
        """Side by side, and some at a time, so that the loop does other work, and looks at the time, in between."""
        closing = []
        for number, station in enumerate(stations, 1):
            closing.append(asyncio.ensure_future(station.close_by(deadline, code, reason)))
            if not number % _AT_A_TIME:
                await asyncio.sleep(0)
        for error in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(error, Exception):
                log.error("a connection could not be closed in order", exc_info=error)

    def __repr__(self) -> str:
        where = ", ".join(listener.url for listener in self._listeners if listener.is_active)
        return (
            f"<CSMS {'at ' + where if where else 'not listening'}, {len(self)} station{'' if len(self) == 1 else 's'}>"
        )


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
